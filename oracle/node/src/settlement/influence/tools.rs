//! What walking uses, and checking the walks of others.

use crate::{
    operator::{Board, Chain, LazyEngine},
    plans::KeptGradients,
};
use openledger_sdk::Store;

/// The parts of the node that every step of a walk uses. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    /// Knows this member's wallet and reads who the others are.
    pub chain: Chain,
    /// Stores the states of walks, and has those of other members.
    pub store: Store,
    /// Computes.
    pub engine: LazyEngine,
    /// The training's gradients, if they were kept. With them a walk costs a third less.
    pub gradients: KeptGradients,
    /// Shows the progress of a walk.
    pub status: Board,
}
