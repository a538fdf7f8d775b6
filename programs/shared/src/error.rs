//! Errors that several programs raise, with the same code and message in each.

use anchor_lang::prelude::*;

/// Why an instruction was refused by a rule that several programs have in common, and what to do about it.
#[error_code(offset = 7000)]
pub enum SharedError {
    /// An integer would overflow.
    #[msg("An amount or counter would overflow")]
    Overflow,
    /// The committee account is not the active one.
    #[msg("Pass the active committee: the one whose epoch is the stake config's committee_epoch")]
    CommitteeNotActive,
    /// The account is not a committee of the stake program.
    #[msg("This is not a committee account of the stake program")]
    NotACommittee,
    /// The instruction directly before is not the Ed25519 program's.
    #[msg("The instruction directly before this one must be the Ed25519 program's")]
    AttestationMissing,
    /// The Ed25519 instruction is not in canonical layout.
    #[msg("The Ed25519 instruction must hold exactly one signature in the canonical layout")]
    AttestationLayout,
    /// The signer's key is not the committee's.
    #[msg("The attestation is not by the active committee's group key")]
    AttestationKey,
    /// The signed message is not the expected one.
    #[msg("The attestation is over another message: check cluster, program, epoch, kind, subject, sequence, payload")]
    AttestationMessage,
    /// The attestation has expired.
    #[msg("The attestation has expired: let the committee sign again with a later expiry slot")]
    AttestationExpired,
    /// The program is paused.
    #[msg("The program is paused: wait until the slot in its config's paused_until")]
    Paused,
    /// The pause would be longer than `MAX_PAUSE_SLOTS`.
    #[msg("A pause may reach at most MAX_PAUSE_SLOTS into the future")]
    PauseTooLong,
}
