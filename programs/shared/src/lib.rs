//! What several programs share: errors, pauses, and calls to a program that the caller cannot depend on. A crate of its
//! own, because an interface description holds one error enum.

use anchor_lang::prelude::*;

pub mod payout;
pub mod version;

/// Errors of the stake crate's `attested`, `committee` and `sequence`: the same codes in every program that uses them.
#[error_code(offset = 7000)]
pub enum SharedError {
    /// An integer would overflow.
    #[msg("An amount or counter would overflow")]
    Overflow,
    /// The committee account is not the active one.
    #[msg("Pass the active committee: the one whose epoch is the stake config's committee_epoch")]
    CommitteeNotActive,
    /// The account is no committee of the stake program.
    #[msg("This is not a committee account of the stake program")]
    NotACommittee,
    /// No Ed25519 instruction directly before.
    #[msg("The instruction directly before this one must be the Ed25519 program's")]
    AttestationMissing,
    /// The Ed25519 instruction is not in canonical layout.
    #[msg("The Ed25519 instruction must hold exactly one signature in the canonical layout")]
    AttestationLayout,
    /// Signed by another key.
    #[msg("The attestation is not by the active committee's group key")]
    AttestationKey,
    /// Signed over another message.
    #[msg("The attestation is over another message: check cluster, program, epoch, kind, subject, sequence, payload")]
    AttestationMessage,
    /// The attestation has expired.
    #[msg("The attestation has expired: let the committee sign again with a later expiry slot")]
    AttestationExpired,
    /// The program is paused.
    #[msg("The program is paused: wait until the slot in its config's paused_until")]
    Paused,
    /// A pause that would last too long.
    #[msg("A pause may reach at most MAX_PAUSE_SLOTS into the future")]
    PauseTooLong,
}

/// Longest pause: about a week of 400 ms slots. A pause ends by itself, so that whoever may pause cannot freeze what
/// is not theirs.
pub const MAX_PAUSE_SLOTS: u64 = 1_512_000;

/// The `paused_until` to store where a pause until `until` is asked for in `slot`; a slot that is past ends the pause.
pub fn pause_until(until: u64, slot: u64) -> Result<u64> {
    require!(until <= slot.saturating_add(MAX_PAUSE_SLOTS), SharedError::PauseTooLong);
    Ok(until)
}

/// Refuses while the program is paused: `paused_until` is the first slot in which it runs again.
pub fn require_running(paused_until: u64, slot: u64) -> Result<()> {
    require!(slot >= paused_until, SharedError::Paused);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_bounded_and_ends_by_itself() {
        assert_eq!(pause_until(10 + MAX_PAUSE_SLOTS, 10).unwrap(), 10 + MAX_PAUSE_SLOTS);
        assert!(pause_until(11 + MAX_PAUSE_SLOTS, 10).is_err());
        assert!(require_running(20, 19).is_err());
        require_running(20, 20).unwrap();
        require_running(0, 0).unwrap();
    }
}
