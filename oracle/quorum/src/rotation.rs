//! Decides whose turn it is to coordinate. Turns follow from the subject and need no vote: a coordinator holds no
//! secret of the others and can only delay.

use openledger_protocol::{Hash32, hash::sha256};

use crate::membership::{Committee, Member};

/// The coordinator of attempt 0, 1, … for `subject`: the member at index `(H(subject) + attempt) mod n`.
pub fn coordinator<'a>(committee: &'a Committee, subject: &Hash32, attempt: u64) -> &'a Member {
    let digest = sha256(&[subject]);
    let start = u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    let turn = (start.wrapping_add(attempt)) % committee.members.len() as u64;
    &committee.members[turn as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_gets_its_turn_within_n_attempts() {
        let members: Vec<_> = (1..=5u16)
            .map(|place| Member { place, wallet: [place as u8; 32], identity: [0; 32], endpoint: String::new() })
            .collect();
        let committee = Committee { epoch: 1, threshold: 3, members };
        let mut turns: Vec<_> = (0..5).map(|k| coordinator(&committee, &[7; 32], k).place).collect();
        assert_eq!(coordinator(&committee, &[7; 32], 5).place, turns[0]);
        turns.sort_unstable();
        assert_eq!(turns, [1, 2, 3, 4, 5]);
    }
}
