//! Removes what nothing on the chain names after a while.

use super::{facts, names, owners, refusal::Refusal, service::Service, table};
use object_store::path::Path;
use openledger_sdk::store::Key;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Most slots that the index may be behind the node when something is removed: about a minute.
const BEHIND: u64 = 150;
/// Rounds after which all events are looked at again. Their numbers change when the ledger is read again.
const ALL_EVENTS: u64 = 100;
/// Removals after which it is looked again what the chain names.
const LOOK_AGAIN: usize = 1000;

/// Has database and store agree on who stored what. Then finds out once per `every` what the chain names, and removes what it
/// has not named for too long. While the index is behind the node, nothing is removed: it may not have heard yet what names
/// it.
pub async fn run(service: Service, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round = 0u64;
    while agree(&service).await.is_err() {
        // The cause is in the log.
        ticks.tick().await;
    }
    loop {
        ticks.tick().await;
        round += 1;
        // Before the look: what the index hears of during a look is not in it.
        let indexed = facts::indexed_slot(&service.db).await.ok();
        let slot = service.client.slot().await.ok();
        // The first look is a whole one: a reader's may have come before all rows were restored.
        let looked =
            if round % ALL_EVENTS == 1 { names::update(&service).await } else { names::refresh(&service).await };
        if looked.is_err() {
            // The cause is in the log.
            continue;
        }
        let (Some(indexed), Some(slot)) = (indexed, slot) else { continue };
        if is_behind(indexed, slot) {
            tracing::info!(indexed, slot, "no artifact is swept while the index is behind");
            continue;
        }
        match sweep(&service).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "artifacts that nothing on the chain names were removed"),
            Err(_) => continue,
        }
    }
}

/// Whether an index up to the slot `indexed` may lack what names an artifact, when the node is at `slot`.
fn is_behind(indexed: u64, slot: u64) -> bool {
    slot.saturating_sub(indexed) > BEHIND
}

/// Restores by the notes what the database has lost, and the notes that are lost by the database.
async fn agree(service: &Service) -> Result<(), Refusal> {
    owners::restore(service).await?;
    owners::complete(service).await?;
    Ok(())
}

/// Removes artifacts that nothing on the chain names and that have been kept long enough, and unfinished uploads that nobody
/// goes on with. Returns how many artifacts. Which blobs the chain names must be up to date.
pub async fn sweep(service: &Service) -> Result<usize, Refusal> {
    let limits = &service.limits;
    service.parts.sweep(limits.parts_kept, limits.parts_oldest)?;
    let mut swept = 0;
    for (n, hash) in table::due(&service.db, limits, None).await?.into_iter().enumerate() {
        if n > 0 && n.is_multiple_of(LOOK_AGAIN) {
            // It takes long, and the chain may name what is due.
            names::refresh(service).await?;
        }
        // What was not opened yet may name it.
        if service.seen.lock().await.cut {
            break;
        }
        let keeping = service.keeping.write().await;
        // Somebody may have stored it again meanwhile.
        if table::due(&service.db, limits, Some(&hash)).await?.is_empty() {
            continue;
        }
        let wallets = table::wallets(&service.db, &hash).await?;
        service.delete(&Key::Blob(hash).path()).await?;
        table::forget(&service.db, &hash).await?;
        // The notes may be many, and uploads wait for this lock. Without the blob they mean nothing.
        drop(keeping);
        owners::remove(service, &hash, &wallets).await?;
        swept += 1;
    }
    table::forget_ended(&service.db).await?;
    table::name_statements(&service.db).await?;
    for key in table::due_statements(&service.db, limits, None).await? {
        // A report that was not opened yet may pay by it.
        if service.seen.lock().await.cut {
            break;
        }
        let _keeping = service.keeping.write().await;
        if table::due_statements(&service.db, limits, Some(&key)).await?.is_empty() {
            continue;
        }
        service.delete(&Path::from(key.as_str())).await?;
        table::forget_statement(&service.db, &key).await?;
        swept += 1;
    }
    service.metrics.sweeps.inc();
    service.metrics.swept.inc_by(swept as u64);
    Ok(swept)
}

/// Brings up to date what the chain names, and removes what it does not name for too long.
pub async fn once(service: &Service) -> Result<usize, Refusal> {
    names::update(service).await?;
    sweep(service).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_a_minute_behind_the_node_sweeps_nothing() {
        assert!(!is_behind(1_000, 1_000 + BEHIND) && !is_behind(1_000, 0));
        assert!(is_behind(1_000, 1_001 + BEHIND) && is_behind(0, u64::MAX));
    }
}
