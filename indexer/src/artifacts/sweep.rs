//! Removes what nothing on the chain names after a while.

use super::{facts, names, owners, refusal::Refusal, service::Service, table};
use object_store::path::Path;
use openledger_sdk::store::Key;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Most slots that the index may be behind the node when something is removed: about a minute.
const BEHIND: u64 = 150;
/// Rounds after which all events are looked at again. Their numbers change when the ledger is read again.
const ALL_EVENTS: u64 = 100;
/// How long a sweep goes on before it is looked again what the chain names, which may name what is due.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
        // The first look is a whole one: a reader's may have come before all rows were restored.
        let known = look(&service, round % ALL_EVENTS == 1).await;
        if !matches!(known, Ok(true)) {
            // The cause is in the log.
            continue;
        }
        match sweep(&service).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "artifacts that nothing on the chain names were removed"),
            Err(_) => continue,
        }
    }
}

/// Whether it is known what the chain names. It was `looked` when that was found out last.
async fn is_known(service: &Service, looked: &mut Instant) -> Result<bool, Refusal> {
    if looked.elapsed() > LOOK_AGAIN {
        if !look(service, false).await? {
            return Ok(false);
        }
        *looked = Instant::now();
    }
    // What was not opened yet may name anything.
    Ok(!service.seen.lock().await.cut)
}

/// Finds out what the chain names, by all events or by the new ones. Returns whether the index has heard of all of it.
async fn look(service: &Service, all: bool) -> Result<bool, Refusal> {
    // Before the look: what the index hears of during a look is not in it.
    let indexed = facts::indexed_slot(&service.looking).await?;
    let slot = service.client.slot().await.ok();
    match all {
        true => names::update(service).await?,
        false => names::refresh(service).await?,
    }
    let Some(slot) = slot else { return Ok(false) };
    if is_behind(indexed, slot) {
        tracing::info!(indexed, slot, "no artifact is swept while the index is behind");
        return Ok(false);
    }
    Ok(true)
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
    let (mut swept, mut looked) = (0, Instant::now());
    for hash in table::due(&service.looking, limits, None).await? {
        if !is_known(service, &mut looked).await? {
            break;
        }
        let keeping = service.keeping.write().await;
        // Somebody may have stored it again meanwhile.
        if table::due(&service.looking, limits, Some(&hash)).await?.is_empty() {
            continue;
        }
        let wallets = table::wallets(&service.looking, &hash).await?;
        service.delete(&Key::Blob(hash).path()).await?;
        table::forget(&service.looking, &hash).await?;
        // The notes may be many, and uploads wait for this lock. Without the blob they mean nothing.
        drop(keeping);
        owners::remove(service, &hash, &wallets).await?;
        swept += 1;
    }
    table::forget_ended(&service.looking).await?;
    table::name_statements(&service.looking).await?;
    for key in table::due_statements(&service.looking, limits, None).await? {
        if !is_known(service, &mut looked).await? {
            break;
        }
        let _keeping = service.keeping.write().await;
        if table::due_statements(&service.looking, limits, Some(&key)).await?.is_empty() {
            continue;
        }
        service.delete(&Path::from(key.as_str())).await?;
        table::forget_statement(&service.looking, &key).await?;
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
