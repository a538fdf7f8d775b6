//! Accounts of the stake program.

use anchor_lang::prelude::*;
pub use openledger_shared::version::Version;

/// Decimals of the OPEN mint.
pub const OPEN_DECIMALS: u8 = 9;
/// Basis points of a whole.
pub const MAX_BPS: u16 = 10_000;
/// Longest endpoint URL in bytes.
pub const MAX_ENDPOINT: usize = 128;
/// Most members of a committee.
pub const MAX_MEMBERS: usize = 100;
/// Most members that one `propose_committee` or `add_members` takes (a transaction's size).
pub const MAX_MEMBERS_PER_CALL: usize = 20;

/// The program's one config.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the stake vault.
    pub vault_bump: u8,
    /// Bump of the insurance vault.
    pub insurance_bump: u8,
    /// May change parameters and propose the first committee; governance in the end.
    pub authority: Pubkey,
    /// Named to take over; must accept.
    pub pending_authority: Option<Pubkey>,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Genesis hash of this cluster: part of every attested message.
    pub cluster: [u8; 32],
    /// Least stake of an operator in base units.
    pub min_operator_stake: u64,
    /// Least stake of a validator in base units.
    pub min_validator_stake: u64,
    /// Slots between a request to unbond and the withdrawal. Longer than payout's challenge window.
    pub unbond_slots: u64,
    /// Sum of the operators' bonded stake.
    pub operator_stake: u64,
    /// Sum of the validators' bonded stake.
    pub validator_stake: u64,
    /// Sum of all stake that is unbonding.
    pub unbonding: u64,
    /// Sum of all locks of votes, ended ones that were not unlocked included.
    pub locked: u64,
    /// Epoch of the active committee; 0 before the first.
    pub committee_epoch: u64,
    /// First event number of the next committee to be proposed: goes on where an abandoned one at the same address
    /// stopped, so that no number of that address comes twice.
    pub next_committee_sequence: u64,
    /// First slot in which the program runs again; until then no tokens move. Not after the present slot while it runs.
    pub paused_until: u64,
    /// Slots that a proposed committee has to become active before anyone may expire it.
    pub committee_slots: u64,
    /// Part of a position that one proof of equivocation takes, in basis points.
    pub equivocation_bps: u16,
    /// Most that slashes by attestation and by the authority may take of a position within a window, in basis points.
    pub slash_cap_bps: u16,
    /// Length of that window in slots.
    pub slash_window_slots: u64,
    /// Most that may leave the insurance vault within a window, in basis points.
    pub insurance_cap_bps: u16,
    /// Length of that window in slots.
    pub insurance_window_slots: u64,
    /// What has left the insurance vault lately.
    pub insurance_window: Window,
    /// Sum of all stake delegated to operators.
    pub delegated: u64,
    /// Sum of all delegated stake that is unbonding.
    pub delegated_unbonding: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Config {
    /// The sum of bonded stake in `role`.
    pub fn bonded_mut(&mut self, role: Role) -> &mut u64 {
        match role {
            Role::Operator => &mut self.operator_stake,
            Role::Validator => &mut self.validator_stake,
        }
    }
}

/// What was taken of something within a window of slots; see `window.rs`.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First slot of the window.
    pub start_slot: u64,
    /// Base units of which a part may be taken.
    pub basis: u64,
    /// Base units taken in the window.
    pub used: u64,
}

/// Bits of [`Operator::capabilities`].
pub mod capability {
    /// Trains adapters.
    pub const TRAIN: u32 = 1;
    /// Answers requests.
    pub const SERVE: u32 = 1 << 1;
    /// Attributes answers to data.
    pub const ATTRIBUTE: u32 = 1 << 2;
    /// Every bit that means something.
    pub const ALL: u32 = TRAIN | SERVE | ATTRIBUTE;
}

/// What a position's stake answers for.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Trains, attributes, signs.
    Operator,
    /// Reviews batches.
    Validator,
}

/// Why something was slashed.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlashReason {
    /// Two observations of one thing, proven by their signatures.
    Equivocation,
    /// A fault that the committee has attested.
    Attested,
    /// A decision of the authority.
    Authority,
}

/// OPEN staked by one wallet in one role.
#[account]
#[derive(InitSpace)]
pub struct Position {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The staker's wallet.
    pub owner: Pubkey,
    /// What the stake answers for.
    pub role: Role,
    /// Bonded base units.
    pub amount: u64,
    /// Base units on their way out.
    pub unbonding: u64,
    /// First slot in which `unbonding` may be withdrawn.
    pub unbond_slot: u64,
    /// Slot in which the owner last changed `amount`: stake younger than a draw's seed does not count in it.
    pub since_slot: u64,
    /// What slashes have taken lately.
    pub slashed: Window,
    /// Number of faults that committees have attested: the sequence of the next one. A counter that only
    /// `slash_attested` moves, so that the accused cannot outdate an attestation by changing its position.
    pub faults: u64,
    /// Whether the owner has opened a [`Pool`]: it answers together with this position.
    pub pooled: bool,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// OPEN locked by one wallet for weight in governance: one lock a wallet, never closed, so that its event numbers go on.
#[account]
#[derive(InitSpace)]
pub struct VoteLock {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Whose OPEN it is; the only one it is paid back to.
    pub owner: Pubkey,
    /// Who votes with it: the owner, or whom the owner named.
    pub delegate: Pubkey,
    /// Locked base units; 0 when nothing is locked.
    pub amount: u64,
    /// First slot in which it can be unlocked.
    pub end_slot: u64,
    /// Slot of the last change of `amount` or `end_slot`: a lock changed since a vote's snapshot has no weight in it.
    pub changed_slot: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// A registered operator.
#[account]
#[derive(InitSpace)]
pub struct Operator {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Wallet that stakes, is paid and pays fees.
    pub owner: Pubkey,
    /// Ed25519 key that signs the node's messages and observations.
    pub identity: Pubkey,
    /// HTTP base URL where members reach the node.
    #[max_len(MAX_ENDPOINT)]
    pub endpoint: String,
    /// What the node can do: bits of [`capability`].
    pub capabilities: u32,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Where a committee stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitteeStatus {
    /// Members are being named.
    Forming,
    /// Members run key generation and confirm its outcome.
    Confirming,
    /// Every member has confirmed the same group key.
    Active,
    /// A later committee is active.
    Retired,
}

/// A committee of operators with a threshold key.
#[account]
pub struct Committee {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Number of the committee, from 1.
    pub epoch: u64,
    /// Where it stands.
    pub status: CommitteeStatus,
    /// How many must sign.
    pub threshold: u16,
    /// FROST(Ed25519) group public key; zero until the first confirmation.
    pub group_key: [u8; 32],
    /// Slot in which it became active; 0 before.
    pub active_slot: u64,
    /// Number of members once complete.
    pub size: u16,
    /// Slot in which a later committee became active; 0 before.
    pub retired_slot: u64,
    /// Whether each member has confirmed, in the order of `members`.
    pub confirmed: Vec<bool>,
    /// Wallets of the operators; a member's FROST identifier is its place here plus one.
    pub members: Vec<Pubkey>,
    /// Hash of the members that are still to be seated ([`crate::roster`]), where the present committee has named them
    /// all; `None` where the authority names them.
    pub roster: Option<[u8; 32]>,
    /// Last slot in which nobody may expire it, should it not be active by then.
    pub deadline_slot: u64,
    /// Who paid the rent and gets it back if the committee never becomes active.
    pub payer: Pubkey,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Committee {
    /// Account size for `size` members.
    pub fn space(size: usize) -> usize {
        8 + 1 + 1 + 8 + 1 + 2 + 32 + 8 + 2 + 8 + (4 + size) + (4 + 32 * size) + 33 + 8 + 32 + 8
    }

    /// Place of `wallet` among the members.
    pub fn place(&self, wallet: &Pubkey) -> Option<usize> {
        self.members.iter().position(|m| m == wallet)
    }
}

/// That an operator's equivocation about one thing has been punished: the same evidence is refused from then on.
#[account]
#[derive(InitSpace)]
pub struct Equivocation {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Wallet of the operator.
    pub operator: Pubkey,
    /// Committee epoch of the observations.
    pub epoch: u64,
    /// What was observed.
    pub subject: [u8; 32],
    /// Its sequence number.
    pub sequence: u64,
    /// The two contents that the operator signed.
    pub contents: [[u8; 32]; 2],
    /// Slot of the proof.
    pub slot: u64,
}

/// OPEN that several wallets hold together, by shares; see `shares.rs`.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Base units held.
    pub assets: u64,
    /// Shares given out. Never fewer than `assets`: a share starts as one base unit and can only lose.
    pub shares: u128,
}

/// What others have delegated to an operator, and how it shares its rewards with them.
#[account]
#[derive(InitSpace)]
pub struct Pool {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the reward vault.
    pub vault_bump: u8,
    /// Wallet of the operator.
    pub operator: Pubkey,
    /// Delegated OPEN.
    pub bonded: Shares,
    /// Delegated OPEN on its way out. It is slashed like what is bonded, and earns nothing.
    pub unbonding: Shares,
    /// What slashes have taken lately.
    pub slashed: Window,
    /// Part of the rewards that the operator keeps, in basis points.
    pub commission_bps: u16,
    /// The commission from `commission_slot` on.
    pub next_commission_bps: u16,
    /// First slot of `next_commission_bps`.
    pub commission_slot: u64,
    /// Rewards of one bonded share since the beginning, in 2⁻⁶⁴ base units.
    pub index: u128,
    /// Base units in the reward vault that belong to delegators.
    pub owed: u64,
    /// Base units in the reward vault that belong to the operator.
    pub commission: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// What one wallet has delegated to one operator.
#[account]
#[derive(InitSpace)]
pub struct Delegation {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The pool.
    pub pool: Pubkey,
    /// The delegator's wallet.
    pub owner: Pubkey,
    /// Shares of what is bonded.
    pub shares: u128,
    /// Shares of what is unbonding.
    pub unbonding_shares: u128,
    /// First slot in which they may be withdrawn.
    pub unbond_slot: u64,
    /// The pool's index up to which `rewards` counts.
    pub index: u128,
    /// Base units earned and not yet claimed.
    pub rewards: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}
