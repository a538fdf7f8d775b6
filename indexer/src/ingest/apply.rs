//! Writes a Solana transaction with its events and leaves in one SQL transaction.

use super::{
    error::IngestError,
    quarantine::{self, WHOLE},
    record::{EventRow, LeafRows, TransactionRecord, Unread},
    writer::{ROLL_BACK, begin},
};
use crate::db::{Database, DbError, Transaction};
use openledger_interface::events::Event;
use serde::Deserialize;
use std::collections::HashMap;

/// The result of storing a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction was new, or some of it was set aside before. The number is that of the events stored now.
    Stored(usize),
    /// The transaction was stored before, in another slot or with another outcome, and its rows were replaced. The number
    /// is that of its events now.
    Replaced(usize),
    /// The transaction was stored before, and nothing changed.
    Known,
    /// The transaction cannot be read or stored now. It is in quarantine.
    SetAside,
}

/// What is stored of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Held {
    /// Its slot.
    pub slot: u64,
    /// Whether it is final.
    pub finalized: bool,
}

/// Stores `record` unless it is stored already. Another call with the same record changes nothing, and the order of calls
/// does not matter. It is one SQL transaction, so that a kill leaves either the former rows or the new ones.
///
/// If the transaction is stored as an earlier fork executed it, in another slot or with another outcome, its rows are
/// replaced, unless they are final. An event that the database refuses is set aside, and the others are stored.
pub async fn ingest(db: &Database, record: &TransactionRecord) -> Result<Outcome, IngestError> {
    let tx = begin(db).await?;
    let outcome = store(&tx, record).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn store(tx: &Transaction, record: &TransactionRecord) -> Result<Outcome, IngestError> {
    // The places that were set aside, where it was stored before.
    let mut again: Option<Vec<i32>> = None;
    let mut replaced = false;
    if !insert_transaction(tx, record).await? {
        let held = tx
            .query_one(
                "SELECT slot, failed, finalized,
                        ARRAY(SELECT q.place FROM quarantine q WHERE q.signature = t.signature) AS waiting
                 FROM transaction t WHERE signature = $1",
                &[&record.signature],
            )
            .await?;
        let (slot, failed, finalized): (i64, bool, bool) = (held.get(0), held.get(1), held.get(2));
        let waiting: Vec<i32> = held.get(3);
        if waiting.contains(&WHOLE) {
            tx.execute(
                "UPDATE transaction SET slot = $2, place = $3, block_time = $4, failed = $5 WHERE signature = $1",
                &[
                    &record.signature,
                    &(record.slot as i64),
                    &record.place.map(|p| p as i32),
                    &record.block_time,
                    &record.failed,
                ],
            )
            .await?;
            again = Some(waiting);
        } else if !finalized && (slot as u64, failed) != (record.slot, record.failed) {
            tx.execute(ROLL_BACK, &[&record.signature]).await?;
            insert_transaction(tx, record).await?;
            replaced = true;
        } else if waiting.is_empty() {
            return Ok(Outcome::Known);
        } else {
            again = Some(waiting);
        }
    }
    let wanted = |place: i32| again.as_ref().is_none_or(|places| places.contains(&WHOLE) || places.contains(&place));
    let mut refused: Vec<Unread> = record.unread.iter().filter(|u| wanted(u.place)).cloned().collect();
    let mut stored = 0;
    for (place, event) in record.placed().filter(|(place, _)| wanted(*place)) {
        // What the database refuses must not take along what it does not.
        tx.run("SAVEPOINT event").await?;
        match store_event(tx, &record.signature, place, event).await {
            Ok(()) => {
                tx.run("RELEASE event").await?;
                stored += 1;
            }
            Err(IngestError::Db(error)) if error.is_about_content() => {
                tx.run("ROLLBACK TO event").await?;
                refused.push(Unread { place, reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    quarantine::keep(tx, &record.signature, &refused).await?;
    Ok(match again {
        _ if replaced => Outcome::Replaced(stored),
        Some(_) if stored == 0 && !refused.is_empty() => Outcome::SetAside,
        _ => Outcome::Stored(stored),
    })
}

/// Inserts the row of the transaction itself. Returns whether it was not there.
async fn insert_transaction(tx: &Transaction, record: &TransactionRecord) -> Result<bool, IngestError> {
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
    Ok(inserted > 0)
}

async fn store_event(tx: &Transaction, signature: &str, place: i32, event: &Event) -> Result<(), IngestError> {
    let row = EventRow::from(event);
    let stored = tx
        .execute(
            "INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
             SELECT $1, $2, $3, $4, $5, $6, $7, slot FROM transaction WHERE signature = $1
             ON CONFLICT (subject, sequence) DO NOTHING",
            &[&signature, &place, &row.program, &row.kind, &row.subject, &row.sequence, &row.data],
        )
        .await?;
    if stored == 0 {
        let held = tx
            .query_one(
                "SELECT signature FROM event WHERE subject = $1 AND sequence = $2",
                &[&row.subject, &row.sequence],
            )
            .await?;
        return Err(IngestError::Conflict { subject: row.subject, sequence: event.sequence(), stored: held.get(0) });
    }
    if let Some(leaves) = LeafRows::of(event) {
        tx.execute(
            "INSERT INTO leaf (batch, position, hash, signature)
             SELECT $1, $2 + place - 1, hash, $4 FROM unnest($3::bytea[]) WITH ORDINALITY u (hash, place)",
            &[&leaves.batch, &leaves.first, &leaves.hashes, &signature],
        )
        .await?;
    }
    Ok(())
}

/// Returns what is stored of `signatures`, by signature.
pub async fn known(db: &Database, signatures: &[String]) -> Result<HashMap<String, Held>, DbError> {
    #[derive(Deserialize)]
    struct Row {
        signature: String,
        #[serde(flatten)]
        held: Held,
    }
    let sql = "SELECT signature, slot, finalized FROM transaction WHERE signature = ANY($1)";
    let rows: Vec<Row> = db.rows(sql, &[&signatures]).await?;
    Ok(rows.into_iter().map(|row| (row.signature, row.held)).collect())
}

/// Marks transactions as final, each if it is still stored with that slot. Returns how many were marked.
pub async fn confirm(db: &Database, signatures: &[&str], slots: &[i64]) -> Result<u64, DbError> {
    let tx = begin(db).await?;
    let confirmed = tx
        .execute(
            "UPDATE transaction t SET finalized = true FROM unnest($1::text[], $2::bigint[]) u (signature, slot)
             WHERE t.signature = u.signature AND t.slot = u.slot AND NOT t.finalized",
            &[&signatures, &slots],
        )
        .await?;
    tx.commit().await?;
    Ok(confirmed)
}

/// Removes a transaction that the cluster dropped, together with its events and leaves. A final transaction stays.
/// Returns whether one was removed.
pub async fn roll_back(db: &Database, signature: &str) -> Result<bool, DbError> {
    let tx = begin(db).await?;
    let removed = tx.execute(ROLL_BACK, &[&signature]).await?;
    tx.commit().await?;
    Ok(removed > 0)
}
