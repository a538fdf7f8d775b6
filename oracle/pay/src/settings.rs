//! The settings of pay: everything that shares depend on besides documents, scores and gradients.

use crate::{
    clusters::ClusterSettings,
    error::{PayError, Result},
    normalise::Normalisation,
};
use openledger_protocol::{Hash32, allocate::PPM, hash::sha256};
use serde::{Deserialize, Serialize};

/// Version of the rules. It is raised whenever the same settings would give other shares than before.
pub const VERSION: u32 = 2;

/// How scores become pay. The job fixes these settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaySettings {
    /// What counts as a duplicate.
    pub clusters: ClusterSettings,
    /// How a document's score becomes the number that it is paid for.
    pub normalisation: Normalisation,
    /// Scores count above this multiple of the noise: see [`crate::floor`]. 0 pays every positive score.
    pub noise_floor: f64,
    /// Largest share of one document in parts per million: see [`crate::cap`].
    pub cap_ppm: u64,
}

impl Default for PaySettings {
    /// Settings for scores of an estimate, such as `openledger_attribution::logra`.
    fn default() -> Self {
        Self {
            clusters: ClusterSettings::default(),
            normalisation: Normalisation::Guard { limit: 9.0 },
            noise_floor: 3.0,
            cap_ppm: 500_000,
        }
    }
}

impl PaySettings {
    /// Settings for scores of an exact method, such as `openledger_attribution::magic`: no floor and no normalisation.
    ///
    /// The sign of an exact score says what training on the document really did. So junk, outliers and pieces that do
    /// harm score below zero by themselves. A floor would take the pay of documents that helped a little. It would also
    /// let an attacker move everybody's pay by adding documents (`openledger_laboratory::gaming` measures this). An
    /// outlier's large gradient raises its exact score only as far as the document really helped.
    pub fn exact() -> Self {
        Self { normalisation: Normalisation::None, noise_floor: 0.0, ..Self::default() }
    }

    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        self.clusters.validate()?;
        self.normalisation.validate()?;
        if !(self.noise_floor >= 0.0 && self.noise_floor.is_finite()) {
            let reason = format!("must be finite and not negative, is {}", self.noise_floor);
            return Err(PayError::setting("noise_floor", reason));
        }
        if !(1..=PPM).contains(&self.cap_ppm) {
            let reason = format!("must be between 1 and {PPM}, is {}", self.cap_ppm);
            return Err(PayError::setting("cap_ppm", reason));
        }
        Ok(())
    }

    /// SHA-256 of the canonical JSON (sorted keys, no spaces) of `{settings, version}`.
    pub fn hash(&self) -> Hash32 {
        let mut value = serde_json::json!({ "settings": self, "version": VERSION });
        value.sort_all_objects();
        sha256(&[value.to_string().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::{GradientSettings, NearSettings, VerbatimSettings};

    #[test]
    fn defaults_are_valid_and_survive_json() {
        let settings = PaySettings::default();
        settings.validate().unwrap();
        PaySettings::exact().validate().unwrap();
        let back: PaySettings = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!((back.hash(), &back), (settings.hash(), &settings));
        assert_eq!(serde_json::from_str::<PaySettings>("{}").unwrap(), settings);
        assert_ne!(PaySettings { cap_ppm: 1, ..settings.clone() }.hash(), settings.hash());
        assert!(serde_json::from_str::<PaySettings>(r#"{"cap": 1}"#).is_err());
        assert!(serde_json::from_str::<PaySettings>(r#"{"clusters": {"near": {"jacard": 0.5}}}"#).is_err());
    }

    #[test]
    fn each_bad_value_names_its_field() {
        let d = PaySettings::default;
        let near = |near| PaySettings { clusters: ClusterSettings { near, ..Default::default() }, ..d() };
        let verbatim = |verbatim| PaySettings { clusters: ClusterSettings { verbatim, ..Default::default() }, ..d() };
        let gradient = |gradient| PaySettings { clusters: ClusterSettings { gradient, ..Default::default() }, ..d() };
        let cases = [
            ("cap_ppm", PaySettings { cap_ppm: 0, ..d() }),
            ("cap_ppm", PaySettings { cap_ppm: PPM + 1, ..d() }),
            ("noise_floor", PaySettings { noise_floor: -1.0, ..d() }),
            ("noise_floor", PaySettings { noise_floor: f64::NAN, ..d() }),
            ("normalisation.limit", PaySettings { normalisation: Normalisation::Guard { limit: 0.5 }, ..d() }),
            ("clusters.near.shingle", near(NearSettings { shingle: 0, ..Default::default() })),
            ("clusters.near.bands", near(NearSettings { bands: 0, ..Default::default() })),
            ("clusters.near.rows", near(NearSettings { rows: 65, ..Default::default() })),
            ("clusters.near.jaccard", near(NearSettings { jaccard: 0.0, ..Default::default() })),
            ("clusters.verbatim.passage", verbatim(VerbatimSettings { passage: 0, ..Default::default() })),
            ("clusters.verbatim.share", verbatim(VerbatimSettings { share: f64::NAN, ..Default::default() })),
            ("clusters.gradient.bands", gradient(GradientSettings { bands: 257, ..Default::default() })),
            ("clusters.gradient.bits", gradient(GradientSettings { bits: 33, ..Default::default() })),
            ("clusters.gradient.cosine", gradient(GradientSettings { cosine: 1.5, ..Default::default() })),
        ];
        for (expected, settings) in cases {
            match settings.validate() {
                Err(PayError::Setting { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
