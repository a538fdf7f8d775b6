//! Errors of the stake program. It also raises [`SharedError`], as the other programs do.

use anchor_lang::prelude::*;
pub use openledger_shared::SharedError;

/// Why an instruction of the stake program was refused, and what to do about it.
#[error_code]
pub enum StakeError {
    /// The signer is not the config's authority.
    #[msg("Only the config's authority may do this: sign with it")]
    NotAuthority,
    /// The signer is not the program's upgrade authority.
    #[msg("Only the program's upgrade authority may initialize it: sign with it")]
    NotUpgradeAuthority,
    /// The signer is not the authority that was proposed.
    #[msg("This key was not proposed as the authority: let the authority propose it first")]
    NotPendingAuthority,
    /// The mint cannot be OPEN.
    #[msg("The OPEN mint must be a classic SPL Token mint with 9 decimals")]
    WrongMint,
    /// A parameter is out of its bounds.
    #[msg("A parameter is out of its bounds: see the documentation of Parameters")]
    ParameterOutOfBounds,
    /// The amount is zero.
    #[msg("The amount must be greater than zero")]
    ZeroAmount,
    /// The position holds less than asked for.
    #[msg("The position has less bonded than this: ask for at most its amount")]
    InsufficientStake,
    /// A committee member may not fall below the minimum.
    #[msg("A committee member must keep the operator minimum bonded: wait until the next committee is active")]
    MemberBelowMinimum,
    /// Nothing is unbonding.
    #[msg("Nothing is unbonding in this position: request_unbond first")]
    NothingUnbonding,
    /// The cooldown is not over.
    #[msg("The cooldown is not over: withdraw from the position's unbond_slot on")]
    CooldownNotOver,
    /// The position does not reach the operators' minimum.
    #[msg("The operator position is below the minimum: deposit more in the role Operator")]
    BelowMinimum,
    /// The endpoint is not an HTTP URL of acceptable length.
    #[msg("The endpoint must be an http:// or https:// URL of at most 128 bytes")]
    BadEndpoint,
    /// The capabilities are empty, or have a bit without a meaning.
    #[msg("Unknown capability: use bit 0 train, bit 1 serve, bit 2 attribute, at least one")]
    BadCapabilities,
    /// The threshold does not fit the size.
    #[msg("The threshold must be more than half of the size and at most the size")]
    BadThreshold,
    /// The committee would be empty or too large.
    #[msg("A committee has from 1 to 100 members")]
    BadSize,
    /// The call names no member, more than one call may name, or more than the committee's size.
    #[msg("Name from 1 to 20 members a call, and no more than the committee's size in all")]
    BadMemberCount,
    /// A wallet is named twice.
    #[msg("A wallet is named twice: every member has one place")]
    DuplicateMember,
    /// The accounts behind a member are not its operator and position.
    #[msg("Pass, for each member in order, its operator account and its operator position")]
    WrongMemberAccounts,
    /// The committee does not take members: it is complete, active or retired.
    #[msg("The committee is not forming: it is complete, active or retired")]
    NotForming,
    /// The committee is not waiting for confirmations.
    #[msg("The committee is not waiting for confirmations: it is incomplete, active or retired")]
    NotConfirming,
    /// The signer is not a member.
    #[msg("This wallet is not a member of the committee")]
    NotMember,
    /// The member has confirmed before.
    #[msg("This member has confirmed already")]
    AlreadyConfirmed,
    /// The group key differs from the one that a member confirmed before.
    #[msg("Another group key was confirmed first: abandon this committee and generate a new key")]
    GroupKeyDiffers,
    /// The group key is zero.
    #[msg("The group key is zero: confirm the outcome of key generation")]
    ZeroGroupKey,
    /// The committee that this one replaces was not given.
    #[msg("Pass the active committee as previous_committee: it retires when this one becomes active")]
    PreviousMissing,
    /// There is a lock of this wallet already.
    #[msg("This wallet has a lock: add to it or extend it, or unlock it after its end")]
    LockExists,
    /// There is nothing locked.
    #[msg("Nothing is locked: lock_votes first")]
    NothingLocked,
    /// The end of the lock is too near or too far.
    #[msg("A lock ends at least MIN_LOCK_SLOTS and at most MAX_LOCK_SLOTS from now")]
    BadLockEnd,
    /// A lock cannot be shortened.
    #[msg("A lock cannot be shortened: name a later end than its present one")]
    LockShortened,
    /// The lock has ended.
    #[msg("The lock has ended: extend or unlock it first")]
    LockEnded,
    /// The lock has not ended.
    #[msg("The lock has not ended: unlock it from its end_slot on")]
    LockNotEnded,
    /// The token account is not the owner's associated one.
    #[msg("Pass the owner's associated token account for OPEN")]
    WrongOwnerToken,
    /// The members are not the next ones on the roster that the present committee attested.
    #[msg(
        "These are not the next members of the committee's roster: seat them in its order, with the hash of the rest"
    )]
    NotOnRoster,
    /// The authority may not name members of a committee whose roster the present committee attested.
    #[msg("The present committee has named the members: seat them with seat_members")]
    MembersAreNamed,
    /// The committee has no roster, because the authority names its members.
    #[msg("The authority names this committee's members: it seats them with add_members")]
    NoRoster,
    /// The committee's deadline has not passed.
    #[msg("The committee may still become active: expire it after its deadline_slot")]
    NotExpired,
    /// The unbonding time would be shortened.
    #[msg("unbond_slots may only grow: payout's challenge window was chosen to be shorter")]
    UnbondingShortened,
    /// The instruction directly before is not the Ed25519 program's.
    #[msg("The instruction directly before this one must be the Ed25519 program's, with both observations")]
    EvidenceMissing,
    /// The Ed25519 instruction is not in canonical layout.
    #[msg(
        "The Ed25519 instruction must hold exactly two signatures in the canonical layout of a proof of equivocation"
    )]
    EvidenceLayout,
    /// The observations are signed by another key than the operator's identity key.
    #[msg("The observations are not signed by this operator's identity key")]
    EvidenceKey,
    /// A signed message is not an observation.
    #[msg("The signed messages are not observations")]
    NotObservations,
    /// The observations do not contradict each other.
    #[msg("The observations agree, or are of different things: nothing is proven")]
    NoConflict,
    /// The observations name another cluster, epoch, operator, subject or sequence than the instruction.
    #[msg("The observations are of another cluster, epoch, operator, subject or sequence than the instruction names")]
    EvidenceMismatch,
    /// The operator was not in the committee of that epoch, or that committee was never active.
    #[msg("The operator was no member of an active committee of this epoch: its observation counted for nothing")]
    NotOfThatCommittee,
    /// Nothing would be slashed.
    #[msg("Nothing can be slashed: the position is empty or the window's cap is reached")]
    NothingToSlash,
    /// The part to slash is zero or more than the whole.
    #[msg("Name a part from 1 to 10,000 basis points")]
    BadPart,
    /// The pool is not that of the position's owner, is missing, or is given where the owner has opened none.
    #[msg("Pass the pool of the position's owner if it has opened one (position.pooled), else none")]
    WrongPool,
    /// The amount is more than the insurance vault may pay in the present window.
    #[msg("The insurance vault may pay less than this in the present window: wait, or ask for less")]
    InsuranceCapReached,
    /// The insurance vault would pay itself or the stake vault.
    #[msg("The insurance vault pays neither itself nor the stake vault")]
    WrongRecipient,
    /// The pool has lost nearly everything.
    #[msg("This operator's pool has lost nearly everything to slashes and takes no new delegations")]
    PoolRuined,
    /// Nothing to claim.
    #[msg("There is nothing to claim: the shares have earned nothing since the last time")]
    NothingToClaim,
    /// Nothing has arrived.
    #[msg("Nothing has arrived in the reward vault and no commission is due")]
    NothingToHarvest,
}
