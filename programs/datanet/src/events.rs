//! Events of the datanet program. `sequence` counts per subject account, so that a gap is visible.

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
    /// Where its description lies.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// SPDX licence expression.
    pub licence: String,
    /// What its content is.
    pub modality: Modality,
    /// Who may train on it.
    pub access: Access,
    /// Least bond of a batch.
    pub min_bond: u64,
    /// Expected size of a batch's panel.
    pub panel_size: u8,
    /// Equal verdicts that decide.
    pub quorum: u8,
}

/// A Datanet's owner or pause changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DatanetChanged {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// Its owner now.
    pub owner: Pubkey,
    /// Who may take over.
    pub pending_owner: Option<Pubkey>,
    /// Whether no batch may be opened.
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

/// A Datanet's description or its way of taking batches changed, for batches opened from now on.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DatanetConfigured {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Event number of the Datanet.
    pub sequence: u64,
    /// Where its description lies.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// Least bond of a batch.
    pub min_bond: u64,
    /// Expected size of a batch's panel.
    pub panel_size: u8,
    /// Equal verdicts that decide.
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
    /// Who contributes.
    pub contributor: Pubkey,
    /// Bond in base units.
    pub bond: u64,
}

/// Leaves were added to a batch; the hashes are in the instruction's data.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Contributed {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// Place of the first leaf of this instruction in the batch.
    pub first: u64,
    /// Number of leaves of this instruction.
    pub count: u32,
}

/// A batch went to review.
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
    /// Whether it was handed in by its root: then its leaves are in the manifest alone, and not on the ledger.
    pub bulk: bool,
    /// Last slot to commit.
    pub commit_until: u64,
    /// Last slot to reveal.
    pub reveal_until: u64,
}

/// The seed of a batch's panel was fixed ahead of the first commitment.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct PanelDrawn {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// The seed: a validator is drawn or not by its ticket under it.
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

/// A batch was accepted: it is a leaf of its Datanet now.
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
    /// Its place in the Datanet's range.
    pub place: u64,
    /// Who contributed.
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

/// A batch was rejected, ran out of time or was taken back before review.
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
    /// Who contributed.
    pub contributor: Pubkey,
    /// Whether it ended without a decision (the bond returns) and was not voted down (the bond is forfeited).
    pub expired: bool,
    /// Validators that rejected.
    pub rejected_by: Vec<Pubkey>,
}

/// A grant was asked for, given or taken back.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct GrantChanged {
    /// The grant account.
    pub grant: Pubkey,
    /// Event number of the grant.
    pub sequence: u64,
    /// The Datanet.
    pub datanet: Pubkey,
    /// Who asked.
    pub grantee: Pubkey,
    /// What for.
    pub purpose: String,
    /// Where it stands.
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

/// A permissioned Datanet was read by a job.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct UseRecorded {
    /// The grant account.
    pub grant: Pubkey,
    /// Event number of the grant.
    pub sequence: u64,
    /// The Datanet.
    pub datanet: Pubkey,
    /// Who used it.
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
    /// Who may take over.
    pub pending_authority: Option<Pubkey>,
    /// Slots in which a panel may commit.
    pub commit_slots: u64,
    /// Slots after that in which it may reveal.
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
