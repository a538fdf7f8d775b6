//! Accounts of the model program.

use anchor_lang::prelude::*;
pub use openledger_shared::version::Version;

/// Longest name in bytes.
pub const MAX_NAME: usize = 64;
/// Most Datanets that one job reads.
pub const MAX_SNAPSHOTS: usize = 8;
/// Longest window in slots (about 460 days).
pub const MAX_WINDOW: u64 = 100_000_000;
/// Most models below one another: a chain of parents ends, and so does every walk along it.
pub const MAX_DEPTH: u8 = 8;
/// Most operators that one result pays.
pub const MAX_COMPUTE: usize = 8;

/// The program's one config.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// May change parameters; governance in the end.
    pub authority: Pubkey,
    /// Named to take over; must accept.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Slots that a job may take from assignment to result.
    pub job_slots: u64,
    /// Slots that a requested job waits for an operator before it may be cancelled by anyone.
    pub assign_slots: u64,
    /// Slots after which an operator that trains and has said nothing may lose its job, for jobs assigned from now on.
    pub heartbeat_slots: u64,
    /// Part of a training fee that goes to the contributors' pool of the payout program, in basis points, for jobs
    /// requested from now on; at most 5,000.
    pub data_share_bps: u16,
    /// First slot in which the program runs again: until then it refuses whatever changes state but the config.
    pub paused_until: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Where a model stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    /// Registered, no trained adapter yet.
    Draft,
    /// Has an attested adapter.
    Ready,
    /// No longer served.
    Retired,
}

/// A Datanet as a job reads it.
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
    /// Number of models below it: its parent's and one; 0 without a parent. A parent is there and ready before its child
    /// is made and never changes, so that no chain of parents leads back to where it began.
    pub depth: u8,
    /// Number of attested adapters so far. The one that is served is the last; the events `ResultAttested` tell of all.
    pub versions: u64,
    /// SHA-256 of the adapter's file; zero while a draft.
    pub adapter_hash: [u8; 32],
    /// SHA-256 of the training manifest; zero while a draft.
    pub manifest_hash: [u8; 32],
    /// The job that made the adapter.
    pub job: Option<Pubkey>,
    /// Datanets it was trained on.
    #[max_len(MAX_SNAPSHOTS)]
    pub snapshots: Vec<Snapshot>,
    /// Price of 1,000 prompt tokens in base units.
    pub price_in: u64,
    /// Price of 1,000 completion tokens in base units.
    pub price_out: u64,
    /// Where it stands.
    pub status: ModelStatus,
    /// Jobs ever requested for it: the next one's number.
    pub jobs: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Where a job stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Budget is in escrow.
    Requested,
    /// An operator trains.
    Running,
    /// The result is accepted; compute paid, the rest refunded. A data share lies in escrow until `pay_data_share`.
    Attested,
    /// Called off before an operator took it; all refunded.
    Cancelled,
    /// Ran out of time; all refunded.
    Expired,
}

/// A fine-tuning job. Determined by base hash, snapshots, config and seed.
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
    /// Part of the fee that goes to the contributors, in basis points, as the config had it at the request.
    pub data_share_bps: u16,
    /// Where it stands.
    pub status: JobStatus,
    /// Slot of the request.
    pub requested_slot: u64,
    /// Wallet of the operator that trains.
    pub operator: Option<Pubkey>,
    /// Last slot for a result, once running; a pause moves it ([`Job::last_slot`]).
    pub deadline_slot: u64,
    /// Slots that the operator may be silent, once running.
    pub heartbeat_slots: u64,
    /// Slot of the operator's last sign of life, once running.
    pub heartbeat_slot: u64,
    /// Merkle root of the training log, once posted; zero before.
    pub log_root: [u8; 32],
    /// Slot in which the log was posted: hashes of later slots draw the segments to verify.
    pub log_slot: u64,
    /// Base units paid for compute.
    pub paid: u64,
    /// Base units that the attested result owes to the contributors' pool.
    pub data_share: u64,
    /// Base units paid into the contributors' pool: `data_share`, and whatever strangers sent to the escrow after the
    /// result.
    pub data_paid: u64,
    /// Base units returned to the requester.
    pub refunded: u64,
    /// Number of the next event of this account, and of its next attestation.
    pub sequence: u64,
}

impl Job {
    /// Last slot for a result. What a pause may have held up has the time of a whole job after it.
    pub fn last_slot(&self, config: &Config) -> u64 {
        match config.paused_until {
            0 => self.deadline_slot,
            resumed => self.deadline_slot.max(resumed.saturating_add(config.job_slots)),
        }
    }

    /// Slot after which the operator counts as silent. During a pause nobody can speak.
    pub fn silent_after(&self, config: &Config) -> u64 {
        self.heartbeat_slot.max(config.paused_until).saturating_add(self.heartbeat_slots)
    }
}
