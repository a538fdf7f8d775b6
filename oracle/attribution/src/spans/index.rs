//! Searches a span index through a memory map.

use super::{
    header::{Layout, SpanHeader},
    packed::Packed,
};
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::mapped,
};
use memmap2::Mmap;
use openledger_lm::Digest;
use sha2::Digest as _;
use std::{
    cmp::Ordering,
    ops::Range,
    path::{Path, PathBuf},
};

/// A complete, checked span index.
pub struct SpanIndex {
    path: PathBuf,
    header: SpanHeader,
    layout: Layout,
    map: Mmap,
}

impl SpanIndex {
    /// Opens an index. Fails unless signature, version, header, size and hash are all right. Reads the whole file once.
    pub fn open(path: &Path) -> Result<Self> {
        let map = mapped::map(path)?;
        let header = SpanHeader::parse(&map, path)?;
        mapped::check_size(&map, path, Some(header.file_bytes()))?;
        let layout = header.layout();
        let content = header.content_hasher().chain_update(&map[layout.text.start as usize..]);
        mapped::check_hash(content, path, &hex::encode(header.content))?;
        Ok(Self { path: path.into(), header, layout, map })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index's header.
    pub fn header(&self) -> &SpanHeader {
        &self.header
    }

    /// The hash that identifies the index. Whoever builds an index of the same documents in the same order gets the
    /// same hash.
    pub fn identity(&self) -> Digest {
        self.header.content
    }

    /// Fails if the index is of other documents than those with this [`super::CorpusHasher`] hash.
    pub fn check_corpus(&self, expected: Digest) -> Result<()> {
        if self.header.corpus != expected {
            let (found, expected) = (hex::encode(self.header.corpus), hex::encode(expected));
            return Err(AttributionError::mismatch(&self.path, "documents", found, expected));
        }
        Ok(())
    }

    /// How often `tokens` stand one after the other in the documents. There must be at least one token.
    pub fn count(&self, tokens: &[u32]) -> u64 {
        let range = self.occurrences(tokens);
        range.end - range.start
    }

    /// The occurrences of `pattern`, as a range of the sorted suffixes.
    pub(crate) fn occurrences(&self, pattern: &[u32]) -> Range<u64> {
        let before = |stop: Ordering| {
            let (mut low, mut high) = (0, self.header.tokens);
            while low < high {
                let middle = low + (high - low) / 2;
                if self.compare(self.suffix(middle), pattern, 0).0 < stop { low = middle + 1 } else { high = middle }
            }
            low
        };
        before(Ordering::Equal)..before(Ordering::Greater)
    }

    /// Length of the longest prefix of `pattern` that occurs in a document.
    pub(crate) fn longest_match(&self, pattern: &[u32]) -> usize {
        let (mut low, mut high) = (0, self.header.tokens);
        // The numbers of tokens that the suffixes just below and just above the range share with the pattern. All
        // suffixes in between share at least the lesser number.
        let (mut shared_low, mut shared_high) = (0, 0);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare(self.suffix(middle), pattern, shared_low.min(shared_high)) {
                (Ordering::Less, shared) => (low, shared_low) = (middle + 1, shared),
                (Ordering::Greater, shared) => (high, shared_high) = (middle, shared),
                (Ordering::Equal, shared) => return shared,
            }
        }
        shared_low.max(shared_high)
    }

    /// Compares the text at `position` with `pattern`. They are equal if the text begins with the pattern. Also returns
    /// how many tokens they share. The first `shared` tokens are known to be shared.
    fn compare(&self, position: u64, pattern: &[u32], mut shared: usize) -> (Ordering, usize) {
        let text = Packed { bytes: self.part(&self.layout.text), bits: self.layout.token_bits };
        while let Some(token) = pattern.get(shared) {
            let at = position + shared as u64;
            // A text always ends with a separator. A forged text may not, so reading stops at its end.
            let own = if at < self.header.text_len() { text.get(at) } else { 0 };
            match own.cmp(&(u64::from(*token) + 1)) {
                Ordering::Equal => shared += 1,
                other => return (other, shared),
            }
        }
        (Ordering::Equal, shared)
    }

    /// Position in the text of the suffix that is number `rank` in the order.
    pub(crate) fn suffix(&self, rank: u64) -> u64 {
        Packed { bytes: self.part(&self.layout.suffixes), bits: self.layout.offset_bits }.get(rank)
    }

    /// The document at a position of the text, and the beginning of the document in the text.
    pub(crate) fn document_at(&self, position: u64) -> (u64, u64) {
        let starts = Packed { bytes: self.part(&self.layout.starts), bits: self.layout.offset_bits };
        let (mut low, mut high) = (0, self.header.documents);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if starts.get(middle) <= position { low = middle } else { high = middle }
        }
        (low, starts.get(low))
    }

    /// A document's leaf.
    pub(crate) fn leaf(&self, document: u64) -> ExampleId {
        self.part(&self.layout.leaves).as_chunks::<32>().0[document as usize]
    }

    fn part(&self, range: &Range<u64>) -> &[u8] {
        &self.map[range.start as usize..range.end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::{CorpusHasher, FORMAT_VERSION, SpanIndexBuilder, header::HEADER_BYTES};

    const DOCUMENTS: [([u8; 32], &[u32]); 2] = [([3; 32], &[1, 2, 1, 2]), ([4; 32], &[2, 2])];

    fn built(dir: &Path) -> SpanIndex {
        let mut builder = SpanIndexBuilder::new(&dir.join("x.spans"), 5).unwrap();
        for (leaf, tokens) in DOCUMENTS {
            builder.add(leaf, tokens).unwrap();
        }
        builder.finish().unwrap()
    }

    fn open_changed(change: impl FnOnce(&mut Vec<u8>)) -> AttributionError {
        let dir = tempfile::tempdir().unwrap();
        let path = built(dir.path()).path().to_owned();
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let error = SpanIndex::open(&path).err().expect("must be refused");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        error
    }

    #[test]
    fn what_was_added_is_found_and_counted_within_documents_only() {
        let dir = tempfile::tempdir().unwrap();
        let index = built(dir.path());
        let counts: [(&[u32], u64); 7] =
            [(&[1], 2), (&[2], 4), (&[1, 2], 2), (&[2, 1, 2], 1), (&[2, 2], 1), (&[2, 2, 2], 0), (&[3], 0)];
        for (tokens, count) in counts {
            assert_eq!(index.count(tokens), count, "{tokens:?}");
        }
        assert_eq!(index.longest_match(&[2, 1, 2, 2]), 3);
        assert_eq!([0, 3, 4, 5, 6].map(|p| index.document_at(p)), [(0, 0), (0, 0), (0, 0), (1, 5), (1, 5)]);
        assert_eq!([0, 1].map(|d| index.leaf(d)), [[3; 32], [4; 32]]);
    }

    #[test]
    fn tokens_outside_the_vocabulary_occur_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let index = built(dir.path());
        for unknown in [5, 6, 7, u32::MAX] {
            assert_eq!(index.count(&[unknown]), 0);
            assert_eq!(index.longest_match(&[1, unknown]), 1);
        }
    }

    #[test]
    fn an_index_of_other_documents_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let index = built(dir.path());
        let mut hasher = CorpusHasher::new(5);
        for (leaf, tokens) in DOCUMENTS {
            hasher.add(leaf, tokens);
        }
        index.check_corpus(hasher.clone().finish()).unwrap();
        hasher.add([5; 32], &[1]);
        let error = index.check_corpus(hasher.finish()).unwrap_err();
        assert!(matches!(error, AttributionError::Mismatch { what: "documents", .. }), "{error}");
        assert!(error.to_string().contains("x.spans"), "{error}");
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        assert!(matches!(open_changed(|b| b[0] ^= 1), AttributionError::NotASpanIndex { .. }));
        assert!(matches!(open_changed(|b| b.truncate(4)), AttributionError::NotASpanIndex { .. }));
        assert!(matches!(open_changed(|b| b.clear()), AttributionError::NotASpanIndex { .. }));
        // A build that was cut off leaves such a file.
        assert!(matches!(open_changed(|b| b[..HEADER_BYTES].fill(0)), AttributionError::NotASpanIndex { .. }));
    }

    #[test]
    fn another_version_is_refused() {
        let error = open_changed(|b| b[8] = 9);
        assert!(matches!(error, AttributionError::Version { found: 9, supported: FORMAT_VERSION, .. }), "{error}");
    }

    #[test]
    fn a_truncated_or_lengthened_file_is_refused() {
        for length in [8, 10, 12, HEADER_BYTES - 1] {
            assert!(matches!(open_changed(|b| b.truncate(length)), AttributionError::Header { .. }), "{length}");
        }
        assert!(matches!(open_changed(|b| b.truncate(HEADER_BYTES)), AttributionError::Size { .. }));
        assert!(matches!(open_changed(|b| b.truncate(b.len() - 1)), AttributionError::Size { .. }));
        assert!(matches!(open_changed(|b| b.push(0)), AttributionError::Size { .. }));
    }

    #[test]
    fn a_change_of_any_byte_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = built(dir.path()).path().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, changed).unwrap();
            let error = SpanIndex::open(&path).err().expect("must be refused");
            if at >= HEADER_BYTES {
                assert!(matches!(error, AttributionError::Damaged { .. }), "byte {at}: {error}");
            }
        }
    }
}
