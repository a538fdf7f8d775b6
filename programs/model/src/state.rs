//! Accounts of the model program.

use anchor_lang::prelude::*;
pub use openledger_shared::version::Version;

/// Longest name in bytes.
pub const MAX_NAME: usize = 64;
/// Most Datanets that one job reads.
pub const MAX_SNAPSHOTS: usize = 8;
/// Longest window in slots (about 460 days).
pub const MAX_WINDOW: u64 = 100_000_000;
/// Largest depth of a model. It bounds the chain of parents, and so the cost of following it.
pub const MAX_DEPTH: u8 = 8;
/// Most operators that one result pays.
pub const MAX_COMPUTE: usize = 8;
/// How many times `job_slots` a job may be taken after `assign_slots` from its request. So there is time for others after
/// an operator that lost it. It has an end because each taking sets a new deadline: whoever took a job again and again
/// would hold its budget for ever.
pub const TAKING_TERMS: u64 = 2;
/// Most segments of a training log. Each ends in a state that somebody must store and fetch. Their number decides how
/// much each verifier re-executes.
pub const MAX_SEGMENTS: u16 = 64;

/// The program's one config.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The authority, which is governance after the hand-over. It may change the windows and the data share, and pause
    /// the program.
    pub authority: Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Slots that a job may take from assignment to result.
    pub job_slots: u64,
    /// Slots that a requested job waits for an operator before it may be cancelled by anyone.
    pub assign_slots: u64,
    /// Slots of silence after which a training operator may lose its job. It holds for jobs assigned from now on.
    pub heartbeat_slots: u64,
    /// Part of a training fee that goes to the contributors' pool of the payout program, in basis points; at most
    /// 5,000. It holds for jobs requested from now on.
    pub data_share_bps: u16,
    /// First slot in which the program runs again. Until then it refuses every change of state except those of the
    /// config.
    pub paused_until: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Config {
    /// Slots after its request in which a job may be taken.
    pub fn taking_slots(&self) -> u64 {
        self.assign_slots.saturating_add(self.job_slots.saturating_mul(TAKING_TERMS))
    }
}

/// The status of a model.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    /// Registered, no trained adapter yet.
    Draft,
    /// Has an attested adapter.
    Ready,
    /// No longer served.
    Retired,
}

/// A snapshot of a Datanet, as a job reads it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Root of its range at the time of request.
    pub root: [u8; 32],
    /// Number of accepted batches at the time of request.
    pub batches: u64,
}

/// A model: an adapter over a base model.
#[account]
#[derive(InitSpace)]
pub struct Model {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Wallet that made it: part of its address.
    pub creator: Pubkey,
    /// The creator's number for it: part of its address.
    pub id: u64,
    /// Wallet that is paid for it.
    pub owner: Pubkey,
    /// Human-readable name.
    #[max_len(MAX_NAME)]
    pub name: String,
    /// SHA-256 of the base model's file.
    pub base_hash: [u8; 32],
    /// The model whose adapter this one was trained on.
    pub parent: Option<Pubkey>,
    /// Owner of the parent at registration: receives the upstream share.
    pub parent_owner: Option<Pubkey>,
    /// Number of models in its chain of parents: the parent's depth plus one, or 0 without a parent. A parent must be
    /// ready before its child is registered, and never changes, so that a chain of parents has no circle.
    pub depth: u8,
    /// Number of attested adapters so far. The last one is served. The events `ResultAttested` list them all.
    pub versions: u64,
    /// SHA-256 of the adapter's file; zero while a draft.
    pub adapter_hash: [u8; 32],
    /// SHA-256 of the training manifest; zero while a draft.
    pub manifest_hash: [u8; 32],
    /// The job that made the adapter.
    pub job: Option<Pubkey>,
    /// The Datanets that it was trained on.
    #[max_len(MAX_SNAPSHOTS)]
    pub snapshots: Vec<Snapshot>,
    /// Price of 1,000 prompt tokens in base units.
    pub price_in: u64,
    /// Price of 1,000 completion tokens in base units.
    pub price_out: u64,
    /// Its status.
    pub status: ModelStatus,
    /// Number of jobs ever requested for it. It is the next job's number.
    pub jobs: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// The status of a job.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// The budget is in escrow, and the job waits for an operator.
    Requested,
    /// An operator has taken the job and trains.
    Running,
    /// The result is accepted, compute is paid and the rest is refunded. A data share stays in escrow until
    /// `pay_data_share`.
    Attested,
    /// Cancelled while no operator had the job. The whole budget is refunded.
    Cancelled,
    /// Ran out of time. The whole budget is refunded.
    Expired,
}

/// A fine-tuning job. Base hash, snapshots, config and seed determine its result.
#[account]
#[derive(InitSpace)]
pub struct Job {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the escrow.
    pub escrow_bump: u8,
    /// The model it is for.
    pub model: Pubkey,
    /// Its number for that model.
    pub number: u64,
    /// Who pays.
    pub requester: Pubkey,
    /// SHA-256 of the base model's file.
    pub base_hash: [u8; 32],
    /// SHA-256 of the training config (in the artifact store under that name).
    pub config_hash: [u8; 32],
    /// Seed of initialisation, order and sampling.
    pub seed: u64,
    /// Datanets it reads.
    #[max_len(MAX_SNAPSHOTS)]
    pub snapshots: Vec<Snapshot>,
    /// Base units put into escrow.
    pub budget: u64,
    /// Data share: the part of the fee that goes to the contributors' pool, in basis points, as the config said at the
    /// request.
    pub data_share_bps: u16,
    /// Its status.
    pub status: JobStatus,
    /// Slot of the request. It never changes: it decides which result of the model's parent the job builds on.
    pub requested_slot: u64,
    /// Slot since which the job waits for an operator: that of the request, or of the last release.
    pub waiting_slot: u64,
    /// Last slot in which an operator may take the job. It is set at the request, and no release moves it. A pause does
    /// ([`Job::last_taking`]).
    pub taking_slot: u64,
    /// The operator whose log was posted when the job's committee was succeeded. For a time only this one may take the
    /// job ([`Job::kept_until`]), because anybody could post the same log.
    pub former: Option<Pubkey>,
    /// Wallet of the operator that trains.
    pub operator: Option<Pubkey>,
    /// Epoch of the committee that was active when the operator took the job; 0 while no operator has it. Only this
    /// committee verifies and attests the result. A later one can have the job released.
    pub committee_epoch: u64,
    /// Last slot for a result, once running. A pause moves it ([`Job::last_slot`]).
    pub deadline_slot: u64,
    /// Slots that the operator may be silent, once running. It has as many to take the job again after a succession.
    pub heartbeat_slots: u64,
    /// Slot of the operator's last sign of life, once running.
    pub heartbeat_slot: u64,
    /// Merkle root of the training log, once posted; zero before.
    pub log_root: [u8; 32],
    /// Slot in which the log was posted: hashes of later slots draw the segments to verify.
    pub log_slot: u64,
    /// Number of segments of the training log, once posted; 0 before. The log has one state more.
    pub segments: u16,
    /// Base units paid for compute.
    pub paid: u64,
    /// Base units that the attested result owes to the contributors' pool.
    pub data_share: u64,
    /// Base units paid into the contributors' pool: `data_share`, and whatever strangers sent to the escrow after the
    /// result was accepted.
    pub data_paid: u64,
    /// Base units returned to the requester.
    pub refunded: u64,
    /// Number of the next event of this account, and of its next attestation.
    pub sequence: u64,
}

impl Job {
    /// Last slot for a result. After a pause, every running job has at least the time of a whole job.
    pub fn last_slot(&self, config: &Config) -> u64 {
        after_pause(self.deadline_slot, config)
    }

    /// Last slot in which an operator may take the job. After a pause there is at least the time of a whole job.
    pub fn last_taking(&self, config: &Config) -> u64 {
        after_pause(self.taking_slot, config)
    }

    /// Last slot in which the waiting job is kept for `former`; `None` if it is kept for nobody. The time starts no
    /// earlier than the end of the last pause. It ends when nobody may take the job any more.
    pub fn kept_until(&self, config: &Config) -> Option<u64> {
        let from = self.waiting_slot.max(config.paused_until);
        self.former.map(|_| from.saturating_add(self.heartbeat_slots).min(self.last_taking(config)))
    }

    /// The operator that the waiting job is kept for in `slot`.
    pub fn kept_for(&self, config: &Config, slot: u64) -> Option<Pubkey> {
        self.former.filter(|_| self.kept_until(config).is_some_and(|last| slot <= last))
    }

    /// Slot after which the operator counts as silent. The time of silence starts no earlier than the end of the last
    /// pause, because no heartbeat is accepted during a pause.
    pub fn silent_after(&self, config: &Config) -> u64 {
        self.heartbeat_slot.max(config.paused_until).saturating_add(self.heartbeat_slots)
    }
}

/// The last slot `last`, or the end of a whole job after the last pause if that is later.
fn after_pause(last: u64, config: &Config) -> u64 {
    match config.paused_until {
        0 => last,
        resumed => last.max(resumed.saturating_add(config.job_slots)),
    }
}
