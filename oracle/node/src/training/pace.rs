//! How long a job would take this node. A job that cannot end before its deadline pays nobody, so it is not taken.

use crate::{
    operator::{Files, LazyEngine},
    plans::JobPlan,
};
use anyhow::{Context, Result};
use openledger_attribution::QueryStates;
use openledger_lm::Trainer;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Steps of the measurement of a node that has not trained yet. The first one is slower than the others, and is not
/// counted.
const STEPS: u64 = 3;
/// Fewest tokens of a training from which this node remembers its pace.
const LEAST_TOKENS: u64 = 1_000;
/// A walk costs three trainings of the run, if no gradients are kept.
const WALK: u64 = 3;

/// The pace of this node's trainings, kept in its data folder. Cheap to clone.
#[derive(Clone)]
pub struct Pace {
    engine: LazyEngine,
    path: PathBuf,
}

/// What the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Measured {
    tokens: u64,
    seconds: f64,
}

impl Measured {
    fn time(self, tokens: u64) -> Duration {
        let seconds = tokens as f64 * self.seconds / self.tokens.max(1) as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Pace {
    /// The pace that `files` remembers. Without one, `engine` takes a few steps to measure it.
    pub fn new(engine: LazyEngine, files: &Files) -> Self {
        Self { engine, path: files.pace() }
    }

    /// Remembers that training on so many tokens took so long, answers between the steps included.
    pub fn note(&self, tokens: u64, time: Duration) {
        if tokens < LEAST_TOKENS || time.is_zero() {
            return;
        }
        let written = write(&self.path, Measured { tokens, seconds: time.as_secs_f64() });
        if let Err(e) = written {
            tracing::warn!(path = %self.path.display(), "the pace of the training is not remembered: {e}");
        }
    }

    /// About how long the job would take until its result is signed.
    pub async fn time(&self, plan: &JobPlan) -> Result<Duration> {
        let measured = match read(&self.path) {
            Some(measured) => measured,
            None => self.measure(plan).await.context("measuring how fast this node trains")?,
        };
        Ok(measured.time(work(plan)))
    }

    async fn measure(&self, plan: &JobPlan) -> Result<Measured> {
        let (config, examples) = (plan.run(0), plan.examples.clone());
        let work = move |engine: &openledger_serve::Engine| -> Result<Measured> {
            let mut trainer = Trainer::new(engine.base().clone(), config, examples)?;
            let (mut tokens, mut begun) = (0, Instant::now());
            while trainer.state().step < STEPS && !trainer.is_finished() {
                if trainer.state().step == 1 {
                    (tokens, begun) = (0, Instant::now());
                }
                let batch = trainer.step()?.batch;
                tokens += batch.iter().map(|i| trainer.examples()[*i].tokens.len() as u64).sum::<u64>();
            }
            Ok(Measured { tokens, seconds: begun.elapsed().as_secs_f64() })
        };
        self.engine.get().await?.run(work).await
    }
}

/// The tokens of all passes that end in a signed result. A pass of the index or of a query is about one of training.
fn work(plan: &JobPlan) -> u64 {
    let sum = |examples: &[openledger_lm::Example]| examples.iter().map(|e| e.tokens.len() as u64).sum::<u64>();
    let (once, held_out, runs) = (sum(&plan.examples), sum(&plan.eval), plan.runs() as u64);
    let states = plan.segments().min(plan.index.projection.states as u64);
    let asked = match plan.index.projection.query_states {
        QueryStates::End => 1,
        QueryStates::All => states,
    };
    // Each held-out example is asked twice: for the training weights, and for the health.
    let queries = 2 * held_out * asked * runs;
    let walk = if plan.eval.is_empty() { 0 } else { WALK * once * plan.train.epochs as u64 };
    // The verifiers' part is a quarter of the training or a little more, at up to a quarter of the pace.
    2 * plan.tokens() + once * states * runs + queries + walk
}

fn read(path: &Path) -> Option<Measured> {
    let measured: Measured = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (measured.tokens > 0 && measured.seconds > 0.0).then_some(measured)
}

fn write(path: &Path, measured: Measured) -> std::io::Result<()> {
    let next = path.with_extension("tmp");
    std::fs::write(&next, serde_json::to_vec(&measured)?)?;
    std::fs::rename(next, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_lm::{LlamaConfig, ModelSource};

    fn pace(folder: &Path) -> Pace {
        let source = ModelSource::Random { config: LlamaConfig::tiny(), seed: 7 };
        Pace::new(LazyEngine::new(source), &Files::new(folder).unwrap())
    }

    #[test]
    fn a_training_is_remembered_and_a_job_takes_as_much_longer_as_it_has_more_passes() {
        let folder = tempfile::tempdir().unwrap();
        let pace = pace(folder.path());
        pace.note(LEAST_TOKENS - 1, Duration::from_secs(1));
        assert_eq!(read(&pace.path), None, "too short to say anything");
        pace.note(2_000, Duration::from_secs(4));
        let measured = read(&pace.path).unwrap();
        assert_eq!(measured.time(1_000), Duration::from_secs(2));
        assert_eq!(Measured { tokens: 0, seconds: f64::MAX }.time(u64::MAX), Duration::MAX);
        std::fs::write(&pace.path, r#"{"tokens": 0, "seconds": 0}"#).unwrap();
        assert_eq!(read(&pace.path), None);
    }
}
