//! A scorer that trains and scores with [`Magic`].

use super::{corpus::Corpus, logra::Measured, suite::Scored};
use crate::evaluate::{job_check::estimate_settings, pretrain::pretrained};
use openledger_attribution::{
    AttributionError, Estimator, Method as _, Query, Result, Scores,
    magic::{GradientCache, Magic, MagicSettings, TrainedRun},
    projection::ProjectionSettings,
};
use openledger_lm::{
    BaseModel, Digest, Example, LlamaConfig, LoraConfig, Target, Tokenizer, TrainConfig, Trainer, sha256,
};
use serde::Serialize;
use std::{
    collections::HashMap,
    ops::ControlFlow,
    path::Path,
    sync::{Arc, Mutex},
};

/// Number of documents that the model has read before.
const PRETRAINING: usize = 120;

/// A tiny model that is trained smoothly enough to go back through its training, and the influence of its examples:
/// exact, or by the estimate that pays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TinyMagic {
    /// Seed of weights and training.
    pub seed: u64,
    /// Passes over the documents.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises.
    pub warmup_steps: u64,
    /// Damping of the Fisher matrix that measures self-influence.
    pub damping: f64,
    /// Whether documents are scored by the estimate over several logged states, which pays, and not exactly.
    pub estimate: bool,
}

impl Default for TinyMagic {
    fn default() -> Self {
        Self { seed: 0, epochs: 15, learning_rate: 2e-3, warmup_steps: 20, damping: 1.0, estimate: false }
    }
}

impl TinyMagic {
    /// A model that has read about other countries. It only has to learn the content of each document.
    fn base(&self) -> Result<BaseModel> {
        let model = LlamaConfig::tiny();
        let tokenizer = Tokenizer::bytes();
        let texts = Corpus::countries(PRETRAINING, self.seed + (1 << 32)).contributions;
        let examples = texts
            .iter()
            .map(|c| Ok(Example::text(&tokenizer, sha256(&c.order.to_le_bytes()), &c.text)?))
            .collect::<Result<_>>()?;
        let config = TrainConfig {
            epochs: 10,
            batch_size: 8,
            learning_rate: 3e-3,
            warmup_steps: 20,
            seed: self.seed,
            lora: LoraConfig { rank: model.hidden, alpha: model.hidden as f64, targets: Target::ALL.to_vec() },
            ..Default::default()
        };
        pretrained(Arc::new(BaseModel::random(&model, self.seed)?), &config, examples, |_, _| {})
    }

    /// A scorer that trains and scores. It keeps the gradients and the index in the folder `scratch`. It fails if the
    /// scores are not to be trusted.
    pub fn scorer(self, scratch: &Path) -> Result<impl Fn(&[Example], &[Query]) -> Result<Scored>> {
        let base = Arc::new(self.base()?);
        let train = TrainConfig {
            epochs: self.epochs,
            batch_size: 8,
            learning_rate: self.learning_rate,
            warmup_steps: self.warmup_steps,
            checkpoint_every: 25,
            seed: self.seed,
            lora: LoraConfig { rank: 8, alpha: 16.0, ..Default::default() },
            ..Default::default()
        };
        let projection = ProjectionSettings { seed: self.seed, ..Default::default() };
        let (gradients, index, estimate) = (scratch.join("gradients"), scratch.join("index"), scratch.join("estimate"));
        Ok(move |examples: &[Example], queries: &[Query]| {
            // Gradients of the previous run would not lead to this run's states.
            if gradients.exists() {
                std::fs::remove_dir_all(&gradients).map_err(AttributionError::io("delete", &gradients))?;
            }
            let cache = GradientCache::new(&gradients)?;
            let examples: Arc<[Example]> = examples.into();
            let mut trainer =
                Trainer::new(base.clone(), train.clone(), examples.clone())?.with_observer(cache.observer());
            let states = Arc::new(Mutex::new(HashMap::<Digest, Vec<u8>>::new()));
            let kept = states.clone();
            let mut sink = move |hash: Digest, bytes: Vec<u8>| {
                kept.lock().expect("no panic holds this lock").insert(hash, bytes);
                Ok(())
            };
            let log = trainer.run(&mut sink, &mut |_| ControlFlow::Continue(()))?;
            let source = move |hash: Digest| {
                let states = states.lock().expect("no panic holds this lock");
                states.get(&hash).cloned().ok_or_else(|| "the state was not logged".into())
            };
            let run = TrainedRun::new(base.clone(), train.clone(), examples.clone(), log, Arc::new(source))?;
            let scores = if self.estimate {
                estimated(&run, &examples, queries, &estimate)?
            } else {
                let magic = Magic::new(run, MagicSettings::default())?.with_cache(cache);
                queries
                    .iter()
                    .map(|query| {
                        let end = magic
                            .finish(magic.begin(query)?, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?;
                        match end.health.trust().warning() {
                            None => Ok(end.scores),
                            Some(warning) => Err(AttributionError::Scores(warning)),
                        }
                    })
                    .collect::<Result<_>>()?
            };
            let measured = Measured::new(&index, base.clone(), trainer.adapter().clone(), &examples, &projection)?;
            Ok(Scored { scores, self_influence: measured.self_influence(self.damping)?, rows: measured.rows() })
        })
    }
}

/// Scores of each query by the estimate over six of the run's states. Replaces the index of another run at `path`.
fn estimated(run: &TrainedRun, examples: &[Example], queries: &[Query], path: &Path) -> Result<Vec<Scores>> {
    if path.exists() {
        std::fs::remove_file(path).map_err(AttributionError::io("delete", path))?;
    }
    let settings = estimate_settings(16, 6, 0.1);
    let states = run.spaced_states(settings.projection.states)?;
    let estimator = Estimator::new(run.base().clone(), run.config(), examples.len(), &states, settings)?;
    let logra = estimator.build(path, examples, |_, _| ControlFlow::Continue(()))?;
    queries.iter().map(|query| logra.score(query)).collect()
}
