//! Proof that the index is right: finality of what was only confirmed, holes in event numbers, and a comparison with the
//! chain's accounts.

mod accounts;
mod compare;
mod finality;
mod gaps;

pub use compare::{Difference, compare, lasting};
pub use finality::finalise;
pub use gaps::{Gap, close_gaps, gaps};
