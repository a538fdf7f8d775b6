//! Fingerprints of documents, from which their similarity is computed.
//!
//! Nearness is the Jaccard similarity of word shingles (Broder, "On the resemblance and containment of documents",
//! 1997). The text is normalised first, as the trainer does it, so that case, punctuation, spacing and the forms of
//! Unicode do not hide a copy.
//!
//! A header that two documents share, such as a licence, makes neither a copy: then what comes after it is compared.

use openledger_protocol::{Hash32, hash::sha256};
use openledger_text::{Lines, normalised, words};

/// Words in a shingle.
const SHINGLE: usize = 5;
/// Parts per million in a whole.
pub const PPM: u64 = 1_000_000;

/// A document's fingerprint, from which similarity is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Content hash.
    pub content: Hash32,
    /// First 8 bytes of the SHA-256 of each shingle, little-endian, in ascending order and without repetition.
    pub(super) shingles: Vec<u64>,
    /// For each of the shingles the number of words before its last place.
    places: Vec<u32>,
    /// The document's lines. None in the fingerprint of a part.
    pub(super) lines: Lines,
}

impl Fingerprint {
    /// Computes the fingerprint of a document with content hash `content`.
    pub fn new(content: Hash32, text: &str) -> Self {
        let normalised = normalised(text);
        let words = words(&normalised);
        let hash = |window: &[&str]| {
            let digest = sha256(&[window.join(" ").as_bytes()]);
            u64::from_le_bytes(digest[..8].try_into().expect("8 of 32 bytes"))
        };
        let shingles: Vec<u64> =
            if words.len() <= SHINGLE { vec![hash(&words)] } else { words.windows(SHINGLE).map(hash).collect() };
        let mut placed: Vec<(u64, u32)> = shingles.into_iter().zip(0..).collect();
        // The last place of several comes first and stays.
        placed.sort_unstable_by_key(|(shingle, place)| (*shingle, std::cmp::Reverse(*place)));
        placed.dedup_by_key(|(shingle, _)| *shingle);
        let (shingles, places) = placed.into_iter().unzip();
        Self { content, shingles, places, lines: Lines::of(text) }
    }

    /// The fingerprint of what comes after the first `count` words.
    pub(super) fn after(&self, count: usize) -> Self {
        let kept = self.shingles.iter().zip(&self.places).filter(|(_, place)| **place as usize >= count);
        let (shingles, places) = kept.map(|(shingle, place)| (*shingle, *place)).unzip();
        Self { content: self.content, shingles, places, lines: Lines::default() }
    }

    /// The similarity of the two documents, or that of what they say after a header that both share if this is less.
    pub(super) fn similarity_beside_header(&self, other: &Self) -> u64 {
        let whole = self.similarity(other);
        match self.lines.header_shared_with(&other.lines) {
            Some(header) => whole.min(self.after(header.words).similarity(&other.after(header.words))),
            None => whole,
        }
    }

    /// The Jaccard similarity of the two documents' shingles, in parts per million.
    pub fn similarity(&self, other: &Self) -> u64 {
        let (mut a, mut b, mut common) = (self.shingles.as_slice(), other.shingles.as_slice(), 0u64);
        while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
            common += u64::from(x == y);
            (a, b) = (if x <= y { rest_a } else { a }, if y <= x { rest_b } else { b });
        }
        let union = (self.shingles.len() + other.shingles.len()) as u64 - common;
        (common * PPM).checked_div(union).unwrap_or(PPM)
    }

    /// Whether the similarity can reach `ppm`, judged by the numbers of shingles alone. It spares the comparison of
    /// documents whose lengths differ much.
    pub(super) fn may_reach(&self, other: &Self, ppm: u64) -> bool {
        let (a, b) = (self.shingles.len() as u64, other.shingles.len() as u64);
        a.min(b) * PPM >= a.max(b) * ppm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "The printf family of functions produces output according to a format as described below. \
        The functions printf and vprintf write output to stdout, the standard output stream.";

    fn known(text: &str) -> Fingerprint {
        Fingerprint::new(sha256(&[text.as_bytes()]), text)
    }

    /// Texts for different `n` share no five successive words.
    fn numbered(n: u32) -> String {
        (0..40).map(|i| format!("word{n}x{i} ")).collect()
    }

    #[test]
    fn similarity_is_symmetric_and_whole_for_itself() {
        let (a, b) = (known(PAGE), known(&PAGE.replacen("stdout", "stderr", 1)));
        assert_eq!(a.similarity(&b), b.similarity(&a));
        assert_eq!(a.similarity(&a), PPM);
        assert!(a.similarity(&b) > 500_000 && a.similarity(&b) < PPM);
        assert_eq!(a.similarity(&known(&numbered(0))), 0);
        // `may_reach` never excludes a pair that is near enough.
        let whole = known(&(0..40).map(numbered).collect::<String>());
        for count in 1..40 {
            let part = known(&(0..count).map(numbered).collect::<String>());
            let near = whole.similarity(&part);
            assert!(whole.may_reach(&part, near) && part.may_reach(&whole, near), "{count}");
        }
        assert!(!a.may_reach(&whole, 500_000));
    }
}
