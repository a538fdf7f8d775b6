//! The one error type of the crate. Every variant names what is wrong and what to do about it.

use std::path::PathBuf;

/// `Result` with this crate's [`LmError`].
pub type Result<T, E = LmError> = std::result::Result<T, E>;

/// What can go wrong while loading, training, evaluating or sampling a model.
#[derive(Debug, thiserror::Error)]
pub enum LmError {
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
    /// A file's SHA-256 differs from the one that the caller expects.
    #[error(
        "{path} is not the expected file: sha256 expected {expected}, found {found}; \
         delete it and download it again, or correct the expected hash in the configuration"
    )]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// Hash in the configuration, hex.
        expected: String,
        /// Hash of the file, hex.
        found: String,
    },
    /// The GGUF file lacks something or is of another architecture.
    #[error("{path} is not a usable Llama GGUF file: {reason}")]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is missing or unsupported.
        reason: String,
    },
    /// A configuration value is out of range.
    #[error("configuration field `{field}`: {reason}")]
    Config {
        /// The field's path, for example `lora.rank`.
        field: &'static str,
        /// Why the value is refused and which values are allowed.
        reason: String,
    },
    /// A weight is absent or has the wrong shape.
    #[error("weight `{name}`: {reason}")]
    Weight {
        /// Tensor name as on the Hugging Face hub.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More tokens than the model's context or the job's limit.
    #[error("{what} has {length} tokens, the limit is {limit}; shorten it or raise the limit")]
    TooLong {
        /// What is too long, for example `the prompt`.
        what: String,
        /// Its length in tokens.
        length: usize,
        /// The limit in tokens.
        limit: usize,
    },
    /// A training example cannot be used.
    #[error("example {id}: {reason}")]
    Example {
        /// The example's id, hex.
        id: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// A token id outside the model's vocabulary.
    #[error("token {token} is outside the model's vocabulary of {vocab}; use the tokenizer that belongs to the model")]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Vocabulary size.
        vocab: usize,
    },
    /// An operation needs at least one item.
    #[error("{0} is empty; pass at least one")]
    Empty(&'static str),
    /// An adapter does not belong to this base model or layout.
    #[error("adapter does not fit: {0}")]
    Adapter(String),
    /// A training state does not belong to this job.
    #[error("training state does not fit: {0}")]
    State(String),
    /// A loss was NaN or infinite.
    #[error("loss of example {id} is {loss} at step {step}; lower the learning rate or lengthen the warm-up")]
    NonFiniteLoss {
        /// Training step, from 0.
        step: u64,
        /// The example's id, hex.
        id: String,
        /// NaN or an infinity.
        loss: f32,
    },
    /// The gradient was NaN or infinite although every loss was finite.
    #[error("gradient norm is {norm} at step {step}; lower the learning rate or lengthen the warm-up")]
    NonFiniteGradient {
        /// Training step, from 0.
        step: u64,
        /// NaN or an infinity.
        norm: f64,
    },
    /// The model produced NaN for the next token.
    #[error("the model's logits are not finite at position {position}; the adapter or the base weights are damaged")]
    NonFiniteLogits {
        /// Position of the token to be sampled.
        position: usize,
    },
    /// Text could not be tokenized.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A safetensors container could not be read or written.
    #[error("safetensors: {0}")]
    SafeTensors(#[from] safetensors::SafeTensorError),
    /// JSON could not be read or written.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
    /// A caller's callback failed (storing a checkpoint, for example).
    #[error("{action}: {source}")]
    Callback {
        /// What the callback was called for.
        action: &'static str,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl LmError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> LmError {
        let path = path.to_path_buf();
        move |source| LmError::Io { action, path, source }
    }
    pub(crate) fn config(field: &'static str, reason: impl Into<String>) -> LmError {
        LmError::Config { field, reason: reason.into() }
    }
}
