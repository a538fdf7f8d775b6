//! Content-addressed documents that operators, indexer and users exchange through the artifact store.
//!
//! Each is canonical JSON (keys sorted, no white space): the same content gives the same bytes, the same SHA-256 and so
//! the same name, whoever writes it. Hashes are lower-case hex, wallets base58, amounts decimal strings of base units.

mod canonical;
mod job_config;
mod settlement_report;
mod training_manifest;

pub use canonical::{canonical_json, hash_of};
pub use job_config::{DataSettings, IndexSettings, JobConfig, LoraSettings, TrainSettings};
pub use settlement_report::{CountedAnswer, DocumentScore, PoolReport, RevealedScores, SettlementReport};
pub use training_manifest::{LogEntry, Metrics, TrainingManifest};
