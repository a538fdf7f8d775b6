//! The whole walk, from φ at the end of the run to every example's score.

use super::{
    cache::GradientCache,
    outcome::Outcome,
    replay::replay,
    run::TrainedRun,
    segment::{Start, segment_before},
    settings::MagicSettings,
    state::MagicState,
    walk::step_back,
};
use crate::{
    attributor::{Attributor, Method, Query, Scores},
    error::{AttributionError, Result},
};
use openledger_lm::{Digest, Lanes, LmError, sha256, train::StateSink};
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
        Ok(Start::of_query(&self.run, query)?.state(&self.run, self.job(), &self.settings))
    }

    /// The state where the walk begins in this run, after it went through the run of an adapter that was trained on
    /// this run's adapter. `end` is the child's state at step 0. Its ∂φ/∂θ is the one at the end of this run.
    pub fn continue_into(&self, child: &TrainedRun, end: &MagicState) -> Result<MagicState> {
        Ok(Start::of_child(&self.run, child, end)?.state(&self.run, self.job(), &self.settings))
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
        segment_before(&self.run, self.job(), &state)?;
        store(sink, &state)?;
        while state.step > 0 {
            state = self.segment_watched(&state, progress, &mut || ())?;
            store(sink, &state)?;
        }
        self.outcome(state)
    }

    /// The result in a walk's last state. Fails if the state is not at step 0.
    pub fn outcome(&self, end: MagicState) -> Result<Outcome> {
        Outcome::of(&self.run, self.job(), end)
    }

    fn segment_watched(
        &self,
        state: &MagicState,
        progress: &mut dyn FnMut(&MagicProgress) -> ControlFlow<()>,
        between: &mut dyn FnMut(),
    ) -> Result<MagicState> {
        let [from, to] = segment_before(&self.run, self.job(), state)?;
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
