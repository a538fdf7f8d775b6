//! The ranges of what Datanets have accepted, from which proofs are made. A long one is read once, and again only when it has
//! changed.

use super::{
    error::Refusal,
    state::{Accepted, Mark, State},
};
use openledger_sdk::{
    proof::{AcceptedBatch, AcceptedRange},
    text,
};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// What the cache counts for a batch.
const BATCH: usize = 144;

const MARK: &str = "
    SELECT feed, (SELECT count(*) FROM rollback),
           coalesce((SELECT events FROM tally WHERE kind = 'datanet_accepted' AND key = $1), 0)
    FROM chain";

const BATCHES: &str = "
    SELECT (data ->> 'index')::bigint, data ->> 'contributor', data ->> 'root', (data ->> 'count')::bigint
    FROM event WHERE subject = $1 AND kind = 'BatchAccepted' ORDER BY (data ->> 'place')::bigint";

/// What `datanet` has accepted.
pub async fn of(state: &State, datanet: &Pubkey) -> Result<Arc<Accepted>, Refusal> {
    let (name, key) = (datanet.to_string(), datanet.to_bytes());
    // Before the batches: what is accepted meanwhile is read with the next proof.
    let row = state.db.query_one(MARK, &[&name]).await?;
    let mark = Mark { feed: row.get(0), dropped: row.get(1), accepted: row.get(2) };
    let kept = || state.accepted.get(&key).filter(|found| found.mark == mark);
    if let Some(found) = kept() {
        return Ok(found);
    }
    // Many ask at once after an acceptance. The first of them reads, and the others find what it has read.
    let _reading = state.reading.lock().await;
    if let Some(found) = kept() {
        return Ok(found);
    }
    let rows = state.db.query(BATCHES, &[&name]).await?;
    let datanet = *datanet;
    let read = move || {
        let batches = rows.iter().map(|row| {
            Ok(AcceptedBatch {
                index: row.get::<_, i64>(0) as u64,
                contributor: text::parse_key(row.get(1))?,
                root: text::parse_hash(row.get(2))?,
                count: row.get::<_, i64>(3) as u64,
            })
        });
        Ok::<_, String>(AcceptedRange::new(datanet, batches.collect::<Result<_, String>>()?))
    };
    // There may be many to hash.
    let range = tokio::task::spawn_blocking(read).await.map_err(|e| Refusal::unavailable(e.to_string()))?;
    let range = range.map_err(Refusal::unavailable)?;
    let size = range.len() * BATCH;
    Ok(state.accepted.put(key, Accepted { range, mark }, size))
}
