//! The logged states that an influence index is built from.

use anyhow::{Context, Result};
use openledger_attribution::states::evenly_spaced;
use openledger_lm::TrainState;
use openledger_protocol::Hash32;
use openledger_sdk::Store;

/// Up to `count` of the logged states, which divide the run evenly, from the artifact store. `logged` gives their steps
/// and hashes in ascending order.
pub async fn states_of(store: &Store, logged: &[(u64, Hash32)], count: usize) -> Result<Vec<TrainState>> {
    let steps: Vec<u64> = logged.iter().map(|(step, _)| *step).collect();
    let mut states = Vec::with_capacity(count);
    for i in evenly_spaced(&steps, count) {
        let bytes =
            store.get_blob(&logged[i].1).await.with_context(|| format!("the logged state of step {}", steps[i]))?;
        states.push(TrainState::from_bytes(&bytes)?);
    }
    Ok(states)
}
