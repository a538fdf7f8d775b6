//! Draws what a member re-executes of another's work, from bytes that nobody knew in time to prepare for them.

use openledger_protocol::hash::sha256;

/// An index below `count`, drawn uniformly from the hash of `parts`. `count` must not be 0.
pub fn draw(parts: &[&[u8]], count: usize) -> usize {
    let digest = sha256(parts);
    (u128::from_le_bytes(digest[..16].try_into().expect("16 of 32 bytes")) % count as u128) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn draws_are_in_range_and_depend_on_every_part() {
        let all: BTreeSet<usize> = (0..200u8).map(|i| draw(&[b"x", &[i]], 7)).collect();
        assert_eq!(all, (0..7).collect());
    }
}
