//! The job that the linear datamodeling score is measured on. A tiny Llama learns ten text transformations.

use crate::job::Job;
use anyhow::Result;
use openledger_attribution::Query;
use openledger_laboratory::evaluate::{
    regime::Regime, reliability::average, retrain::losses_without, subsets::leave_out, tiny, transformations,
};
use openledger_lm::{BaseModel, LoraConfig, Target, Tokenizer, TrainConfig};
use std::{path::PathBuf, sync::Arc, time::Instant};

/// Seeds of the training examples and of the queries of seed 0.
const DATA: u64 = 11;
const QUERIES: u64 = 1_000_999;

/// The size of the job and of the measurement.
pub struct JobOptions {
    /// Number of training examples.
    pub examples: usize,
    /// Number of queries.
    pub queries: usize,
    /// Number of retrainings without 1.5 % of the examples.
    pub small: usize,
    /// Number of retrainings without half of the examples.
    pub half: usize,
    /// Seed of initial adapter, batch order, subsets, training examples and queries.
    pub seed: u64,
    /// Other seeds of initial adapter and batch order whose retrainings are averaged beside the job's own. 0 leaves them
    /// out.
    pub others: u64,
    /// Passes over the neutral text. 0 gives a model that knows nothing.
    pub pretrain_epochs: usize,
    /// File that keeps the base model between runs. It is made if it is missing.
    pub base: Option<PathBuf>,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self {
            examples: 400,
            queries: 20,
            small: 48,
            half: 32,
            seed: 0,
            others: 0,
            pretrain_epochs: tiny::EPOCHS,
            base: None,
        }
    }
}

impl JobOptions {
    /// Sets the option named `key`. Returns false if there is no such option.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool> {
        match key {
            "examples" => self.examples = value.parse()?,
            "queries" => self.queries = value.parse()?,
            "small" => self.small = value.parse()?,
            "half" => self.half = value.parse()?,
            "seed" => self.seed = value.parse()?,
            "others" => self.others = value.parse()?,
            "base" => self.base = Some(value.into()),
            "pretrain" => self.pretrain_epochs = value.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The base model that the job starts from.
pub fn base(options: &JobOptions, tokenizer: &Tokenizer) -> Result<Arc<BaseModel>> {
    let (start, mut recent) = (Instant::now(), Vec::new());
    let told = |step: u64, loss: f32| {
        recent.push(loss);
        if step.is_multiple_of(125) {
            eprintln!("  step {step}: loss {:.3}", recent.drain(..).sum::<f32>() / 125.0);
        }
    };
    let base = match (&options.base, options.pretrain_epochs) {
        (_, 0) => BaseModel::random(&tiny::shape(), 1)?,
        (Some(file), epochs) => tiny::stored_base_model(file, tokenizer, epochs, told)?,
        (None, epochs) => tiny::base_model(tokenizer, epochs, told)?,
    };
    eprintln!("base model after {:.1?}", start.elapsed());
    Ok(Arc::new(base))
}

/// The job's training settings.
pub fn config(seed: u64) -> TrainConfig {
    TrainConfig {
        epochs: 6,
        batch_size: 16,
        max_len: 64,
        // At twice this rate the run is too rough for a method that follows it to be exact.
        learning_rate: 2e-3,
        warmup_steps: 37,
        seed,
        lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    }
}

/// Pretrains the base model, trains the adapter and draws the queries.
pub fn train(options: &JobOptions) -> Result<(Job, Vec<Query>)> {
    let tokenizer = Arc::new(Tokenizer::bytes());
    let base = base(options, &tokenizer)?;
    let examples =
        transformations::examples(&tokenizer, options.examples, DATA + options.seed, &transformations::ALL, false)?;
    let queries = transformations::queries(&tokenizer, options.queries, QUERIES + options.seed)?;
    Ok((Job::train(base, tokenizer, config(options.seed), examples.into())?, queries))
}

/// Trains again without random subsets of 1.5 %, and without random subsets of half of the examples. With other seeds
/// asked for, the same subsets follow with the mean change over those seeds: what holds whatever the seed. What is in
/// `kept` is not measured again.
pub fn regimes(job: &Job, queries: &[Query], options: &JobOptions, kept: &[Regime]) -> Result<Vec<Regime>> {
    let mut regimes = Vec::new();
    for (name, fraction, count) in [("leave 1.5 %", 0.015, options.small), ("leave 50 %", 0.5, options.half)] {
        let removed = leave_out(job.examples.len(), fraction, count, options.seed)?;
        let changes = |seed: u64| -> Result<Vec<Vec<f64>>> {
            let start = Instant::now();
            let config = TrainConfig { seed, ..job.config.clone() };
            let run = |subsets: &[Vec<usize>]| losses_without(&job.base, &config, &job.examples, subsets, queries);
            let (whole, after) = (run(&[Vec::new()])?.remove(0), run(&removed)?);
            println!("{name}, seed {seed}: {count} retrainings in {:.1?}", start.elapsed());
            Ok((0..queries.len()).map(|q| after.iter().map(|a| a[q] - whole[q]).collect()).collect())
        };
        let mut add = |name: String, measure: &dyn Fn() -> Result<Vec<Vec<f64>>>| -> Result<()> {
            let same = |r: &&Regime| r.name == name && r.removed == removed && r.actual.len() == queries.len();
            let actual = kept.iter().find(same).map_or_else(measure, |r| Ok(r.actual.clone()))?;
            regimes.push(Regime { name, removed: removed.clone(), actual });
            Ok(())
        };
        add(name.to_owned(), &|| changes(options.seed))?;
        if options.others > 0 {
            // Far from the seeds of other tasks, so that none is the seed of a job that is judged.
            let others = || (1..=options.others).map(|i| changes(options.seed + 1_000_000 * i));
            add(format!("{name}, {} other seeds", options.others), &|| {
                Ok(average(&others().collect::<Result<Vec<_>>>()?.iter().collect::<Vec<_>>()))
            })?;
        }
    }
    Ok(regimes)
}
