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
/// Most members that one `propose_committee`, `add_members` or `seat_members` takes. More would not fit in a
/// transaction.
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
    /// The authority, which is governance after the hand-over. It may change parameters, pause, propose committees,
    /// slash within the cap, and pay out of the insurance vault.
    pub authority: Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
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
    /// Sum of all vote locks. It includes locks that have ended and were not unlocked.
    pub locked: u64,
    /// Epoch of the active committee; 0 before the first.
    pub committee_epoch: u64,
    /// First event number of the next committee to be proposed. It continues the numbers of an abandoned committee at
    /// the same address, so that no event number of that address is used twice.
    pub next_committee_sequence: u64,
    /// First slot in which the program runs again. Until then it refuses every instruction that moves tokens, except
    /// slashes. While the program runs, this is not after the present slot.
    pub paused_until: u64,
    /// Slots in which a proposed committee must become active. After them anyone may expire it.
    pub committee_slots: u64,
    /// The part of a position that one proof of equivocation takes, in basis points.
    pub equivocation_bps: u16,
    /// Most that slashes by attestation and by the authority may take of a position within a window, in basis points.
    pub slash_cap_bps: u16,
    /// Length of the window of the cap above, in slots.
    pub slash_window_slots: u64,
    /// Most that may leave the insurance vault within a window, in basis points.
    pub insurance_cap_bps: u16,
    /// Length of the window of the cap above, in slots.
    pub insurance_window_slots: u64,
    /// What has left the insurance vault in the present window.
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

/// How much was taken from one account within a window of slots; see `window.rs`.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First slot of the window.
    pub start_slot: u64,
    /// The base units that the cap is a part of.
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
    /// All defined bits.
    pub const ALL: u32 = TRAIN | SERVE | ATTRIBUTE;
}

/// The work that a position's stake answers for.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Trains, attributes, signs.
    Operator,
    /// Reviews batches.
    Validator,
}

/// The reason for a slash.
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
    /// The role, which is the work that the stake answers for.
    pub role: Role,
    /// Bonded base units.
    pub amount: u64,
    /// Base units that are unbonding.
    pub unbonding: u64,
    /// First slot in which `unbonding` may be withdrawn.
    pub unbond_slot: u64,
    /// Slot in which the owner last changed `amount`. A draw ignores stake that changed after the batch was submitted.
    pub since_slot: u64,
    /// What slashes have taken in the present window.
    pub slashed: Window,
    /// Number of faults that committees have attested. It is the sequence number of the next one. Only `slash_attested`
    /// advances it, so that the owner cannot invalidate an attestation by changing its position.
    pub faults: u64,
    /// Whether the owner has opened a [`Pool`]. The pool is slashed together with this position.
    pub pooled: bool,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// OPEN that one wallet has locked for weight in governance. Each wallet has one lock account. It is never closed, so
/// that its event numbers continue.
#[account]
#[derive(InitSpace)]
pub struct VoteLock {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The wallet that owns the OPEN. The lock is paid back only to it.
    pub owner: Pubkey,
    /// The wallet that votes with the lock: the owner, or the delegate that it named.
    pub delegate: Pubkey,
    /// Locked base units; 0 when nothing is locked.
    pub amount: u64,
    /// First slot in which it can be unlocked.
    pub end_slot: u64,
    /// Slot of the last change of `amount` or `end_slot`. A lock that changed in or after the slot of a vote's snapshot
    /// has no weight in that vote.
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
    /// The operator's wallet. It stakes, receives payments and pays fees.
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

/// The status of a committee.
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
    /// Its status.
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
    /// Hash of the members that are still to be seated ([`crate::roster`]), if the present committee attested them.
    /// `None` if the authority names the members.
    pub roster: Option<[u8; 32]>,
    /// Deadline. From the next slot on, anyone may expire the committee if it is not active.
    pub deadline_slot: u64,
    /// The wallet that paid the rent. It gets the rent back if the committee never becomes active.
    pub payer: Pubkey,
    /// Number of the next event of this account.
    pub sequence: u64,
}

impl Committee {
    /// Account size for `size` members.
    pub fn space(size: usize) -> usize {
        8 + 1 + 1 + 8 + 1 + 2 + 32 + 8 + 2 + 8 + (4 + size) + (4 + 32 * size) + 33 + 8 + 32 + 8
    }

    /// Index of `wallet` among the members; `None` if it is not a member.
    pub fn place(&self, wallet: &Pubkey) -> Option<usize> {
        self.members.iter().position(|m| m == wallet)
    }
}

/// Marks that an operator's equivocation about one subject and sequence has been punished. Further evidence of the same
/// is refused.
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
    /// The account that the observations are about.
    pub subject: [u8; 32],
    /// The sequence number in the observations.
    pub sequence: u64,
    /// The two contents that the operator signed.
    pub contents: [[u8; 32]; 2],
    /// Slot of the proof.
    pub slot: u64,
}

/// OPEN that several wallets hold together in shares; see `shares.rs`.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Base units held.
    pub assets: u64,
    /// Shares issued. There are never fewer than `assets`, because a share starts at one base unit and can only lose
    /// worth.
    pub shares: u128,
}

/// The OPEN delegated to one operator, and how the operator shares its rewards with the delegators.
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
    /// Delegated OPEN that is unbonding. It is slashed like bonded OPEN, and earns no rewards.
    pub unbonding: Shares,
    /// What slashes have taken in the present window.
    pub slashed: Window,
    /// Part of the rewards that the operator keeps, in basis points.
    pub commission_bps: u16,
    /// The commission from `commission_slot` on, in basis points.
    pub next_commission_bps: u16,
    /// First slot of `next_commission_bps`.
    pub commission_slot: u64,
    /// All rewards of one bonded share since the pool was opened, in 2⁻⁶⁴ base units.
    pub index: u128,
    /// Base units in the reward vault that belong to delegators.
    pub owed: u64,
    /// Base units in the reward vault that belong to the operator.
    pub commission: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// The OPEN that one wallet has delegated to one operator.
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
    /// Shares of the pool's bonded OPEN.
    pub shares: u128,
    /// Shares of the pool's unbonding OPEN.
    pub unbonding_shares: u128,
    /// First slot in which the unbonding shares may be withdrawn.
    pub unbond_slot: u64,
    /// The pool's index up to which `rewards` is counted.
    pub index: u128,
    /// Base units earned and not yet claimed.
    pub rewards: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}
