//! Exact attribution of several queries at once, in one walk back through the training.

use super::{
    cache::GradientCache,
    one_sided::step_back_together,
    outcome::Outcome,
    pass::MagicProgress,
    replay::replay,
    run::TrainedRun,
    segment::{Start, segment_before},
    settings::MagicSettings,
    state::MagicState,
};
use crate::{
    attributor::{Query, Scores, settings_hash},
    error::{AttributionError, Result},
};
use openledger_lm::{Digest, Lanes};
use sha2::{Digest as _, Sha256};
use std::ops::ControlFlow;

/// The method's name. Its scores are those of [`Magic`](super::Magic) up to the differences' errors.
pub const METHOD: &str = "magic_one_sided";
/// Version of the method. It is raised whenever the same run, queries and settings would give other scores than before.
pub const VERSION: u32 = 1;

/// Exact attribution of several queries to the examples of one run.
///
/// The queries walk together. A step back takes one pass for each query, one for the examples' own gradients and one
/// that steers the displacement, where [`Magic`](super::Magic) takes two for each query. The replay and its states are
/// shared as well. Scores depend on all of the queries and their order, in the last digits.
///
/// The states of the queries at a logged step are the state of the walk. They can be stored
/// ([`MagicState::to_bytes`]), and the walk resumes from them.
pub struct Walks {
    run: TrainedRun,
    starts: Vec<Start>,
    settings: MagicSettings,
    cache: Option<GradientCache>,
}

impl Walks {
    /// Prepares the walk. Fails if there is no query or a setting is out of range.
    pub fn new(run: TrainedRun, queries: &[Query], settings: MagicSettings) -> Result<Self> {
        settings.validate()?;
        if queries.is_empty() {
            return Err(AttributionError::Query("there is none to walk for; give at least one".into()));
        }
        let starts = queries.iter().map(|query| Start::of_query(&run, query)).collect::<Result<_>>()?;
        Ok(Self { run, starts, settings, cache: None })
    }

    /// Prepares the walk of the same queries back through the run of this one's parent: the run that ended with the
    /// adapter which this one's began with. `end` are the last states of this walk. Fails if they are not, or if
    /// `parent` is another run.
    pub fn continue_into(&self, parent: TrainedRun, end: &[MagicState]) -> Result<Self> {
        self.check(end)?;
        let starts = end.iter().map(|end| Start::of_child(&parent, &self.run, end)).collect::<Result<_>>()?;
        Ok(Self { run: parent, starts, settings: self.settings, cache: None })
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

    /// Hash of run, queries, method and settings. States of another job are refused.
    pub fn job(&self) -> Digest {
        let settings = serde_json::to_value(self.settings).expect("plain data serialises");
        let mut hasher = Sha256::new();
        hasher.update(settings_hash(METHOD, VERSION, settings));
        hasher.update(self.run.hash());
        self.starts.iter().for_each(|start| hasher.update(start.functional));
        hasher.finalize().into()
    }

    /// The states where the walk begins, one for each query: the run's end, with the gradient of the query's losses.
    pub fn begin(&self) -> Vec<MagicState> {
        let job = self.job();
        self.starts.iter().map(|start| start.state(&self.run, job, &self.settings)).collect()
    }

    /// Walks from a logged step to the one logged before it. It is a pure function of run, queries, settings and
    /// states. `progress` is called after every step. A break ends the walk with [`AttributionError::Stopped`].
    pub fn segment(
        &self,
        states: &[MagicState],
        progress: &mut dyn FnMut(&MagicProgress) -> ControlFlow<()>,
    ) -> Result<Vec<MagicState>> {
        self.check(states)?;
        let [from, to] = segment_before(&self.run, self.job(), &states[0])?;
        let tape = replay(&self.run, self.cache.as_ref(), from, to, &mut || ())?;
        let trainer = self.run.trainer()?;
        let (total, lanes) = (self.run.total_steps(), Lanes::new(self.run.base().device(), usize::MAX));
        let mut states = states.to_vec();
        for at in (0..tape.gradients.len()).rev() {
            step_back_together(&trainer, &self.settings, &tape, at, &lanes, &mut states)?;
            let step = states[0].step;
            let adjoint = states.iter().filter_map(|s| s.trace.last()).fold(0.0, |m, t| f64::max(m, t.adjoint));
            tracing::debug!(step, adjoint, delta = states[0].delta, queries = states.len(), "step back");
            let told = MagicProgress { done: total - step, total, adjoint };
            if progress(&told).is_break() && step > 0 {
                let what = "training steps; go on from the last stored states";
                return Err(AttributionError::Stopped { done: told.done, total, what });
            }
        }
        Ok(states)
    }

    /// Walks to the run's first step. Returns the scores of each query. `progress` is as in [`Self::segment`].
    pub fn run_to_end(&self, progress: &mut dyn FnMut(&MagicProgress) -> ControlFlow<()>) -> Result<Vec<Scores>> {
        let mut states = self.begin();
        while states[0].step > 0 {
            states = self.segment(&states, progress)?;
        }
        Ok(self.outcomes(states)?.into_iter().map(|outcome| outcome.scores).collect())
    }

    /// The result of each query in the walk's last states. Fails if the states are not at step 0.
    pub fn outcomes(&self, end: Vec<MagicState>) -> Result<Vec<Outcome>> {
        self.check(&end)?;
        let job = self.job();
        end.into_iter().map(|end| Outcome::of(&self.run, job, end)).collect()
    }

    /// Fails unless there is a state of this job for each query, in the queries' order, all at the same logged step.
    fn check(&self, states: &[MagicState]) -> Result<()> {
        let job = self.job();
        if states.len() != self.starts.len() {
            let (found, wanted) = (states.len(), self.starts.len());
            let reason = format!("{found} are given for {wanted} queries; give the states of all queries together");
            return Err(AttributionError::MagicState(reason));
        }
        for (state, start) in states.iter().zip(&self.starts) {
            segment_before(&self.run, job, state)?;
            if state.functional != start.functional
                || state.step != states[0].step
                || state.delta.to_bits() != states[0].delta.to_bits()
            {
                let reason = "they are of other queries, or of different points of the walk; give states that were made \
                              together, in the order of the queries";
                return Err(AttributionError::MagicState(reason.into()));
            }
        }
        Ok(())
    }
}
