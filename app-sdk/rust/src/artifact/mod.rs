//! Content-addressed documents that operators, indexer and users exchange through the artifact store.
//!
//! Each is JSON. A document that several parties must write alike, such as a settlement's report, has integers only and
//! is canonical ([`crate::canonical`]). A document that one party writes and others read, such as a job's config or a
//! training manifest, may have any form. The name of either is the SHA-256 of its bytes.
//!
//! Hashes are lower-case hex, wallets are Base58, and amounts are decimal strings of base units.

mod audit;
mod config_check;
mod job_config;
mod method;
mod settlement_report;
mod training_manifest;
mod window;

pub use audit::{Audit, AuditedAnswer};
pub use config_check::{ConfigError, MOST_CONFIG_BYTES};
pub use job_config::{
    AuditSettings, DataSettings, IndexSettings, JobConfig, LoraSettings, MOST_RUNS, PaySettings, TrainSettings,
    run_seed,
};
pub use method::Method;
pub use settlement_report::{
    CountedAnswer, CountedFunding, Divided, DocumentEarned, Earned, ModelReport, NoAnswer, Observed, PoolName,
    PoolReport, RepeatKind, RepeatedDocument, SettlementReport,
};
pub use training_manifest::{Health, InheritedExample, LogEntry, ManifestError, Metrics, Repetition, TrainingManifest};
pub use window::{Learned, Outlook, learned, most_later_question_tokens, most_question_tokens};
