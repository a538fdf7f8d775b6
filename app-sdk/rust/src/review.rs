//! The checks of a validator, as pure functions from documents to a verdict.
//!
//! A leaf is at fault if its content is missing, is not text, is too short or too long, or repeats a document. A
//! repetition is exact or near. Nearness is the Jaccard similarity of word shingles (Broder, "On the resemblance and
//! containment of documents", 1997). The text is normalised first, as the trainer does it, so that case, punctuation,
//! spacing and the forms of Unicode do not hide a copy.
//!
//! A label, correction or removal is also at fault if its target is not an accepted document or was removed. A removal
//! is at fault if its contributor may not remove the target ([`targets`]).

pub mod targets;

use crate::manifest::Kind;
use openledger_protocol::{Hash32, hash::sha256};
use openledger_text::{letters, normalised, words};
use solana_pubkey::Pubkey;

/// Words in a shingle.
const SHINGLE: usize = 5;
/// Parts per million in a whole.
const PPM: u64 = 1_000_000;

/// The limits that a batch is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fewest letters and digits in a document.
    pub min_characters: usize,
    /// Most bytes of a document.
    pub max_bytes: usize,
    /// Least similarity, in parts per million, at which a document counts as a copy.
    pub near_ppm: u64,
    /// Largest share of leaves at fault, in parts per million, with which a batch is still approved.
    pub tolerated_ppm: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_characters: 20, max_bytes: 1 << 20, near_ppm: 800_000, tolerated_ppm: 100_000 }
    }
}

/// The fault of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The artifact store lacks its content, or holds other bytes under the content's hash.
    Missing,
    /// Its content is not UTF-8 text.
    NotText,
    /// Its content has too few letters and digits.
    TooShort {
        /// Number of letters and digits in it.
        characters: usize,
    },
    /// Its content has too many bytes.
    TooLong {
        /// Number of bytes in it.
        bytes: usize,
    },
    /// It is a copy of an earlier document.
    Copy {
        /// Content hash of the earlier document.
        of: Hash32,
        /// Similarity in parts per million. An exact copy has 1,000,000.
        ppm: u64,
    },
    /// Its target is not an accepted document of the Datanet.
    NoTarget {
        /// The leaf hash that it names as its target.
        target: Hash32,
    },
    /// It is about a document that was removed.
    Removed {
        /// The document's leaf hash.
        target: Hash32,
    },
    /// It would remove a document of another contributor, and the wallet that contributes the removal does not own the
    /// Datanet.
    NotTheirs {
        /// The document's leaf hash.
        target: Hash32,
        /// The document's contributor.
        of: Pubkey,
    },
}

impl Fault {
    /// Whether a single leaf with this fault rejects the whole batch. Content that nobody can read cannot be judged,
    /// trained on or attributed. A leaf without a valid target would do harm or have no effect.
    fn is_intolerable(&self) -> bool {
        match self {
            Self::Missing | Self::NotText => true,
            Self::NoTarget { .. } | Self::Removed { .. } | Self::NotTheirs { .. } => true,
            Self::TooShort { .. } | Self::TooLong { .. } | Self::Copy { .. } => false,
        }
    }
}

/// A leaf to judge.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Hash of its content.
    pub content: Hash32,
    /// The content, or `None` if the store lacks it.
    pub bytes: Option<Vec<u8>>,
    /// Its kind.
    pub kind: Kind,
    /// Content hash of the document that it is about, `None` for a document, or the fault of its target
    /// ([`targets::Accepted::about`]).
    pub about: Result<Option<Hash32>, Fault>,
}

/// A verdict on a batch, with the reasons for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether to approve the batch.
    pub approve: bool,
    /// Quality in 0..=10,000: the share of leaves without fault in basis points, rounded down.
    pub quality: u16,
    /// The leaves at fault, each with its place in the batch and its fault.
    pub faults: Vec<(usize, Fault)>,
}

/// A document's fingerprint, from which similarity is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Content hash.
    pub content: Hash32,
    /// First 8 bytes of the SHA-256 of each shingle, little-endian, in ascending order and without repetition.
    shingles: Vec<u64>,
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
        let mut shingles: Vec<u64> =
            if words.len() <= SHINGLE { vec![hash(&words)] } else { words.windows(SHINGLE).map(hash).collect() };
        shingles.sort_unstable();
        shingles.dedup();
        Self { content, shingles }
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
    fn may_reach(&self, other: &Self, ppm: u64) -> bool {
        let (a, b) = (self.shingles.len() as u64, other.shingles.len() as u64);
        a.min(b) * PPM >= a.max(b) * ppm
    }
}

/// Judges a batch. `entries` are its leaves in order, and `known` are the documents that the Datanet accepted before.
pub fn judge(entries: &[Entry], known: &[&Fingerprint], limits: &Limits) -> Judgement {
    let mut seen: Vec<Fingerprint> = Vec::new();
    let mut faults = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        match examine(entry, known, &seen, limits) {
            Ok(fingerprint) => seen.extend(fingerprint),
            Err(fault) => faults.push((place, fault)),
        }
    }
    let (total, bad) = (entries.len() as u64, faults.len() as u64);
    let good_share = ((total - bad) * 10_000).checked_div(total).unwrap_or(0);
    let intolerable = faults.iter().any(|(_, f)| f.is_intolerable());
    let approve = total > 0 && !intolerable && bad * PPM <= total * limits.tolerated_ppm;
    Judgement { approve, quality: good_share as u16, faults }
}

/// Returns the fingerprint of a leaf that a model would be trained on, or its fault.
///
/// A label or removal has no fingerprint (`None`). It may be as short as a word, and many may be equal.
fn examine(
    entry: &Entry,
    known: &[&Fingerprint],
    seen: &[Fingerprint],
    limits: &Limits,
) -> Result<Option<Fingerprint>, Fault> {
    let about = entry.about.clone()?;
    let bytes = entry.bytes.as_deref().ok_or(Fault::Missing)?;
    if bytes.len() > limits.max_bytes {
        return Err(Fault::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?;
    let characters = letters(text);
    let learned = matches!(entry.kind, Kind::Document | Kind::Correction);
    if characters < if learned { limits.min_characters } else { 1 } {
        return Err(Fault::TooShort { characters });
    }
    if !learned {
        return Ok(None);
    }
    let fingerprint = Fingerprint::new(entry.content, text);
    let similarity = |k: &Fingerprint| match k.content {
        content if content == entry.content => PPM,
        // A correction may resemble the document that it corrects.
        content if Some(content) == about => 0,
        _ if !fingerprint.may_reach(k, limits.near_ppm) => 0,
        _ => fingerprint.similarity(k),
    };
    let closest = known.iter().copied().chain(seen).map(|k| (similarity(k), k));
    match closest.max_by_key(|(ppm, _)| *ppm) {
        Some((ppm, k)) if ppm >= limits.near_ppm => Err(Fault::Copy { of: k.content, ppm }),
        _ => Ok(Some(fingerprint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "The printf family of functions produces output according to a format as described below. \
        The functions printf and vprintf write output to stdout, the standard output stream.";
    const OTHER: &str = "Open a file and return a descriptor for it. The argument flags must include one of the \
        access modes, which request opening the file read only, write only or for both.";

    fn leaf(text: &str) -> Entry {
        let bytes = text.as_bytes().to_vec();
        Entry { content: sha256(&[&bytes]), bytes: Some(bytes), kind: Kind::Document, about: Ok(None) }
    }

    fn raw(n: u8, bytes: Option<Vec<u8>>) -> Entry {
        Entry { content: [n; 32], bytes, ..leaf("") }
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
        let j = judge(&[leaf(&shouted)], &[&known(PAGE)], &Limits::default());
        assert!(matches!(j.faults[..], [(0, Fault::Copy { ppm: 1_000_000, .. })]), "{:?}", j.faults);
        let long = PAGE.repeat(3);
        let edited = long.replacen("format", "layout", 1);
        let j = judge(&[leaf(&edited)], &[&known(&long)], &Limits::default());
        assert!(!j.approve, "{:?}", j.faults);
        assert!(judge(&[leaf(OTHER)], &[&known(PAGE)], &Limits::default()).approve);
    }

    #[test]
    fn a_copy_is_found_in_any_script_and_form() {
        let chinese =
            "函数把参数按照格式写到标准输出，并返回写出的字符数；如果出错，就返回一个负数。调用者必须检查返回值。";
        let spaced: String = chinese.replace('，', " ").chars().flat_map(|c| [c, ' ']).collect();
        let edited = chinese.replacen("负数", "零", 1);
        for copy in [&spaced, &edited] {
            let j = judge(&[leaf(copy)], &[&known(chinese)], &Limits { near_ppm: 700_000, ..Limits::default() });
            assert!(matches!(j.faults[..], [(0, Fault::Copy { .. })]), "{copy}: {:?}", j.faults);
        }
        let hidden = leaf(&"\u{3164}".repeat(40));
        let j = judge(&[hidden], &[], &Limits::default());
        assert_eq!(j.faults, [(0, Fault::TooShort { characters: 0 })]);
    }

    #[test]
    fn a_copy_within_the_batch_belongs_to_the_earlier_leaf() {
        let j = judge(&[leaf(PAGE), leaf(OTHER), leaf(PAGE)], &[], &Limits::default());
        assert_eq!(j.faults, [(2, Fault::Copy { of: leaf(PAGE).content, ppm: PPM })]);
        assert_eq!((j.approve, j.quality), (false, 6_666));
    }

    #[test]
    fn missing_unreadable_short_and_long_contents_are_named() {
        let limits = Limits { max_bytes: 400, ..Limits::default() };
        let leaves = [
            raw(1, None),
            raw(2, Some(vec![0xff; 30])),
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
        leaves[19].bytes = None;
        assert!(!judge(&leaves, &[], &Limits::default()).approve);
        assert!(!judge(&[], &[], &Limits::default()).approve);
    }

    #[test]
    fn labels_may_be_short_and_alike_and_a_correction_is_like_its_target() {
        let target = known(PAGE);
        let about = |kind, text: &str| Entry { kind, about: Ok(Some(target.content)), ..leaf(text) };
        let edited = PAGE.repeat(3).replacen("format", "layout", 1);
        let earlier = known(&PAGE.repeat(3));
        let known = [&earlier];
        let correction = Entry { kind: Kind::Correction, about: Ok(Some(known[0].content)), ..leaf(&edited) };
        let labels = [about(Kind::Label, "good"), about(Kind::Label, "good"), about(Kind::Removal, "mine"), correction];
        let j = judge(&labels, &known, &Limits::default());
        assert_eq!(j, Judgement { approve: true, quality: 10_000, faults: vec![] });
        // A correction must change the text, and a label must not be empty.
        let same = Entry { kind: Kind::Correction, about: Ok(Some(known[0].content)), ..leaf(&PAGE.repeat(3)) };
        let j = judge(&[same, about(Kind::Label, " ")], &known, &Limits::default());
        assert!(matches!(j.faults[..], [(0, Fault::Copy { ppm: PPM, .. }), (1, Fault::TooShort { characters: 0 })]));
    }

    #[test]
    fn one_leaf_without_its_target_is_one_too_many() {
        let mut leaves: Vec<_> = (0..20).map(|i| leaf(&numbered(i))).collect();
        for fault in [
            Fault::NoTarget { target: [1; 32] },
            Fault::Removed { target: [1; 32] },
            Fault::NotTheirs { target: [1; 32], of: Pubkey::new_from_array([2; 32]) },
        ] {
            leaves[3] = Entry { kind: Kind::Removal, about: Err(fault.clone()), ..leaf("a reason") };
            let j = judge(&leaves, &[], &Limits::default());
            assert_eq!((j.approve, j.faults), (false, vec![(3, fault)]));
        }
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
        assert_eq!(a.similarity(&known(OTHER)), 0);
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
