//! Accounts of the payout program.

use crate::parameters::Parameters;
use anchor_lang::prelude::*;
use openledger_protocol::fees::Shares;
use openledger_shared::SharedError;
pub use openledger_shared::version::Version;

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
    pub version: Version,
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
    /// What the authority may change at once.
    pub parameters: Parameters,
    /// First slot in which the program runs again: until then payments, claims and settlements are refused.
    pub paused_until: u64,
    /// Shares in force.
    pub fees: FeeShares,
    /// Shares from the next epoch on.
    pub next_fees: Option<FeeShares>,
    /// Number of shards made.
    pub shards: u8,
    /// Epoch of the last settlement that was posted and not rejected; 0 before the first. One more than `active_epoch`
    /// while that settlement waits, else the same.
    pub posted_epoch: u64,
    /// Roots of that settlement: the next one must start from them.
    pub posted: [PoolRoot; POOLS],
    /// Last slot whose payments the active settlement counts; the next one counts those after it.
    pub settled_slot: u64,
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
    pub version: Version,
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

impl Shard {
    /// What its vault must hold: funded and not claimed, of all pools.
    pub fn held(&self) -> Result<u64> {
        self.funded.iter().zip(&self.claimed).try_fold(0u64, |held, (funded, claimed)| {
            funded.checked_sub(*claimed).and_then(|left| held.checked_add(left)).ok_or(SharedError::Overflow.into())
        })
    }
}

/// Where a settlement stands. One that was rejected is closed: its address is free for the epoch's next one.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementStatus {
    /// In its challenge window.
    Posted,
    /// Claims are proven against it or were until the next.
    Active,
    /// A challenge waits for the authority's word: it can be neither activated nor challenged.
    Challenged,
}

/// An epoch's attested division.
#[account]
#[derive(InitSpace)]
pub struct Settlement {
    /// Layout version of this account.
    pub version: Version,
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
    /// First slot in which it may be activated; moves on by the time that challenges froze it.
    pub active_after: u64,
    /// Number of the config's event that posted it: names this posting, should the epoch be posted again.
    pub sequence: u64,
    /// Challenges of it so far.
    pub challenges: u8,
}

/// An open challenge of a settlement. Closed when it is resolved or expires.
#[account]
#[derive(InitSpace)]
pub struct Challenge {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the bond's token account.
    pub bond_bump: u8,
    /// Epoch of the settlement.
    pub epoch: u64,
    /// The settlement's `sequence`.
    pub posting: u64,
    /// Its number among the settlement's challenges, from 0.
    pub number: u8,
    /// Who challenged.
    pub challenger: Pubkey,
    /// Base units at stake.
    pub bond: u64,
    /// SHA-256 of the published evidence.
    pub evidence_hash: [u8; 32],
    /// Slot of the challenge.
    pub slot: u64,
    /// Last slot before anyone may expire it.
    pub resolve_by: u64,
}

/// What a wallet has claimed, ever. Made at the first claim, never closed: it is what makes a second claim fail.
#[account]
#[derive(InitSpace)]
pub struct Claim {
    /// Layout version of this account.
    pub version: Version,
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

/// OPEN that a wallet paid ahead, in a token account of its own. Never closed: its `meter` is what makes a second use of
/// an attestation fail.
#[account]
#[derive(InitSpace)]
pub struct Balance {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The wallet that pays.
    pub owner: Pubkey,
    /// Its token account.
    pub vault: Pubkey,
    /// Base units held, those on their way out included.
    pub amount: u64,
    /// Base units ever debited: what the meter has counted.
    pub debited: u64,
    /// Base units on their way out; debits may still use them.
    pub withdrawing: u64,
    /// First slot in which `withdrawing` may be withdrawn.
    pub withdraw_slot: u64,
    /// Number of the next attested debit.
    pub meter: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}
