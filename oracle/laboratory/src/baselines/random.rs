//! Random scores. They show what a measure gives by chance.

use super::ids::ids_of;
use openledger_attribution::{ExampleId, Method, Query, Result, Scores};
use openledger_lm::Example;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Everything that the scores depend on besides the query and the number of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSettings {
    /// Seed of the scores.
    pub seed: u64,
}

/// Uniform scores in [-1, 1). They are the same for the same seed and query.
pub struct Random {
    ids: Arc<[ExampleId]>,
    settings: RandomSettings,
}

impl Random {
    /// Random scores for these examples.
    pub fn new(examples: &[Example], settings: RandomSettings) -> Self {
        Self { ids: ids_of(examples), settings }
    }
}

impl Method for Random {
    const NAME: &'static str = "random";
    const VERSION: u32 = 1;
    type Settings = RandomSettings;

    fn settings(&self) -> &RandomSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let mut hasher = Sha256::new();
        hasher.update(self.settings.seed.to_le_bytes());
        for item in query.items() {
            hasher.update((item.tokens.len() as u64).to_le_bytes());
            item.tokens.iter().for_each(|t| hasher.update(t.to_le_bytes()));
            hasher.update((item.loss_from as u64).to_le_bytes());
            hasher.update(item.weight.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(hasher.finalize().into());
        // 24 bits are exact in f32.
        let values = self.ids.iter().map(|_| (rng.next_u32() >> 8) as f32 / (1u32 << 23) as f32 - 1.0).collect();
        Ok(Scores { ids: self.ids.clone(), values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::examples;

    #[test]
    fn scores_depend_on_seed_and_query_alone() {
        let examples = examples(200);
        let score = |seed: u64, token: u32| {
            let query = Query::answer(vec![1, token], 1).unwrap();
            Random::new(&examples, RandomSettings { seed }).score(&query).unwrap().values
        };
        assert_eq!(score(1, 2), score(1, 2));
        assert_ne!(score(1, 2), score(2, 2));
        assert_ne!(score(1, 2), score(1, 3));
        let mean = score(1, 2).iter().sum::<f32>() / 200.0;
        assert!(mean.abs() < 0.15 && score(1, 2).iter().all(|v| (-1.0..1.0).contains(v)));
    }
}
