//! The header of a span index, and the places of the parts.

use super::packed::{bits_for, section_bytes};
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::format::{FORMAT_BYTES, Format, cut_off},
};
use openledger_lm::Digest;
use sha2::{Digest as _, Sha256};
use std::{ops::Range, path::Path};

/// Version of the file format.
pub const FORMAT_VERSION: u32 = 1;
const FORMAT: Format = Format { signature: *b"OLSPANIX", version: FORMAT_VERSION };
/// Largest vocabulary. Vocabularies in use are below 2^19.
pub const MAX_VOCAB: usize = 1 << 24;
/// Most tokens and documents together. This keeps every size in bits below 2^64.
const MAX_TEXT: u64 = 1 << 48;
/// Position of the content's hash in the header. The hash covers the header up to here, and everything behind the
/// header.
const HASH_AT: usize = 64;
/// Number of bytes of the header.
pub(crate) const HEADER_BYTES: usize = 96;

/// Header of a span index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanHeader {
    /// Size of the vocabulary. All tokens are below it.
    pub vocab: u32,
    /// Number of tokens of all documents.
    pub tokens: u64,
    /// Number of documents.
    pub documents: u64,
    /// Hash of the documents by [`super::CorpusHasher`].
    pub corpus: Digest,
    /// SHA-256 of everything else in the file. It identifies the whole index.
    pub content: Digest,
}

/// The places of a file's parts in bytes, and the width of their integers.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) token_bits: u32,
    pub(crate) offset_bits: u32,
    pub(crate) text: Range<u64>,
    pub(crate) suffixes: Range<u64>,
    pub(crate) starts: Range<u64>,
    pub(crate) leaves: Range<u64>,
}

impl SpanHeader {
    /// Number of tokens, and of separators that follow each document.
    pub(crate) fn text_len(&self) -> u64 {
        self.tokens + self.documents
    }

    /// Number of bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.layout().leaves.end
    }

    pub(crate) fn layout(&self) -> Layout {
        let token_bits = bits_for(self.vocab.into());
        let offset_bits = bits_for(self.text_len() - 1);
        let mut end = HEADER_BYTES as u64;
        let mut next = |bytes: u64| {
            let begin = end;
            end += bytes;
            begin..end
        };
        Layout {
            token_bits,
            offset_bits,
            text: next(section_bytes(self.text_len(), token_bits)),
            suffixes: next(section_bytes(self.tokens, offset_bits)),
            starts: next(section_bytes(self.documents, offset_bits)),
            leaves: next(self.documents * size_of::<ExampleId>() as u64),
        }
    }

    /// A hasher that has taken the part of the header that the hash covers. The body comes next.
    pub(crate) fn content_hasher(&self) -> Sha256 {
        Sha256::new_with_prefix(&self.to_bytes()[..HASH_AT])
    }

    pub(crate) fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..FORMAT_BYTES].copy_from_slice(&FORMAT.to_bytes());
        bytes[12..16].copy_from_slice(&self.vocab.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.tokens.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.documents.to_le_bytes());
        bytes[32..HASH_AT].copy_from_slice(&self.corpus);
        bytes[HASH_AT..].copy_from_slice(&self.content);
        bytes
    }

    /// Reads the header at the beginning of `bytes`, the content of the file at `path`.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        FORMAT.check(bytes, path, || AttributionError::NotASpanIndex { path: path.into() })?;
        let bad = |reason: String| AttributionError::Header { path: path.into(), reason };
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or_else(|| cut_off(path))?;
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let digest = |at: usize| Digest::try_from(&bytes[at..at + 32]).expect("32 bytes");
        let header = Self {
            vocab: (word(8) >> 32) as u32,
            tokens: word(16),
            documents: word(24),
            corpus: digest(32),
            content: digest(HASH_AT),
        };
        if header.vocab == 0 || header.vocab as usize > MAX_VOCAB {
            return Err(bad(format!("a vocabulary of {}, allowed are 1 to {MAX_VOCAB}", header.vocab)));
        }
        let text = header.tokens.checked_add(header.documents);
        if header.tokens == 0 || header.documents == 0 || text.is_none_or(|n| n > MAX_TEXT) {
            return Err(bad(format!("{} tokens in {} documents", header.tokens, header.documents)));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_at_most_seven_bytes_up_to_2_to_the_33_of_them_with_a_large_vocabulary() {
        // Documents have 128 tokens on average, each with 32 bytes of id. The vocabularies are those of SmolLM2, Llama
        // 3 and Qwen.
        for vocab in [49_152, 128_256, 151_936] {
            for log2 in [20, 27, 32, 33] {
                let tokens = 1u64 << log2;
                let header = SpanHeader { vocab, tokens, documents: tokens / 128, corpus: [0; 32], content: [0; 32] };
                assert!(header.file_bytes() <= 7 * tokens, "{vocab} {log2}: {}", header.file_bytes());
            }
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = SpanHeader { vocab: 7, tokens: 1 << 40, documents: 3, corpus: [1; 32], content: [2; 32] };
        assert_eq!(SpanHeader::parse(&header.to_bytes(), Path::new("x")).unwrap(), header);
    }

    #[test]
    fn impossible_counts_are_refused() {
        let header = SpanHeader { vocab: 7, tokens: 5, documents: 3, corpus: [1; 32], content: [2; 32] };
        let changes: [fn(&mut SpanHeader); 6] = [
            |h| h.vocab = 0,
            |h| h.vocab = u32::MAX,
            |h| h.tokens = 0,
            |h| h.documents = 0,
            |h| h.tokens = u64::MAX,
            |h| h.tokens = 1 << 60,
        ];
        for change in changes {
            let mut changed = header.clone();
            change(&mut changed);
            let result = SpanHeader::parse(&changed.to_bytes(), Path::new("x.spans"));
            assert!(matches!(result, Err(AttributionError::Header { .. })), "{changed:?}");
        }
    }
}
