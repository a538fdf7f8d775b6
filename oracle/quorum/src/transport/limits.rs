//! The longest message of each kind.

use crate::envelope::Kind;

/// Longest header in bytes.
pub(crate) const HEADER: usize = 2 << 10;

/// Longest body that carries neither a list of members nor observations, in bytes.
const SMALL: u64 = 64 << 10;

/// What a list of members takes more for each of them, in bytes: commitments, digests or signatures.
const LISTED: u64 = 2 << 10;

/// Longest observation in bytes: a million numbers of up to 20 digits, and what signs them.
const OBSERVATION: u64 = 24 << 20;

/// No message is longer, however large the committee is, in bytes.
const LONGEST: u64 = 256 << 20;

/// Longest body of a request of this kind in a committee of `size` members, in bytes.
pub(crate) fn request(kind: Kind, size: usize) -> u64 {
    match kind {
        Kind::SignCommit | Kind::ObserveCommit | Kind::Beat => SMALL,
        Kind::ObserveTell => OBSERVATION,
        Kind::ObserveClose | Kind::ObserveResult => longest(size),
        _ => SMALL + LISTED * size as u64,
    }
}

/// Longest body of an answer of this kind in a committee of `size` members, in bytes.
pub(crate) fn answer(kind: Kind, size: usize) -> u64 {
    match kind {
        Kind::ObserveReveal => OBSERVATION,
        // They answer with the agreement if there is one.
        Kind::ObserveTell | Kind::ObserveSeal | Kind::ObserveClose => longest(size),
        _ => SMALL + LISTED * size as u64,
    }
}

/// Longest message of any kind in a committee of `size` members, in bytes.
pub(crate) fn longest(size: usize) -> u64 {
    (OBSERVATION * size as u64).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_observations_are_long_and_nothing_is_longer_than_the_longest() {
        for size in [2, 5, 100] {
            for kind in Kind::ALL {
                assert!(request(kind, size) <= longest(size) && answer(kind, size) <= longest(size));
                let is_long = request(kind, size) > SMALL + 100 * LISTED;
                let may_be = matches!(kind, Kind::ObserveTell | Kind::ObserveClose | Kind::ObserveResult);
                assert_eq!(is_long, may_be, "{kind:?}");
            }
        }
        assert_eq!(request(Kind::SignCommit, 100), 64 << 10);
        assert_eq!(request(Kind::ObserveResult, 5), 5 * OBSERVATION);
    }
}
