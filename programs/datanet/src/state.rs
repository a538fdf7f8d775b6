//! Accounts of the datanet program.

use crate::error::DatanetError;
use anchor_lang::prelude::*;
use openledger_protocol::{Hash32, hash::ZERO, mmr};
pub use openledger_shared::version::Version;

/// Longest name in bytes.
pub const MAX_NAME: usize = 64;
/// Longest URI in bytes.
pub const MAX_URI: usize = 128;
/// Longest SPDX licence expression in bytes.
pub const MAX_LICENCE: usize = 64;
/// Longest stated purpose in bytes.
pub const MAX_PURPOSE: usize = 128;
/// Most validators on a panel.
pub const MAX_PANEL: usize = 9;
/// Most mountains of one batch, which hold up to 65,535 contributions.
pub const BATCH_PEAKS: usize = 16;
/// Most contributions of one batch: as many as [`BATCH_PEAKS`] mountains can hold.
pub const MAX_BATCH: u64 = (1 << BATCH_PEAKS) - 1;
/// Most contributions of a batch that is handed in by its root.
pub const MAX_BULK: u64 = 1 << 20;
/// Longest window in slots (about 46 days).
pub const MAX_WINDOW: u64 = 10_000_000;
/// Highest quality score.
pub const MAX_QUALITY: u16 = 10_000;

/// The program's one config.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the bond vault.
    pub bond_bump: u8,
    /// The authority, which is governance after the hand-over. It may change the windows and pause the program.
    pub authority: Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Token account that forfeited bonds go to (the stake program's insurance vault).
    pub forfeit_to: Pubkey,
    /// Slots in which a panel may commit.
    pub commit_slots: u64,
    /// Slots after the commit window in which a panel may reveal.
    pub reveal_slots: u64,
    /// First slot in which the program runs again. The crate's documentation says what it refuses until then.
    pub paused_until: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Who may train on a Datanet.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Holders of a live grant.
    Permissioned,
}

/// The kind of its content.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// UTF-8 text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Rows and columns.
    Table,
}

/// A mountain range over accepted batches (`openledger_protocol::mmr`).
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Number of leaves.
    pub count: u64,
    /// Peaks, highest first; unused places are zero.
    pub peaks: [[u8; 32]; mmr::MAX_PEAKS],
}

/// A community's dataset.
#[account]
#[derive(InitSpace)]
pub struct Datanet {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Wallet that made it: part of its address.
    pub creator: Pubkey,
    /// The creator's number for it: part of its address.
    pub id: u64,
    /// The owner, which may be a council's address.
    pub owner: Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
    pub pending_owner: Option<Pubkey>,
    /// Human-readable name.
    #[max_len(MAX_NAME)]
    pub name: String,
    /// URI of the content-addressed description.
    #[max_len(MAX_URI)]
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// The kind of its content.
    pub modality: Modality,
    /// SPDX licence expression.
    #[max_len(MAX_LICENCE)]
    pub licence: String,
    /// Who may train on it.
    pub access: Access,
    /// Least bond of a batch in base units.
    pub min_bond: u64,
    /// Expected size of a batch's panel.
    pub panel_size: u8,
    /// Equal verdicts that decide.
    pub quorum: u8,
    /// While this is set, no batch may be opened.
    pub paused: bool,
    /// Number of batches ever opened. It is the next batch's number.
    pub batches: u64,
    /// Batches accepted.
    pub accepted: u64,
    /// Batches rejected.
    pub rejected: u64,
    /// Contributions in accepted batches.
    pub contributions: u64,
    /// The range over the accepted batches.
    pub range: Range,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// The status of a batch.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStatus {
    /// Leaves are being added.
    Open,
    /// A panel reviews it.
    Review,
}

/// One validator's review of a batch.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    /// The validator's wallet.
    pub validator: Pubkey,
    /// `openledger_protocol::draw::verdict_commitment`.
    pub commitment: [u8; 32],
    /// The verdict once revealed: approve or not.
    pub approve: Option<bool>,
    /// Quality in 0..=10,000 once revealed.
    pub quality: u16,
}

/// A batch of contributions. The account is closed when the batch ends, and its rent returns to the contributor.
#[account]
#[derive(InitSpace)]
pub struct Batch {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Its Datanet.
    pub datanet: Pubkey,
    /// Its number in the Datanet.
    pub index: u64,
    /// Wallet that contributes, bonds and paid the rent.
    pub contributor: Pubkey,
    /// Its status.
    pub status: BatchStatus,
    /// Number of contributions.
    pub count: u64,
    /// Peaks of the range over the contributions, highest first; unused places are zero.
    pub peaks: [[u8; 32]; BATCH_PEAKS],
    /// Root of a batch that was handed in by its root (`contribute_bulk`). Zero if the batch's leaves are on the
    /// ledger.
    pub bulk_root: [u8; 32],
    /// SHA-256 of the manifest (leaf preimages and metadata) in the artifact store; zero until submitted.
    pub manifest: [u8; 32],
    /// Bond in base units.
    pub bond: u64,
    /// Expected size of its panel, as the Datanet had it when the batch was opened.
    pub panel_size: u8,
    /// Quorum: number of equal verdicts that decide, as the Datanet had it when the batch was opened.
    pub quorum: u8,
    /// Slot of submission. The hash of the first later slot draws the panel.
    pub submitted_slot: u64,
    /// Seed of the draw: the hash of the first slot after submission. `draw_panel` or the first commitment fixes it.
    /// Zero before.
    pub seed: [u8; 32],
    /// Last slot to commit.
    pub commit_until: u64,
    /// Last slot to reveal.
    pub reveal_until: u64,
    /// Reviews in the order of commitment.
    #[max_len(MAX_PANEL)]
    pub reviews: Vec<Review>,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Batch {
    /// Root of the range over its contributions.
    pub fn root(&self) -> Result<Hash32> {
        match self.bulk_root {
            ZERO => mmr::root(self.count, &self.peaks).map_err(|e| DatanetError::from(e).into()),
            root => Ok(root),
        }
    }

    /// Last slot to reveal. If the program was paused after the submission, a whole reveal window follows the pause. A
    /// pause does not extend the commit window, because verdicts may be known by then.
    pub fn reveals_until(&self, config: &Config) -> u64 {
        if config.paused_until > self.submitted_slot {
            self.reveal_until.max(config.paused_until.saturating_add(config.reveal_slots))
        } else {
            self.reveal_until
        }
    }
}

/// The status of a request for access.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantStatus {
    /// Requested; the owner has not decided.
    Requested,
    /// Granted by the owner.
    Granted,
    /// Revoked or refused by the owner.
    Revoked,
}

/// A model developer's access to a permissioned Datanet.
#[account]
#[derive(InitSpace)]
pub struct Grant {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The Datanet.
    pub datanet: Pubkey,
    /// The wallet that requested access.
    pub grantee: Pubkey,
    /// The stated purpose.
    #[max_len(MAX_PURPOSE)]
    pub purpose: String,
    /// Its status.
    pub status: GrantStatus,
    /// Last slot in which it is live.
    pub expiry_slot: u64,
    /// Recorded uses.
    pub uses: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Grant {
    /// Whether the grant may be used at `slot`.
    pub fn is_live(&self, slot: u64) -> bool {
        self.status == GrantStatus::Granted && slot <= self.expiry_slot
    }
}
