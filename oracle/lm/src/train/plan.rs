//! Which examples make up which batch.

use super::config::TrainConfig;
use crate::rng;

/// The batches of a whole job. The seed and the epoch's number draw a permutation of the examples for each epoch, which
/// is cut into batches. The batch of a step can be found without those of other steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlan {
    examples: usize,
    batch_size: usize,
    epochs: usize,
    seed: u64,
}

impl BatchPlan {
    /// The plan for a job over `examples` examples.
    pub fn new(config: &TrainConfig, examples: usize) -> Self {
        Self { examples, batch_size: config.batch_size, epochs: config.epochs, seed: config.seed }
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.examples.div_ceil(self.batch_size) as u64
    }

    /// Steps in the job.
    pub fn total_steps(&self) -> u64 {
        self.steps_per_epoch() * self.epochs as u64
    }

    /// Indices of the examples in the batch of step `step` (from 0).
    pub fn batch(&self, step: u64) -> Vec<usize> {
        let (epoch, within) = (step / self.steps_per_epoch(), (step % self.steps_per_epoch()) as usize);
        let order = rng::permutation(&mut rng::chacha(self.seed, rng::stream::epoch(epoch as usize)), self.examples);
        let from = within * self.batch_size;
        order[from..(from + self.batch_size).min(self.examples)].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_holds_every_example_once_in_another_order() {
        let plan = BatchPlan::new(&TrainConfig { epochs: 2, batch_size: 3, ..Default::default() }, 10);
        assert_eq!((plan.steps_per_epoch(), plan.total_steps()), (4, 8));
        let epoch = |e: u64| (0..4).flat_map(|s| plan.batch(e * 4 + s)).collect::<Vec<_>>();
        let sorted = |mut v: Vec<usize>| {
            v.sort_unstable();
            v
        };
        assert_eq!(sorted(epoch(0)), (0..10).collect::<Vec<_>>());
        assert_eq!(sorted(epoch(1)), (0..10).collect::<Vec<_>>());
        assert_ne!(epoch(0), epoch(1));
        assert_eq!(plan.batch(3).len(), 1);
    }
}
