//! Sequence numbers of an account's events. They have no gaps, so that an indexer can prove that it missed no event.

use crate::checked::add;
use anchor_lang::prelude::*;

/// Takes the present number and advances the counter. Fails with `Overflow` at the end of u64.
pub fn take(sequence: &mut u64) -> Result<u64> {
    let present = *sequence;
    *sequence = add(present, 1)?;
    Ok(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gap_and_end_before_they_wrap() {
        let mut next = 0;
        assert_eq!((take(&mut next).unwrap(), take(&mut next).unwrap(), next), (0, 1, 2));
        let mut last = u64::MAX;
        assert!(take(&mut last).is_err());
        assert_eq!(last, u64::MAX);
    }
}
