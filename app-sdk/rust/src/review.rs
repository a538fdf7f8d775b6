//! The checks of a validator, as pure functions from documents to a verdict.
//!
//! A leaf is at fault if its content is missing, is not text, is too short or too long, or repeats a document. A
//! repetition is exact or near ([`fingerprint`]). What documents begin with alike, such as a licence, makes none a copy.
//!
//! A label, correction or removal is also at fault if its target is not an accepted document or was removed. A removal
//! is at fault if its contributor may not remove the target ([`targets`]).

pub mod fingerprint;
mod index;
pub mod targets;

use crate::manifest::Kind;
use fingerprint::{Fingerprint, PPM};
use index::Index;
use openledger_protocol::Hash32;
use openledger_text::letters;
use solana_pubkey::Pubkey;
use std::sync::Arc;

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

/// What judging keeps of a content.
#[derive(Clone, Debug)]
pub struct Text {
    /// Number of letters and digits.
    characters: usize,
    fingerprint: Arc<Fingerprint>,
}

impl Text {
    /// Reads a content with hash `content`. Fails with its fault if it is too long or not text.
    pub fn read(content: Hash32, bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        if bytes.len() > limits.max_bytes {
            return Err(Fault::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?;
        Ok(Self { characters: letters(text), fingerprint: Arc::new(Fingerprint::new(content, text)) })
    }
}

/// A leaf to judge.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its kind.
    pub kind: Kind,
    /// Content hash of the document that it is about, `None` for a document ([`targets::Accepted::about`]).
    pub about: Option<Hash32>,
    /// Its content.
    pub text: Text,
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

/// Judges a batch leaf by leaf, so that nobody needs all contents at once.
#[derive(Debug)]
pub struct Judging {
    limits: Limits,
    /// The documents that leaves must not repeat: those that the Datanet accepted before, then those of the batch.
    earlier: Index,
    leaves: u64,
    faults: Vec<(usize, Fault)>,
}

impl Judging {
    /// Begins to judge a batch beside the documents that the Datanet accepted before.
    pub fn new(known: impl IntoIterator<Item = Arc<Fingerprint>>, limits: &Limits) -> Self {
        let mut earlier = Index::new(limits.near_ppm);
        known.into_iter().for_each(|document| earlier.add(document));
        Self { limits: *limits, earlier, leaves: 0, faults: Vec::new() }
    }

    /// Judges the next leaf, or notes the fault for which it is not read.
    pub fn add(&mut self, entry: Result<Entry, Fault>) {
        match entry.and_then(|entry| self.examine(entry)) {
            Ok(document) => document.into_iter().for_each(|document| self.earlier.add(document)),
            Err(fault) => self.faults.push((self.leaves as usize, fault)),
        }
        self.leaves += 1;
    }

    /// The verdict on all leaves.
    pub fn judgement(self) -> Judgement {
        let Self { leaves: total, faults, limits, .. } = self;
        let bad = faults.len() as u64;
        let good_share = ((total - bad) * 10_000).checked_div(total).unwrap_or(0);
        let intolerable = faults.iter().any(|(_, f)| f.is_intolerable());
        let approve = total > 0 && !intolerable && bad * PPM <= total * limits.tolerated_ppm;
        Judgement { approve, quality: good_share as u16, faults }
    }

    /// Returns the fingerprint of a leaf that a model would be trained on, or its fault.
    ///
    /// A label or removal has no fingerprint (`None`). It may be as short as a word, and many may be equal.
    fn examine(&self, entry: Entry) -> Result<Option<Arc<Fingerprint>>, Fault> {
        let Text { characters, fingerprint } = entry.text;
        let learned = entry.kind.is_learned();
        if characters < if learned { self.limits.min_characters } else { 1 } {
            return Err(Fault::TooShort { characters });
        }
        if !learned {
            return Ok(None);
        }
        // A correction may resemble the document that it corrects.
        match self.earlier.closest(&fingerprint, entry.about) {
            Some((ppm, of)) => Err(Fault::Copy { of, ppm }),
            None => Ok(Some(fingerprint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_protocol::hash::sha256;

    const PAGE: &str = "The printf family of functions produces output according to a format as described below. \
        The functions printf and vprintf write output to stdout, the standard output stream.";
    const OTHER: &str = "Open a file and return a descriptor for it. The argument flags must include one of the \
        access modes, which request opening the file read only, write only or for both.";

    fn name(text: &str) -> Hash32 {
        sha256(&[text.as_bytes()])
    }

    fn leaf(text: &str) -> Result<Entry, Fault> {
        about(Kind::Document, None, text)
    }

    fn about(kind: Kind, about: Option<Hash32>, text: &str) -> Result<Entry, Fault> {
        let text = Text::read(name(text), text.as_bytes(), &Limits::default())?;
        Ok(Entry { kind, about, text })
    }

    fn known(text: &str) -> Arc<Fingerprint> {
        Arc::new(Fingerprint::new(name(text), text))
    }

    fn judge(leaves: &[Result<Entry, Fault>], known: &[Arc<Fingerprint>], limits: &Limits) -> Judgement {
        let mut judging = Judging::new(known.iter().cloned(), limits);
        leaves.iter().cloned().for_each(|leaf| judging.add(leaf));
        judging.judgement()
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
    fn a_copy_is_found_in_any_script_and_form() {
        let chinese =
            "函数把参数按照格式写到标准输出，并返回写出的字符数；如果出错，就返回一个负数。调用者必须检查返回值。";
        let spaced: String = chinese.replace('，', " ").chars().flat_map(|c| [c, ' ']).collect();
        let edited = chinese.replacen("负数", "零", 1);
        for copy in [&spaced, &edited] {
            let j = judge(&[leaf(copy)], &[known(chinese)], &Limits { near_ppm: 700_000, ..Limits::default() });
            assert!(matches!(j.faults[..], [(0, Fault::Copy { .. })]), "{copy}: {:?}", j.faults);
        }
        let hidden = leaf(&"\u{3164}".repeat(40));
        let j = judge(&[hidden], &[], &Limits::default());
        assert_eq!(j.faults, [(0, Fault::TooShort { characters: 0 })]);
    }

    /// A licence of 100 lines. Those of different `n` share no five successive words.
    fn licence(n: u32) -> String {
        (0..100).map(|i| format!("Clause {n}x{i}: whoever{n} copies{i} it must{n} keep{i} this notice{n}.\n")).collect()
    }

    /// Ten lines of a document.
    fn body(n: u32) -> String {
        (0..10).map(|i| format!("Step {n}x{i} calls function{n} number{i} of module{n}.\n")).collect()
    }

    #[test]
    fn a_licence_that_many_documents_begin_with_makes_none_a_copy() {
        let documents: Vec<_> = (0..6).map(|n| leaf(&(licence(0) + &body(n)))).collect();
        let j = judge(&documents, &[known(&(licence(0) + &body(9)))], &Limits::default());
        assert_eq!(j, Judgement { approve: true, quality: 10_000, faults: vec![] });
        // The licence is most of each: without it in view, the last would pass for a copy of the first.
        let whole = |n| Fingerprint::new([0; 32], &(licence(0) + &body(n)));
        assert!(whole(0).similarity(&whole(5)) > Limits::default().near_ppm);
    }

    #[test]
    fn a_copy_under_a_changed_licence_or_with_another_ending_is_still_one() {
        let earlier: Vec<_> = (0..3).map(|n| known(&(licence(0) + &body(n)))).collect();
        let other = [known(&(licence(7) + &body(7)))];
        let known = [earlier, other.to_vec()].concat();
        let own = licence(0).replacen("Clause 0x0:", "Copyright of somebody else:", 1);
        let shortened = licence(0).lines().skip(4).map(|line| format!("{line}\n")).collect::<String>();
        let changed_within = licence(0).replacen("whoever0 copies30", "whoever copies", 1);
        for header in [licence(0), own, shortened, changed_within, licence(7)] {
            for n in 0..3 {
                let j = judge(&[leaf(&(header.clone() + &body(n)))], &known, &Limits::default());
                assert!(matches!(j.faults[..], [(0, Fault::Copy { .. })]), "{n} under {}", &header[..40]);
            }
        }
        let (cut, longer) = (licence(0) + &body(1)[..300], licence(0) + &body(1) + "And a word of thanks.\n");
        for copy in [&cut, &longer] {
            assert!(!judge(&[leaf(copy)], &known, &Limits::default()).approve);
        }
    }

    #[test]
    fn a_copy_within_the_batch_belongs_to_the_earlier_leaf() {
        let j = judge(&[leaf(PAGE), leaf(OTHER), leaf(PAGE)], &[], &Limits::default());
        assert_eq!(j.faults, [(2, Fault::Copy { of: name(PAGE), ppm: PPM })]);
        assert_eq!((j.approve, j.quality), (false, 6_666));
    }

    #[test]
    fn missing_unreadable_short_and_long_contents_are_named() {
        let limits = Limits { max_bytes: 400, ..Limits::default() };
        let read = |bytes: &[u8]| {
            let text = Text::read([1; 32], bytes, &limits)?;
            Ok(Entry { kind: Kind::Document, about: None, text })
        };
        let leaves = [
            Err(Fault::Missing),
            read(&[0xff; 30]),
            read(b"..., --- !!!!!!!!!!!!!!!!!!!!!!!!!!!"),
            read(&b"long ".repeat(200)),
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
        leaves[19] = Err(Fault::Missing);
        assert!(!judge(&leaves, &[], &Limits::default()).approve);
        assert!(!judge(&[], &[], &Limits::default()).approve);
    }

    #[test]
    fn labels_may_be_short_and_alike_and_a_correction_is_like_its_target() {
        let long = PAGE.repeat(3);
        let (known, target) = ([known(&long)], Some(name(&long)));
        let edited = long.replacen("format", "layout", 1);
        let labels = [
            about(Kind::Label, target, "good"),
            about(Kind::Label, target, "good"),
            about(Kind::Removal, target, "mine"),
            about(Kind::Correction, target, &edited),
        ];
        let j = judge(&labels, &known, &Limits::default());
        assert_eq!(j, Judgement { approve: true, quality: 10_000, faults: vec![] });
        // A correction must change the text, and a label must not be empty.
        let same = about(Kind::Correction, target, &long);
        let j = judge(&[same, about(Kind::Label, target, " ")], &known, &Limits::default());
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
            leaves[3] = Err(fault.clone());
            let j = judge(&leaves, &[], &Limits::default());
            assert_eq!((j.approve, j.faults), (false, vec![(3, fault)]));
        }
    }

    /// Texts for different `n` share no five successive words.
    fn numbered(n: u32) -> String {
        (0..40).map(|i| format!("word{n}x{i} ")).collect()
    }
}
