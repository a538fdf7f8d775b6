//! Marks confirmed transactions as finalised, or rolls them back.

use crate::{
    datasource::{Source, SourceError},
    ingest,
};
use serde::Deserialize;
use solana_commitment_config::CommitmentConfig;
use solana_signature::Signature;

/// Statuses in one request. Nodes return no more.
const PAGE: i64 = 256;

/// A stored transaction that is not final yet.
#[derive(Deserialize)]
struct Pending {
    signature: String,
    slot: u64,
    failed: bool,
}

/// Asks the node about every stored transaction that is not final, up to the cluster's newest finalised slot. A
/// finalised transaction is marked as such. A dropped one is rolled back. One whose outcome has changed is fetched
/// again. Returns how many were finalised.
pub async fn finalise(source: &Source) -> Result<u64, SourceError> {
    let (rpc, db) = (source.client.rpc(), &source.db);
    let finalized = rpc.get_slot_with_commitment(CommitmentConfig::finalized()).await?;
    db.execute("UPDATE chain SET finalized_slot = greatest(finalized_slot, $1)", &[&(finalized as i64)]).await?;
    source.metrics.finalized_slot.set(finalized as i64);
    let (mut done, mut after) = (0, (0i64, String::new()));
    loop {
        let pending: Vec<Pending> = db
            .rows(
                "SELECT signature, slot, failed FROM transaction
                 WHERE NOT finalized AND slot <= $1 AND (slot, signature) > ($2, $3) ORDER BY slot, signature LIMIT $4",
                &[&(finalized as i64), &after.0, &after.1, &PAGE],
            )
            .await?;
        let Some(last) = pending.last() else { return Ok(done) };
        after = (last.slot as i64, last.signature.clone());
        let signatures: Vec<Signature> = pending
            .iter()
            .map(|p| p.signature.parse().map_err(|_| SourceError::Signature(p.signature.clone())))
            .collect::<Result<_, _>>()?;
        let statuses = rpc.get_signature_statuses_with_history(&signatures).await?.value;
        for (row, status) in pending.iter().zip(statuses) {
            match status {
                Some(s) if s.err.is_some() != row.failed => {
                    source.retake(&row.signature).await?;
                }
                Some(s) if s.satisfies_commitment(CommitmentConfig::finalized()) => {
                    done += db
                        .execute(
                            "UPDATE transaction SET finalized = true, slot = $2 WHERE signature = $1",
                            &[&row.signature, &(s.slot as i64)],
                        )
                        .await?;
                }
                Some(_) => {}
                None => source.drop_if_gone(&row.signature, row.slot).await?,
            }
        }
        // The `finalized` flag shows in the API's views, so its change wakes those who wait for news.
        source.news.send_replace(());
    }
}

impl Source {
    /// Rolls a transaction back if the node no longer knows it. A node whose history does not reach back to `slot`
    /// proves nothing, so then nothing happens.
    async fn drop_if_gone(&self, signature: &str, slot: u64) -> Result<(), SourceError> {
        if self.client.rpc().get_first_available_block().await? > slot || !self.is_dropped(signature).await? {
            return Ok(());
        }
        tracing::warn!(signature, slot, "the cluster dropped a confirmed transaction: rolled back");
        ingest::roll_back(&self.db, signature).await?;
        self.metrics.rollbacks.inc();
        Ok(())
    }
}
