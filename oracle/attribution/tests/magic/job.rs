//! A training job of a few dozen steps, and its run.

use openledger_attribution::{Query, QueryItem, magic::TrainedRun};
use openledger_lm::{
    Adapter, BaseModel, Digest, Example, LlamaConfig, LoraConfig, Tokenizer, TrainConfig, Trainer, TrainingLog,
    train::Schedule,
};
use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

/// Stored states by their hashes. Tests may damage them.
pub type States = Arc<Mutex<HashMap<Digest, Vec<u8>>>>;

/// Everything that determines a run.
#[derive(Clone)]
pub struct Job {
    pub base: Arc<BaseModel>,
    pub config: TrainConfig,
    pub examples: Arc<[Example]>,
    pub start: Option<Adapter>,
}

/// 24 steps: eight epochs of three batches, two of four examples and one of two.
pub fn config() -> TrainConfig {
    TrainConfig {
        epochs: 8,
        batch_size: 4,
        max_len: 64,
        learning_rate: 3e-3,
        warmup_steps: 6,
        schedule: Schedule::Cosine,
        // Adam divides by the root of the second moment. Without this much under the root, its first steps follow the
        // gradient's sign, and finite differences of whole runs see the jumps.
        eps_root: 1e-6,
        checkpoint_every: 7,
        lora: LoraConfig { rank: 2, alpha: 4.0, ..Default::default() },
        ..Default::default()
    }
}

/// The same settings with a clipping limit that some steps' gradients exceed.
pub fn clipped() -> TrainConfig {
    TrainConfig { clip_norm: Some(1.5), ..config() }
}

pub fn base() -> Arc<BaseModel> {
    Arc::new(BaseModel::random(&LlamaConfig::tiny(), 11).unwrap())
}

/// Each example has its own length. Example `i` has something in common with `i + 3`.
pub fn examples() -> Arc<[Example]> {
    many(10)
}

pub fn many(n: u8) -> Arc<[Example]> {
    let tokenizer = Tokenizer::bytes();
    let colour = ["red", "deep blue", "green as grass"];
    (0..n)
        .map(|i| {
            let text = format!("item {i} is {}", colour[usize::from(i) % 3]);
            let at = text.find(" is").unwrap();
            Example::answer(&tokenizer, [i; 32], &text[..at], &text[at..]).unwrap()
        })
        .collect()
}

/// Three weighted answers. One of them has a negative weight.
pub fn query() -> Query {
    let tokenizer = Tokenizer::bytes();
    let items = [("item 3", " is red", 1.0), ("item 1", " is deep blue", 0.5), ("what", " green", -0.25)];
    let items = items.map(|(prompt, answer, weight)| {
        let example = Example::answer(&tokenizer, [0; 32], prompt, answer).unwrap();
        QueryItem { tokens: example.tokens, loss_from: example.loss_from, weight }
    });
    Query::new(items.to_vec()).unwrap()
}

impl Job {
    pub fn new(config: TrainConfig) -> Self {
        Self { base: base(), config, examples: examples(), start: None }
    }

    pub fn trainer(&self) -> Trainer {
        let trainer = Trainer::new(self.base.clone(), self.config.clone(), self.examples.clone()).unwrap();
        match &self.start {
            Some(start) => trainer.with_start(start).unwrap(),
            None => trainer,
        }
    }

    /// Trains with `trainer`, which must be one of this job's.
    pub fn train(&self, mut trainer: Trainer) -> (TrainingLog, States) {
        let states = States::default();
        let mut sink = |hash: Digest, bytes: Vec<u8>| {
            states.lock().unwrap().insert(hash, bytes);
            Ok(())
        };
        let log = trainer.run(&mut sink, &mut |_| ControlFlow::Continue(())).unwrap();
        (log, states)
    }

    /// The run of this log.
    pub fn run_of(&self, log: TrainingLog, states: &States) -> TrainedRun {
        let states = states.clone();
        let source =
            move |hash: Digest| states.lock().unwrap().get(&hash).cloned().ok_or_else(|| "it is not there".into());
        let (base, config, examples) = (self.base.clone(), self.config.clone(), self.examples.clone());
        match &self.start {
            Some(start) => TrainedRun::with_start(base, config, examples, start.clone(), log, Arc::new(source)),
            None => TrainedRun::new(base, config, examples, log, Arc::new(source)),
        }
        .unwrap()
    }

    pub fn run(&self) -> TrainedRun {
        let (log, states) = self.train(self.trainer());
        self.run_of(log, &states)
    }
}

/// ‖a − b‖ / ‖b‖.
pub fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}
