//! Errors of the stake program, and those of the code that the other programs share with it.

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
    /// A parameter is zero.
    #[msg("Minimum stakes and the unbonding time must be greater than zero")]
    ZeroParameter,
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
    /// Capability bits that mean nothing.
    #[msg("Unknown capability: use bit 0 train, bit 1 serve, bit 2 attribute, at least one")]
    BadCapabilities,
    /// The threshold does not fit the size.
    #[msg("The threshold must be more than half of the size and at most the size")]
    BadThreshold,
    /// The committee would be empty or too large.
    #[msg("A committee has from 1 to 100 members")]
    BadSize,
    /// No member, or more than one call takes.
    #[msg("Name from 1 to 20 members a call, and no more than the committee's size in all")]
    BadMemberCount,
    /// A wallet is named twice.
    #[msg("A wallet is named twice: every member has one place")]
    DuplicateMember,
    /// The accounts behind a member are not its operator and position.
    #[msg("Pass, for each member in order, its operator account and its operator position")]
    WrongMemberAccounts,
    /// The committee is not in the right state.
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
    /// Another group key than the one confirmed before.
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
    /// The end lies too near or too far.
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
}
