//! Re-executes one segment of a training log.

use super::{band, log::Segment, word::Finding};
use anyhow::{Context, Result, ensure};
use openledger_lm::{Adapter, BaseModel, Example, TrainConfig, TrainState, sha256, train::replay_segment};
use std::sync::Arc;

/// What the segments of one run are re-executed with.
#[derive(Clone)]
pub struct Run {
    /// The frozen model.
    pub base: Arc<BaseModel>,
    /// The training settings, with the run's own seed.
    pub config: TrainConfig,
    /// The training examples.
    pub examples: Arc<[Example]>,
    /// The parent's adapter, with which the training began. `None` if it began with a fresh one.
    pub start: Option<Adapter>,
}

/// What re-executing a segment showed.
pub struct Replayed {
    /// What is published of it.
    pub finding: Finding,
    /// How far the logged end is from the one that was reached, in parts per billion. `None` if they cannot be compared.
    pub distance_ppb: Option<u64>,
}

impl Run {
    /// Re-executes `segment`, number `number` of the log, from its logged start, and compares where it ends with the
    /// logged end. `start` and `end` are the bytes of the two states.
    ///
    /// The start is the logged one and not the end of an own re-execution, so that the rounding of one segment is not
    /// added to that of the next. Fails if the start cannot be trained from. Then the segment before it does not hold,
    /// or the run does not begin with the adapter that it must begin with.
    pub fn replay(&self, number: usize, segment: Segment, start: &[u8], end: &[u8]) -> Result<Replayed> {
        let Segment { run, from, to } = segment;
        for (entry, bytes) in [(from, start), (to, end)] {
            ensure!(
                sha256(bytes) == entry.state,
                "the state of step {} has another hash than the log says",
                entry.step
            );
        }
        if from.step == 0 {
            let fresh = || Adapter::init(&self.base, &self.config.lora, self.config.seed);
            let (initial, whose) = match &self.start {
                Some(parents) => (parents.clone(), "the parent's"),
                None => (fresh()?, "the seed's initial"),
            };
            let initial = TrainState::new(initial.to_flat()?).hash()?;
            ensure!(initial == from.state, "run {run} of the log does not start from {whose} adapter");
        }
        let start = TrainState::from_bytes(start).with_context(|| format!("the logged state of step {}", from.step))?;
        ensure!(start.step == from.step, "a logged state is of step {} instead of {}", start.step, from.step);
        let own = replay_segment(self.base.clone(), &self.config, self.examples.clone(), start.clone(), to.step)?;
        let reached = own.hash()?;
        let expected = to.state;
        let logged = TrainState::from_bytes(end).ok();
        let within_band =
            reached == expected || logged.as_ref().is_some_and(|logged| band::holds(&start, &own, logged));
        let distance_ppb = logged.and_then(|logged| band::distance_ppb(&start, &own, &logged));
        Ok(Replayed { finding: Finding { segment: number as u64, expected, reached, within_band }, distance_ppb })
    }
}
