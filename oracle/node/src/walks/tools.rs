//! What walking uses, and checking the walks of others.

use crate::{operator::LazyEngine, plans::KeptGradients};
use openledger_sdk::Store;

/// The parts of the node that every step of a walk uses. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    /// Stores the states of walks, and has those of other members.
    pub store: Store,
    /// Computes.
    pub engine: LazyEngine,
    /// The training's gradients, if they were kept. With them a walk costs a third less.
    pub gradients: KeptGradients,
}
