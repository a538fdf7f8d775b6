//! The settings that say what counts as a duplicate.

use crate::error::{PayError, Result};
use serde::{Deserialize, Serialize};

/// Settings of all four tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Seed of the hashes. Fix it after the documents are registered, for instance from a slot hash. Whoever knows the
    /// seed while writing can try wordings until the hashes miss the likeness.
    pub seed: u64,
    /// Test for nearly the same text.
    pub near: NearSettings,
    /// Test for a text put together from others.
    pub verbatim: VerbatimSettings,
    /// Test for nearly the same gradient.
    pub gradient: GradientSettings,
}

/// MinHash (Broder 1997, "On the resemblance and containment of documents") with banding (Leskovec, Rajaraman and
/// Ullman, "Mining of Massive Datasets", 3.4). Texts of Jaccard similarity j are compared with probability 1 − (1 −
/// j^rows)^bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearSettings {
    /// Length of a shingle in characters of normalised text. It must be long enough that unrelated texts share few
    /// shingles.
    pub shingle: usize,
    /// Bands of a signature.
    pub bands: usize,
    /// Hash functions in a band. A signature has `bands · rows` of them.
    pub rows: usize,
    /// Least similarity at which a text is a duplicate.
    pub jaccard: f64,
}

impl Default for NearSettings {
    /// The threshold is half of the shingles. It finds a text of 80 characters with a word changed at either end. It
    /// does not find two texts from one template with different names. Texts are compared with a probability of 0.87 at
    /// a similarity of 0.5, and 0.99 at 0.6.
    fn default() -> Self {
        Self { shingle: 8, bands: 32, rows: 4, jaccard: 0.5 }
    }
}

/// Test for the part of a text that stands word for word in earlier texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerbatimSettings {
    /// Length of a passage in characters of normalised text. It must be long enough that texts have few passages in
    /// common by chance, for any number of texts.
    pub passage: usize,
    /// Least share of a text's characters at which the text says nothing new.
    pub share: f64,
}

impl Default for VerbatimSettings {
    /// The threshold is two thirds, in passages of about five words. It finds a text that is one sentence of another
    /// text. It does not find a quotation in a text of its own.
    fn default() -> Self {
        Self { passage: 24, share: 2.0 / 3.0 }
    }
}

/// SimHash (Charikar 2002, "Similarity estimation techniques from rounding algorithms") with banding. Gradients at
/// angle θ are compared with probability 1 − (1 − (1 − θ/π)^bits)^bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientSettings {
    /// Bands of a signature.
    pub bands: usize,
    /// Random hyperplanes in a band.
    pub bits: usize,
    /// Least cosine at which a document is a duplicate.
    pub cosine: f64,
}

impl Default for GradientSettings {
    /// Gradients at the threshold are compared with a probability of 0.9999.
    fn default() -> Self {
        Self { bands: 32, bits: 12, cosine: 0.95 }
    }
}

impl ClusterSettings {
    /// Fails if a value is out of range. The error names the field.
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
