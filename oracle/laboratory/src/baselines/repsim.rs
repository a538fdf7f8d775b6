//! Similarity of representations: the cosine of the last hidden states of query and example, at the adapted model.

use super::ids::ids_of;
use openledger_attribution::{AttributionError, ExampleId, Method, Query, Result, Scores, vector::dot};
use openledger_lm::{Adapter, BaseModel, Batch, Example, hidden_states};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the hidden states of a text's tokens become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of the hidden states.
    #[default]
    Mean,
    /// The hidden state of the last token.
    Last,
}

/// Everything that the scores depend on besides model, adapter and data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepSimSettings {
    /// How tokens are pooled.
    pub pooling: Pooling,
}

/// The representations of all examples. They have unit length.
pub struct RepSim {
    base: Arc<BaseModel>,
    adapter: Adapter,
    settings: RepSimSettings,
    ids: Arc<[ExampleId]>,
    vectors: Vec<Vec<f32>>,
}

impl RepSim {
    /// Computes the representations, by one forward pass for each example.
    pub fn new(base: Arc<BaseModel>, adapter: Adapter, examples: &[Example], settings: RepSimSettings) -> Result<Self> {
        if examples.is_empty() {
            return Err(AttributionError::Examples("there are no examples to compare with; give at least one".into()));
        }
        let vectors =
            examples.iter().map(|e| representation(&base, &adapter, e, settings.pooling)).collect::<Result<_>>()?;
        Ok(Self { base, adapter, settings, ids: ids_of(examples), vectors })
    }
}

fn representation(base: &BaseModel, adapter: &Adapter, example: &Example, pooling: Pooling) -> Result<Vec<f32>> {
    let hidden = hidden_states(base, Some(adapter), &Batch::new(base, &[example])?)?;
    let vector = match pooling {
        Pooling::Mean => hidden.mean(0)?,
        Pooling::Last => hidden.get(example.tokens.len() - 1)?,
    };
    let mut vector = vector.to_vec1::<f32>()?;
    let norm = dot(&vector, &vector).sqrt();
    if !norm.is_finite() {
        let id = hex::encode(example.id);
        return Err(AttributionError::NonFiniteGradient { id, layer: "of the output".into() });
    }
    if norm > 0.0 {
        vector.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
    }
    Ok(vector)
}

impl Method for RepSim {
    const NAME: &'static str = "repsim";
    const VERSION: u32 = 1;
    type Settings = RepSimSettings;

    fn settings(&self) -> &RepSimSettings {
        &self.settings
    }

    /// The weighted sum of the items' cosines.
    fn score(&self, query: &Query) -> Result<Scores> {
        let mut values = vec![0f64; self.ids.len()];
        for item in query.items() {
            let own = representation(&self.base, &self.adapter, &item.example(), self.settings.pooling)?;
            for (value, vector) in values.iter_mut().zip(&self.vectors) {
                *value += f64::from(item.weight) * dot(&own, vector);
            }
        }
        Ok(Scores { ids: self.ids.clone(), values: values.into_iter().map(|v| v as f32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};

    #[test]
    fn scores_are_cosines_and_a_text_is_nearest_to_itself() {
        let (base, adapter) = model();
        for pooling in [Pooling::Mean, Pooling::Last] {
            let repsim = RepSim::new(base.clone(), adapter.clone(), &examples(6), RepSimSettings { pooling }).unwrap();
            for (i, example) in examples(6).iter().enumerate() {
                let scores = repsim.score(&Query::answer(example.tokens.clone(), 1).unwrap()).unwrap();
                assert!((scores.values[i] - 1.0).abs() < 1e-5 && scores.values.iter().all(|v| v.abs() < 1.00001));
                assert!(scores.values[i] >= scores.top_k(1)[0].score - 1e-6);
            }
        }
    }

    #[test]
    fn the_cosine_is_that_of_the_pooled_hidden_states() {
        let (base, adapter) = model();
        let repsim = RepSim::new(base.clone(), adapter.clone(), &examples(2), RepSimSettings::default()).unwrap();
        let mean = |e: &Example| -> Vec<f64> {
            let rows = hidden_states(&base, Some(&adapter), &Batch::new(&base, &[e]).unwrap()).unwrap();
            let rows = rows.to_vec2::<f32>().unwrap();
            (0..rows[0].len()).map(|c| rows.iter().map(|r| f64::from(r[c])).sum::<f64>() / rows.len() as f64).collect()
        };
        let [a, b] = [0, 1].map(|i| mean(&examples(2)[i]));
        let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let expected = inner(&a, &b) / (inner(&a, &a) * inner(&b, &b)).sqrt();
        let scores = repsim.score(&Query::answer(examples(2)[0].tokens.clone(), 1).unwrap()).unwrap();
        assert!((f64::from(scores.values[1]) - expected).abs() < 1e-5, "{} against {expected}", scores.values[1]);
    }
}
