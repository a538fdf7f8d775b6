//! A trained job with everything that a method may use.

use anyhow::Result;
use openledger_lm::{Adapter, BaseModel, Example, Tokenizer, TrainConfig, TrainState, Trainer};
use std::{sync::Arc, time::Instant};

/// Number of states that are kept of a run.
const STATES: u64 = 6;

/// A finished run.
pub struct Job {
    /// The frozen model.
    pub base: Arc<BaseModel>,
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The training settings.
    pub config: TrainConfig,
    /// The training examples.
    pub examples: Arc<[Example]>,
    /// Logged states, evenly spaced. The last one is at the end.
    pub states: Vec<TrainState>,
    /// The trained adapter.
    pub adapter: Adapter,
}

impl Job {
    /// Trains, and prints the cost and the result.
    pub fn train(
        base: Arc<BaseModel>,
        tokenizer: Arc<Tokenizer>,
        config: TrainConfig,
        examples: Arc<[Example]>,
    ) -> Result<Self> {
        let start = Instant::now();
        let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?;
        let total = trainer.plan().total_steps();
        let (mut states, mut losses) = (Vec::new(), Vec::new());
        while !trainer.is_finished() {
            losses.push(trainer.step()?.loss);
            let step = trainer.state().step;
            if step * STATES / total > (step - 1) * STATES / total {
                states.push(trainer.state().clone());
            }
        }
        let last = losses.len().min(10);
        println!(
            "trained {total} steps in {:.1?}: loss {:.3} → {:.3}, {} parameters",
            start.elapsed(),
            losses[0],
            losses[losses.len() - last..].iter().sum::<f32>() / last as f32,
            trainer.adapter().layout().len()
        );
        let adapter = trainer.adapter().clone();
        Ok(Self { base, tokenizer, config, examples, states, adapter })
    }
}
