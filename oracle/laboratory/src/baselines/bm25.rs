//! Okapi BM25 (Robertson et al. 1994) over the words of query and example. It shows what shared words alone can find.

use super::ids::ids_of;
use bm25::{Embedder, EmbedderBuilder, Scorer};
use openledger_attribution::{AttributionError, ExampleId, Method, Query, Result, Scores};
use openledger_lm::{Example, Tokenizer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that the scores depend on besides tokenizer and data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bm25Settings {
    /// How soon further occurrences of a word stop counting. Not negative.
    pub k1: f32,
    /// How much long texts are discounted, from 0 to 1.
    pub b: f32,
}

impl Default for Bm25Settings {
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75 }
    }
}

impl Bm25Settings {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        if !(self.k1 >= 0.0 && self.k1.is_finite()) {
            return Err(AttributionError::setting("k1", format!("must be finite and not negative, is {}", self.k1)));
        }
        if !(0.0..=1.0).contains(&self.b) {
            return Err(AttributionError::setting("b", format!("must be between 0 and 1, is {}", self.b)));
        }
        Ok(())
    }
}

/// Splits a text into words: runs of letters and digits, in lower case.
struct Words;

impl bm25::Tokenizer for Words {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    }
}

/// The inverted index of all examples.
pub struct Bm25 {
    tokenizer: Arc<Tokenizer>,
    settings: Bm25Settings,
    ids: Arc<[ExampleId]>,
    // Words are told apart by a hash of 64 bits.
    embedder: Embedder<u64, Words>,
    scorer: Scorer<usize, u64>,
}

impl Bm25 {
    /// Indexes the words of the examples.
    pub fn new(examples: &[Example], tokenizer: Arc<Tokenizer>, settings: Bm25Settings) -> Result<Self> {
        settings.validate()?;
        if examples.is_empty() {
            return Err(AttributionError::Examples("there are no examples to search; give at least one".into()));
        }
        let texts: Vec<String> = examples.iter().map(|e| tokenizer.decode(&e.tokens)).collect();
        let corpus: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embedder: Embedder<u64, Words> =
            EmbedderBuilder::with_tokenizer_and_fit_to_corpus(Words, &corpus).k1(settings.k1).b(settings.b).build();
        let mut scorer = Scorer::new();
        for (i, text) in corpus.iter().enumerate() {
            scorer.upsert(&i, embedder.embed(text));
        }
        Ok(Self { tokenizer, settings, ids: ids_of(examples), embedder, scorer })
    }
}

impl Method for Bm25 {
    const NAME: &'static str = "bm25";
    const VERSION: u32 = 1;
    type Settings = Bm25Settings;

    fn settings(&self) -> &Bm25Settings {
        &self.settings
    }

    /// The weighted sum of the items' scores. An item's words are those of its prompt and answer.
    fn score(&self, query: &Query) -> Result<Scores> {
        let mut values = vec![0f32; self.ids.len()];
        for item in query.items() {
            let own = self.embedder.embed(&self.tokenizer.decode(&item.tokens));
            for (i, value) in values.iter_mut().enumerate() {
                *value += item.weight * self.scorer.score(&i, &own).unwrap_or(0.0);
            }
        }
        Ok(Scores { ids: self.ids.clone(), values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str) -> Example {
        Example::text(&Tokenizer::bytes(), [0; 32], text).unwrap()
    }

    fn ask(examples: &[Example], text: &str) -> Vec<f32> {
        let bm25 = Bm25::new(examples, Arc::new(Tokenizer::bytes()), Bm25Settings::default()).unwrap();
        bm25.score(&Query::answer(example(text).tokens, 1).unwrap()).unwrap().values
    }

    #[test]
    fn scores_are_the_written_out_formula() {
        let examples = ["The cat sat", "a cat, a dog and a bird", "nothing here"].map(example);
        // The lengths are 3, 7 and 2. "cat" is in two of the three texts, "dog" in one.
        let idf = |n: f32| (1.0 + (3.0 - n + 0.5) / (n + 0.5)).ln();
        let tf = |length: f32| 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * length / 4.0));
        let found = ask(&examples, "CAT dog");
        let expected = [idf(2.0) * tf(3.0), (idf(2.0) + idf(1.0)) * tf(7.0), 0.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} against {expected}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for settings in [Bm25Settings { k1: f32::NAN, b: 0.5 }, Bm25Settings { k1: 1.0, b: 1.5 }] {
            assert!(Bm25::new(&[example("x y")], Arc::new(Tokenizer::bytes()), settings).is_err());
        }
    }
}
