//! Decides whose turn it is to coordinate. Turns need no vote: a coordinator holds no secret of the others and can only
//! delay, and two members that both coordinate do no harm.
//!
//! The turn's number is the time on a clock that all members share, divided by the length of a turn. It does not depend
//! on when a member began, so members that start late are in step. If clocks differ, then turns overlap or leave gaps.
//! Each member still has its own turn once in n, by its own clock.

use std::time::Duration;

use openledger_protocol::{Hash32, hash::sha256};

use crate::membership::{Committee, Member};

/// The coordinator of turn 0, 1, … for `subject`: the member at index `(H(subject) + turn) mod n`.
pub fn coordinator<'a>(committee: &'a Committee, subject: &Hash32, turn: u64) -> &'a Member {
    let digest = sha256(&[subject]);
    let start = u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    let turn = (start.wrapping_add(turn)) % committee.members.len() as u64;
    &committee.members[turn as usize]
}

/// The member that coordinates in this turn if the silent members are skipped: the first that is not silent, from
/// [`coordinator`] on. If all are silent, the turn's own coordinator.
pub fn living<'a>(
    committee: &'a Committee,
    subject: &Hash32,
    turn: u64,
    silent: impl Fn(&Hash32) -> bool,
) -> &'a Member {
    let turns = (0..committee.size() as u64).map(|later| coordinator(committee, subject, turn.wrapping_add(later)));
    turns.into_iter().find(|m| !silent(&m.wallet)).unwrap_or_else(|| coordinator(committee, subject, turn))
}

/// The turn at the time `clock`, and how long it still lasts. `length` must not be zero.
pub fn turn(clock: Duration, length: Duration) -> (u64, Duration) {
    let (now, length) = (clock.as_nanos(), length.as_nanos());
    let left = length - now % length;
    ((now / length) as u64, Duration::from_nanos(left as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committee() -> Committee {
        let members: Vec<_> = (1..=5u16)
            .map(|place| Member { place, wallet: [place as u8; 32], identity: [0; 32], endpoint: String::new() })
            .collect();
        Committee { epoch: 1, threshold: 3, members }
    }

    #[test]
    fn every_member_gets_its_turn_within_n_turns() {
        let committee = committee();
        let mut turns: Vec<_> = (0..5).map(|k| coordinator(&committee, &[7; 32], k).place).collect();
        assert_eq!(coordinator(&committee, &[7; 32], 5).place, turns[0]);
        turns.sort_unstable();
        assert_eq!(turns, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_silent_member_loses_its_turn_to_the_next_that_lives() {
        let committee = committee();
        let at = |turn| coordinator(&committee, &[7; 32], turn).wallet;
        let silent = |w: &Hash32| [at(0), at(1)].contains(w);
        assert_eq!(living(&committee, &[7; 32], 0, silent).wallet, at(2));
        assert_eq!(living(&committee, &[7; 32], 2, silent).wallet, at(2));
        assert_eq!(living(&committee, &[7; 32], 4, silent).wallet, at(4));
        assert_eq!(living(&committee, &[7; 32], 3, |_| true).wallet, at(3));
    }

    #[test]
    fn the_turn_follows_from_the_clock_alone() {
        let length = Duration::from_secs(30);
        assert_eq!(turn(Duration::ZERO, length), (0, length));
        assert_eq!(turn(Duration::from_secs(59), length), (1, Duration::from_secs(1)));
        assert_eq!(turn(Duration::from_secs(60), length), (2, length));
    }
}
