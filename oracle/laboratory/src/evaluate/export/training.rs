//! Describes the training run. Another library can take the same steps from this.

use openledger_attribution::Result;
use openledger_lm::{
    TrainConfig, TrainState,
    train::{BatchPlan, learning_rate},
};
use serde_json::{Value, json};

/// The folder of the i-th logged state, relative to the task folder.
pub(super) fn checkpoint_folder(i: usize) -> String {
    format!("checkpoints/{i:02}")
}

/// The settings, the learning rate and batch positions of each step, and the steps done at each checkpoint. A step's
/// objective is the mean over the batch of each example's mean loss.
pub(super) fn describe(config: &TrainConfig, examples: usize, states: &[TrainState]) -> Result<Value> {
    let plan = BatchPlan::new(config, examples);
    let steps = 0..plan.total_steps();
    let rates: Vec<f64> = steps.clone().map(|step| learning_rate(config, step, plan.total_steps())).collect();
    let batches: Vec<Vec<usize>> = steps.map(|step| plan.batch(step)).collect();
    let checkpoints: Vec<_> = states
        .iter()
        .enumerate()
        .map(|(i, state)| json!({"folder": checkpoint_folder(i), "step": state.step}))
        .collect();
    Ok(json!({
        "config": serde_json::to_value(config).map_err(openledger_lm::LmError::from)?,
        "steps_per_epoch": plan.steps_per_epoch(),
        "learning_rates": rates,
        "batches": batches,
        "checkpoints": checkpoints,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_its_rate_and_its_batch() {
        let config =
            TrainConfig { epochs: 2, batch_size: 3, warmup_steps: 2, learning_rate: 0.5, ..Default::default() };
        let state = TrainState { step: 3, ..TrainState::new(vec![0.0]) };
        let found = describe(&config, 5, &[state]).unwrap();
        let batches: Vec<Vec<usize>> = serde_json::from_value(found["batches"].clone()).unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 3, 2]);
        let plan = BatchPlan::new(&config, 5);
        assert!((0..).zip(&batches).all(|(step, batch)| *batch == plan.batch(step)));
        assert_eq!(found["learning_rates"], json!([0.25, 0.5, 0.5, 0.25]));
        assert_eq!(found["checkpoints"], json!([{"folder": "checkpoints/00", "step": 3}]));
        let back: TrainConfig = serde_json::from_value(found["config"].clone()).unwrap();
        assert_eq!(back, config);
    }
}
