//! Events of the model program. `sequence` counts the events of each subject account, so that a gap is visible.

use crate::{
    compute::ComputeShare,
    state::{Config, Model, ModelStatus, Snapshot},
};
use anchor_lang::prelude::*;
use openledger_shared::{
    event::Emitter,
    governed::{Fields, Governed},
    sequence,
};

/// Emits the events of this program.
pub(crate) const EMITTER: Emitter = Emitter::new(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1);

/// A model was registered.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRegistered {
    /// The model account.
    pub model: Pubkey,
    /// Event number of the model.
    pub sequence: u64,
    /// Its owner.
    pub owner: Pubkey,
    /// The creator's number for it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// SHA-256 of the base model's file.
    pub base_hash: [u8; 32],
    /// The model whose adapter it builds on.
    pub parent: Option<Pubkey>,
    /// Price of 1,000 prompt tokens in base units.
    pub price_in: u64,
    /// Price of 1,000 completion tokens in base units.
    pub price_out: u64,
}

/// A model's price or status changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ModelChanged {
    /// The model account.
    pub model: Pubkey,
    /// Event number of the model.
    pub sequence: u64,
    /// Price of 1,000 prompt tokens in base units.
    pub price_in: u64,
    /// Price of 1,000 completion tokens in base units.
    pub price_out: u64,
    /// Whether the model is retired.
    pub retired: bool,
}

impl ModelChanged {
    /// The next event of `model`, as it stands now.
    pub(crate) fn of(model: &mut Account<Model>) -> Result<Self> {
        Ok(Self {
            model: model.key(),
            sequence: sequence::take(&mut model.sequence)?,
            price_in: model.price_in,
            price_out: model.price_out,
            retired: model.status == ModelStatus::Retired,
        })
    }
}

/// A training job was requested and its budget put into escrow.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequested {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The model it is for.
    pub model: Pubkey,
    /// Its number for that model.
    pub number: u64,
    /// The requester's wallet, which pays.
    pub requester: Pubkey,
    /// SHA-256 of the training config.
    pub config_hash: [u8; 32],
    /// The seed.
    pub seed: u64,
    /// The Datanets that the job reads, as they were at the request.
    pub snapshots: Vec<Snapshot>,
    /// Base units in escrow.
    pub budget: u64,
    /// Data share: the part of the fee that goes to the contributors' pool, in basis points.
    pub data_share_bps: u16,
    /// Last slot in which an operator may take the job.
    pub taking_slot: u64,
}

/// An operator took a job.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct JobAssigned {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The operator's wallet.
    pub operator: Pubkey,
    /// Epoch of the active committee. Only it verifies and attests the result.
    pub committee_epoch: u64,
    /// Last slot for a result.
    pub deadline_slot: u64,
}

/// The operator of a job sent a heartbeat.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The slot.
    pub slot: u64,
}

/// A job was taken from an operator: it had been silent for too long, or its committee is no longer the active one. The
/// job waits for another operator. A log that was posted for it no longer counts.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct JobReleased {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The operator that lost the job.
    pub operator: Pubkey,
    /// Epoch of the committee that the job was pinned to.
    pub committee_epoch: u64,
    /// True if that committee is no longer the active one; false if it is, and the operator was silent.
    pub committee_replaced: bool,
    /// The operator that the job is kept for, because its log was posted.
    pub former: Option<Pubkey>,
}

/// The trainer posted the root of its training log.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct LogPosted {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// Merkle root of the log.
    pub log_root: [u8; 32],
    /// Number of segments of the log.
    pub segments: u16,
    /// Slot of posting.
    pub slot: u64,
}

/// A result was accepted and became the model's next version. `compute` says what each operator did and was paid.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ResultAttested {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The model account.
    pub model: Pubkey,
    /// Number of this version of the model, from 1.
    pub version: u64,
    /// SHA-256 of the adapter's file.
    pub adapter_hash: [u8; 32],
    /// SHA-256 of the training manifest.
    pub manifest_hash: [u8; 32],
    /// Each operator's work and pay.
    pub compute: Vec<ComputeShare>,
    /// Base units paid for compute in all.
    pub paid: u64,
    /// Base units that wait in escrow for the contributors' pool.
    pub data_share: u64,
    /// Base units returned to the requester.
    pub refunded: u64,
    /// Epoch of the committee that attested.
    pub committee_epoch: u64,
}

/// A result's data share was paid into the contributors' pool of the payout program. That program's event `Funded` in
/// the same transaction names the shard and the epoch.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DataSharePaid {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// The model account.
    pub model: Pubkey,
    /// Base units.
    pub amount: u64,
}

/// A job ended without a result. The whole budget was returned.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct JobEnded {
    /// The job account.
    pub job: Pubkey,
    /// Event number of the job.
    pub sequence: u64,
    /// True if the job ran out of time; false if it was cancelled.
    pub expired: bool,
    /// Base units returned to the requester.
    pub refunded: u64,
}

/// The config was made or changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigChanged {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The authority now.
    pub authority: Pubkey,
    /// The key that may take the authority over.
    pub pending_authority: Option<Pubkey>,
    /// Slots that a job may take from assignment to result.
    pub job_slots: u64,
    /// Slots that a requested job waits for an operator before anyone may cancel it.
    pub assign_slots: u64,
    /// Slots of silence after which a training operator may lose its job.
    pub heartbeat_slots: u64,
    /// Data share: the part of a training fee that goes to the contributors' pool, in basis points.
    pub data_share_bps: u16,
}

/// The program was paused, or a pause was ended.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// First slot in which the program runs again.
    pub paused_until: u64,
}

impl Governed for Config {
    type Changed = ConfigChanged;
    type Paused = Paused;

    fn fields(&mut self) -> Fields<'_> {
        Fields {
            authority: &mut self.authority,
            pending_authority: &mut self.pending_authority,
            paused_until: &mut self.paused_until,
            sequence: &mut self.sequence,
        }
    }

    fn changed(&self, config: Pubkey, sequence: u64) -> ConfigChanged {
        ConfigChanged {
            config,
            sequence,
            authority: self.authority,
            pending_authority: self.pending_authority,
            job_slots: self.job_slots,
            assign_slots: self.assign_slots,
            heartbeat_slots: self.heartbeat_slots,
            data_share_bps: self.data_share_bps,
        }
    }

    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Paused {
        Paused { config, sequence, paused_until }
    }
}
