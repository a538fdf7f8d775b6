//! The logged states that an influence index is built from, and that its queries are asked at.

use anyhow::{Context, Result, ensure};
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
    let mut runs = Vec::new();
    for run in LogEntry::runs(log) {
        let steps: Vec<u64> = run.iter().map(|e| e.step).collect();
        let built_from = evenly_spaced(&steps, settings.states);
        let mut states = Vec::new();
        for i in built_from.iter().skip(built_from.len().saturating_sub(count)) {
            states.push(state(store, &run[*i]).await?);
        }
        runs.push(states);
    }
    Ok(runs)
}

async fn state(store: &Store, entry: &LogEntry) -> Result<TrainState> {
    let name = || format!("the logged state of step {}", entry.step);
    let state = TrainState::from_bytes(&store.get_blob(&entry.state).await.with_context(name)?).with_context(name)?;
    // Everything that is worked out from the state depends on its step.
    ensure!(state.step == entry.step, "{} says that it is of step {}", name(), state.step);
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_logged_state_that_says_another_step_than_its_log_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let state = |step| TrainState { step, ..TrainState::new(vec![1.0]) }.to_bytes().unwrap();
        let settings = ProjectionSettings { states: 2, ..Default::default() };
        let mut log = Vec::new();
        for step in [0, 8, 16] {
            log.push(LogEntry { step, state: store.put_blob(state(step)).await.unwrap() });
        }
        let found = states_of(&store, &log, &settings).await.unwrap().remove(0);
        assert_eq!(found.iter().map(|s| s.step).collect::<Vec<_>>(), [8, 16]);
        for said in [u64::MAX, 15, 0] {
            log[2].state = store.put_blob(state(said)).await.unwrap();
            let refused = states_of(&store, &log, &settings).await.unwrap_err();
            assert!(format!("{refused:#}").contains("step 16 says that it is of step"), "{refused:#}");
        }
    }
}
