//! Makes words that no model has seen.

use openledger_lm::Digest;

/// A word of four syllables that can be pronounced and means nothing. Another hash almost always gives another word.
pub fn word(hash: &Digest) -> String {
    let syllable = |i: usize| {
        let consonant = b"bdfgklmnprstvz"[hash[i] as usize % 14] as char;
        let vowel = b"aeiou"[hash[i + 1] as usize % 5] as char;
        format!("{consonant}{vowel}")
    };
    (0..4).map(|s| syllable(2 * s)).collect()
}
