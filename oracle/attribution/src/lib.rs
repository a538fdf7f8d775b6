//! Data attribution: which training examples shaped an answer, and what share of its fee each one earns.
//!
//! [`Attributor`] is what every method implements. [`logra`] is the first: projected influence from a memory-mapped
//! index of training gradients (Choe et al. 2024, "What is Your Data Worth to GPT?", arXiv:2405.13954). [`verify`]
//! recomputes parts of such an index, so that operators need not trust the one who built it. [`magic`] is exact: it goes
//! back through the logged training itself. [`spans`] finds what an answer repeats verbatim. [`pay`] turns scores into
//! integer shares, and [`gaming`] measures what attacks on them gain; [`recall`] measures how well a method finds a known
//! source. [`baselines`] are the methods that ours are compared with, by the measures of [`evaluate`].

pub mod attributor;
pub mod baselines;
mod eigen;
pub mod ensemble;
pub mod error;
pub mod evaluate;
pub mod gaming;
pub mod gradient;
pub mod index;
pub mod logra;
pub mod magic;
pub mod pay;
pub mod pca;
pub mod precondition;
pub mod projection;
pub mod recall;
pub mod spans;
pub mod states;
mod vector;
pub mod verify;

#[cfg(test)]
mod testing;

pub use attributor::{Attributor, ExampleId, Method, Query, QueryItem, Ranked, Scores};
pub use ensemble::{EnsembleSettings, LograEnsemble};
pub use error::{AttributionError, Result};
pub use index::{
    reader::IndexReader,
    sketch::{Sketch, SketchSettings},
    writer::build_index,
};
pub use logra::{Logra, LograSettings};
pub use magic::{GradientCache, Magic, MagicSettings};
pub use pca::PcaBasis;
pub use precondition::Preconditioner;
pub use projection::{ProjectionKind, ProjectionSettings};
