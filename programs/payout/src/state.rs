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

/// A pool that settlements divide. Each pool has its own tree, its own funding and its own lifetime total, so the
/// oracle operators cannot move money from one to the other.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pool {
    /// The contributors whose data shaped the answers.
    Contributors,
    /// The validators who approved that data.
    Validators,
}

/// Shares of a fee in basis points (`openledger_protocol::fees`); they sum to 10,000.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeShares {
    /// The network's treasury. It also receives the dust.
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

/// The root of a pool's reward tree and its sums.
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
    /// The authority, which is governance after the hand-over. It may change parameters and fees, create shards, pause
    /// the program, and resolve challenges.
    pub authority: Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Token account of the treasury.
    pub treasury: Pubkey,
    /// The epoch that payments belong to now, from 1.
    pub epoch: u64,
    /// First slot of that epoch.
    pub epoch_start_slot: u64,
    /// The parameters that the authority may change at once.
    pub parameters: Parameters,
    /// First slot in which the program runs again: until then payments, claims and settlements are refused.
    pub paused_until: u64,
    /// Shares in force.
    pub fees: FeeShares,
    /// Shares from the next epoch on.
    pub next_fees: Option<FeeShares>,
    /// Number of shards made.
    pub shards: u8,
    /// Epoch of the last settlement that was posted and not rejected; 0 before the first. It is `active_epoch + 1`
    /// while that settlement waits for its activation, else `active_epoch`.
    pub posted_epoch: u64,
    /// Roots of that settlement. The next settlement must start from them.
    pub posted: [PoolRoot; POOLS],
    /// Cutoff of the active settlement: the last slot whose payments it counts. The next settlement counts later
    /// payments.
    pub settled_slot: u64,
    /// Epoch of the last activated settlement; 0 before the first.
    pub active_epoch: u64,
    /// Roots that claims are proven against.
    pub active: [PoolRoot; POOLS],
    /// Number of the next event of this account, and of its next attestation.
    pub sequence: u64,
}

/// A part of the vault with its own books, so that payments and claims need not wait for one another.
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
    /// Base units ever claimed, by pool. It is never more than `funded`, so that no root can pay one pool's claims with
    /// the other's tokens. A wallet may claim from any shard, and from several in turn.
    pub claimed: [u64; POOLS],
    /// Circuit breaker: base units in the bucket at `outflow_slot` (see [`crate::breaker`]).
    pub outflow: u64,
    /// Circuit breaker: slot of the last update of `outflow`.
    pub outflow_slot: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Shard {
    /// The base units that the shard's vault must hold: the funded and not claimed ones of all pools.
    pub fn held(&self) -> Result<u64> {
        self.funded.iter().zip(&self.claimed).try_fold(0u64, |held, (funded, claimed)| {
            funded.checked_sub(*claimed).and_then(|left| held.checked_add(left)).ok_or(SharedError::Overflow.into())
        })
    }
}

/// The status of a settlement. A rejected settlement is closed, which frees its address for the epoch's next posting.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementStatus {
    /// Posted. It may be challenged, and activated after its challenge window.
    Posted,
    /// Claims are proven against it, or were until the next settlement became active.
    Active,
    /// Frozen by a challenge that is not decided. It can be neither activated nor challenged again.
    Challenged,
}

/// An epoch's attested division of the pools.
#[account]
#[derive(InitSpace)]
pub struct Settlement {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The epoch.
    pub epoch: u64,
    /// Its status.
    pub status: SettlementStatus,
    /// The pools' roots after this settlement.
    pub pools: [PoolRoot; POOLS],
    /// Lifetime funding of each pool at the time of posting, in base units.
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
    /// First slot in which it may be activated. The time that challenges froze it is added.
    pub active_after: u64,
    /// Event number of the config's event that posted it. It distinguishes this posting from another one of the same
    /// epoch.
    pub sequence: u64,
    /// Number of its challenges so far.
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
    /// The challenger's wallet.
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

/// Everything that a wallet has ever claimed. It is made at the first claim and never closed, because it prevents the
/// same earnings from being claimed twice.
#[account]
#[derive(InitSpace)]
pub struct Claim {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the wallet's associated token account. It saves later claims the search for the address.
    pub token_bump: u8,
    /// The wallet.
    pub wallet: Pubkey,
    /// Base units claimed, by pool.
    pub claimed: [u64; POOLS],
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// OPEN that a wallet paid ahead, in a token account of its own. It is never closed, because its `meter` prevents a
/// second use of an attestation.
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
    /// Base units held, including those in `withdrawing`.
    pub amount: u64,
    /// All base units ever debited.
    pub debited: u64,
    /// Base units whose withdrawal was requested. Debits may still use them.
    pub withdrawing: u64,
    /// First slot in which `withdrawing` may be withdrawn.
    pub withdraw_slot: u64,
    /// Number of the next attested debit.
    pub meter: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}
