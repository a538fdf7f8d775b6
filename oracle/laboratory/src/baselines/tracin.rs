//! TracIn over checkpoints (Pruthi et al. 2020, arXiv:2002.08484): Σ_c η_c · ∇ℓ(query)ᵀ ∇ℓᵢ at the logged states c. To
//! first order, this is how much the example's steps lowered the query's loss. With Adam's preconditioner, the steps
//! are the ones that Adam takes: each product is divided by the root of the logged second moment (as in LESS, Xia et
//! al. 2024).

use super::gradients::ExampleGradients;
use openledger_attribution::{
    AttributionError, Method, Query, Result, Scores,
    states::{Checkpoint, checkpoints},
};
use openledger_lm::{Adapter, BaseModel, Example, TrainConfig, TrainState, train::AdamW};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that TracIn's scores depend on besides model, training log and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracInSettings {
    /// Whether gradients are divided by the root of Adam's second moment.
    pub preconditioned: bool,
    /// The states, and the learning rates that they stand for.
    pub checkpoints: Vec<Checkpoint>,
}

/// One logged state.
struct Member {
    gradients: ExampleGradients,
    /// η_c / (√(v̂ + ε_root) + ε) of every parameter, or η_c alone.
    factors: Vec<f32>,
}

/// TracIn, prepared for any query. It holds the gradients of all examples at every state.
pub struct TracIn {
    settings: TracInSettings,
    members: Vec<Member>,
}

impl TracIn {
    /// Computes the gradients of `examples` at each of the logged `states` of the job (`config`, `examples`) on `base`.
    /// `limit` is the most bytes of gradients over all states.
    pub fn new(
        base: &Arc<BaseModel>,
        config: &TrainConfig,
        examples: &[Example],
        states: &[TrainState],
        preconditioned: bool,
        limit: u64,
    ) -> Result<Self> {
        let checkpoints = checkpoints(config, examples.len(), states);
        if checkpoints.is_empty() || !checkpoints.is_sorted_by(|a, b| a.step < b.step) {
            return Err(AttributionError::setting(
                "checkpoints",
                "give at least one state after the first step, in the order of their steps",
            ));
        }
        let template = Adapter::init(base, &config.lora, config.seed)?;
        let optimizer = AdamW::new(config);
        let mut members = Vec::with_capacity(checkpoints.len());
        for (checkpoint, state) in checkpoints.iter().zip(states.iter().filter(|s| s.step > 0)) {
            let adapter = template.with_flat(&state.params)?;
            let share = limit / checkpoints.len() as u64;
            let gradients = ExampleGradients::compute(base.clone(), adapter, examples, share)?;
            let rate = checkpoint.weight as f32;
            let (_, correction) = optimizer.bias_corrections(state.step);
            let factor = |v: &f32| {
                if preconditioned {
                    rate / ((v / correction + optimizer.eps_root).sqrt() + optimizer.eps)
                } else {
                    rate
                }
            };
            members.push(Member { gradients, factors: state.v.iter().map(factor).collect() });
        }
        Ok(Self { settings: TracInSettings { preconditioned, checkpoints }, members })
    }
}

impl Method for TracIn {
    const NAME: &'static str = "tracin";
    const VERSION: u32 = 1;
    type Settings = TracInSettings;

    fn settings(&self) -> &TracInSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let mut values = vec![0f64; self.members[0].gradients.count()];
        for Member { gradients, factors } in &self.members {
            let mut direction = gradients.query(query)?;
            direction.iter_mut().zip(factors).for_each(|(d, f)| *d *= f);
            let products = gradients.products(&direction, 0..direction.len());
            values.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        }
        self.members[0].gradients.scores(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};
    use openledger_lm::{Batch, Trainer, forward_backward, per_example_grads};

    fn config() -> TrainConfig {
        TrainConfig { epochs: 3, batch_size: 2, warmup_steps: 2, ..Default::default() }
    }

    fn states(base: &Arc<BaseModel>) -> Vec<TrainState> {
        let mut trainer = Trainer::new(base.clone(), config(), examples(4).into()).unwrap();
        let mut states = vec![trainer.state().clone()];
        while !trainer.is_finished() {
            trainer.step().unwrap();
            if trainer.state().step.is_multiple_of(3) {
                states.push(trainer.state().clone());
            }
        }
        states
    }

    #[test]
    fn scores_are_the_written_out_sum_with_and_without_preconditioning() {
        let (base, adapter) = model();
        let (states, examples) = (states(&base), examples(4));
        let query = Query::answer(examples[1].tokens.clone(), 1).unwrap();
        for preconditioned in [false, true] {
            let tracin = TracIn::new(&base, &config(), &examples, &states, preconditioned, 1 << 30).unwrap();
            let scores = tracin.score(&query).unwrap().values;
            let mut expected = vec![0f64; 4];
            for (state, checkpoint) in states[1..].iter().zip(checkpoints(&config(), 4, &states)) {
                let at = adapter.with_flat(&state.params).unwrap();
                let gradient = |i: usize| {
                    let batch = Batch::new(&base, &[&examples[i]]).unwrap();
                    per_example_grads(&forward_backward(&base, &at, &batch).unwrap().captures, &at).unwrap().remove(0)
                };
                let q = gradient(1);
                for (i, expected) in expected.iter_mut().enumerate() {
                    for ((q, g), v) in q.iter().zip(gradient(i)).zip(&state.v) {
                        let v = f64::from(*v) / (1.0 - 0.975f64.powi(state.step as i32));
                        let root = if preconditioned { (v + 1e-8).sqrt() + 1e-8 } else { 1.0 };
                        *expected += checkpoint.weight * f64::from(*q) * f64::from(g) / root;
                    }
                }
            }
            let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
            for (score, expected) in scores.iter().zip(&expected) {
                assert!((f64::from(*score) - expected).abs() < 1e-4 * scale, "{score} against {expected}");
            }
        }
    }

    #[test]
    fn states_out_of_order_and_none_at_all_are_refused() {
        let (base, _) = model();
        let mut states = states(&base);
        let with = |s: &[TrainState]| TracIn::new(&base, &config(), &examples(4), s, false, 1 << 30).err();
        assert!(matches!(with(&states[..1]), Some(AttributionError::Setting { field: "checkpoints", .. })));
        states.swap(1, 2);
        assert!(matches!(with(&states), Some(AttributionError::Setting { field: "checkpoints", .. })));
    }
}
