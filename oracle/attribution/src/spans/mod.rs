//! Finds the passages of an answer that stand verbatim in the training documents, and their places. The result is as in
//! OLMoTrace (Liu et al. 2025, arXiv:2504.07160). It comes from a suffix array over the tokens (infini-gram, Liu et al.
//! 2024, arXiv:2401.17377).
//!
//! [`SpanIndexBuilder`] writes the index of a Datanet's documents. [`SpanIndex`] maps it into memory.
//! [`SpanIndex::trace`] gives an answer's spans. An index follows from its documents alone. Anyone who has them can
//! build it again and compare [`SpanIndex::identity`].
//!
//! ```text
//! header | text | suffixes | starts | leaves
//! ```
//! - The text has the tokens of every document, each plus one, and a zero after each document.
//! - The suffixes are the positions of all tokens in the text, in the lexical order of the text from there on.
//! - The starts are the positions in the text at which the documents begin.
//! - The leaves are the documents' 32-byte ids.
//!
//! Text, suffixes and starts are packed. Each integer has just as many bits as the largest value needs. With a
//! vocabulary below 2^17 and 2^33 tokens these are 17 and 34 bits, or 6.4 bytes a token.
//!
//! ```
//! use openledger_attribution::spans::{SpanIndexBuilder, SpanSettings};
//!
//! let folder = tempfile::tempdir()?;
//! let mut builder = SpanIndexBuilder::new(&folder.path().join("datanet.spans"), 256)?;
//! builder.add([1; 32], &[5, 6, 7, 8, 9])?;
//! builder.add([2; 32], &[9, 7, 8, 9])?;
//! let index = builder.finish()?;
//! let settings = SpanSettings { min_tokens: 3, ..Default::default() };
//! let spans = index.trace(&[0, 7, 8, 9, 5], &settings, |_| true)?;
//! assert_eq!((spans[0].start, spans[0].end, spans[0].count), (1, 4, 2));
//! assert_eq!((spans[0].documents[1].leaf, spans[0].documents[1].start), ([2; 32], 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod corpus;
mod header;
mod index;
mod packed;
mod passages;
mod settings;
mod suffixes;
mod trace;

pub use builder::SpanIndexBuilder;
pub use corpus::CorpusHasher;
pub use header::{FORMAT_VERSION, MAX_VOCAB, SpanHeader};
pub use index::SpanIndex;
pub use passages::{Passage, merge_overlapping};
pub use settings::SpanSettings;
pub use trace::{Source, Span};

/// The method's name.
pub const METHOD: &str = "spans";
/// Version of the method. It is raised whenever the same settings would give other spans than before.
pub const VERSION: u32 = 1;
