//! Candidates by locality-sensitive hashing: items whose signatures agree in all of a band's values.

use std::collections::{BTreeSet, HashMap};

/// Items by the bands of their signatures. Signatures of one table are of the same length.
pub(super) struct Bands {
    rows: usize,
    /// Items by band and its values; only looked up, never walked, so that its order does not matter.
    items: HashMap<(usize, Box<[u32]>), Vec<usize>>,
}

impl Bands {
    /// Bands of `rows` values.
    pub(super) fn new(rows: usize) -> Self {
        Self { rows, items: HashMap::new() }
    }

    /// Adds an item.
    pub(super) fn insert(&mut self, signature: &[u32], item: usize) {
        for (band, values) in signature.chunks_exact(self.rows).enumerate() {
            self.items.entry((band, values.into())).or_default().push(item);
        }
    }

    /// The lowest item that shares a band and is `alike`.
    pub(super) fn first(&self, signature: &[u32], alike: impl Fn(usize) -> bool) -> Option<usize> {
        let candidates: BTreeSet<usize> = signature
            .chunks_exact(self.rows)
            .enumerate()
            .filter_map(|(band, values)| self.items.get(&(band, values.into())))
            .flatten()
            .copied()
            .collect();
        candidates.into_iter().find(|item| alike(*item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_item_with_a_band_in_common_is_found() {
        let mut bands = Bands::new(2);
        bands.insert(&[1, 2, 3, 4], 5);
        bands.insert(&[9, 9, 3, 4], 2);
        assert_eq!(bands.first(&[0, 0, 3, 4], |_| true), Some(2));
        assert_eq!(bands.first(&[1, 2, 3, 4], |item| item == 5), Some(5));
        // Half a band, or a band elsewhere, is nothing.
        assert_eq!(bands.first(&[1, 0, 0, 4], |_| true), None);
        assert_eq!(bands.first(&[3, 4, 1, 2], |_| true), None);
    }
}
