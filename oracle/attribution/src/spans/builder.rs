//! Builds a span index. It needs the whole text in memory. A build that is cut off leaves no index behind.

use super::{
    corpus::CorpusHasher,
    header::{HEADER_BYTES, MAX_VOCAB, SpanHeader},
    index::SpanIndex,
    packed::pack,
    suffixes::Suffixes,
};
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::partial::rename_into_place,
};
use openledger_lm::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Number of bytes that are hashed and written at a time.
const BLOCK: usize = 1 << 20;
/// Counts the builds of this process, so that their unfinished files have different names.
static BUILDS: AtomicU64 = AtomicU64::new(0);

/// Collects documents and writes their index. Counts of occurrences are over all documents. Lists of documents begin
/// with those that were added earlier.
pub struct SpanIndexBuilder {
    path: PathBuf,
    vocab: u32,
    /// The text: each token plus one, and a zero after each document.
    text: Vec<i32>,
    starts: Vec<u64>,
    leaves: Vec<ExampleId>,
    corpus: CorpusHasher,
}

impl SpanIndexBuilder {
    /// A builder for an index at `path`, of tokens below `vocab`. `vocab` must be 1 to [`MAX_VOCAB`].
    pub fn new(path: &Path, vocab: usize) -> Result<Self> {
        if vocab == 0 || vocab > MAX_VOCAB {
            return Err(AttributionError::setting("vocab", format!("is {vocab}, allowed are 1 to {MAX_VOCAB}")));
        }
        let vocab = vocab as u32;
        let (text, starts, leaves) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { path: path.into(), vocab, text, starts, leaves, corpus: CorpusHasher::new(vocab) })
    }

    /// Adds a document. Fails if it has a token outside the vocabulary, and then leaves the builder as it was.
    pub fn add(&mut self, leaf: ExampleId, tokens: &[u32]) -> Result<()> {
        if let Some(position) = tokens.iter().position(|t| *t >= self.vocab) {
            return Err(AttributionError::Examples(format!(
                "document {} has token {} at position {position}, the vocabulary has {}; use the tokenizer of the same model",
                hex::encode(leaf),
                tokens[position],
                self.vocab
            )));
        }
        self.starts.push(self.text.len() as u64);
        self.leaves.push(leaf);
        self.corpus.add(leaf, tokens);
        self.text.extend(tokens.iter().map(|t| *t as i32 + 1));
        self.text.push(0);
        Ok(())
    }

    /// Sorts the suffixes, writes the index beside its path and renames it to its path, over an older index if there is
    /// one. Fails if there is no token in any document.
    pub fn finish(self) -> Result<SpanIndex> {
        let documents = self.leaves.len();
        if self.text.len() == documents {
            return Err(AttributionError::Examples(format!(
                "there is nothing to index for {}: {documents} documents without a token; add documents first",
                self.path.display()
            )));
        }
        let path = self.path.clone();
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}-{}.partial", std::process::id(), BUILDS.fetch_add(1, Ordering::Relaxed)));
        let partial = path.with_file_name(name);
        // The file is created before the long work, so that a missing or read-only folder shows at once.
        let file = File::create_new(&partial).map_err(AttributionError::io("create", &partial))?;
        let written = self.write(file, &partial).and_then(|()| rename_into_place(&partial, &path));
        if let Err(error) = written {
            // The first error is returned, so an error of removing is ignored.
            let _ = std::fs::remove_file(&partial);
            return Err(error);
        }
        SpanIndex::open(&path)
    }

    fn write(self, file: File, partial: &Path) -> Result<()> {
        let documents = self.leaves.len();
        let mut header = SpanHeader {
            vocab: self.vocab,
            tokens: (self.text.len() - documents) as u64,
            documents: documents as u64,
            corpus: self.corpus.finish(),
            content: [0; 32],
        };
        let layout = header.layout();
        let mut body = BodyWriter::new(file, &header).map_err(AttributionError::io("write", partial))?;
        pack(self.text.iter().map(|t| *t as u64), layout.token_bits, |word| body.put(&word))
            .map_err(AttributionError::io("write", partial))?;
        let suffixes = Suffixes::of(self.text)?;
        // The separators' suffixes are the smallest and come first. No search needs them.
        pack(suffixes.iter().skip(documents), layout.offset_bits, |word| body.put(&word))
            .and_then(|()| pack(self.starts.iter().copied(), layout.offset_bits, |word| body.put(&word)))
            .and_then(|()| self.leaves.iter().try_for_each(|leaf| body.put(leaf)))
            .and_then(|()| {
                let (mut file, content) = body.finish()?;
                header.content = content;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&header.to_bytes())?;
                file.sync_all()
            })
            .map_err(AttributionError::io("write", partial))
    }
}

/// Writes the body behind the header, and hashes it.
struct BodyWriter {
    file: File,
    hasher: Sha256,
    block: Vec<u8>,
}

impl BodyWriter {
    fn new(mut file: File, header: &SpanHeader) -> io::Result<Self> {
        // The header is zeros until the hash is known. A file with such a header is refused.
        file.write_all(&[0; HEADER_BYTES])?;
        Ok(Self { file, hasher: header.content_hasher(), block: Vec::with_capacity(BLOCK) })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.block.extend(bytes);
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.block);
        self.file.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<(File, Digest)> {
        self.flush()?;
        Ok((self.file, self.hasher.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(path: &Path, documents: &[&[u32]]) -> Result<SpanIndex> {
        let mut builder = SpanIndexBuilder::new(path, 10)?;
        for (i, tokens) in documents.iter().enumerate() {
            builder.add([i as u8; 32], tokens)?;
        }
        builder.finish()
    }

    #[test]
    fn the_same_documents_give_the_same_bytes_and_leave_no_other_file() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        let identities = paths.each_ref().map(|path| build(path, &[&[1, 2, 3], &[], &[2, 3]]).unwrap().identity());
        assert_eq!(identities[0], identities[1]);
        assert_eq!(std::fs::read(&paths[0]).unwrap(), std::fs::read(&paths[1]).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_token_of_a_corpus_of_short_documents_takes_at_most_seven_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let vocab = 128_256;
        let mut builder = SpanIndexBuilder::new(&path, vocab as usize).unwrap();
        // The documents have 40 to 159 tokens, spread over the whole vocabulary.
        let documents: Vec<Vec<u32>> = (0..1000u32)
            .map(|d| (0..40 + d % 120).map(|i| (d * 7919 + i * i * 31).wrapping_mul(2_654_435_761) % vocab).collect())
            .collect();
        for (d, tokens) in documents.iter().enumerate() {
            builder.add([d as u8; 32], tokens).unwrap();
        }
        let index = builder.finish().unwrap();
        let (bytes, tokens) = (std::fs::metadata(&path).unwrap().len(), index.header().tokens);
        assert_eq!(tokens, documents.iter().map(|d| d.len() as u64).sum::<u64>());
        assert!(bytes <= 7 * tokens, "{bytes} bytes for {tokens} tokens");
    }

    #[test]
    fn every_part_of_a_document_is_in_the_corpus_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        // Each index replaces the one before.
        let corpora: [&[&[u32]]; 4] = [&[&[1, 2], &[3]], &[&[1], &[2, 3]], &[&[1, 2, 3]], &[&[1, 2], &[3], &[]]];
        let hashes: std::collections::BTreeSet<Digest> =
            corpora.iter().map(|documents| build(&path, documents).unwrap().header().corpus).collect();
        assert_eq!(hashes.len(), corpora.len());
    }

    #[test]
    fn a_corpus_without_tokens_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.spans");
        for documents in [&[][..], &[&[][..], &[][..]]] {
            let error = build(&path, documents).err().unwrap();
            assert!(matches!(error, AttributionError::Examples(_)));
            assert!(error.to_string().contains("empty.spans"), "{error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_token_outside_the_vocabulary_is_refused_and_the_builder_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = SpanIndexBuilder::new(&dir.path().join("x"), 10).unwrap();
        let error = builder.add([7; 32], &[1, 10]).unwrap_err().to_string();
        assert!(error.contains("0707") && error.contains("token 10 at position 1"), "{error}");
        builder.add([8; 32], &[9]).unwrap();
        let index = builder.finish().unwrap();
        assert_eq!((index.header().tokens, index.header().documents), (1, 1));
        for vocab in [0, MAX_VOCAB + 1] {
            assert!(matches!(SpanIndexBuilder::new(dir.path(), vocab), Err(AttributionError::Setting { .. })));
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = build(&dir.path().join("missing").join("x"), &[&[1]]).err().unwrap();
        assert!(matches!(&error, AttributionError::Io { action: "create", .. }), "{error}");
        assert!(error.to_string().contains("missing"), "{error}");
    }
}
