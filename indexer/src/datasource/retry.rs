//! Reads again what was set aside.

use super::{error::SourceError, source::Source};
use crate::ingest::{self, Due, Outcome};
use futures::StreamExt;

/// Transactions in one round. What strangers make unreadable must not take all the requests.
const ROUND: i64 = 32;
/// Transactions fetched at a time.
const FETCHES: usize = 4;

/// Reads those transactions again whose time has come, and drops those that the cluster dropped. Returns how many are
/// stored now.
pub async fn retry(source: &Source) -> Result<u64, SourceError> {
    let due = ingest::due(&source.db, ROUND).await?;
    let mut tried = futures::stream::iter(due)
        .map(|due| async move {
            let result = again(source, &due).await;
            // What the node cannot be asked about must not stand before the others for ever.
            if result.as_ref().is_err_and(SourceError::is_about_one_thing) {
                ingest::postpone(&source.db, &due.signature).await?;
            }
            result
        })
        .buffered(FETCHES);
    let (mut stored, mut failure) = (0, None);
    while let Some(result) = tried.next().await {
        match result {
            Ok(Outcome::Stored(_) | Outcome::Replaced(_)) => stored += 1,
            Ok(Outcome::Known | Outcome::SetAside) => {}
            Err(error) => _ = failure.get_or_insert(error),
        }
    }
    source.metrics.quarantined.set(ingest::number(&source.db).await? as i64);
    failure.map_or(Ok(stored), Err)
}

async fn again(source: &Source, due: &Due) -> Result<Outcome, SourceError> {
    if source.drop_if_gone(&due.signature, due.slot).await? {
        return Ok(Outcome::SetAside);
    }
    source.take(&due.signature, due.slot, true).await
}
