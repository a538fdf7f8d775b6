//! Events of the datanet program. `sequence` counts the events of each subject account, so that a gap is visible.

use crate::state::{Access, Config, Datanet, Grant, GrantStatus, Modality};
use anchor_lang::prelude::*;
use openledger_shared::{
    event::Emitter,
    governed::{Fields, Governed},
    sequence,
};

/// Emits the events of this program.
pub(crate) const EMITTER: Emitter = Emitter::new(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1);

/// A Datanet was made.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DatanetCreated {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// Its owner.
    pub owner: Pubkey,
    /// The creator's number for it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// URI of its description.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// SPDX licence expression.
    pub licence: String,
    /// The kind of its content.
    pub modality: Modality,
    /// Who may train on it.
    pub access: Access,
    /// Least bond of a batch.
    pub min_bond: u64,
    /// Expected number of validators on a batch's panel.
    pub panel_size: u8,
    /// Quorum: number of equal verdicts that decide.
    pub quorum: u8,
}

/// A Datanet's owner, its proposed owner or its pause changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DatanetChanged {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// Its owner now.
    pub owner: Pubkey,
    /// The key that may take the authority over.
    pub pending_owner: Option<Pubkey>,
    /// Whether the opening of batches is paused.
    pub paused: bool,
}

impl DatanetChanged {
    /// The next event of `datanet`, as it stands now.
    pub(crate) fn of(datanet: &mut Account<Datanet>) -> Result<Self> {
        Ok(Self {
            datanet: datanet.key(),
            sequence: sequence::take(&mut datanet.sequence)?,
            owner: datanet.owner,
            pending_owner: datanet.pending_owner,
            paused: datanet.paused,
        })
    }
}

/// A Datanet's description or its rules for batches changed. The rules hold for batches opened from now on.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DatanetConfigured {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// URI of its description.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// Least bond of a batch.
    pub min_bond: u64,
    /// Expected number of validators on a batch's panel.
    pub panel_size: u8,
    /// Quorum: number of equal verdicts that decide.
    pub quorum: u8,
}

/// A batch was opened.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BatchOpened {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// The batch account.
    pub batch: Pubkey,
    /// Its number.
    pub index: u64,
    /// The contributor's wallet.
    pub contributor: Pubkey,
    /// Bond in base units.
    pub bond: u64,
}

/// Leaves were added to a batch. Their hashes are in the instruction's data.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Contributed {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// Index in the batch of this instruction's first leaf.
    pub first: u64,
    /// Number of leaves of this instruction.
    pub count: u32,
}

/// A batch was handed in for review.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSubmitted {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// Root of its range.
    pub root: [u8; 32],
    /// Number of contributions.
    pub count: u64,
    /// SHA-256 of its manifest.
    pub manifest: [u8; 32],
    /// Whether it was handed in by its root. If so, its leaves are only in the manifest and not on the ledger.
    pub bulk: bool,
    /// Last slot to commit.
    pub commit_until: u64,
    /// Last slot to reveal.
    pub reveal_until: u64,
}

/// The seed of a batch's panel was fixed before the first commitment.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct PanelDrawn {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// The seed. It determines the validators' tickets, and so who is drawn.
    pub seed: [u8; 32],
}

/// A validator committed to a verdict.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictCommitted {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// The validator.
    pub validator: Pubkey,
}

/// A validator revealed its verdict.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRevealed {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// The validator.
    pub validator: Pubkey,
    /// Approve or not.
    pub approve: bool,
    /// Quality in 0..=10,000.
    pub quality: u16,
}

/// A batch was accepted and is now a leaf of its Datanet's range.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BatchAccepted {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// The batch account (closed now).
    pub batch: Pubkey,
    /// Its number in order of opening.
    pub index: u64,
    /// Its index in the Datanet's range.
    pub place: u64,
    /// The contributor's wallet.
    pub contributor: Pubkey,
    /// Root of its range.
    pub root: [u8; 32],
    /// Number of contributions.
    pub count: u64,
    /// Validators that approved.
    pub approved_by: Vec<Pubkey>,
    /// Mean quality of the approving verdicts.
    pub quality: u16,
    /// The Datanet's root now.
    pub datanet_root: [u8; 32],
}

/// A batch ended without being accepted: it was rejected, ran out of time, or was cancelled before review.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRejected {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// The batch account (closed now).
    pub batch: Pubkey,
    /// Its number in order of opening.
    pub index: u64,
    /// The contributor's wallet.
    pub contributor: Pubkey,
    /// True if it ended without a decision, and the bond returns. False if the panel rejected it, and the bond is
    /// forfeited.
    pub expired: bool,
    /// Validators that rejected.
    pub rejected_by: Vec<Pubkey>,
}

/// A grant was requested, given, extended, revoked or refused.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct GrantChanged {
    /// The grant account.
    pub grant: Pubkey,
    /// Event number of the grant.
    pub sequence: u64,
    /// The Datanet.
    pub datanet: Pubkey,
    /// The wallet that requested access.
    pub grantee: Pubkey,
    /// The stated purpose.
    pub purpose: String,
    /// Its status.
    pub status: GrantStatus,
    /// Last slot in which it is live.
    pub expiry_slot: u64,
}

impl GrantChanged {
    /// The next event of `grant`, as it stands now.
    pub(crate) fn of(grant: &mut Account<Grant>) -> Result<Self> {
        Ok(Self {
            grant: grant.key(),
            sequence: sequence::take(&mut grant.sequence)?,
            datanet: grant.datanet,
            grantee: grant.grantee,
            purpose: grant.purpose.clone(),
            status: grant.status,
            expiry_slot: grant.expiry_slot,
        })
    }
}

/// A job's use of a permissioned Datanet was recorded.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct UseRecorded {
    /// The grant account.
    pub grant: Pubkey,
    /// Event number of the grant.
    pub sequence: u64,
    /// The Datanet.
    pub datanet: Pubkey,
    /// The wallet that used it.
    pub grantee: Pubkey,
    /// The training job.
    pub job: Pubkey,
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
    /// Slots in which a panel may commit.
    pub commit_slots: u64,
    /// Slots after the commit window in which a panel may reveal.
    pub reveal_slots: u64,
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
            commit_slots: self.commit_slots,
            reveal_slots: self.reveal_slots,
        }
    }

    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Paused {
        Paused { config, sequence, paused_until }
    }
}
