//! A finished training run, with a source of its logged states.

use super::cache::GradientCache;
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    gradient::examples_hash,
    states::evenly_spaced,
};
use openledger_lm::{
    Adapter, AdapterLayout, BaseModel, Digest, Example, TrainConfig, TrainState, Trainer, TrainingLog, sha256,
    train::{DirectorySink, LogEntry, StateDistance},
};
use sha2::{Digest as _, Sha256};
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// Gives the bytes of logged states by their hashes. The caller checks the bytes against the hash.
pub trait StateSource: Send + Sync {
    /// The bytes of the state with this SHA-256.
    fn get(&self, hash: Digest) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

impl StateSource for DirectorySink {
    fn get(&self, hash: Digest) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(DirectorySink::get(self, hash)?)
    }
}

impl<F> StateSource for F
where
    F: Fn(Digest) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> + Send + Sync,
{
    fn get(&self, hash: Digest) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        self(hash)
    }
}

/// A complete run of a [`Trainer`] with its log. Cheap to clone.
#[derive(Clone)]
pub struct TrainedRun {
    base: Arc<BaseModel>,
    config: TrainConfig,
    examples: Arc<[Example]>,
    ids: Arc<[ExampleId]>,
    start: Option<Adapter>,
    weights: Option<Vec<f32>>,
    log: TrainingLog,
    states: Arc<dyn StateSource>,
    band: f64,
}

impl TrainedRun {
    /// A run that began with a fresh adapter. Fails if the log is not one of this job from its first step to its last.
    pub fn new(
        base: Arc<BaseModel>,
        config: TrainConfig,
        examples: Arc<[Example]>,
        log: TrainingLog,
        states: Arc<dyn StateSource>,
    ) -> Result<Self> {
        Self::checked(base, config, examples, None, log, states)
    }

    /// A run that began with a parent's adapter.
    pub fn with_start(
        base: Arc<BaseModel>,
        config: TrainConfig,
        examples: Arc<[Example]>,
        start: Adapter,
        log: TrainingLog,
        states: Arc<dyn StateSource>,
    ) -> Result<Self> {
        Self::checked(base, config, examples, Some(start), log, states)
    }

    /// Trains. Keeps in `folder` what the way back needs: the logged states, and the gradients of all steps. The run
    /// holds `folder`, so a temporary folder lasts as long as the run.
    pub fn train(
        base: Arc<BaseModel>,
        config: TrainConfig,
        examples: Arc<[Example]>,
        folder: impl AsRef<Path> + Send + Sync + 'static,
    ) -> Result<(Self, GradientCache)> {
        let cache = GradientCache::new(folder.as_ref().join("gradients"))?;
        let mut states = DirectorySink::new(folder.as_ref().join("states"))?;
        let trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?.with_observer(cache.observer());
        let log = { trainer }.run(&mut states, &mut |_| ControlFlow::Continue(()))?;
        let source = move |hash: Digest| {
            let _ = &folder;
            Ok(states.get(hash)?)
        };
        Ok((Self::new(base, config, examples, log, Arc::new(source))?, cache))
    }

    fn checked(
        base: Arc<BaseModel>,
        config: TrainConfig,
        examples: Arc<[Example]>,
        start: Option<Adapter>,
        log: TrainingLog,
        states: Arc<dyn StateSource>,
    ) -> Result<Self> {
        let ids = examples.iter().map(|e| e.id).collect();
        let run = Self { base, config, examples, ids, start, weights: None, log, states, band: 0.0 };
        let trainer = run.trainer()?;
        let steps: Vec<u64> = run.log.entries.iter().map(|e| e.step).collect();
        let total = trainer.plan().total_steps();
        if steps.first() != Some(&0) || steps.last() != Some(&total) || steps.windows(2).any(|s| s[0] >= s[1]) {
            return Err(AttributionError::Log(format!(
                "its states are of steps {steps:?}; they must rise from 0 to the job's last step, {total}"
            )));
        }
        let first = trainer.state().hash()?;
        if first != run.log.entries[0].state_hash {
            return Err(AttributionError::Log(format!(
                "it begins with state {}, this job with {}; give the base model, seed and (for an adapter trained on \
                 another) the parent's adapter of the run",
                hex::encode(run.log.entries[0].state_hash),
                hex::encode(first)
            )));
        }
        Ok(run)
    }

    /// Sets how far a replayed segment may end from the logged state and still count as the same: the largest of the
    /// [`StateDistance`](openledger_lm::train::StateDistance)s. Without this call it must be equal, bit for bit. Another
    /// kind of processor rounds differently.
    pub fn with_band(mut self, band: f64) -> Self {
        self.band = band;
        self
    }

    /// Whether `own` counts as the logged state `entry`, which the steps after `start` lead to.
    pub(super) fn counts_as(&self, start: &TrainState, own: &TrainState, entry: &LogEntry) -> Result<bool> {
        if self.band == 0.0 {
            return Ok(false);
        }
        let distance = StateDistance::between(start, own, &self.logged(entry)?);
        Ok(distance.is_some_and(|d| d.largest() <= self.band))
    }

    /// Sets the weights wᵢ that the run was trained with. Without this call each is 1.
    pub fn with_example_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        self.weights = Some(weights);
        self.trainer()?;
        Ok(self)
    }

    /// The job's trainer, before its first step.
    pub fn trainer(&self) -> Result<Trainer> {
        self.trainer_with(self.weights.clone())
    }

    fn trainer_with(&self, weights: Option<Vec<f32>>) -> Result<Trainer> {
        let mut trainer = Trainer::new(self.base.clone(), self.config.clone(), self.examples.clone())?;
        if let Some(start) = &self.start {
            trainer = trainer.with_start(start)?;
        }
        if let Some(weights) = weights {
            trainer = trainer.with_example_weights(weights)?;
        }
        Ok(trainer)
    }

    /// The adapter that the job gives with other weights of the examples. It is really trained, step by step.
    pub fn retrained(&self, weights: Vec<f32>) -> Result<Adapter> {
        let mut trainer = self.trainer_with(Some(weights))?;
        while !trainer.is_finished() {
            trainer.step()?;
        }
        Ok(trainer.adapter().clone())
    }

    /// Whether the run began with these parameters of a parent's adapter.
    pub(crate) fn starts_with(&self, params: &[f32]) -> Result<bool> {
        Ok(match &self.start {
            Some(start) => start.to_flat()?.iter().map(|p| p.to_bits()).eq(params.iter().map(|p| p.to_bits())),
            None => false,
        })
    }

    /// The base model.
    pub fn base(&self) -> &Arc<BaseModel> {
        &self.base
    }

    /// The training settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Ids of the training examples, in their order.
    pub fn ids(&self) -> &Arc<[ExampleId]> {
        &self.ids
    }

    /// The examples' weights wᵢ.
    pub fn weights(&self) -> Vec<f32> {
        self.weights.clone().unwrap_or_else(|| vec![1.0; self.examples.len()])
    }

    /// The log.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> Result<usize> {
        Ok(AdapterLayout::new(self.base.config(), &self.config.lora)?.len())
    }

    /// Number of steps of the run.
    pub fn total_steps(&self) -> u64 {
        self.log.entries.last().map_or(0, |e| e.step)
    }

    /// The logged state, read from the source and checked.
    pub fn logged(&self, entry: &LogEntry) -> Result<TrainState> {
        let error = |reason: String| AttributionError::LoggedState {
            step: entry.step,
            hash: hex::encode(entry.state_hash),
            reason,
        };
        let bytes = self.states.get(entry.state_hash).map_err(|e| error(e.to_string()))?;
        let found = sha256(&bytes);
        if found != entry.state_hash {
            return Err(error(format!("its bytes have sha256 {}", hex::encode(found))));
        }
        let state = TrainState::from_bytes(&bytes).map_err(|e| error(e.to_string()))?;
        if state.step != entry.step {
            return Err(error(format!("it says step {}", state.step)));
        }
        Ok(state)
    }

    /// Up to `count` logged states that divide the run evenly. The last logged state is one of them
    /// ([`evenly_spaced`]).
    pub fn spaced_states(&self, count: usize) -> Result<Vec<TrainState>> {
        let steps: Vec<u64> = self.log.entries.iter().map(|e| e.step).collect();
        evenly_spaced(&steps, count).into_iter().map(|i| self.logged(&self.log.entries[i])).collect()
    }

    /// The adapter that the run ended with.
    pub fn adapter(&self) -> Result<Adapter> {
        let last = self.log.entries.last().expect("a checked log has entries");
        Ok(self.trainer()?.with_state(self.logged(last)?)?.adapter().clone())
    }

    /// SHA-256 of the log and of everything that determines the run.
    pub fn hash(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(self.base.hash());
        hasher.update(self.config.hash());
        hasher.update(examples_hash(&self.examples));
        for weight in self.weights() {
            hasher.update(weight.to_le_bytes());
        }
        for entry in &self.log.entries {
            hasher.update(entry.step.to_le_bytes());
            hasher.update(entry.state_hash);
        }
        hasher.finalize().into()
    }
}
