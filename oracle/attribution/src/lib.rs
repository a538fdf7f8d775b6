//! Data attribution: which training examples shaped an answer.
//!
//! Every method implements [`Attributor`]. The first method is [`logra`]: projected influence from a memory-mapped
//! index of training gradients (Choe et al. 2024, "What is Your Data Worth to GPT?", arXiv:2405.13954). [`verify`]
//! recomputes parts of such an index, so that operators need not trust whoever built it. [`Estimator`] makes, opens and
//! checks the index of a job. The second method is [`magic`]. It is exact, and goes back through the logged training
//! itself. [`agreement()`] says how far the first agrees with the second. [`spans`] finds what an answer repeats
//! verbatim.
//!
//! `openledger_pay` turns scores into shares of a pool. `openledger_laboratory` measures how good the scores are.

pub mod agreement;
pub mod attributor;
pub mod correlation;
mod eigen;
pub mod error;
pub mod estimator;
mod files;
pub mod gradient;
pub mod index;
pub mod logra;
pub mod magic;
pub mod precondition;
pub mod projection;
pub mod spans;
pub mod states;
pub mod vector;
pub mod verify;

#[cfg(test)]
mod testing;

pub use agreement::{Agreement, agreement, agreement_of_answers};
pub use attributor::{Attributor, ExampleId, Method, Query, QueryItem, Ranked, Scores};
pub use error::{AttributionError, Result};
pub use estimator::Estimator;
pub use index::{
    reader::IndexReader,
    sketch::{Sketch, SketchSettings},
    writer::{build_index, build_layered},
};
pub use logra::{Logra, LograSettings};
pub use magic::{GradientCache, Magic, MagicSettings, Walks};
pub use precondition::Preconditioner;
pub use projection::{PcaBasis, ProjectionKind, ProjectionSettings, QueryStates};
