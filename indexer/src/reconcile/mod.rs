//! Checks that the index is right. It settles the finality of confirmed transactions, finds gaps in event numbers, and
//! compares the index with the chain's accounts.

mod accounts;
mod compare;
mod finality;
mod gaps;

pub use compare::{Difference, compare, lasting};
pub use finality::finalise;
pub use gaps::{Gap, close_gaps, gaps};
