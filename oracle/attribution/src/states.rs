//! Logged states of a training run: which ones are used, and the weight of each.

use crate::{
    error::{AttributionError, Result},
    index::header::mass,
    projection::{MOST, ProjectionSettings, QueryStates},
};
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
/// in the order of their steps. A state before the first step has no weight and is left out. Steps after the run's last
/// one have no learning rate.
pub fn checkpoints(config: &TrainConfig, examples: usize, states: &[TrainState]) -> Vec<Checkpoint> {
    checkpoints_at(config, examples, states.iter().map(|s| s.step))
}

fn checkpoints_at(config: &TrainConfig, examples: usize, steps: impl Iterator<Item = u64>) -> Vec<Checkpoint> {
    let total = BatchPlan::new(config, examples).total_steps();
    let mut before = 0;
    let mut checkpoints = Vec::new();
    for step in steps.filter(|step| *step > 0) {
        // A state may name any step, and the loop must end.
        let weight = (before..step.min(total)).map(|step| learning_rate(config, step, total)).sum();
        checkpoints.push(Checkpoint { step, weight });
        before = step;
    }
    checkpoints
}

/// The learning-rate masses of the sections of a row of one run, in the index header's units. Fails if all of them round
/// to zero: scores would be divided by nothing.
pub(crate) fn masses(weights: &[Checkpoint], examples: usize, query: QueryStates) -> Result<Vec<u64>> {
    let masses: Vec<u64> = match query {
        QueryStates::End => vec![mass(weights.iter().map(|w| w.weight).sum(), examples)],
        QueryStates::All => weights.iter().map(|w| mass(w.weight, examples)).collect(),
    };
    if masses.iter().all(|m| *m == 0) {
        let reason = "moves no example: the learning rates of all steps together round to zero; raise it, or lower \
                      `warmup_steps`";
        return Err(AttributionError::setting("learning_rate", reason));
    }
    Ok(masses)
}

/// Fails if a run of `config` on `examples` examples, which logs these steps in ascending order, would have an index
/// without weight.
pub fn check_weight(
    config: &TrainConfig,
    examples: usize,
    logged: &[u64],
    settings: &ProjectionSettings,
) -> Result<()> {
    let chosen = evenly_spaced(logged, settings.states).into_iter().map(|i| logged[i]);
    let weights = checkpoints_at(config, examples, chosen);
    masses(&weights, examples, settings.query_states).map(|_| ())
}

/// Positions of up to `count` of the `logged` steps that divide the run evenly. `logged` is ascending.
///
/// For each j from 1 to `count`, the step nearest to j/`count` of the run's length is taken. Of two that are equally
/// near it is the earlier one. So the last logged step is always taken. A state before the first step is never taken.
/// A larger `count` than settings may have ([`ProjectionSettings::validate`]) counts as the largest.
pub fn evenly_spaced(logged: &[u64], count: usize) -> Vec<usize> {
    let Some(last) = logged.last() else { return Vec::new() };
    let count = count.min(MOST);
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
        assert_eq!(steps(usize::MAX), [10, 20, 30, 40, 50, 55], "it ends for any number");
    }

    #[test]
    fn a_state_that_names_a_step_after_the_run_takes_no_time_and_no_weight() {
        let config = TrainConfig { epochs: 3, batch_size: 2, warmup_steps: 2, ..Default::default() };
        let state = |step| TrainState { step, ..TrainState::new(vec![0.0]) };
        let of = |step| checkpoints(&config, 4, &[state(3), state(step)]).iter().map(|c| c.weight).collect::<Vec<_>>();
        assert_eq!(of(u64::MAX), of(6));
    }

    #[test]
    fn a_learning_rate_that_moves_nothing_is_refused_before_anything_is_trained() {
        let check = |learning_rate, warmup_steps, query_states| {
            let config = TrainConfig { epochs: 3, batch_size: 2, learning_rate, warmup_steps, ..Default::default() };
            let settings = ProjectionSettings { states: 2, query_states, ..Default::default() };
            check_weight(&config, 4, &[0, 3, 6], &settings)
        };
        for query in [QueryStates::End, QueryStates::All] {
            check(1e-3, 2, query).unwrap();
            check(1e-14, 2, query).unwrap();
            let refused = check(1e-16, 2, query).unwrap_err().to_string();
            assert!(refused.contains("learning_rate") && refused.contains("raise it"), "{refused}");
            assert!(check(1e-300, 2, query).is_err() && check(1e-3, u64::MAX, query).is_err());
        }
    }
}
