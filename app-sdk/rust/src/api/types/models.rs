//! Models, and the training jobs that make their adapters.

use super::super::schema::{Address, Hash, JobStatus, ModelStatus, Uint64};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A Datanet's state that a job reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The Datanet.
    #[schema(value_type = Address)]
    pub datanet: String,
    /// Its root when the job was requested.
    #[schema(value_type = Hash)]
    pub root: String,
    /// Number of its accepted batches when the job was requested.
    pub batches: u64,
}

/// `GET /v1/models`, `GET /v1/models/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// Wallet of its owner, who gets a part of its fees.
    #[schema(value_type = Address)]
    pub owner: String,
    /// The number that its creator gave it. It is a string because it uses all 64 bits.
    #[schema(value_type = Uint64)]
    pub id: Amount,
    /// Name.
    pub name: String,
    /// SHA-256 of the base model's file.
    #[schema(value_type = Hash)]
    pub base_hash: String,
    /// The model whose adapter it builds on.
    #[schema(value_type = Option<Address>)]
    pub parent: Option<String>,
    /// SHA-256 of the adapter's file, once trained.
    #[schema(value_type = Option<Hash>)]
    pub adapter_hash: Option<String>,
    /// SHA-256 of the training manifest, once trained.
    #[schema(value_type = Option<Hash>)]
    pub manifest_hash: Option<String>,
    /// The job that made the adapter.
    #[schema(value_type = Option<Address>)]
    pub job: Option<String>,
    /// Datanets that the adapter was trained on.
    pub snapshots: Vec<Snapshot>,
    /// Price of 1,000 prompt tokens.
    pub price_in: Amount,
    /// Price of 1,000 completion tokens.
    pub price_out: Amount,
    /// `draft`, `ready` or `retired`.
    #[schema(value_type = ModelStatus)]
    pub status: String,
    /// Number of answers that were paid for.
    pub answers: u64,
    /// Sum of all fees.
    pub fees: Amount,
    /// Slot of registration.
    pub created_slot: u64,
}

/// An operator's work on a job, and its pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComputeShare {
    /// The operator's wallet.
    #[schema(value_type = Address)]
    pub operator: String,
    /// Work units.
    #[schema(value_type = Uint64)]
    pub units: Amount,
    /// Pay in base units.
    pub amount: Amount,
}

/// `GET /v1/jobs`, `GET /v1/jobs/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The model it is for.
    #[schema(value_type = Address)]
    pub model: String,
    /// Its number for that model.
    pub number: u64,
    /// The wallet that pays.
    #[schema(value_type = Address)]
    pub requester: String,
    /// SHA-256 of the training config.
    #[schema(value_type = Hash)]
    pub config_hash: String,
    /// Seed of the job. It is a string because it uses all 64 bits.
    #[schema(value_type = Uint64)]
    pub seed: Amount,
    /// Datanets it reads.
    pub snapshots: Vec<Snapshot>,
    /// Budget put into escrow.
    pub budget: Amount,
    /// `requested`, `running`, `attested`, `cancelled` or `expired`.
    #[schema(value_type = JobStatus)]
    pub status: String,
    /// The operator that trains.
    #[schema(value_type = Option<Address>)]
    pub operator: Option<String>,
    /// Epoch of the committee that the job is pinned to, once an operator has it.
    pub committee_epoch: Option<u64>,
    /// Last slot for a result, once running.
    pub deadline_slot: Option<u64>,
    /// Merkle root of the training log, once posted.
    #[schema(value_type = Option<Hash>)]
    pub log_root: Option<String>,
    /// Number of segments of the training log, once posted.
    pub segments: Option<u16>,
    /// SHA-256 of the adapter's file, once attested.
    #[schema(value_type = Option<Hash>)]
    pub adapter_hash: Option<String>,
    /// SHA-256 of the training manifest, once attested.
    #[schema(value_type = Option<Hash>)]
    pub manifest_hash: Option<String>,
    /// The operators' work and pay.
    pub compute: Vec<ComputeShare>,
    /// Paid for compute.
    pub paid: Amount,
    /// Due to the contributors' pool.
    pub data_share: Amount,
    /// Paid into the contributors' pool.
    pub data_paid: Amount,
    /// Returned to the requester.
    pub refunded: Amount,
    /// Slot of the request.
    pub requested_slot: u64,
    /// Slot since which it waits for an operator, or waited last: that of the request, or of the last release.
    pub waiting_slot: u64,
    /// Last slot in which an operator may take it, unless a pause moves it.
    pub taking_slot: u64,
    /// The operator that it is kept for after a succession, because its log was posted.
    #[schema(value_type = Option<Address>)]
    pub former: Option<String>,
    /// Slot of the end.
    pub ended_slot: Option<u64>,
}
