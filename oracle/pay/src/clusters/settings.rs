//! What counts as a duplicate.

use crate::error::{PayError, Result};
use serde::{Deserialize, Serialize};

/// Settings of all four tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Seed of the hashes. Fix it after the documents are registered (from a slot hash, for instance): who knows it
    /// while writing can try wordings until the hashes miss the likeness.
    pub seed: u64,
    /// Nearly the same text.
    pub near: NearSettings,
    /// A text put together from others.
    pub verbatim: VerbatimSettings,
    /// Nearly the same gradient.
    pub gradient: GradientSettings,
}

/// MinHash (Broder 1997, "On the resemblance and containment of documents") with banding (Leskovec, Rajaraman and
/// Ullman, "Mining of Massive Datasets", 3.4): texts of Jaccard similarity j are compared with probability
/// 1 − (1 − j^rows)^bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearSettings {
    /// Characters of normalised text in a shingle: long enough that unrelated texts share few.
    pub shingle: usize,
    /// Bands of a signature.
    pub bands: usize,
    /// Hash functions in a band; `bands · rows` in all.
    pub rows: usize,
    /// Similarity from which a text is a duplicate.
    pub jaccard: f64,
}

impl Default for NearSettings {
    /// Half of the shingles: a text of 80 characters with a word changed at either end is found, two texts from one
    /// template with different names are not. Compared with a probability of 0.87 at 0.5, 0.99 at 0.6.
    fn default() -> Self {
        Self { shingle: 8, bands: 32, rows: 4, jaccard: 0.5 }
    }
}

/// What of a text stands word for word in earlier ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerbatimSettings {
    /// Characters of normalised text in a passage: long enough that texts have few in common by chance, however many
    /// texts there are.
    pub passage: usize,
    /// Share of a text's characters from which it says nothing new.
    pub share: f64,
}

impl Default for VerbatimSettings {
    /// Two thirds, in passages of about five words: one sentence of another's is found, a quotation in a text of its own
    /// is not.
    fn default() -> Self {
        Self { passage: 24, share: 2.0 / 3.0 }
    }
}

/// SimHash (Charikar 2002, "Similarity estimation techniques from rounding algorithms") with banding: gradients at
/// angle θ are compared with probability 1 − (1 − (1 − θ/π)^bits)^bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientSettings {
    /// Bands of a signature.
    pub bands: usize,
    /// Random hyperplanes in a band.
    pub bits: usize,
    /// Cosine from which a document is a duplicate.
    pub cosine: f64,
}

impl Default for GradientSettings {
    /// Compared with a probability of 0.9999 at the threshold.
    fn default() -> Self {
        Self { bands: 32, bits: 12, cosine: 0.95 }
    }
}

impl ClusterSettings {
    /// Refuses values out of range, naming the field.
    pub fn validate(&self) -> Result<()> {
        for (field, value, largest) in [
            ("clusters.near.shingle", self.near.shingle, 256),
            ("clusters.near.bands", self.near.bands, 256),
            ("clusters.near.rows", self.near.rows, 64),
            ("clusters.verbatim.passage", self.verbatim.passage, 4_096),
            ("clusters.gradient.bands", self.gradient.bands, 256),
            ("clusters.gradient.bits", self.gradient.bits, 32),
        ] {
            if !(1..=largest).contains(&value) {
                let reason = format!("must be between 1 and {largest}, is {value}");
                return Err(PayError::setting(field, reason));
            }
        }
        for (field, value) in [
            ("clusters.near.jaccard", self.near.jaccard),
            ("clusters.verbatim.share", self.verbatim.share),
            ("clusters.gradient.cosine", self.gradient.cosine),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                let reason = format!("must be above 0 and at most 1, is {value}");
                return Err(PayError::setting(field, reason));
            }
        }
        Ok(())
    }
}
