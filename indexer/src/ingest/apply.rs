//! Writes a Solana transaction with its events and leaves in one SQL transaction.

use super::{EventRow, LeafRows, TransactionRecord};
use crate::db::{Database, DbError};
use deadpool_postgres::Transaction;
use std::collections::HashSet;

/// Key of the advisory lock that every writer of events takes. It makes event ids become visible in ascending order.
const WRITER_LOCK: i64 = 0x6f70_656e_6964_7801;

/// Removes a transaction that is not final, together with its events and leaves.
const ROLL_BACK: &str = "
    WITH gone AS (DELETE FROM transaction WHERE signature = $1 AND NOT finalized RETURNING signature, slot)
    INSERT INTO rollback (signature, slot) SELECT signature, slot FROM gone";

/// The result of storing a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction was new. The number is that of its events.
    Stored(usize),
    /// The transaction was stored before, and nothing changed.
    Known,
}

/// Why a transaction was not stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another transaction holds the same event number. The cluster must have dropped one of the two.
    #[error("event {sequence} of {subject} is already there from transaction {stored}")]
    Conflict {
        /// The subject account.
        subject: String,
        /// The event number.
        sequence: u64,
        /// Signature of the transaction that holds it.
        stored: String,
    },
}

impl From<tokio_postgres::Error> for IngestError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Stores `record` unless it is stored already. Either all of it is stored or nothing. Another call with the same
/// record changes nothing, and the order of calls does not matter.
pub async fn ingest(db: &Database, record: &TransactionRecord) -> Result<Outcome, IngestError> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&WRITER_LOCK]).await?;
    let outcome = store(&tx, record).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Stores `record` in place of the same transaction as an earlier fork executed it. Both steps are one SQL transaction,
/// so that a kill leaves either the old rows or the new ones.
pub async fn replace(db: &Database, record: &TransactionRecord) -> Result<Outcome, IngestError> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&WRITER_LOCK]).await?;
    tx.execute(ROLL_BACK, &[&record.signature]).await?;
    let outcome = store(&tx, record).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn store(tx: &Transaction<'_>, record: &TransactionRecord) -> Result<Outcome, IngestError> {
    let inserted = tx
        .execute(
            "INSERT INTO transaction (signature, slot, place, block_time, failed) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
            &[
                &record.signature,
                &(record.slot as i64),
                &record.place.map(|p| p as i32),
                &record.block_time,
                &record.failed,
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(Outcome::Known);
    }
    let insert = tx
        .prepare_cached(
            "INSERT INTO event (signature, place, program, kind, subject, sequence, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, sequence) DO NOTHING",
        )
        .await?;
    for (place, event) in record.events.iter().enumerate() {
        let (place, row) = (place as i32, EventRow::from(event));
        let stored = tx
            .execute(
                &insert,
                &[&record.signature, &place, &row.program, &row.kind, &row.subject, &row.sequence, &row.data],
            )
            .await?;
        if stored == 0 {
            let held = tx
                .query_one(
                    "SELECT signature FROM event WHERE subject = $1 AND sequence = $2",
                    &[&row.subject, &row.sequence],
                )
                .await?;
            return Err(IngestError::Conflict {
                subject: row.subject,
                sequence: event.sequence(),
                stored: held.get(0),
            });
        }
        if let Some(leaves) = LeafRows::of(event) {
            tx.execute(
                "INSERT INTO leaf (batch, position, hash, signature)
                 SELECT $1, $2 + place - 1, hash, $4 FROM unnest($3::bytea[]) WITH ORDINALITY u (hash, place)",
                &[&leaves.batch, &leaves.first, &leaves.hashes, &record.signature],
            )
            .await?;
        }
    }
    Ok(Outcome::Stored(record.events.len()))
}

/// Returns those of `signatures` that are stored.
pub async fn known(db: &Database, signatures: &[String]) -> Result<HashSet<String>, DbError> {
    let rows =
        db.client().await?.query("SELECT signature FROM transaction WHERE signature = ANY($1)", &[&signatures]).await?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}

/// Removes a transaction that the cluster dropped, together with its events and leaves. A final transaction stays.
/// Returns whether one was removed.
pub async fn roll_back(db: &Database, signature: &str) -> Result<bool, DbError> {
    let n = db.execute(ROLL_BACK, &[&signature]).await?;
    Ok(n > 0)
}
