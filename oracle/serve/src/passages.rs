//! Finds the passages that an answer repeats verbatim from the documents of its model's Datanets.

use crate::{engine::Engine, source::Source};
use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use openledger_attribution::spans::{CorpusHasher, SpanIndex, SpanIndexBuilder, SpanSettings};
use openledger_lm::Tokenizer;
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::types::Contribution,
    receipt::{QuotedDocument, QuotedSpan},
    store::Store,
    text::parse_hash,
};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

/// Which passages a receipt shows. Runs of fewer tokens occur in any text.
const SETTINGS: SpanSettings = SpanSettings { min_tokens: 5, top: 5, documents_per_span: 3 };

/// Most documents that are read at the same time.
const READS_AT_ONCE: usize = 8;

/// Finds passages in the documents of a model's Datanets, by a suffix array over their tokens.
pub struct Passages {
    index: SpanIndex,
    sources: HashMap<Hash32, Source>,
}

impl Passages {
    /// Opens the index of these documents at `path`. Builds it if there is no index, or if it is of other documents.
    pub async fn build(
        engine: &Engine,
        store: &Store,
        contributions: &BTreeMap<String, Contribution>,
        path: PathBuf,
    ) -> Result<Self> {
        let (mut sources, mut texts) = (HashMap::new(), Vec::new());
        let documents = contributions.values().filter_map(|c| {
            let detail = c.detail.as_ref().filter(|d| d.kind == "document")?;
            Some((c.clone(), detail.content.clone()))
        });
        // Each future owns its values. A stream of futures that borrow would not be `Send` for every lifetime.
        let documents: Vec<_> = documents
            .map(|(c, content)| {
                let store = store.clone();
                async move {
                    let bytes = store.get_blob(&parse_hash(&content)?).await.context("a document")?;
                    anyhow::Ok((c, bytes))
                }
            })
            .collect();
        let mut documents = stream::iter(documents).buffered(READS_AT_ONCE);
        while let Some((c, bytes)) = documents.try_next().await? {
            let Ok(text) = String::from_utf8(bytes.to_vec()) else { continue };
            let source = Source::of(&c)?;
            texts.push((source.leaf, text));
            sources.insert(source.leaf, source);
        }
        let index = engine
            .run(move |engine| -> Result<SpanIndex> {
                let tokenizer = engine.tokenizer();
                let vocab = tokenizer.vocab_size();
                let documents = texts
                    .iter()
                    .map(|(leaf, text)| Ok((*leaf, tokenizer.encode(text)?)))
                    .collect::<Result<Vec<_>>>()?;
                let mut hasher = CorpusHasher::new(vocab as u32);
                documents.iter().for_each(|(leaf, tokens)| hasher.add(*leaf, tokens));
                let corpus = hasher.finish();
                if let Ok(index) = SpanIndex::open(&path)
                    && index.check_corpus(corpus).is_ok()
                {
                    return Ok(index);
                }
                let mut builder = SpanIndexBuilder::new(&path, vocab)?;
                for (leaf, tokens) in &documents {
                    builder.add(*leaf, tokens)?;
                }
                Ok(builder.finish()?)
            })
            .await?;
        Ok(Self { index, sources })
    }

    /// The passages that `answer` repeats, rarest first.
    pub fn trace(&self, tokenizer: &Tokenizer, answer: &[u32]) -> Result<Vec<QuotedSpan>> {
        let begins = |i: usize| {
            let before = tokenizer.token_bytes(answer[i - 1]).last().is_none_or(|b| !b.is_ascii_alphanumeric());
            before || tokenizer.token_bytes(answer[i]).first().is_none_or(|b| !b.is_ascii_alphanumeric())
        };
        let spans = self.index.trace(answer, &SETTINGS, |i| i == 0 || i >= answer.len() || begins(i))?;
        Ok(spans
            .into_iter()
            .map(|span| QuotedSpan {
                start: span.start as u64,
                end: span.end as u64,
                text: tokenizer.decode(&answer[span.start..span.end]),
                count: span.count,
                documents: span
                    .documents
                    .iter()
                    .filter_map(|d| self.sources.get(&d.leaf))
                    .map(|s| QuotedDocument { leaf: s.leaf, title: s.title.clone(), owner: s.owner })
                    .collect(),
            })
            .collect())
    }
}
