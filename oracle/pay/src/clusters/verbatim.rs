//! How much of a text stands word for word in earlier texts, in any number of them.

use super::settings::VerbatimSettings;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use siphasher::sip::SipHasher13;
use std::collections::{BTreeMap, HashMap};

/// Every passage of the texts so far, by its keyed hash.
pub(super) struct Passages {
    key: SipHasher13,
    settings: VerbatimSettings,
    /// The first text in which each passage stood. The map is only looked up, never iterated, so its order does not
    /// matter.
    first: HashMap<u64, usize>,
}

impl Passages {
    pub(super) fn new(seed: u64, settings: &VerbatimSettings) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // MinHash draws from stream 0 and SimHash from stream 1.
        rng.set_stream(2);
        let key = SipHasher13::new_with_keys(rng.next_u64(), rng.next_u64());
        Self { key, settings: settings.clone(), first: HashMap::new() }
    }

    /// Adds a text.
    pub(super) fn insert(&mut self, text: &str, item: usize) {
        for (_, hash) in passages(text, &self.key, self.settings.passage) {
            self.first.entry(hash).or_insert(item);
        }
    }

    /// The earlier text that `text` repeats. `None` if too few of its characters stand in passages of the texts so far.
    /// Otherwise it is the text in which most of these characters stood first. Of equals it is the lowest.
    pub(super) fn repeated(&self, text: &str) -> Option<usize> {
        let mut characters = BTreeMap::<usize, usize>::new();
        let mut end = 0;
        for (start, hash) in passages(text, &self.key, self.settings.passage) {
            if let Some(item) = self.first.get(&hash) {
                let next = start + self.settings.passage;
                *characters.entry(*item).or_default() += next - end.max(start);
                end = next;
            }
        }
        let found: usize = characters.values().sum();
        let enough = found > 0 && found as f64 >= self.settings.share * text.chars().count() as f64;
        let most = characters.into_iter().max_by_key(|(item, n)| (*n, std::cmp::Reverse(*item)));
        most.filter(|_| enough).map(|(item, _)| item)
    }
}

/// The passages of `length` characters, each with the number of its first character. A shorter text has none.
fn passages(text: &str, key: &SipHasher13, length: usize) -> impl Iterator<Item = (usize, u64)> {
    let starts = text.char_indices().map(|(i, _)| i);
    let ends = starts.clone().skip(length).chain([text.len()]);
    // In a shorter text the iterator would end before `length` characters, so the length is checked.
    let enough = text.chars().nth(length - 1).is_some();
    let spans = starts.zip(ends).take(if enough { usize::MAX } else { 0 });
    spans.enumerate().map(move |(n, (start, end))| (n, key.hash(&text.as_bytes()[start..end])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: VerbatimSettings = VerbatimSettings { passage: 4, share: 0.5 };

    fn after(texts: &[&str]) -> Passages {
        let mut all = Passages::new(7, &SETTINGS);
        texts.iter().enumerate().for_each(|(i, t)| all.insert(t, i));
        all
    }

    #[test]
    fn characters_are_counted_once_and_credited_to_who_had_them_first() {
        let all = after(&["abcdefgh", "ijklmnop", "abcdefgh12345678"]);
        // Four characters are of the first text and six of the second. None of these passages stood in the third text
        // first.
        assert_eq!(all.repeated("abcdijklmn"), Some(1));
        assert_eq!(all.repeated("efghijkl"), Some(0), "the lowest of equals");
        assert_eq!(all.repeated("1234567890"), Some(2));
        // Half of the characters is enough. Less is not.
        assert_eq!((all.repeated("abcd...."), all.repeated("abcd.....")), (Some(0), None));
        assert_eq!((all.repeated("abc"), all.repeated("xyz"), all.repeated("")), (None, None, None));
    }

    #[test]
    fn passages_are_of_characters_not_of_bytes() {
        let key = SipHasher13::new_with_keys(1, 2);
        let count = |text: &str| passages(text, &key, 4).count();
        assert_eq!([count("äöüß€"), count("äöüß"), count("äöü"), count("")], [2, 1, 0, 0]);
        assert_eq!(after(&["äöüßé"]).repeated("öüßé"), Some(0));
    }
}
