//! Re-executes a part of a run, to check it.

use super::{config::TrainConfig, state::TrainState, trainer::Trainer};
use crate::{
    batch::Example,
    error::{LmError, Result},
    llama::BaseModel,
};
use std::sync::Arc;

/// The state after step `to`, re-executed from a logged state at an earlier step. It is bit-equal to the logged state
/// on the same build and kind of processor.
pub fn replay_segment(
    base: Arc<BaseModel>,
    config: &TrainConfig,
    examples: Arc<[Example]>,
    start: TrainState,
    to: u64,
) -> Result<TrainState> {
    if to < start.step {
        return Err(LmError::State(format!("it is at step {}, after the segment's end {to}", start.step)));
    }
    let mut trainer = Trainer::new(base, config.clone(), examples)?.with_state(start)?;
    while trainer.state().step < to {
        trainer.step()?;
    }
    Ok(trainer.state().clone())
}
