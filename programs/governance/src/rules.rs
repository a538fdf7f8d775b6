//! Pure rules: which parameters are valid, who may propose, and which proposals pass.

use crate::{
    error::GovernanceError,
    events::ProposalEnded,
    seeds,
    state::{Config, Parameters, Proposal, ProposalState},
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;
use stake::state::VoteLock;

/// Highest quorum. A vote's weight is less than the OPEN locked and falls with time. A higher quorum could become
/// impossible to reach, even by a proposal to lower it.
pub const MAX_QUORUM_BPS: u16 = 5_000;
/// Highest threshold: 1 % of the fixed supply of 10⁹ OPEN, for the same reason.
pub const MAX_THRESHOLD: u64 = 10_000_000 * 10u64.pow(stake::state::OPEN_DECIMALS as u32);
/// Longest window: about ninety days of 400 ms slots.
pub const MAX_WINDOW: u64 = 19_440_000;

impl Parameters {
    /// Refuses parameters under which no proposal could be decided, and windows above [`MAX_WINDOW`] or below their
    /// floors. `initialize` sets the floors for each cluster, so that no proposal can shorten the time in which others
    /// can object below them.
    pub fn validate(&self, min_voting_slots: u64, min_timelock_slots: u64) -> Result<()> {
        require!((1..=MAX_QUORUM_BPS).contains(&self.quorum_bps), GovernanceError::BadQuorum);
        require!(self.proposal_threshold <= MAX_THRESHOLD, GovernanceError::BadThreshold);
        for (slots, least) in
            [(self.voting_slots, min_voting_slots), (self.timelock_slots, min_timelock_slots), (self.grace_slots, 1)]
        {
            require!((least.max(1)..=MAX_WINDOW).contains(&slots), GovernanceError::BadWindow);
        }
        Ok(())
    }
}

/// Checks that `proposer` is the delegate of `lock`, and that the lock has enough weight to propose in `slot`. Fails
/// with `NotDelegate` or `BelowThreshold`.
pub fn require_threshold(config: &Config, lock: &VoteLock, proposer: &Pubkey, slot: u64) -> Result<()> {
    require_keys_eq!(lock.delegate, *proposer, GovernanceError::NotDelegate);
    let weight = lock.weight_at(slot);
    require!(weight > 0 && weight >= config.parameters.proposal_threshold, GovernanceError::BelowThreshold);
    Ok(())
}

/// The authority's address. It is the only PDA of this program that signs.
pub fn authority(config: &Config) -> Result<Pubkey> {
    Pubkey::create_program_address(&[seeds::AUTHORITY, &[config.authority_bump]], &crate::ID)
        .map_err(|_| ErrorCode::ConstraintSeeds.into())
}

/// `bps` basis points of `locked`, rounded up, at least 1.
pub fn quorum(locked: u64, bps: u16) -> u64 {
    // At most half of `locked`, so it fits.
    ((locked as u128 * bps as u128).div_ceil(10_000) as u64).max(1)
}

impl Proposal {
    /// Whether the quorum is reached and the weight for the proposal exceeds the weight against it.
    pub fn passed(&self) -> bool {
        let voted = self.votes_for as u128 + self.votes_against as u128 + self.votes_abstain as u128;
        voted >= self.quorum as u128 && self.votes_for > self.votes_against
    }

    /// Fails with `WrongState` in any other state than `state`.
    pub fn require_state(&self, state: ProposalState) -> Result<()> {
        require!(self.state == state, GovernanceError::WrongState);
        Ok(())
    }
}

/// Sets the final state of the proposal and returns its event.
pub(crate) fn end(proposal: &mut Account<Proposal>, state: ProposalState) -> Result<ProposalEnded> {
    proposal.state = state;
    Ok(ProposalEnded {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        state,
        executed: proposal.executed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_shared::version::Version;
    use proptest::prelude::*;

    const GOOD: Parameters =
        Parameters { quorum_bps: 400, proposal_threshold: 1, voting_slots: 10, timelock_slots: 20, grace_slots: 5 };

    fn proposal(quorum: u64, votes: [u64; 3]) -> Proposal {
        Proposal {
            version: Version::CURRENT,
            bump: 0,
            number: 0,
            proposer: Pubkey::default(),
            description_hash: [0; 32],
            description_uri: String::new(),
            state: ProposalState::Voting,
            instructions: 1,
            replaces_guardian: 0,
            executed: 0,
            snapshot_slot: 0,
            snapshot_locked: 0,
            quorum,
            voting_end_slot: 0,
            timelock_slots: 0,
            grace_slots: 0,
            executable_slot: 0,
            expiry_slot: 0,
            votes_for: votes[0],
            votes_against: votes[1],
            votes_abstain: votes[2],
            sequence: 0,
        }
    }

    #[test]
    fn parameters_have_bounds_and_floors() {
        GOOD.validate(10, 20).unwrap();
        Parameters { quorum_bps: MAX_QUORUM_BPS, proposal_threshold: MAX_THRESHOLD, ..GOOD }.validate(0, 0).unwrap();
        for bad in [
            Parameters { quorum_bps: 0, ..GOOD },
            Parameters { quorum_bps: MAX_QUORUM_BPS + 1, ..GOOD },
            Parameters { proposal_threshold: MAX_THRESHOLD + 1, ..GOOD },
            Parameters { voting_slots: 9, ..GOOD },
            Parameters { voting_slots: MAX_WINDOW + 1, ..GOOD },
            Parameters { timelock_slots: 19, ..GOOD },
            Parameters { timelock_slots: MAX_WINDOW + 1, ..GOOD },
            Parameters { grace_slots: 0, ..GOOD },
            Parameters { grace_slots: u64::MAX, ..GOOD },
        ] {
            assert!(bad.validate(10, 20).is_err(), "{bad:?}");
        }
        // A floor of zero does not allow a window of zero.
        assert!(Parameters { voting_slots: 0, ..GOOD }.validate(0, 0).is_err());
        assert!(Parameters { timelock_slots: 0, ..GOOD }.validate(0, 0).is_err());
    }

    #[test]
    fn quorum_counts_all_votes_and_a_tie_fails() {
        for (quorum, votes, passed) in [
            (10, [6, 5, 0], true),
            (10, [5, 5, 0], false),
            (10, [4, 5, 1], false),
            (10, [6, 3, 0], false),
            (10, [6, 3, 1], true),
            (10, [1, 0, 9], true),
            (10, [0, 0, 10], false),
            (1, [u64::MAX, u64::MAX - 1, u64::MAX], true),
        ] {
            assert_eq!(proposal(quorum, votes).passed(), passed, "{quorum} {votes:?}");
        }
    }

    #[test]
    fn a_quorum_is_rounded_up_and_never_nothing() {
        assert_eq!((quorum(10_000, 400), quorum(10_001, 400), quorum(1, 1), quorum(0, 5_000)), (400, 401, 1, 1));
        assert_eq!(quorum(u64::MAX, MAX_QUORUM_BPS), u64::MAX / 2 + 1);
    }

    proptest! {
        #[test]
        fn a_quorum_is_the_least_number_that_is_share_enough(locked in 1..u64::MAX, bps in 1..=MAX_QUORUM_BPS) {
            let (quorum, share) = (u128::from(quorum(locked, bps)), u128::from(locked) * u128::from(bps));
            prop_assert!(quorum * 10_000 >= share && (quorum - 1) * 10_000 < share);
        }
    }
}
