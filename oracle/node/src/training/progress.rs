//! The progress of a training, kept in the job's folder. It survives a kill.

use anyhow::{Context, Result, ensure};
use openledger_lm::{
    Trainer, TrainingLog,
    train::{LogEntry as StateEntry, Progress, StateSink},
};
use openledger_sdk::artifact::LogEntry;
use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, path::Path};

/// What a training has done so far. Its runs are made one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    entries: Vec<StateEntry>,
    /// Loss of every step, run by run.
    pub train_loss: Vec<f32>,
    /// Loss on the held-out examples before the first step. `None` if it is not measured yet.
    pub eval_before: Option<f32>,
}

impl Checkpoint {
    /// Reads the file at `path`. Nothing is done yet if there is none.
    pub fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
    }

    /// Replaces the file at `path`.
    pub fn write(&self, path: &Path) -> Result<()> {
        let next = path.with_extension("tmp");
        let written = std::fs::write(&next, serde_json::to_vec(self)?).and_then(|()| std::fs::rename(next, path));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// The states logged so far, of all runs.
    pub fn log(&self) -> Vec<LogEntry> {
        self.entries.iter().map(|e| LogEntry { step: e.step, state: e.state_hash }).collect()
    }

    /// The last state that run number `run` has logged. `None` if it has not begun.
    pub fn last_of(&self, run: usize) -> Option<LogEntry> {
        LogEntry::runs(&self.log()).nth(run)?.last().cloned()
    }

    /// Takes the steps that `trainer` has left in run number `run`, whose state it has. The runs before it are done. The
    /// log grows segment by segment, in the file at `path` too, so that a kill costs one segment at most. `say` is called
    /// after every step, and may stop the training, which then fails.
    pub fn finish(
        &mut self,
        run: usize,
        trainer: &mut Trainer,
        path: &Path,
        sink: &mut dyn StateSink,
        say: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<()> {
        let every = trainer.config().checkpoint_every;
        while !trainer.is_finished() {
            let until = (trainer.state().step / every + 1) * every;
            let (mut losses, mut stopped) = (Vec::new(), false);
            let log: TrainingLog = trainer.run(sink, &mut |p| {
                losses.push(p.loss);
                stopped = say(p).is_break();
                if stopped || p.step >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            ensure!(!stopped, "the training was stopped, because nobody waits for it");
            let known = self.last_of(run).map(|last| last.step);
            self.entries.extend(log.entries.into_iter().filter(|e| known.is_none_or(|known| known < e.step)));
            self.train_loss.extend(losses);
            self.write(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, LoraConfig, TrainConfig, TrainState};
    use openledger_protocol::Hash32;
    use openledger_sdk::artifact::run_seed;
    use std::{
        collections::{BTreeMap, BTreeSet},
        path::PathBuf,
        sync::Arc,
    };

    const RUNS: usize = 3;

    /// Three runs of five steps, with a state every two. Each goes on from an adapter of the parent's own run.
    struct Work {
        base: Arc<BaseModel>,
        examples: Arc<[Example]>,
        path: PathBuf,
        store: BTreeMap<Hash32, Vec<u8>>,
        /// Steps until the training is stopped.
        steps: usize,
    }

    impl Work {
        fn new(path: PathBuf) -> Self {
            let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 7).unwrap());
            let example =
                |n: u8| Example { id: [n; 32], tokens: (0..9).map(|i| u32::from(n * 9 + i)).collect(), loss_from: 1 };
            Self { base, examples: (0..5).map(example).collect(), path, store: BTreeMap::new(), steps: usize::MAX }
        }

        /// Trains, as a node does that may have been started again. The machine dies when `lives` states are stored.
        fn train(&mut self, lives: usize) -> Result<Checkpoint> {
            let mut checkpoint = Checkpoint::read(&self.path);
            for run in 0..RUNS {
                let config = TrainConfig {
                    epochs: 1,
                    batch_size: 1,
                    max_len: 16,
                    learning_rate: 5e-3,
                    warmup_steps: 2,
                    checkpoint_every: 2,
                    seed: run_seed(3, run),
                    lora: LoraConfig { rank: 2, ..Default::default() },
                    ..Default::default()
                };
                let parents = Adapter::init(&self.base, &config.lora, 100 + run as u64)?;
                let trainer = Trainer::new(self.base.clone(), config, self.examples.clone())?;
                let mut trainer = trainer.with_start(&parents)?;
                if let Some(last) = checkpoint.last_of(run) {
                    trainer = trainer.with_state(TrainState::from_bytes(&self.store[&last.state])?)?;
                }
                let (store, path) = (&mut self.store, self.path.clone());
                let mut sink = |hash: Hash32, bytes: Vec<u8>| {
                    store.insert(hash, bytes);
                    if store.len() < lives { Ok(()) } else { Err("killed".into()) }
                };
                let steps = &mut self.steps;
                let mut say = |_: &Progress| {
                    *steps = steps.saturating_sub(1);
                    if *steps == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                checkpoint.finish(run, &mut trainer, &path, &mut sink, &mut say)?;
            }
            Ok(checkpoint)
        }
    }

    #[test]
    fn a_training_that_is_stopped_at_any_step_goes_on_from_its_last_logged_state() {
        let folder = tempfile::tempdir().unwrap();
        let whole = Work::new(folder.path().join("whole.json")).train(usize::MAX).unwrap();
        for steps in 1..=10 {
            let mut work = Work::new(folder.path().join(format!("{steps}.json")));
            work.steps = steps;
            assert!(work.train(usize::MAX).unwrap_err().to_string().contains("stopped"), "{steps}");
            let done = Checkpoint::read(&work.path).log();
            assert!(done == whole.log()[..done.len()], "{steps}");
            work.steps = usize::MAX;
            assert_eq!(work.train(usize::MAX).unwrap(), whole, "{steps}");
        }
    }

    #[test]
    fn a_training_on_a_parent_that_is_killed_at_any_state_of_any_run_goes_on_and_ends_as_an_unbroken_one() {
        let folder = tempfile::tempdir().unwrap();
        let whole = Work::new(folder.path().join("whole.json")).train(usize::MAX).unwrap();
        let steps: Vec<u64> = whole.log().iter().map(|e| e.step).collect();
        assert_eq!(steps, [0, 2, 4, 5].repeat(RUNS));
        assert_eq!(whole.train_loss.len(), 5 * RUNS);
        let states: BTreeSet<Hash32> = whole.log().iter().map(|e| e.state).collect();
        assert_eq!(states.len(), 4 * RUNS, "no two runs have a state in common");
        for lives in 1..=4 * RUNS {
            let mut work = Work::new(folder.path().join(format!("{lives}.json")));
            assert!(work.train(lives).unwrap_err().to_string().contains("storing a training state"), "{lives}");
            let done = Checkpoint::read(&work.path).log();
            assert!(done.len() < lives && done == whole.log()[..done.len()], "{lives}");
            assert_eq!(work.train(usize::MAX).unwrap(), whole, "{lives}");
            // Whoever starts again after the end finds nothing left to do.
            assert_eq!(work.train(usize::MAX).unwrap(), whole, "{lives}");
        }
    }
}
