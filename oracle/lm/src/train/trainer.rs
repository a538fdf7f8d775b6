//! The training loop. It takes the steps, reports them, and logs states along the way.

use super::{
    clip::{clip_scale, global_norm},
    config::TrainConfig,
    log::{LogEntry, StateSink, TrainingLog},
    optimizer::AdamW,
    plan::BatchPlan,
    schedule::learning_rate,
    state::TrainState,
};
use crate::{
    batch::{Batch, Example},
    error::{LmError, Result},
    gradient::lora_grads,
    lanes::Lanes,
    llama::BaseModel,
    lora::Adapter,
    train_pass::{forward_backward, forward_losses},
};
use std::{ops::ControlFlow, sync::Arc};

/// What one step computed.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The step, from 0.
    pub step: u64,
    /// Indices of the batch's examples.
    pub batch: Vec<usize>,
    /// The objective before the update: (1/|B|)·Σ wᵢ·ℓᵢ.
    pub loss: f32,
    /// ℓᵢ of the batch's examples.
    pub per_example_loss: Vec<f32>,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Gradient of the objective before clipping.
    pub gradient: Vec<f32>,
    /// Norm of `gradient`.
    pub gradient_norm: f64,
    /// Factor by which clipping scaled `gradient`.
    pub clip_scale: f32,
}

/// Gets every step's report. It may keep the gradients for attribution, for instance.
pub type StepObserver = Box<dyn FnMut(&StepReport) + Send>;

/// What the caller's callback gets after each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in the job.
    pub total_steps: u64,
    /// The step's objective.
    pub loss: f32,
    /// The step's learning rate.
    pub learning_rate: f64,
    /// Norm of the step's gradient before clipping.
    pub gradient_norm: f64,
    /// Mean loss on the evaluation examples. `None` if this step does not evaluate.
    pub evaluation: Option<f32>,
}

/// Trains an adapter. Two trainers with the same base, configuration and examples pass bit-equal states on the same
/// build and kind of processor. If they have a start or weights, these must be the same too.
pub struct Trainer {
    base: Arc<BaseModel>,
    config: TrainConfig,
    examples: Arc<[Example]>,
    weights: Option<Vec<f32>>,
    evaluation: Arc<[Example]>,
    plan: BatchPlan,
    optimizer: AdamW,
    adapter: Adapter,
    state: TrainState,
    observer: Option<StepObserver>,
}

impl Trainer {
    /// A trainer before its first step. Checks configuration and examples before it computes anything.
    pub fn new(base: Arc<BaseModel>, config: TrainConfig, examples: Arc<[Example]>) -> Result<Self> {
        config.validate()?;
        if examples.is_empty() {
            return Err(LmError::Empty("list of training examples"));
        }
        if config.max_len > base.config().max_len {
            return Err(LmError::config(
                "max_len",
                format!("is {}, the model's context is {}", config.max_len, base.config().max_len),
            ));
        }
        for example in examples.iter() {
            example.validate()?;
            base.check_tokens(&example.tokens)?;
            if example.tokens.len() > config.max_len {
                return Err(LmError::TooLong {
                    what: format!("example {}", hex::encode(example.id)),
                    length: example.tokens.len(),
                    limit: config.max_len,
                });
            }
        }
        let adapter = Adapter::init(&base, &config.lora, config.seed)?;
        let state = TrainState::new(adapter.to_flat()?);
        let plan = BatchPlan::new(&config, examples.len());
        let optimizer = AdamW::new(&config);
        Ok(Self {
            base,
            config,
            examples,
            weights: None,
            evaluation: Arc::default(),
            plan,
            optimizer,
            adapter,
            state,
            observer: None,
        })
    }

    /// Starts from an existing adapter's parameters instead of fresh ones.
    pub fn with_start(mut self, adapter: &Adapter) -> Result<Self> {
        adapter.check_base(&self.base)?;
        if adapter.config() != &self.config.lora {
            return Err(LmError::Adapter(format!(
                "the parent has {:?}, the job asks for {:?}; use the parent's LoRA configuration",
                adapter.config(),
                self.config.lora
            )));
        }
        self.state = TrainState::new(adapter.to_flat()?);
        self.adapter = self.adapter.with_flat(&self.state.params)?;
        Ok(self)
    }

    /// Continues from a logged state.
    pub fn with_state(mut self, state: TrainState) -> Result<Self> {
        let n = self.adapter.layout().len();
        if [state.params.len(), state.m.len(), state.v.len()] != [n; 3] {
            return Err(LmError::State(format!("it has {} parameters, the job {n}", state.params.len())));
        }
        if state.step > self.plan.total_steps() {
            return Err(LmError::State(format!(
                "it is at step {}, the job has {}",
                state.step,
                self.plan.total_steps()
            )));
        }
        self.adapter = self.adapter.with_flat(&state.params)?;
        self.state = state;
        Ok(self)
    }

    /// Sets wᵢ of each example. Without this call each is 1. 0 leaves the example out, while the denominator |B| stays.
    pub fn with_example_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        if weights.len() != self.examples.len() {
            return Err(LmError::config(
                "weights",
                format!("{} given for {} examples; give one each", weights.len(), self.examples.len()),
            ));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Sets the examples on which progress is measured.
    pub fn with_evaluation(mut self, examples: Arc<[Example]>) -> Self {
        self.evaluation = examples;
        self
    }

    /// Gives every step's report, with its gradient, to `observer` before the next step begins.
    pub fn with_observer(mut self, observer: StepObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The base model.
    pub fn base(&self) -> &Arc<BaseModel> {
        &self.base
    }

    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The training examples.
    pub fn examples(&self) -> &Arc<[Example]> {
        &self.examples
    }

    /// The batches.
    pub fn plan(&self) -> BatchPlan {
        self.plan
    }

    /// The optimiser.
    pub fn optimizer(&self) -> AdamW {
        self.optimizer
    }

    /// Learning rate of a step (from 0).
    pub fn learning_rate(&self, step: u64) -> f64 {
        learning_rate(&self.config, step, self.plan.total_steps())
    }

    /// The current state.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The adapter with the current parameters.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Whether every step is done.
    pub fn is_finished(&self) -> bool {
        self.state.step >= self.plan.total_steps()
    }

    /// The batch of a step (from 0), with its weights.
    pub fn batch(&self, step: u64) -> Result<Batch> {
        let indices = self.plan.batch(step);
        let examples: Vec<&Example> = indices.iter().map(|&i| &self.examples[i]).collect();
        let batch = Batch::new(&self.base, &examples)?.with_loss(self.config.loss);
        match &self.weights {
            None => Ok(batch),
            Some(weights) => batch.with_weights(&indices.iter().map(|&i| weights[i]).collect::<Vec<_>>()),
        }
    }

    /// Takes the next step. Fails if a loss is not finite, and then leaves the state as it was.
    pub fn step(&mut self) -> Result<StepReport> {
        let step = self.state.step;
        if self.is_finished() {
            return Err(LmError::State(format!("all {} steps are done", self.plan.total_steps())));
        }
        let batch = self.batch(step)?;
        let out = forward_backward(&self.base, &self.adapter, &batch)?;
        if let Some(i) = out.per_example_loss.iter().position(|l| !l.is_finite()) {
            return Err(LmError::NonFiniteLoss {
                step,
                id: hex::encode(batch.ids()[i]),
                loss: out.per_example_loss[i],
            });
        }
        let size = batch.len() as f32;
        let mut gradient = lora_grads(&out.captures, &self.adapter)?;
        gradient.iter_mut().for_each(|g| *g /= size);
        let gradient_norm = global_norm(&gradient);
        if !gradient_norm.is_finite() {
            return Err(LmError::NonFiniteGradient { step, norm: gradient_norm });
        }
        let clip_scale = clip_scale(gradient_norm, self.config.clip_norm);
        let learning_rate = self.learning_rate(step);
        self.optimizer.update_scaled(&mut self.state, &gradient, clip_scale, learning_rate);
        self.adapter = self.adapter.with_flat(&self.state.params)?;
        let loss = out.per_example_loss.iter().zip(&batch.weights).map(|(l, w)| l * w).sum::<f32>() / size;
        let report = StepReport {
            step,
            batch: self.plan.batch(step),
            loss,
            per_example_loss: out.per_example_loss,
            learning_rate,
            gradient,
            gradient_norm,
            clip_scale,
        };
        if let Some(observe) = &mut self.observer {
            observe(&report);
        }
        Ok(report)
    }

    /// Takes all remaining steps. A logged state goes to `sink` before the next step begins. `progress` is called after
    /// every step and may end the run. The state that the run has reached is logged then.
    pub fn run(
        &mut self,
        sink: &mut dyn StateSink,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<TrainingLog> {
        let mut log = TrainingLog::default();
        self.record(sink, &mut log)?;
        while !self.is_finished() {
            let report = self.step()?;
            let done = self.state.step;
            let every = self.config.eval_every;
            let evaluates = self.is_finished() || (every > 0 && done.is_multiple_of(every));
            let evaluation = if evaluates && !self.evaluation.is_empty() {
                Some(evaluate(&self.base, Some(&self.adapter), &self.evaluation, self.config.batch_size)?)
            } else {
                None
            };
            let told = Progress {
                step: done,
                total_steps: self.plan.total_steps(),
                loss: report.loss,
                learning_rate: report.learning_rate,
                gradient_norm: report.gradient_norm,
                evaluation,
            };
            tracing::debug!(step = done, loss = report.loss, norm = report.gradient_norm, "training step");
            let ended = progress(&told).is_break();
            if ended || self.is_finished() || done.is_multiple_of(self.config.checkpoint_every) {
                self.record(sink, &mut log)?;
            }
            if ended {
                break;
            }
        }
        Ok(log)
    }

    fn record(&self, sink: &mut dyn StateSink, log: &mut TrainingLog) -> Result<()> {
        let bytes = self.state.to_bytes()?;
        let state_hash = crate::digest::sha256(&bytes);
        sink.put(state_hash, bytes)
            .map_err(|source| LmError::Callback { action: "storing a training state", source })?;
        log.entries.push(LogEntry { step: self.state.step, state_hash });
        Ok(())
    }
}

/// Mean of the examples' losses. Each loss is the mean over the example's target tokens, also for a job that learns sums.
pub fn evaluate(base: &BaseModel, adapter: Option<&Adapter>, examples: &[Example], batch_size: usize) -> Result<f32> {
    if examples.is_empty() {
        return Err(LmError::Empty("list of evaluation examples"));
    }
    let groups = examples.chunks(batch_size.max(1));
    let sums = Lanes::new(base.device(), usize::MAX).map(groups, |group| {
        let batch = Batch::new(base, &group.iter().collect::<Vec<_>>())?;
        Ok(forward_losses(base, adapter, &batch)?.iter().map(|l| f64::from(*l)).sum::<f64>())
    });
    let sum = sums.into_iter().sum::<Result<f64>>()?;
    Ok((sum / examples.len() as f64) as f32)
}
