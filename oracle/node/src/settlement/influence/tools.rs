//! What walking, and checking the walks of others, takes.

use crate::{
    operator::{Board, Chain, LazyEngine},
    plans::KeptGradients,
};
use openledger_sdk::Store;

/// Handed to every step of a walk. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    /// Says who this member is and who the others are.
    pub chain: Chain,
    /// Takes the states of walks, and has those of others.
    pub store: Store,
    /// Computes.
    pub engine: LazyEngine,
    /// The training's gradients, where they were kept: with them a walk costs a third less.
    pub gradients: KeptGradients,
    /// Shows how far a walk is.
    pub status: Board,
}
