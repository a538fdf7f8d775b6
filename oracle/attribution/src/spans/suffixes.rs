//! Sorts all suffixes of a text, by libsais.

use crate::error::{AttributionError, Result};
use libsais::{IsValidOutputFor, LargeAlphabet, LibsaisError, SuffixArrayConstruction};

/// Positions in a text, in integers that are as wide as its length needs.
pub(crate) enum Suffixes {
    Short(Vec<i32>),
    Long(Vec<i64>),
}

impl Suffixes {
    /// All positions of `text`, in the lexical order of the text from there on. A suffix comes before longer suffixes
    /// that begin with it. The values must not be negative. It takes 8 bytes a token, or 20 from 2^31 tokens on.
    pub(crate) fn of(mut text: Vec<i32>) -> Result<Self> {
        let tokens = text.len();
        let sorted = match i32::try_from(tokens) {
            Ok(_) => sorted(&mut text).map(Suffixes::Short),
            Err(_) => Self::long(&text),
        };
        sorted.map_err(|source| AttributionError::Suffixes { tokens, source })
    }

    fn long(text: &[i32]) -> Result<Self, LibsaisError> {
        let mut text: Vec<i64> = text.iter().map(|t| i64::from(*t)).collect();
        sorted(&mut text).map(Suffixes::Long)
    }

    /// The positions in order.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        // Positions are not negative.
        match self {
            Suffixes::Short(positions) => Box::new(positions.iter().map(|p| *p as u64)),
            Suffixes::Long(positions) => Box::new(positions.iter().map(|p| *p as u64)),
        }
    }
}

fn sorted<T: LargeAlphabet + IsValidOutputFor<T>>(text: &mut [T]) -> Result<Vec<T>, LibsaisError> {
    Ok(SuffixArrayConstruction::for_text_mut(text).in_owned_buffer::<T>().single_threaded().run()?.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_widths_sort_as_comparing_whole_suffixes_does(text in prop::collection::vec(0i32..4, 1..200)) {
            let mut expected: Vec<u64> = (0..text.len() as u64).collect();
            expected.sort_by_key(|p| &text[*p as usize..]);
            let long: Vec<u64> = Suffixes::long(&text).unwrap().iter().collect();
            prop_assert_eq!(&long, &expected);
            let short: Vec<u64> = Suffixes::of(text).unwrap().iter().collect();
            prop_assert_eq!(&short, &expected);
        }
    }
}
