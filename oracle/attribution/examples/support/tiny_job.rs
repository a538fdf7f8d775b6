//! A finished training job of a tiny Llama that learned ten text transformations: what the examples measure methods on.

use anyhow::Result;
use openledger_attribution::{
    Query,
    evaluate::{pretrain::pretrained, regime::Regime, subsets::leave_out, transformations},
};
use openledger_lm::{
    Adapter, BaseModel, Example, LlamaConfig, LoraConfig, Target, Tokenizer, TrainConfig, TrainState, Trainer,
};
use std::{ops::ControlFlow, sync::Arc, time::Instant};

/// How large the job is, and what is asked about it.
pub struct JobOptions {
    /// Training examples.
    pub examples: usize,
    /// Queries.
    pub queries: usize,
    /// Retrainings without 1.5 % of the examples.
    pub small: usize,
    /// Retrainings without half of them.
    pub half: usize,
    /// Of initial adapter, batch order and subsets.
    pub seed: u64,
    /// Passes over the neutral text.
    pub pretrain_epochs: usize,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self { examples: 400, queries: 20, small: 48, half: 32, seed: 0, pretrain_epochs: 4 }
    }
}

impl JobOptions {
    /// Sets the option named `key`; false where there is none.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool> {
        match key {
            "examples" => self.examples = value.parse()?,
            "queries" => self.queries = value.parse()?,
            "small" => self.small = value.parse()?,
            "half" => self.half = value.parse()?,
            "seed" => self.seed = value.parse()?,
            "pretrain" => self.pretrain_epochs = value.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A trained job and everything that a method may look at.
pub struct Job {
    /// The frozen model.
    pub base: Arc<BaseModel>,
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The training settings.
    pub config: TrainConfig,
    /// The training examples.
    pub examples: Arc<[Example]>,
    /// Six logged states, evenly spaced, the last at the end.
    pub states: Vec<TrainState>,
    /// The trained adapter.
    pub adapter: Adapter,
    /// What is asked.
    pub queries: Vec<Query>,
}

impl Job {
    /// Pretrains the base model, trains the adapter and draws the queries.
    pub fn train(options: &JobOptions) -> Result<Self> {
        let tokenizer = Arc::new(Tokenizer::bytes());
        let base = Arc::new(base_model(&tokenizer, options.pretrain_epochs)?);
        let all: Vec<usize> = (0..transformations::COUNT).collect();
        let examples: Arc<[Example]> = transformations::examples(&tokenizer, options.examples, 11, &all, false)?.into();
        let config = TrainConfig {
            epochs: 6,
            batch_size: 16,
            max_len: 64,
            learning_rate: 5e-3,
            warmup_steps: 37,
            seed: options.seed,
            lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
            ..Default::default()
        };
        let start = Instant::now();
        let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?;
        let total = trainer.plan().total_steps();
        let (mut states, mut losses) = (Vec::new(), Vec::new());
        while !trainer.is_finished() {
            losses.push(trainer.step()?.loss);
            let step = trainer.state().step;
            if step * 6 / total > (step - 1) * 6 / total {
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
        let queries = transformations::queries(&tokenizer, options.queries, 999)?;
        Ok(Self { base, tokenizer, config, examples, states, adapter, queries })
    }

    /// Trains again without random subsets, of 1.5 % and of half of the examples.
    pub fn regimes(&self, options: &JobOptions) -> Result<[Regime; 2]> {
        Ok([
            self.regime("leave 1.5 %", 0.015, options.small, options.seed)?,
            self.regime("leave 50 %", 0.5, options.half, options.seed)?,
        ])
    }

    fn regime(&self, name: &str, fraction: f64, count: usize, seed: u64) -> Result<Regime> {
        let start = Instant::now();
        let removed = leave_out(self.examples.len(), fraction, count, seed)?;
        let go_on = |_| ControlFlow::Continue(());
        let regime = Regime::measure(
            name,
            removed,
            &self.base,
            &self.config,
            &self.examples,
            &self.adapter,
            &self.queries,
            go_on,
        )?;
        let mean = regime.mean_change();
        println!("{name}: {count} retrainings in {:.1?}, mean change of a query's loss {mean:.4}", start.elapsed());
        Ok(regime)
    }
}

fn shape() -> LlamaConfig {
    LlamaConfig {
        hidden: 64,
        layers: 2,
        heads: 4,
        kv_heads: 4,
        ffn: 160,
        rope_theta: 100.0,
        max_len: 64,
        tied: false,
        ..LlamaConfig::tiny()
    }
}

fn base_model(tokenizer: &Tokenizer, epochs: usize) -> Result<BaseModel> {
    let config = TrainConfig {
        epochs,
        batch_size: 32,
        max_len: 64,
        learning_rate: 4e-3,
        warmup_steps: 50,
        beta1: 0.9,
        beta2: 0.99,
        lora: LoraConfig { rank: 64, alpha: 64.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let neutral = transformations::examples(tokenizer, 4000, 5, &transformations::NEUTRAL, true)?;
    let (start, mut recent) = (Instant::now(), Vec::new());
    let base = pretrained(Arc::new(BaseModel::random(&shape(), 1)?), &config, neutral.into(), |step, loss| {
        recent.push(loss);
        if step % 125 == 0 {
            println!("  step {step}: loss {:.3}", recent.drain(..).sum::<f32>() / 125.0);
        }
    })?;
    println!("pretrained in {:.1?}", start.elapsed());
    Ok(base)
}
