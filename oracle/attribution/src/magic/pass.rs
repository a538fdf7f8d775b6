//! The whole walk, from φ at the end of the run to every example's score.

use super::{
    adjoint::Adjoint, cache::GradientCache, functional, health::Health, replay::replay, run::TrainedRun,
    settings::MagicSettings, state::MagicState, walk::step_back,
};
use crate::{
    attributor::{Attributor, Method, Query, Scores},
    error::{AttributionError, Result},
};
use openledger_lm::{
    Digest, Lanes, LmError, sha256,
    train::{LogEntry, StateSink},
};
use sha2::{Digest as _, Sha256};
use std::ops::ControlFlow;

/// The method's name.
pub const METHOD: &str = "magic";
/// Version of the method. It is raised whenever the same run and settings would give other scores than before.
pub const VERSION: u32 = 1;

/// What the caller's callback gets after each step back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MagicProgress {
    /// Training steps walked so far.
    pub done: u64,
    /// Training steps of the run.
    pub total: u64,
    /// ‖∂φ/∂θ‖ at this point.
    pub adjoint: f64,
}

/// The result of a walk.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Scores of the run's examples: −∂φ/∂wᵢ. A score is positive if training on the example lowered φ.
    pub scores: Scores,
    /// What the walk measured about whether its scores can be trusted.
    pub health: Health,
    /// The last state, at step 0. A walk continues from it into a parent's run.
    pub end: MagicState,
}

/// Exact attribution to the examples of one run.
pub struct Magic {
    run: TrainedRun,
    settings: MagicSettings,
    cache: Option<GradientCache>,
}

impl Magic {
    /// Prepares the attribution. Fails if a setting is out of range.
    pub fn new(run: TrainedRun, settings: MagicSettings) -> Result<Self> {
        settings.validate()?;
        Ok(Self { run, settings, cache: None })
    }

    /// Uses a folder of the run's gradients, and fills it.
    pub fn with_cache(mut self, cache: GradientCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The run.
    pub fn run(&self) -> &TrainedRun {
        &self.run
    }

    /// Hash of run, method and settings. States of another job are refused.
    pub fn job(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(Attributor::settings_hash(self));
        hasher.update(self.run.hash());
        hasher.finalize().into()
    }

    /// The state where the walk begins: the run's end, with the gradient of the query's losses.
    pub fn begin(&self, query: &Query) -> Result<MagicState> {
        let per_pass = self.run.config().batch_size;
        let gradient = functional::gradient(self.run.base(), &self.run.adapter()?, query, per_pass)?;
        let weight = query.items().iter().map(|i| f64::from(i.weight.abs())).sum();
        Ok(self.begin_with(gradient, functional::query_hash(query), weight))
    }

    fn begin_with(&self, gradient: Vec<f32>, functional: Digest, weight: f64) -> MagicState {
        MagicState {
            job: self.job(),
            functional,
            step: self.run.total_steps(),
            adjoint: Adjoint::of_parameters(gradient),
            weight,
            delta: self.settings.first_step,
            derivatives: vec![0.0; self.run.ids().len()],
            trace: Vec::new(),
        }
    }

    /// The state where the walk begins in this run, after it went through the run of an adapter that was trained on
    /// this run's adapter. `end` is the child's state at step 0. Its ∂φ/∂θ is the one at the end of this run.
    pub fn continue_into(&self, child: &TrainedRun, end: &MagicState) -> Result<MagicState> {
        if end.step != 0 {
            return Err(AttributionError::MagicState(format!(
                "the child's walk is at step {}; finish it before going on into the parent's run",
                end.step
            )));
        }
        if !child.starts_with(&self.run.adapter()?.to_flat()?)? {
            return Err(AttributionError::Log(
                "the child's run did not begin with the adapter that this run ended with; give the child's own parent"
                    .into(),
            ));
        }
        Ok(self.begin_with(end.adjoint.a.clone(), end.hash()?, end.weight))
    }

    /// Walks from a logged step to the one logged before it. It is a pure function of run, settings and state.
    pub fn segment(&self, state: &MagicState) -> Result<MagicState> {
        self.segment_in_turns(state, &mut || ())
    }

    /// Like [`Self::segment`]. It calls `between` after each training step that it replays or goes back, so that others
    /// may use the processor.
    pub fn segment_in_turns(&self, state: &MagicState, between: &mut dyn FnMut()) -> Result<MagicState> {
        self.segment_watched(state, &mut |_| ControlFlow::Continue(()), between)
    }

    /// Walks all remaining segments. `sink` first gets the bytes of `state` itself. Then it gets the bytes of the state
    /// after each segment, before the next segment begins. `progress` is called after every step. A break ends the walk
    /// with [`AttributionError::Stopped`]. The walk can continue from the last state stored.
    pub fn finish(
        &self,
        mut state: MagicState,
        sink: &mut dyn StateSink,
        progress: &mut dyn FnMut(&MagicProgress) -> ControlFlow<()>,
    ) -> Result<Outcome> {
        self.check(&state)?;
        store(sink, &state)?;
        while state.step > 0 {
            state = self.segment_watched(&state, progress, &mut || ())?;
            store(sink, &state)?;
        }
        self.outcome(state)
    }

    /// The result in a walk's last state. Fails if the state is not at step 0.
    pub fn outcome(&self, end: MagicState) -> Result<Outcome> {
        self.check(&end)?;
        if end.step != 0 {
            return Err(AttributionError::MagicState(format!("it is at step {}; walk on to step 0", end.step)));
        }
        // 0 − x keeps the score of an example that was in no batch from being −0.
        let values = end.derivatives.iter().map(|d| (0.0 - d) as f32).collect();
        let scores = Scores { ids: self.run.ids().clone(), values };
        Ok(Outcome { scores, health: Health::of(&end), end })
    }

    fn segment_watched(
        &self,
        state: &MagicState,
        progress: &mut dyn FnMut(&MagicProgress) -> ControlFlow<()>,
        between: &mut dyn FnMut(),
    ) -> Result<MagicState> {
        let [from, to] = self.check(state)?;
        let tape = replay(&self.run, self.cache.as_ref(), from, to, between)?;
        let trainer = self.run.trainer()?;
        let (total, lanes) = (self.run.total_steps(), Lanes::new(self.run.base().device(), 2));
        let mut state = state.clone();
        for at in (0..tape.gradients.len()).rev() {
            step_back(&trainer, &self.settings, &tape, at, &lanes, &mut state)?;
            let adjoint = state.trace.last().map_or(0.0, |t| t.adjoint);
            tracing::debug!(step = state.step, adjoint, delta = state.delta, "step back");
            let told = MagicProgress { done: total - state.step, total, adjoint };
            if progress(&told).is_break() && state.step > 0 {
                let what = "training steps; go on from the last stored state";
                return Err(AttributionError::Stopped { done: told.done, total, what });
            }
            between();
        }
        Ok(state)
    }

    /// The two logged steps of the next segment. Fails if the state is of another job or length, or is not at a logged
    /// step.
    fn check(&self, state: &MagicState) -> Result<[&LogEntry; 2]> {
        let error = |reason: String| Err(AttributionError::MagicState(reason));
        if state.job != self.job() {
            return error(format!(
                "it belongs to job {}, this one is {}; use the state of this run and these settings",
                hex::encode(state.job),
                hex::encode(self.job())
            ));
        }
        let entries = &self.run.log().entries;
        let walked = self.run.total_steps().checked_sub(state.step);
        if walked != Some(state.trace.len() as u64)
            || state.derivatives.len() != self.run.ids().len()
            || state.adjoint.a.len() != self.run.parameters()?
            || !(state.delta > 0.0 && state.delta.is_finite())
        {
            return error(format!("at step {} its parts do not fit the run; begin again", state.step));
        }
        match entries.iter().position(|e| e.step == state.step) {
            Some(0) => Ok([&entries[0], &entries[0]]),
            Some(i) => Ok([&entries[i - 1], &entries[i]]),
            None => error(format!("the run logged no state at step {}; begin again", state.step)),
        }
    }
}

impl Method for Magic {
    const NAME: &'static str = METHOD;
    const VERSION: u32 = VERSION;
    type Settings = MagicSettings;

    fn settings(&self) -> &MagicSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let start = self.begin(query)?;
        Ok(self.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?.scores)
    }
}

fn store(sink: &mut dyn StateSink, state: &MagicState) -> Result<()> {
    let bytes = state.to_bytes()?;
    sink.put(sha256(&bytes), bytes)
        .map_err(|source| LmError::Callback { action: "storing the state of an attribution", source })?;
    Ok(())
}
