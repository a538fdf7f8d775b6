//! Accounts of the payout program.

use anchor_lang::prelude::*;
use openledger_protocol::fees::Shares;

/// Most shards of the vault.
pub const MAX_SHARDS: u8 = 16;
/// Number of pools that settlements divide.
pub const POOLS: usize = 2;

/// What a settlement divides. Each pool has its own tree, its own funding and its own lifetime total: the oracle can
/// move nothing from one to the other.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pool {
    /// Those whose data shaped the answers.
    Contributors,
    /// Those who approved that data.
    Validators,
}

/// Shares of a fee in basis points (`openledger_protocol::fees`); they sum to 10,000.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeShares {
    /// The network's treasury; also receives the dust.
    pub treasury: u16,
    /// The model's owner.
    pub model_owner: u16,
    /// The parent model's owner.
    pub upstream: u16,
    /// The operator that answered.
    pub compute: u16,
    /// The validators' pool.
    pub validators: u16,
    /// The contributors' pool.
    pub contributors: u16,
}

impl From<FeeShares> for Shares {
    fn from(f: FeeShares) -> Self {
        Self {
            treasury: f.treasury,
            model_owner: f.model_owner,
            upstream: f.upstream,
            compute: f.compute,
            validators: f.validators,
            contributors: f.contributors,
        }
    }
}

/// A pool's tree as claims see it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolRoot {
    /// Root of the reward tree (`openledger_protocol::rewards`).
    pub root: [u8; 32],
    /// Number of its leaves.
    pub leaves: u32,
    /// Sum of its leaves: everything ever earned from this pool, in base units.
    pub lifetime_total: u64,
}

/// The program's one config. Claims and payments only read it.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: u8,
    /// PDA bump.
    pub bump: u8,
    /// May change parameters; governance in the end.
    pub authority: Pubkey,
    /// Named to take over; must accept.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Token account of the treasury.
    pub treasury: Pubkey,
    /// The epoch that payments belong to now, from 1.
    pub epoch: u64,
    /// First slot of that epoch.
    pub epoch_start_slot: u64,
    /// Least number of slots of an epoch.
    pub epoch_slots: u64,
    /// Shares in force.
    pub fees: FeeShares,
    /// Shares from the next epoch on.
    pub next_fees: Option<FeeShares>,
    /// Slots between posting and activation of a settlement.
    pub challenge_slots: u64,
    /// Number of shards made.
    pub shards: u8,
    /// Circuit breaker: most base units that may leave one shard at once (see [`crate::breaker`]).
    pub breaker_cap: u64,
    /// Circuit breaker: slots in which a full one drains.
    pub breaker_slots: u64,
    /// Roots of the last *posted* settlement: the next one must start from them.
    pub posted: [PoolRoot; POOLS],
    /// Epoch of the last activated settlement; 0 before the first.
    pub active_epoch: u64,
    /// Roots that claims are proven against.
    pub active: [PoolRoot; POOLS],
    /// Number of the next event of this account, and of its next attestation.
    pub sequence: u64,
}

/// A part of the vault, so that payments and claims need not wait for one another.
#[account]
#[derive(InitSpace)]
pub struct Shard {
    /// Layout version of this account.
    pub version: u8,
    /// PDA bump.
    pub bump: u8,
    /// Bump of its token account.
    pub vault_bump: u8,
    /// Its number.
    pub index: u8,
    /// Its token account.
    pub vault: Pubkey,
    /// Base units ever paid in, by pool.
    pub funded: [u64; POOLS],
    /// Base units ever claimed, by pool: never more than `funded`, so that no root can move a pool's tokens to the
    /// other. A claim may draw on any shard, and on several in turn.
    pub claimed: [u64; POOLS],
    /// Circuit breaker: what has left and not yet decayed (see [`crate::breaker`]).
    pub outflow: u64,
    /// Circuit breaker: slot of the last update of `outflow`.
    pub outflow_slot: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Where a settlement stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementStatus {
    /// In its challenge window.
    Posted,
    /// Claims are proven against it or were until the next.
    Active,
}

/// An epoch's attested division.
#[account]
#[derive(InitSpace)]
pub struct Settlement {
    /// Layout version of this account.
    pub version: u8,
    /// PDA bump.
    pub bump: u8,
    /// The epoch.
    pub epoch: u64,
    /// Where it stands.
    pub status: SettlementStatus,
    /// Roots after it, by pool.
    pub pools: [PoolRoot; POOLS],
    /// Lifetime funding at the time of posting, by pool.
    pub funded: [u64; POOLS],
    /// Merkle root over the members' signed observations.
    pub observations_root: [u8; 32],
    /// SHA-256 of the published report (scores, leaves, answers).
    pub report_hash: [u8; 32],
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Epoch of the committee that attested.
    pub committee_epoch: u64,
    /// Slot of posting.
    pub posted_slot: u64,
    /// First slot in which it may be activated.
    pub active_after: u64,
}

/// What a wallet has claimed, ever. Made at the first claim, never closed: it is what makes a second claim fail.
#[account]
#[derive(InitSpace)]
pub struct Claim {
    /// Layout version of this account.
    pub version: u8,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the wallet's associated token account: saves the search at every later claim.
    pub token_bump: u8,
    /// The wallet.
    pub wallet: Pubkey,
    /// Base units claimed, by pool.
    pub claimed: [u64; POOLS],
    /// Number of the next event of this account.
    pub sequence: u64,
}
