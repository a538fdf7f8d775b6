//! Measures how large a span index is, and how long building, opening and tracing take.
//!
//! The text is synthetic: tokens by Zipf's law, in documents of 64 to 191 tokens. A tenth of the documents repeat a
//! passage of an earlier one. An answer is stitched from passages of documents and tokens of its own. Usage:
//!
//! ```text
//! cargo run -p openledger-laboratory --example spans_speed -- [key=value …]
//! ```
//! with the keys of `Options` below.

use anyhow::{Context, Result, bail, ensure};
use openledger_attribution::spans::{SpanIndex, SpanIndexBuilder, SpanSettings};
use openledger_lm::sha256;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{path::PathBuf, time::Instant};

struct Options {
    /// Least number of tokens of the corpus.
    tokens: usize,
    /// Size of the vocabulary.
    vocab: usize,
    /// Number of answers to trace.
    answers: usize,
    /// Number of tokens of each answer.
    answer_tokens: usize,
    seed: u64,
    /// Folder of the index. The index is deleted in the end.
    folder: PathBuf,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            tokens: 5_000_000,
            vocab: 49_152,
            answers: 200,
            answer_tokens: 100,
            seed: 1,
            folder: std::env::temp_dir(),
        };
        for argument in arguments {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match key {
                "tokens" => options.tokens = value.parse()?,
                "vocab" => options.vocab = value.parse()?,
                "answers" => options.answers = value.parse()?,
                "answer_tokens" => options.answer_tokens = value.parse()?,
                "seed" => options.seed = value.parse()?,
                "folder" => options.folder = value.into(),
                _ => bail!("`{argument}` is not known"),
            }
        }
        ensure!(options.tokens > 0 && options.vocab > 1 && options.answers > 0, "there is nothing to measure");
        Ok(options)
    }
}

struct Text {
    random: ChaCha8Rng,
    vocab: usize,
}

impl Text {
    /// A random number below `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.random.next_u64() % n as u64) as usize
    }

    /// A random token. The probability of rank r falls as 1/r.
    fn token(&mut self) -> u32 {
        let uniform = (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        (((self.vocab + 1) as f64).powf(uniform) as u32).saturating_sub(1).min(self.vocab as u32 - 1)
    }

    fn document(&mut self, earlier: &[Vec<u32>]) -> Vec<u32> {
        let length = 64 + self.below(128);
        let mut tokens: Vec<u32> = (0..length).map(|_| self.token()).collect();
        if !earlier.is_empty() && self.below(10) == 0 {
            let passage = self.passage(earlier);
            let at = self.below(length - passage.len());
            tokens[at..at + passage.len()].copy_from_slice(passage);
        }
        tokens
    }

    /// 8 to 39 tokens of a random document.
    fn passage<'a>(&mut self, documents: &'a [Vec<u32>]) -> &'a [u32] {
        let document = &documents[self.below(documents.len())];
        let length = 8 + self.below(32);
        let start = self.below(document.len() - length);
        &document[start..start + length]
    }

    fn answer(&mut self, documents: &[Vec<u32>], length: usize) -> Vec<u32> {
        let mut tokens = Vec::new();
        while tokens.len() < length {
            tokens.extend(self.passage(documents));
            tokens.extend((0..5).map(|_| self.token()));
        }
        tokens.truncate(length);
        tokens
    }
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let path = options.folder.join(format!("spans-speed-{}.index", std::process::id()));
    let measured = measure(&options, &path);
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    measured
}

fn measure(options: &Options, path: &std::path::Path) -> Result<()> {
    let mut text = Text { random: ChaCha8Rng::seed_from_u64(options.seed), vocab: options.vocab };
    let mut documents = Vec::new();
    let mut tokens = 0;
    while tokens < options.tokens {
        documents.push(text.document(&documents));
        tokens += documents.last().map_or(0, Vec::len);
    }
    let answers: Vec<Vec<u32>> = (0..options.answers).map(|_| text.answer(&documents, options.answer_tokens)).collect();
    println!("{tokens} tokens in {} documents, vocabulary {}", documents.len(), options.vocab);

    let mut builder = SpanIndexBuilder::new(path, options.vocab)?;
    let start = Instant::now();
    for (i, document) in documents.drain(..).enumerate() {
        builder.add(sha256(&i.to_le_bytes()), &document)?;
    }
    println!("added in {:.1?}", start.elapsed());
    let start = Instant::now();
    builder.finish()?;
    let elapsed = start.elapsed();
    let bytes = std::fs::metadata(path)?.len();
    println!(
        "built in {elapsed:.1?} ({:.0} ns a token), {bytes} bytes, {:.2} a token",
        elapsed.as_nanos() as f64 / tokens as f64,
        bytes as f64 / tokens as f64
    );
    let start = Instant::now();
    let index = SpanIndex::open(path)?;
    println!("opened and checked in {:.1?}", start.elapsed());

    let settings = SpanSettings::default();
    let mut times = Vec::new();
    let (mut spans, mut covered) = (0, 0);
    for answer in &answers {
        let start = Instant::now();
        let found = index.trace(answer, &settings, |_| true)?;
        times.push(start.elapsed());
        spans += found.len();
        covered += found.iter().map(|s| s.end - s.start).sum::<usize>();
    }
    times.sort_unstable();
    println!(
        "{} answers of {} tokens: {:.1} spans of {:.1} tokens each; a trace takes {:.2?} (median), {:.2?} (99 %), {:.2?} (most)",
        answers.len(),
        options.answer_tokens,
        spans as f64 / answers.len() as f64,
        covered as f64 / spans.max(1) as f64,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
    Ok(())
}
