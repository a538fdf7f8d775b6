//! Finds the documents that may be near to another without a comparison with each.
//!
//! Of two documents with at least a given similarity, the smallest shingle that they share is among the first few of
//! both. So only these first few are looked up (prefix filtering: Bayardo, Ma, Srikant, "Scaling up all pairs
//! similarity search", 2007). What is found is compared in full, so that the result is that of a comparison with each.
//!
//! What a document says after a header that it shares with another is looked up and found by itself too. So a document
//! under another header that is known is still a copy.

use super::fingerprint::{Fingerprint, PPM};
use openledger_protocol::Hash32;
use openledger_text::Beginnings;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Documents that later ones must not repeat.
#[derive(Debug)]
pub struct Index {
    /// Least similarity, in parts per million, that is looked for.
    near_ppm: u64,
    /// The documents, and the parts of them that come after a header.
    texts: Vec<Arc<Fingerprint>>,
    /// Places of the texts that have a shingle among their first few.
    places: HashMap<u64, Vec<u32>>,
    /// How the documents begin, by their places.
    beginnings: Beginnings,
    /// The places of documents of which a part is there too, with the words before it.
    parts: HashSet<(usize, usize)>,
}

impl Index {
    /// An empty index that finds documents whose similarity is at least `near_ppm`.
    pub fn new(near_ppm: u64) -> Self {
        Self {
            near_ppm,
            texts: Vec::new(),
            places: HashMap::new(),
            beginnings: Beginnings::default(),
            parts: HashSet::new(),
        }
    }

    /// Adds a document.
    pub fn add(&mut self, document: Arc<Fingerprint>) {
        let (place, shared) = (self.texts.len(), self.shares_header(&document));
        self.beginnings.add(place, &document.lines);
        self.add_text(document.clone());
        if let Some((other, words)) = shared {
            self.add_text(Arc::new(document.after(words)));
            if self.parts.insert((other, words)) {
                self.add_text(Arc::new(self.texts[other].after(words)));
            }
        }
    }

    fn add_text(&mut self, text: Arc<Fingerprint>) {
        let place = self.texts.len() as u32;
        for shingle in first_few(&text, self.near_ppm) {
            self.places.entry(*shingle).or_default().push(place);
        }
        self.texts.push(text);
    }

    /// The similarity and content hash of the document that is closest to this one, and added last if there are several.
    /// Returns `None` if none is near enough. The document with content `except` counts only if it is equal.
    pub fn closest(&self, to: &Fingerprint, except: Option<Hash32>) -> Option<(u64, Hash32)> {
        let part = self.shares_header(to).map(|(_, words)| to.after(words));
        let found = [Some(to), part.as_ref()].into_iter().flatten().filter_map(|text| self.closest_to(text, except));
        found.max_by_key(|(ppm, _)| *ppm)
    }

    fn closest_to(&self, to: &Fingerprint, except: Option<Hash32>) -> Option<(u64, Hash32)> {
        let similarity = |text: &Fingerprint| match text.content {
            content if content == to.content => PPM,
            content if Some(content) == except => 0,
            _ if !to.may_reach(text, self.near_ppm) => 0,
            _ => to.similarity_beside_header(text),
        };
        let compared = self.candidates(to).into_iter().map(|place| {
            let text = &self.texts[place as usize];
            (similarity(text), text.content)
        });
        compared.max_by_key(|(ppm, _)| *ppm).filter(|(ppm, _)| *ppm >= self.near_ppm)
    }

    /// The place of a document with which this one shares a header, and the header's words.
    fn shares_header(&self, document: &Fingerprint) -> Option<(usize, usize)> {
        let other = self.beginnings.longest(&document.lines)?;
        let header = document.lines.header_shared_with(&self.texts[other].lines)?;
        Some((other, header.words))
    }

    /// Places of the texts that can be near enough, in ascending order.
    fn candidates(&self, to: &Fingerprint) -> Vec<u32> {
        if self.near_ppm == 0 {
            // What shares nothing is near enough too.
            return (0..self.texts.len() as u32).collect();
        }
        let found = first_few(to, self.near_ppm).iter().filter_map(|shingle| self.places.get(shingle));
        let mut places: Vec<u32> = found.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// The shingles of which any document with a similarity of at least `near_ppm` has one among its own first few. Such
/// documents share at least that part of the shingles of each, so that fewer than the rest come before the first shared.
fn first_few(document: &Fingerprint, near_ppm: u64) -> &[u64] {
    let shingles = &document.shingles;
    let shared = (shingles.len() as u64 * near_ppm).div_ceil(PPM) as usize;
    &shingles[..(shingles.len() + 1).saturating_sub(shared).min(shingles.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_protocol::hash::sha256;
    use proptest::{collection::vec, prelude::*};

    fn fingerprint(words: &[u8]) -> Arc<Fingerprint> {
        let text: String = words.iter().map(|word| format!("w{word} ")).collect();
        Arc::new(Fingerprint::new(sha256(&[text.as_bytes()]), &text))
    }

    /// Compares with each document.
    fn plainly(
        known: &[Arc<Fingerprint>],
        to: &Fingerprint,
        except: Option<Hash32>,
        near_ppm: u64,
    ) -> Option<(u64, Hash32)> {
        let similarity = |k: &Fingerprint| match k.content {
            content if content == to.content => PPM,
            content if Some(content) == except => 0,
            _ => to.similarity(k),
        };
        let all = known.iter().map(|k| (similarity(k), k.content));
        all.max_by_key(|(ppm, _)| *ppm).filter(|(ppm, _)| *ppm >= near_ppm)
    }

    /// Texts that differ from one text in few words, in where they end, or in everything.
    fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let edits = (vec((0..60usize, any::<u8>()), 0..4), 1..60usize, any::<bool>());
        (vec(0..30u8, 60), vec(edits, 2..20)).prop_map(|(text, all)| {
            all.into_iter()
                .map(|(edits, end, whole)| {
                    let mut text = text.clone();
                    edits.into_iter().for_each(|(at, word)| text[at] = word);
                    text.truncate(if whole { 60 } else { end });
                    text
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_comparison_with_each_finds(
            texts in texts(),
            near_ppm in prop_oneof![Just(0), Just(1), 1..PPM, Just(800_000), Just(PPM)],
            except in any::<prop::sample::Index>(),
        ) {
            let mut known: Vec<_> = texts.iter().map(|text| fingerprint(text)).collect();
            let to = known.pop().unwrap();
            let except = known[except.index(known.len())].content;
            let mut index = Index::new(near_ppm);
            known.iter().cloned().for_each(|document| index.add(document));
            for except in [None, Some(except)] {
                prop_assert_eq!(index.closest(&to, except), plainly(&known, &to, except, near_ppm));
            }
        }
    }

    #[test]
    fn documents_that_share_too_little_are_not_even_compared() {
        let mut index = Index::new(800_000);
        let texts: Vec<Vec<u8>> = (0..4).map(|n| (n * 50..n * 50 + 50).collect()).collect();
        texts.iter().for_each(|text| index.add(fingerprint(text)));
        assert_eq!(index.candidates(&fingerprint(&texts[2])), [2]);
        assert!(index.candidates(&fingerprint(&(200..250).collect::<Vec<u8>>())).is_empty());
        assert!(index.places.len() < texts.len() * 15, "only the first few shingles are kept");
    }
}
