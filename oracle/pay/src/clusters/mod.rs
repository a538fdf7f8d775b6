//! Which documents repeat earlier ones. There are four ways: the same text, nearly the same text, a text put together
//! from theirs, or the same gradient.
//!
//! Documents are taken in the order of their registration. Each is compared with the *owners* so far. It belongs to the
//! earliest owner that it repeats. If it repeats none, it becomes an owner itself. So a document's standing depends on
//! earlier documents only, and every document of a cluster is within the thresholds of the cluster's owner.
//!
//! Joining pairs transitively (union–find) would have neither property. Whoever registers a document between two
//! others, or a chain of documents between any two, would merge their clusters and take the later owner's pay. Ten
//! versions of a text, each a little changed, would all belong to the first. The rule here has one price: the end of a
//! chain of paraphrases counts as new, as it would without the chain.
//!
//! Four tests, from certain to likely:
//! - *exact*: SHA-256 of the [`normalised`] text;
//! - *near*: Jaccard similarity of the texts' shingles by [`minhash`];
//! - *verbatim*: the share of the text that stands word for word in passages of owners, of all of them together. The
//!   text belongs to the owner whose passages make up most of it. This finds a text of one sentence of a longer text,
//!   or of sentences of several texts. Such a text resembles none of its sources enough to be near;
//! - *gradient*: cosine of the projected [`gradient`]s. This finds other words with the same meaning to the model.
//!
//! The first three need no model. Documents that they find can be left out of training ([`Clusters::by_text`]).
//!
//! Two ways to gain remain. Whoever registers *first* claims everything that resembles the document, and later
//! contributors get nothing for it. Whoever comes later may say the same in other words, if the model's gradients do
//! not show it.

mod bands;
pub mod gradient;
pub mod minhash;
mod settings;
mod verbatim;

pub use settings::{ClusterSettings, GradientSettings, NearSettings, VerbatimSettings};

use crate::error::{PayError, Result};
use bands::Bands;
use gradient::{Rows, SimHasher, cosine};
use minhash::{MinHasher, similarity};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_text::normalised;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;
use verbatim::Passages;

/// A training document as it was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Hash of its contribution's leaf.
    pub id: Hash32,
    /// When it was registered, for example a number made of slot and position in the slot. Documents of equal order are
    /// ordered by id.
    pub order: u64,
    /// The text that training sees.
    pub text: &'a str,
}

/// How a document repeats its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicate {
    /// The same normalised text.
    Exact,
    /// Jaccard similarity of the shingles at or above the threshold.
    Near,
    /// Share of passages of earlier documents at or above the threshold.
    Verbatim,
    /// Cosine of the gradients at or above the threshold.
    Gradient,
}

/// Every document's owner. Positions are those in the given list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    owner: Vec<usize>,
    duplicate: Vec<Option<Duplicate>>,
    /// Positions in the order of registration.
    registered: Vec<usize>,
}

impl Clusters {
    /// Clusters by text alone. They can be known before training.
    pub fn by_text(documents: &[Document], settings: &ClusterSettings) -> Result<Self> {
        Self::find(documents, None, settings)
    }

    /// Clusters by text and by gradient. `rows` gives the gradient of the document at a position of `documents`. It is
    /// called only for documents whose text repeats no other. The result depends neither on the order of `documents`
    /// nor on the number of threads.
    pub fn with_gradients(documents: &[Document], rows: &Rows, settings: &ClusterSettings) -> Result<Self> {
        Self::find(documents, Some(rows), settings)
    }

    /// Clusters that were found before, of `count` documents in the order of their registration. Each pair is a document
    /// and the earlier document whose gradient it repeats. Fails if a pair names no such documents.
    pub fn given(count: usize, repeated: impl IntoIterator<Item = (usize, usize)>) -> Result<Self> {
        let mut clusters =
            Self { owner: (0..count).collect(), duplicate: vec![None; count], registered: (0..count).collect() };
        for (document, of) in repeated {
            let known = document < count && of < count && document != of;
            if !known || clusters.duplicate[document].is_some() {
                return Err(PayError::Documents(format!(
                    "document {document} is said to repeat {of}; each of the {count} documents repeats at most one other"
                )));
            }
            (clusters.owner[document], clusters.duplicate[document]) = (of, Some(Duplicate::Gradient));
        }
        match (0..count).find(|i| clusters.owner[clusters.owner[*i]] != clusters.owner[*i]) {
            Some(i) => {
                Err(PayError::Documents(format!("document {i} is said to repeat one that is itself a repetition")))
            }
            None => Ok(clusters),
        }
    }

    fn find(documents: &[Document], rows: Option<&Rows>, settings: &ClusterSettings) -> Result<Self> {
        settings.validate()?;
        let mut registered: Vec<usize> = (0..documents.len()).collect();
        registered.sort_unstable_by_key(|i| (documents[*i].order, documents[*i].id));
        if let Some(pair) = registered
            .windows(2)
            .find(|p| (documents[p[0]].order, documents[p[0]].id) == (documents[p[1]].order, documents[p[1]].id))
        {
            return Err(PayError::Documents(format!(
                "document {} is given twice at order {}; give each registration once",
                hex::encode(documents[pair[0]].id),
                documents[pair[0]].order
            )));
        }
        let mut clusters =
            Self { owner: (0..documents.len()).collect(), duplicate: vec![None; documents.len()], registered };
        clusters.join_texts(documents, settings);
        if let Some(rows) = rows {
            clusters.join_gradients(rows, settings)?;
        }
        Ok(clusters)
    }

    fn join_texts(&mut self, documents: &[Document], settings: &ClusterSettings) {
        let near = &settings.near;
        let hasher = MinHasher::new(settings.seed, near);
        let prints: Vec<(Hash32, Vec<u32>, String)> = documents
            .par_iter()
            .map(|d| {
                let text = normalised(d.text);
                (sha256(&[text.as_bytes()]), hasher.signature(&text), text)
            })
            .collect();
        let mut exact: HashMap<&Hash32, usize> = HashMap::new();
        let mut bands = Bands::new(near.rows);
        let mut passages = Passages::new(settings.seed, &settings.verbatim);
        for (rank, &position) in self.registered.iter().enumerate() {
            let (digest, signature, text) = &prints[position];
            let same = exact.get(digest).map(|owner| (*owner, Duplicate::Exact));
            let found = same
                .or_else(|| {
                    let alike = |other: usize| similarity(signature, &prints[self.registered[other]].1) >= near.jaccard;
                    bands.first(signature, alike).map(|other| (self.registered[other], Duplicate::Near))
                })
                .or_else(|| passages.repeated(text).map(|other| (self.registered[other], Duplicate::Verbatim)));
            match found {
                Some((owner, duplicate)) => {
                    self.owner[position] = owner;
                    self.duplicate[position] = Some(duplicate);
                }
                None => {
                    exact.insert(digest, position);
                    bands.insert(signature, rank);
                    passages.insert(text, rank);
                }
            }
        }
    }

    fn join_gradients(&mut self, rows: &Rows, settings: &ClusterSettings) -> Result<()> {
        let owners = self.owners();
        let Some(&first) = owners.first() else { return Ok(()) };
        let width = rows(first).len();
        let hasher = SimHasher::new(settings.seed, &settings.gradient, width);
        let signatures = owners
            .par_iter()
            .map(|&position| {
                let row = rows(position);
                if row.len() != width || row.iter().any(|v| !v.is_finite()) {
                    return Err(PayError::Documents(format!(
                        "the gradient of document {position} has {} values, expected {width} finite ones; rebuild the index",
                        row.len()
                    )));
                }
                Ok(hasher.signature(&row))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut bands = Bands::new(1);
        // Owners that turn out to repeat another. Their own duplicates follow them to its cluster.
        let mut joined: HashMap<usize, usize> = HashMap::new();
        for (rank, &position) in owners.iter().enumerate() {
            let row = rows(position);
            let alike = |other: usize| cosine(&row, &rows(owners[other])) >= settings.gradient.cosine;
            match bands.first(&signatures[rank], alike) {
                Some(other) => {
                    joined.insert(position, owners[other]);
                }
                None => bands.insert(&signatures[rank], rank),
            }
        }
        for position in 0..self.owner.len() {
            if let Some(&owner) = joined.get(&self.owner[position]) {
                self.duplicate[position].get_or_insert(Duplicate::Gradient);
                self.owner[position] = owner;
            }
        }
        Ok(())
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.owner.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.owner.is_empty()
    }

    /// Position of the owner of the document at `position`. It is `position` itself if the document repeats none.
    pub fn owner(&self, position: usize) -> usize {
        self.owner[position]
    }

    /// How the document at `position` repeats an earlier one. `None` for an owner.
    pub fn duplicate(&self, position: usize) -> Option<Duplicate> {
        self.duplicate[position]
    }

    /// Positions of the owners in the order of their registration.
    pub fn owners(&self) -> Vec<usize> {
        self.registered.iter().copied().filter(|i| self.owner[*i] == *i).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const FOX: &str = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.";
    const FOX_EDITED: &str = "The quick brown fox jumps over the lazy cat, and the dog does not mind at all.";
    const SEA: &str = "Ships of the northern fleet lay at anchor while gulls were crying over the harbour wall.";

    fn document(order: u64, text: &str) -> Document<'_> {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&order.to_le_bytes());
        Document { id, order, text }
    }

    fn by_text(texts: &[&str]) -> Clusters {
        let documents: Vec<Document> = texts.iter().enumerate().map(|(i, t)| document(i as u64, t)).collect();
        Clusters::by_text(&documents, &ClusterSettings::default()).unwrap()
    }

    #[test]
    fn copies_and_edits_belong_to_the_earliest() {
        let shouted = FOX.to_uppercase().replace(' ', "\n  ");
        let clusters = by_text(&[SEA, FOX, FOX_EDITED, &shouted, "something else entirely"]);
        let duplicates: Vec<_> = (0..5).map(|i| (clusters.owner(i), clusters.duplicate(i))).collect();
        assert_eq!(
            duplicates,
            [(0, None), (1, None), (1, Some(Duplicate::Near)), (1, Some(Duplicate::Exact)), (4, None)]
        );
        assert_eq!(clusters.owners(), [0, 1, 4]);
    }

    #[test]
    fn clusters_that_were_found_before_are_taken_over_and_checked() {
        let clusters = Clusters::given(4, [(3, 0), (1, 0)]).unwrap();
        assert_eq!((clusters.owners(), clusters.owner(3)), (vec![0, 2], 0));
        for bad in [vec![(4, 0)], vec![(0, 4)], vec![(1, 1)], vec![(1, 0), (1, 2)], vec![(1, 0), (2, 1)]] {
            assert!(Clusters::given(4, bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_text_put_together_from_others_or_cut_out_of_one_says_nothing_new() {
        let stitched = format!("{} {}", &FOX[..44], &SEA[40..]);
        let (cut, quoting) = (&SEA[9..46], format!("He told us of \"{}\", which nobody at all believed.", &SEA[..36]));
        let clusters = by_text(&[SEA, FOX, &stitched, cut, &quoting]);
        assert_eq!(clusters.owners(), [0, 1, 4]);
        assert_eq!((clusters.owner(2), clusters.duplicate(2)), (0, Some(Duplicate::Verbatim)));
        assert_eq!((clusters.owner(3), clusters.duplicate(3)), (0, Some(Duplicate::Verbatim)));
        // The text is put together from two documents. The one that came later does not count.
        assert_eq!(by_text(&[FOX, &stitched, SEA]).owners(), [0, 1, 2]);
    }

    #[test]
    fn the_order_is_that_of_registration_not_of_the_list() {
        let documents = [document(7, FOX), document(3, FOX), document(3, SEA)];
        assert!(Clusters::by_text(&documents[1..], &ClusterSettings::default()).is_err(), "one registration twice");
        let documents = [document(7, FOX), document(3, FOX), document(5, SEA)];
        let clusters = Clusters::by_text(&documents, &ClusterSettings::default()).unwrap();
        assert_eq!(clusters.owners(), [1, 2]);
        assert_eq!(clusters.owner(0), 1);
    }

    #[test]
    fn a_late_document_between_two_others_does_not_join_them() {
        let words: Vec<String> = (0..60u32).map(|i| hex::encode(&sha256(&[&i.to_le_bytes()])[..3])).collect();
        let (a, between, b) = (words[..40].join(" "), words[10..50].join(" "), words[20..].join(" "));
        let settings = ClusterSettings {
            near: NearSettings { jaccard: 0.5, bands: 64, rows: 2, ..Default::default() },
            ..Default::default()
        };
        let find = |texts: &[&str]| {
            let documents: Vec<Document> = texts.iter().enumerate().map(|(i, t)| document(i as u64, t)).collect();
            Clusters::by_text(&documents, &settings).unwrap()
        };
        // The text in between resembles both others. They do not resemble each other.
        assert_eq!(find(&[&a, &between]).owners(), [0]);
        assert_eq!(find(&[&b, &between]).owners(), [0]);
        assert_eq!(find(&[&a, &b, &between]).owners(), [0, 1]);
    }

    #[test]
    fn the_same_gradient_in_other_words_belongs_to_the_earliest() {
        let texts = [SEA, FOX, "a wholly different line of words", FOX_EDITED, "and one more of those"];
        let documents: Vec<Document> = texts.iter().enumerate().map(|(i, t)| document(i as u64, t)).collect();
        let row = |i: usize| -> Vec<f32> {
            // Documents 0 and 2 lie along one direction, 1 along another, and 4 is zero.
            let direction = [0.1, 2.0, 0.1, f32::NAN, 0.0][i];
            (0..64)
                .map(|d| if direction == 0.0 { 0.0 } else { (d as f32 * direction).sin() * (1.0 + i as f32) })
                .collect()
        };
        let clusters = Clusters::with_gradients(&documents, &row, &ClusterSettings::default()).unwrap();
        assert_eq!(clusters.owners(), [0, 1, 4]);
        assert_eq!((clusters.owner(2), clusters.duplicate(2)), (0, Some(Duplicate::Gradient)));
        // The gradient of the edited text was never asked for.
        assert_eq!((clusters.owner(3), clusters.duplicate(3)), (1, Some(Duplicate::Near)));
        let wrong = |i: usize| vec![f32::NAN; i];
        assert!(Clusters::with_gradients(&documents, &wrong, &ClusterSettings::default()).is_err());
    }

    /// For each document its order, its owner's order, and how it repeats its owner. They allow lists of different
    /// order to be compared.
    fn standing(documents: &[Document]) -> Vec<(u64, u64, Option<Duplicate>)> {
        let clusters = Clusters::by_text(documents, &ClusterSettings::default()).unwrap();
        let mut all: Vec<_> = (0..documents.len())
            .map(|i| (documents[i].order, documents[clusters.owner(i)].order, clusters.duplicate(i)))
            .collect();
        all.sort_unstable_by_key(|s| s.0);
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// The texts have few words, so that all similarities occur.
        #[test]
        fn standing_depends_on_earlier_documents_alone_and_not_on_the_lists_order(
            texts in prop::collection::vec(prop::collection::vec(0usize..6, 1..12), 1..14),
            rotation in 0usize..14,
            kept in 1usize..14,
        ) {
            const WORDS: [&str; 6] = ["alpha", "bridge", "candle", "dragon", "ember", "falcon"];
            let texts: Vec<String> =
                texts.iter().map(|t| t.iter().map(|w| WORDS[*w]).collect::<Vec<_>>().join(" ")).collect();
            let documents: Vec<Document> = texts.iter().enumerate().map(|(i, t)| document(i as u64, t)).collect();
            let all = standing(&documents);
            let mut shuffled = documents.clone();
            shuffled.reverse();
            shuffled.rotate_left(rotation % documents.len());
            prop_assert_eq!(&standing(&shuffled), &all);
            let kept = kept.min(documents.len());
            prop_assert_eq!(&standing(&documents[..kept]), &all[..kept]);
            let owners: HashSet<u64> = all.iter().filter(|s| s.0 == s.1).map(|s| s.0).collect();
            prop_assert!(all.iter().all(|s| owners.contains(&s.1) && s.1 <= s.0));
        }
    }
}
