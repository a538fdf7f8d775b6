//! Sums and differences of amounts, counters and slots. They fail with [`SharedError::Overflow`].

use crate::error::SharedError;
use anchor_lang::prelude::*;

/// `a + b`.
#[inline]
pub fn add(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).ok_or_else(overflow)
}

/// `a - b`.
#[inline]
pub fn sub(a: u64, b: u64) -> Result<u64> {
    a.checked_sub(b).ok_or_else(overflow)
}

/// A separate function, so that the sums are small enough to be inlined.
#[cold]
#[inline(never)]
fn overflow() -> Error {
    SharedError::Overflow.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!((add(u64::MAX - 1, 1).unwrap(), sub(1, 1).unwrap()), (u64::MAX, 0));
        assert_eq!(add(u64::MAX, 1).unwrap_err(), SharedError::Overflow.into());
        assert_eq!(sub(0, 1).unwrap_err(), SharedError::Overflow.into());
    }
}
