//! One hash over the members of a committee. It can be opened from the front, a few members at a time.
//!
//! A committee that names its successor must sign all of its members, but a hundred wallets do not fit in one
//! transaction. So it signs the head of a hash chain, `H(member ‖ H(member ‖ … H(last ‖ 0)))`. The next members,
//! together with the hash of the members after them, prove that they are the attested ones, in this order and without a
//! gap.

use anchor_lang::prelude::Pubkey;
use openledger_protocol::hash::{Hash32, ZERO, sha256};

/// The hash of `members` followed by the members whose hash is `rest`.
pub fn chain(members: &[Pubkey], rest: Hash32) -> Hash32 {
    members.iter().rev().fold(rest, |behind, member| sha256(&[member.as_ref(), &behind]))
}

/// The hash of a whole committee's members.
pub fn roster(members: &[Pubkey]) -> Hash32 {
    chain(members, ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_opens_in_any_parts_and_in_its_order_only() {
        let members: Vec<Pubkey> = (1..=5).map(|n| Pubkey::new_from_array([n; 32])).collect();
        let whole = roster(&members);
        for cut in 0..=5 {
            assert_eq!(chain(&members[..cut], roster(&members[cut..])), whole);
        }
        let mut swapped = members.clone();
        swapped.swap(1, 2);
        assert_ne!(roster(&swapped), whole);
        assert_ne!(roster(&members[..4]), whole);
        assert_ne!(roster(&members[1..]), whole);
        assert_eq!(roster(&[]), ZERO);
    }
}
