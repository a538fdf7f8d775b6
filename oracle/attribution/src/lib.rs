//! Data attribution: which training examples shaped an answer, and what share of its fee each one earns.
//!
//! [`Attributor`] is what every method implements. [`logra`] is the first: projected influence from a memory-mapped
//! index of training gradients (Choe et al. 2024, "What is Your Data Worth to GPT?", arXiv:2405.13954). [`verify`]
//! recomputes parts of such an index, so that operators need not trust the one who built it. [`pay`] turns scores
//! into integer shares that gaming does not raise, as [`gaming`] measures; [`recall`] measures how well a method finds a
//! known source.

pub mod attributor;
pub mod error;
pub mod gaming;
pub mod gradient;
pub mod index;
pub mod logra;
pub mod pay;
pub mod precondition;
pub mod projection;
pub mod recall;
pub mod verify;

#[cfg(test)]
mod testing;

pub use attributor::{Attributor, ExampleId, Query, QueryItem, Ranked, Scores};
pub use error::{AttributionError, Result};
pub use index::{reader::IndexReader, writer::build_index};
pub use logra::{Logra, LograSettings};
pub use precondition::Preconditioner;
pub use projection::ProjectionSettings;
