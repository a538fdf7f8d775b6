//! The one error type of the crate. Every variant names what is wrong and what to do about it.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`AttributionError`].
pub type Result<T, E = AttributionError> = std::result::Result<T, E>;

/// What can go wrong in attribution: with indices, training logs, queries and scores.
#[derive(Debug, thiserror::Error)]
pub enum AttributionError {
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted, for example `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file does not begin as an influence index does.
    #[error("{path} is not an influence index (wrong file signature); give the path of an index file, or build one")]
    NotAnIndex {
        /// The file.
        path: PathBuf,
    },
    /// The file does not begin as a span index does.
    #[error("{path} is not a span index (wrong file signature); give the path of a span index, or build one")]
    NotASpanIndex {
        /// The file.
        path: PathBuf,
    },
    /// The file does not begin as a sketch of an influence index does.
    #[error("{path} is not a sketch of an influence index (wrong file signature); delete it, and it is made again")]
    NotASketch {
        /// The file.
        path: PathBuf,
    },
    /// The file is of a format version that this build does not read.
    #[error("{path} has index format version {found}, this build reads version {supported}; build the index again")]
    Version {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Version of this build.
        supported: u32,
    },
    /// The header cannot be understood.
    #[error("{path} has a damaged header ({reason}); fetch the index again or rebuild it")]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is shorter or longer than its header says.
    #[error("{path} has {found} bytes, its header asks for {expected}; fetch the index again or rebuild it")]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes that the header implies.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// The body's SHA-256 differs from the one in the header.
    #[error(
        "{path} is damaged: sha256 of its body is {found}, its header says {expected}; fetch the index again or rebuild it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Hash in the header, hex.
        expected: String,
        /// Hash of the body, hex.
        found: String,
    },
    /// The index, or an unfinished part of one, was made for something else.
    #[error("{path} was made for {what} {found}, not {expected}; use the matching file, or delete it and build again")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What differs, for example `adapter`.
        what: &'static str,
        /// What the caller has.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// The caller's progress callback asked to stop.
    #[error("stopped after {done} of {total} examples; build again with the same arguments to go on from there")]
    Interrupted {
        /// Rows that are stored.
        done: usize,
        /// Rows of the whole index.
        total: usize,
    },
    /// Another process is building the same index.
    #[error("{path} is being written by another process; wait until that one has ended")]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// A setting is out of range.
    #[error("setting `{field}`: {reason}")]
    Setting {
        /// The setting's path, for example `projection.k_in`.
        field: &'static str,
        /// Why the value is refused and which values are allowed.
        reason: String,
    },
    /// A projection basis cannot be used.
    #[error("projection basis: {0}; fetch it again, or fit it to the index's model and examples")]
    Basis(String),
    /// Something would exceed the memory that it may take.
    #[error(
        "{what} would take {bytes} bytes, the limit is {limit}; give fewer examples, a smaller adapter, or a higher limit"
    )]
    Memory {
        /// What would be held in memory.
        what: &'static str,
        /// Bytes it needs.
        bytes: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// A query cannot be attributed.
    #[error("query: {0}")]
    Query(String),
    /// An example's gradient is NaN or infinite.
    #[error("the gradient of example {id} is not finite in layer {layer}; the adapter or the base model is damaged")]
    NonFiniteGradient {
        /// The example, hex.
        id: String,
        /// The layer.
        layer: String,
    },
    /// The suffixes of a corpus could not be sorted.
    #[error("cannot sort the suffixes of {tokens} tokens: {source}; free memory, or index fewer documents at a time")]
    Suffixes {
        /// Tokens and separators of the corpus.
        tokens: usize,
        /// The library's reason.
        source: libsais::LibsaisError,
    },
    /// A list of examples or positions does not fit the index.
    #[error("{0}")]
    Examples(String),
    /// Scores are not usable.
    #[error("scores: {0}")]
    Scores(String),
    /// A layer's Fisher matrix could not be factorised.
    #[error("the Fisher matrix of layer {layer} is not positive definite at pivot {pivot}; raise `damping`")]
    NotPositiveDefinite {
        /// The layer.
        layer: String,
        /// Row of the first pivot that is not positive.
        pivot: usize,
    },
    /// A training log does not belong to the job that it is given with.
    #[error("training log: {0}")]
    Log(String),
    /// A logged training state is missing, or differs from what the log says.
    #[error("logged state {hash} of step {step}: {reason}; fetch it again from where the log was published")]
    LoggedState {
        /// The step.
        step: u64,
        /// Its hash in the log, hex.
        hash: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The replayed steps of a log end in another state than the log says.
    #[error(
        "training steps {from} to {to} end in state {found}, the log says {expected}; replay on the build and kind of \
         processor that trained, or have the log checked"
    )]
    DoesNotReplay {
        /// Step of the segment's first state.
        from: u64,
        /// Step of the segment's last state.
        to: u64,
        /// Hash in the log, hex.
        expected: String,
        /// Hash of the state reached, hex.
        found: String,
    },
    /// The state of an attribution cannot be read or belongs to something else.
    #[error("attribution state: {0}")]
    MagicState(String),
    /// The derivatives became too large, or are not numbers.
    #[error(
        "the adjoint {reason} before training step {step}: this run is too unstable for exact attribution; train with \
         a lower learning rate or a longer warm-up"
    )]
    Adjoint {
        /// The training step, from 0.
        step: u64,
        /// What is not finite.
        reason: String,
    },
    /// The caller's progress callback asked to stop.
    #[error("stopped after {done} of {total} {what}")]
    Stopped {
        /// Number of units that are done.
        done: u64,
        /// Number of units in all.
        total: u64,
        /// What is counted, and how to continue.
        what: &'static str,
    },
    /// The language model failed.
    #[error(transparent)]
    Lm(#[from] openledger_lm::LmError),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}

impl AttributionError {
    /// Turns an error of the operating system into [`AttributionError::Io`] about the file at `path`. `action` is what
    /// was attempted, for example `read`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AttributionError {
        let path = path.to_path_buf();
        move |source| AttributionError::Io { action, path, source }
    }
    /// [`AttributionError::Mismatch`] about the file at `path`.
    pub(crate) fn mismatch(
        path: &Path,
        what: &'static str,
        found: impl ToString,
        expected: impl ToString,
    ) -> AttributionError {
        let (expected, found) = (expected.to_string(), found.to_string());
        AttributionError::Mismatch { path: path.into(), what, expected, found }
    }
    /// [`AttributionError::Setting`] about the setting at the path `field`.
    pub fn setting(field: &'static str, reason: impl Into<String>) -> AttributionError {
        AttributionError::Setting { field, reason: reason.into() }
    }
}
