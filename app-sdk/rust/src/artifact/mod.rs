//! Content-addressed documents that operators, indexer and users exchange through the artifact store.
//!
//! Each is JSON whose SHA-256 is its name. What several parties must write alike (a settlement's report) has integers
//! only and is canonical ([`crate::canonical`]); what one party writes and others read (a job's config, a training
//! manifest) is named by the bytes that it wrote. Hashes are lower-case hex, wallets base58, amounts decimal strings of
//! base units.

mod influence_log;
mod job_config;
mod method;
mod settlement_report;
mod training_manifest;

pub use influence_log::InfluenceLog;
pub use job_config::{
    DataSettings, IndexSettings, JobConfig, LoraSettings, PaySettings, SettlementSettings, TrainSettings,
};
pub use method::Method;
pub use settlement_report::{
    CountedAnswer, CountedFunding, DocumentScore, Earned, ModelReport, PoolName, PoolReport, RepeatKind,
    RepeatedDocument, RevealedScores, SettlementReport,
};
pub use training_manifest::{LogEntry, Metrics, TrainingManifest};
