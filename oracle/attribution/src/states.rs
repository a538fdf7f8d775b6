//! Logged states of a training run: which ones are used, and the weight of each.

use openledger_lm::{
    TrainConfig, TrainState,
    train::{BatchPlan, learning_rate},
};
use serde::{Deserialize, Serialize};

/// A logged state of a training run with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Steps done at this state.
    pub step: u64,
    /// Factor of the state's scores or gradients, positive: see [`checkpoints`].
    pub weight: f64,
}

/// The weight of each logged state: the sum of the learning rates of the steps since the state before it. `states` are
/// in the order of their steps. A state before the first step has no weight and is left out.
pub fn checkpoints(config: &TrainConfig, examples: usize, states: &[TrainState]) -> Vec<Checkpoint> {
    let total = BatchPlan::new(config, examples).total_steps();
    let mut before = 0;
    let mut checkpoints = Vec::new();
    for state in states.iter().filter(|s| s.step > 0) {
        let weight = (before..state.step).map(|step| learning_rate(config, step, total)).sum();
        checkpoints.push(Checkpoint { step: state.step, weight });
        before = state.step;
    }
    checkpoints
}

/// Positions of up to `count` of the `logged` steps that divide the run evenly. `logged` is ascending.
///
/// For each j from 1 to `count`, the step nearest to j/`count` of the run's length is taken. Of two that are equally
/// near it is the earlier one. So the last logged step is always taken. A state before the first step is never taken.
pub fn evenly_spaced(logged: &[u64], count: usize) -> Vec<usize> {
    let Some(last) = logged.last() else { return Vec::new() };
    let nearest = |j: usize| {
        // Both sides are multiplied by `count`, so that they are whole numbers.
        let target = u128::from(*last) * j as u128;
        let distance = |i: &usize| (u128::from(logged[*i]) * count as u128).abs_diff(target);
        (0..logged.len()).filter(|i| logged[*i] > 0).min_by_key(distance)
    };
    let mut positions: Vec<usize> = (1..=count).filter_map(nearest).collect();
    positions.dedup();
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_the_learning_rates_between_the_states() {
        let config = TrainConfig { epochs: 3, batch_size: 2, warmup_steps: 2, ..Default::default() };
        let state = |step| TrainState { step, ..TrainState::new(vec![0.0]) };
        let checkpoints = checkpoints(&config, 4, &[state(0), state(3), state(6)]);
        assert_eq!(checkpoints.iter().map(|c| c.step).collect::<Vec<_>>(), [3, 6]);
        let rate = |step| learning_rate(&config, step, 6);
        assert!((checkpoints[0].weight - (rate(0) + rate(1) + rate(2))).abs() < 1e-12);
        assert!((checkpoints[1].weight - (rate(3) + rate(4) + rate(5))).abs() < 1e-12);
    }

    #[test]
    fn states_divide_the_run_evenly_and_end_with_its_last() {
        let logged = [0, 10, 20, 30, 40, 50, 55];
        let steps = |count| evenly_spaced(&logged, count).into_iter().map(|i| logged[i]).collect::<Vec<_>>();
        assert_eq!(steps(1), [55]);
        assert_eq!(steps(2), [30, 55]);
        assert_eq!(steps(3), [20, 40, 55]);
        assert_eq!(steps(50), [10, 20, 30, 40, 50, 55]);
        assert!(evenly_spaced(&[], 3).is_empty() && evenly_spaced(&[0], 3).is_empty());
    }
}
