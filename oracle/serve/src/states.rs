//! The logged states that an influence index is built from, and that its queries are asked at.

use anyhow::{Context, Result};
use openledger_attribution::states::evenly_spaced;
use openledger_lm::TrainState;
use openledger_protocol::Hash32;
use openledger_sdk::{Store, artifact::TrainingManifest};

/// Up to `count` of the logged states, which divide the run evenly, from the artifact store. `logged` gives their steps
/// and hashes in ascending order.
pub async fn states_of(store: &Store, logged: &[(u64, Hash32)], count: usize) -> Result<Vec<TrainState>> {
    let steps: Vec<u64> = logged.iter().map(|(step, _)| *step).collect();
    let mut states = Vec::with_capacity(count);
    for i in evenly_spaced(&steps, count) {
        states.push(state(store, &logged[i]).await?);
    }
    Ok(states)
}

/// The states at which a finished job's index is asked: the last `count` of the `of` states that it was built from.
pub async fn states_of_a_query(
    store: &Store,
    manifest: &TrainingManifest,
    of: usize,
    count: usize,
) -> Result<Vec<TrainState>> {
    let logged: Vec<(u64, Hash32)> = manifest.log.iter().map(|e| (e.step, e.state)).collect();
    let steps: Vec<u64> = logged.iter().map(|(step, _)| *step).collect();
    let built_from = evenly_spaced(&steps, of);
    let mut states = Vec::with_capacity(count);
    for i in built_from.iter().skip(built_from.len().saturating_sub(count)) {
        states.push(state(store, &logged[*i]).await?);
    }
    Ok(states)
}

async fn state(store: &Store, (step, hash): &(u64, Hash32)) -> Result<TrainState> {
    let bytes = store.get_blob(hash).await.with_context(|| format!("the logged state of step {step}"))?;
    Ok(TrainState::from_bytes(&bytes)?)
}
