//! The weights of receipts that hold, until a settlement divides by them.
//!
//! They are in a file, because strangers choose how many there are: an epoch may have 100,000 answers of a model with many
//! thousands of documents. Memory holds where they are, and one vector at a time. The member keeps its own copy: what a
//! stranger stored may be gone when it is needed.

use anyhow::{Context, Result};
use openledger_protocol::{Hash32, weights::Weights};
use std::{borrow::Cow, collections::HashMap, fs::File, os::unix::fs::FileExt, path::Path};

/// Weights in a file that has no name, so that nothing is left of it when it is dropped or the node is killed.
pub struct Kept {
    file: File,
    end: u64,
    /// By the hash of their blob: many receipts may name the same.
    places: HashMap<Hash32, Place>,
}

/// Where weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    start: u64,
    documents: usize,
}

impl Kept {
    /// Keeps nothing yet. The file is on the disk of `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder);
        let file = file.with_context(|| format!("cannot make a file for weights in {}", folder.display()))?;
        Ok(Self { file, end: 0, places: HashMap::new() })
    }

    /// Keeps the weights of the blob with this hash, once.
    pub fn keep(&mut self, hash: Hash32, weights: &Weights) -> Result<Place> {
        if let Some(place) = self.places.get(&hash) {
            return Ok(*place);
        }
        let bytes = weights.to_bytes();
        self.file.write_all_at(&bytes, self.end).context("keeping the weights of a receipt")?;
        let place = Place { start: self.end, documents: weights.values().len() };
        self.end += bytes.len() as u64;
        self.places.insert(hash, place);
        Ok(place)
    }

    /// Number of bytes that it has written.
    #[cfg(test)]
    pub fn written(&self) -> u64 {
        self.end
    }

    fn read(&self, place: Place) -> Result<Weights> {
        let mut bytes = vec![0; place.documents * 8];
        self.file.read_exact_at(&mut bytes, place.start).context("reading the kept weights of a receipt")?;
        Weights::from_bytes(&bytes, place.documents).context("the kept weights of a receipt are damaged")
    }
}

/// Weights that divide a payment. They are read when it is divided.
#[derive(Clone, Copy)]
pub enum Divides<'a> {
    /// Those of a job.
    Known(&'a Weights),
    /// Those of a receipt.
    Kept(&'a Kept, Place),
}

impl<'a> Divides<'a> {
    /// The weights.
    pub fn read(self) -> Result<Cow<'a, Weights>> {
        match self {
            Self::Known(weights) => Ok(Cow::Borrowed(weights)),
            Self::Kept(kept, place) => kept.read(place).map(Cow::Owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(parts: &[u64]) -> Weights {
        Weights::in_proportion(parts).unwrap()
    }

    #[test]
    fn weights_come_back_from_the_file_and_nothing_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::new(folder.path()).unwrap();
        let [one, two] = [weights(&[1, 2, 3]), weights(&[5, 4])];
        let places = [kept.keep([1; 32], &one).unwrap(), kept.keep([2; 32], &two).unwrap()];
        assert_eq!(*Divides::Kept(&kept, places[0]).read().unwrap(), one);
        assert_eq!(*Divides::Kept(&kept, places[1]).read().unwrap(), two);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    /// Somebody who has thousands of receipts name one large blob takes its room once.
    #[test]
    fn a_blob_that_many_receipts_name_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::new(folder.path()).unwrap();
        let named = weights(&[1; 1000]);
        let places: Vec<Place> = (0..500).map(|_| kept.keep([7; 32], &named).unwrap()).collect();
        assert!(places.iter().all(|place| *place == places[0]));
        assert_eq!(kept.written(), 8_000);
    }
}
