//! The logged states that an influence index is built from, and that its queries are asked at.

use anyhow::{Context, Result};
use openledger_attribution::{ProjectionSettings, states::evenly_spaced};
use openledger_lm::TrainState;
use openledger_sdk::{Store, artifact::LogEntry};

/// The states that an index with these settings is built from, for each run of the `log`, from the artifact store. They
/// divide the run evenly.
pub async fn states_of(store: &Store, log: &[LogEntry], settings: &ProjectionSettings) -> Result<Vec<Vec<TrainState>>> {
    last_states_of(store, log, settings, settings.states).await
}

/// Those of [`states_of`] at which the index is asked: the last ones of each run.
pub async fn states_of_a_query(
    store: &Store,
    log: &[LogEntry],
    settings: &ProjectionSettings,
) -> Result<Vec<Vec<TrainState>>> {
    last_states_of(store, log, settings, settings.states_of_a_query()).await
}

async fn last_states_of(
    store: &Store,
    log: &[LogEntry],
    settings: &ProjectionSettings,
    count: usize,
) -> Result<Vec<Vec<TrainState>>> {
    let mut runs = Vec::with_capacity(settings.runs);
    for run in LogEntry::runs(log) {
        let steps: Vec<u64> = run.iter().map(|e| e.step).collect();
        let built_from = evenly_spaced(&steps, settings.states);
        let mut states = Vec::with_capacity(count);
        for i in built_from.iter().skip(built_from.len().saturating_sub(count)) {
            states.push(state(store, &run[*i]).await?);
        }
        runs.push(states);
    }
    Ok(runs)
}

async fn state(store: &Store, entry: &LogEntry) -> Result<TrainState> {
    let bytes =
        store.get_blob(&entry.state).await.with_context(|| format!("the logged state of step {}", entry.step))?;
    Ok(TrainState::from_bytes(&bytes)?)
}
