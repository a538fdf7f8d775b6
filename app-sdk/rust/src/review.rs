//! What a validator checks: pure functions from documents to a verdict.
//!
//! A leaf is at fault where its content is missing, is not text, is empty or too long, or repeats a document: exactly,
//! or nearly by the Jaccard similarity of word shingles (Broder, "On the resemblance and containment of documents",
//! 1997) over normalised text, so that case, punctuation and spacing do not hide a copy.

use openledger_protocol::{Hash32, hash::sha256};
use std::collections::HashSet;

/// Words in a shingle.
const SHINGLE: usize = 5;
/// Parts per million in a whole.
const PPM: u64 = 1_000_000;

/// What is tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fewest letters and digits in a document.
    pub min_characters: usize,
    /// Most bytes of a document.
    pub max_bytes: usize,
    /// Similarity in parts per million from which a document counts as a copy.
    pub near_ppm: u64,
    /// Share of leaves at fault, in parts per million, up to which a batch is still approved.
    pub tolerated_ppm: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_characters: 20, max_bytes: 1 << 20, near_ppm: 800_000, tolerated_ppm: 100_000 }
    }
}

/// What is wrong with a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its content is not in the artifact store, or not under its hash.
    Missing,
    /// Its content is not UTF-8 text.
    NotText,
    /// Too little text.
    TooShort {
        /// Letters and digits in it.
        characters: usize,
    },
    /// Too many bytes.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// A copy of an earlier document.
    Copy {
        /// Content hash of the earlier one.
        of: Hash32,
        /// Similarity in parts per million: a million for an exact copy.
        ppm: u64,
    },
}

/// A verdict on a batch with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Approve or not.
    pub approve: bool,
    /// Quality in 0..=10,000: the share of leaves without fault.
    pub quality: u16,
    /// Place of each leaf at fault, and what is wrong.
    pub faults: Vec<(usize, Fault)>,
}

/// A document's fingerprint: what similarity is computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Content hash.
    pub content: Hash32,
    shingles: HashSet<u64>,
}

impl Fingerprint {
    /// Of a document's text.
    pub fn new(content: Hash32, text: &str) -> Self {
        let words = words(text);
        let hash = |window: &[String]| {
            let digest = sha256(&[window.join(" ").as_bytes()]);
            u64::from_le_bytes(digest[..8].try_into().expect("8 of 32 bytes"))
        };
        let shingles = if words.len() <= SHINGLE {
            HashSet::from([hash(&words)])
        } else {
            words.windows(SHINGLE).map(hash).collect()
        };
        Self { content, shingles }
    }

    /// Jaccard similarity in parts per million.
    pub fn similarity(&self, other: &Self) -> u64 {
        let (small, large) = if self.shingles.len() <= other.shingles.len() { (self, other) } else { (other, self) };
        let common = small.shingles.iter().filter(|s| large.shingles.contains(s)).count() as u64;
        let union = (self.shingles.len() + other.shingles.len()) as u64 - common;
        (common * PPM).checked_div(union).unwrap_or(PPM)
    }
}

/// Runs of letters and digits in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// Judges a batch. `contents` are its leaves' content hashes with the bytes, where the store has them; `known` are the
/// documents accepted before.
pub fn judge(contents: &[(Hash32, Option<Vec<u8>>)], known: &[Fingerprint], limits: &Limits) -> Judgement {
    let mut seen: Vec<Fingerprint> = Vec::new();
    let mut faults = Vec::new();
    for (place, (content, bytes)) in contents.iter().enumerate() {
        match examine(*content, bytes.as_deref(), known, &seen, limits) {
            Ok(fingerprint) => seen.push(fingerprint),
            Err(fault) => faults.push((place, fault)),
        }
    }
    let (total, bad) = (contents.len() as u64, faults.len() as u64);
    let good_share = ((total - bad) * 10_000).checked_div(total).unwrap_or(0);
    // Content that nobody can read cannot be judged, trained on or attributed: one such leaf is one too many.
    let unreadable = faults.iter().any(|(_, f)| matches!(f, Fault::Missing | Fault::NotText));
    let approve = total > 0 && !unreadable && bad * PPM <= total * limits.tolerated_ppm;
    Judgement { approve, quality: good_share as u16, faults }
}

fn examine(
    content: Hash32,
    bytes: Option<&[u8]>,
    known: &[Fingerprint],
    seen: &[Fingerprint],
    limits: &Limits,
) -> Result<Fingerprint, Fault> {
    let bytes = bytes.ok_or(Fault::Missing)?;
    if bytes.len() > limits.max_bytes {
        return Err(Fault::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?;
    let characters = text.chars().filter(|c| c.is_alphanumeric()).count();
    if characters < limits.min_characters {
        return Err(Fault::TooShort { characters });
    }
    let fingerprint = Fingerprint::new(content, text);
    let closest =
        known.iter().chain(seen).map(|k| (if k.content == content { PPM } else { fingerprint.similarity(k) }, k));
    match closest.max_by_key(|(ppm, _)| *ppm) {
        Some((ppm, k)) if ppm >= limits.near_ppm => Err(Fault::Copy { of: k.content, ppm }),
        _ => Ok(fingerprint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "The printf family of functions produces output according to a format as described below. \
        The functions printf and vprintf write output to stdout, the standard output stream.";
    const OTHER: &str = "Open a file and return a descriptor for it. The argument flags must include one of the \
        access modes, which request opening the file read only, write only or for both.";

    fn leaf(text: &str) -> (Hash32, Option<Vec<u8>>) {
        (sha256(&[text.as_bytes()]), Some(text.as_bytes().to_vec()))
    }

    fn known(text: &str) -> Fingerprint {
        Fingerprint::new(sha256(&[text.as_bytes()]), text)
    }

    #[test]
    fn good_and_different_documents_are_approved_in_full() {
        let j = judge(&[leaf(PAGE), leaf(OTHER)], &[], &Limits::default());
        assert_eq!(j, Judgement { approve: true, quality: 10_000, faults: vec![] });
    }

    #[test]
    fn case_punctuation_and_a_changed_word_do_not_hide_a_copy() {
        let shouted = PAGE.to_uppercase().replace(' ', " \n ").replace('.', "!");
        let j = judge(&[leaf(&shouted)], &[known(PAGE)], &Limits::default());
        assert!(matches!(j.faults[..], [(0, Fault::Copy { ppm: 1_000_000, .. })]), "{:?}", j.faults);
        let long = PAGE.repeat(3);
        let edited = long.replacen("format", "layout", 1);
        let j = judge(&[leaf(&edited)], &[known(&long)], &Limits::default());
        assert!(!j.approve, "{:?}", j.faults);
        assert!(judge(&[leaf(OTHER)], &[known(PAGE)], &Limits::default()).approve);
    }

    #[test]
    fn a_copy_within_the_batch_belongs_to_the_earlier_leaf() {
        let j = judge(&[leaf(PAGE), leaf(OTHER), leaf(PAGE)], &[], &Limits::default());
        assert_eq!(j.faults, [(2, Fault::Copy { of: leaf(PAGE).0, ppm: PPM })]);
        assert_eq!((j.approve, j.quality), (false, 6_666));
    }

    #[test]
    fn missing_unreadable_short_and_long_contents_are_named() {
        let limits = Limits { max_bytes: 400, ..Limits::default() };
        let leaves = [
            ([1; 32], None),
            ([2; 32], Some(vec![0xff; 30])),
            leaf("..., --- !!!!!!!!!!!!!!!!!!!!!!!!!!!"),
            leaf(&"long ".repeat(200)),
        ];
        let faults: Vec<Fault> = judge(&leaves, &[], &limits).faults.into_iter().map(|(_, f)| f).collect();
        let expected =
            [Fault::Missing, Fault::NotText, Fault::TooShort { characters: 0 }, Fault::TooLong { bytes: 1000 }];
        assert_eq!(faults, expected);
    }

    #[test]
    fn few_copies_are_tolerated_but_never_unreadable_content() {
        let mut leaves: Vec<_> = (0..19).map(|i| leaf(&numbered(i))).collect();
        leaves.push(leaf(&numbered(0)));
        let j = judge(&leaves, &[], &Limits::default());
        assert_eq!((j.approve, j.quality), (true, 9_500));
        leaves[19].1 = None;
        assert!(!judge(&leaves, &[], &Limits::default()).approve);
        assert!(!judge(&[], &[], &Limits::default()).approve);
    }

    /// Texts that share no five words in a row.
    fn numbered(n: u32) -> String {
        (0..40).map(|i| format!("word{n}x{i} ")).collect()
    }

    #[test]
    fn similarity_is_symmetric_and_whole_for_itself() {
        let (a, b) = (known(PAGE), known(&PAGE.replacen("stdout", "stderr", 1)));
        assert_eq!(a.similarity(&b), b.similarity(&a));
        assert_eq!(a.similarity(&a), PPM);
        assert!(a.similarity(&b) > 500_000 && a.similarity(&b) < PPM);
        assert_eq!(a.similarity(&known(OTHER)), 0);
    }
}
