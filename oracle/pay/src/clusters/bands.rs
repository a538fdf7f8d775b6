//! Finds candidates by locality-sensitive hashing: items whose signatures agree in all values of a band.

use std::collections::{BTreeSet, HashMap};

/// Items by the bands of their signatures. All signatures of one table have the same length.
pub(super) struct Bands {
    rows: usize,
    /// Items by band and its values. The map is only looked up, never iterated, so its order does not matter.
    items: HashMap<(usize, Box<[u32]>), Vec<usize>>,
}

impl Bands {
    /// A table whose bands have `rows` values.
    pub(super) fn new(rows: usize) -> Self {
        Self { rows, items: HashMap::new() }
    }

    /// Adds an item with its signature.
    pub(super) fn insert(&mut self, signature: &[u32], item: usize) {
        for (band, values) in signature.chunks_exact(self.rows).enumerate() {
            self.items.entry((band, values.into())).or_default().push(item);
        }
    }

    /// The lowest item that shares a band with `signature` and is `alike`. `None` if there is none.
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
        // Half a band, or the same values in another band, do not count.
        assert_eq!(bands.first(&[1, 0, 0, 4], |_| true), None);
        assert_eq!(bands.first(&[3, 4, 1, 2], |_| true), None);
    }
}
