//! Transactions and events that could not be read or stored, and when they are read again.

use super::{
    record::Unread,
    writer::{ROLL_BACK, begin},
};
use crate::db::{Database, DbError, Transaction};
use openledger_sdk::{api::schema::Signature, printable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The place that stands for a whole transaction.
pub(super) const WHOLE: i32 = -1;

/// Has what is set aside wait twice as long as before, up to an hour.
const LATER: &str = "tries = quarantine.tries + 1,
    next_try = now() + least(2 ^ least(quarantine.tries + 1, 12), 3600) * interval '1 second'";

/// Sets aside one thing, or again.
fn put() -> String {
    format!(
        "INSERT INTO quarantine (signature, place, reason) VALUES ($1, $2, $3)
         ON CONFLICT (signature, place) DO UPDATE SET reason = excluded.reason, {LATER}"
    )
}

/// A transaction or an event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quarantined {
    /// The transaction.
    #[schema(value_type = Signature)]
    pub signature: String,
    /// Its slot.
    pub slot: u64,
    /// The event's place in its transaction. It is absent if the whole transaction was set aside.
    pub ordinal: Option<u32>,
    /// Why.
    pub reason: String,
    /// How often it was read.
    pub tries: u32,
    /// Unix time in seconds at which it was set aside.
    pub since: i64,
}

/// A transaction that is to be read again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Due {
    /// The transaction.
    pub signature: String,
    /// Its slot.
    pub slot: u64,
}

/// Sets a whole transaction aside. Whatever is stored of it is removed, unless it is final. Returns whether it is set
/// aside: a final transaction stays as it is.
pub async fn set_aside(db: &Database, signature: &str, slot: u64, reason: &str) -> Result<bool, DbError> {
    let tx = begin(db).await?;
    // If it waits already, its row stays, so that the number of tries is kept.
    let waits = tx.query("SELECT 1 FROM quarantine WHERE signature = $1 AND place = $2", &[&signature, &WHOLE]).await?;
    if waits.is_empty() {
        tx.execute(ROLL_BACK, &[&signature]).await?;
        let inserted = tx
            .execute(
                "INSERT INTO transaction (signature, slot, failed) VALUES ($1, $2, false) ON CONFLICT DO NOTHING",
                &[&signature, &(slot as i64)],
            )
            .await?;
        if inserted == 0 {
            return Ok(false);
        }
    }
    tx.execute(&put(), &[&signature, &WHOLE, &printable(reason)]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Makes `refused` all that is set aside of a transaction.
pub(super) async fn keep(tx: &Transaction, signature: &str, refused: &[Unread]) -> Result<(), DbError> {
    let places: Vec<i32> = refused.iter().map(|r| r.place).collect();
    tx.execute("DELETE FROM quarantine WHERE signature = $1 AND place <> ALL($2)", &[&signature, &places]).await?;
    for one in refused {
        tx.execute(&put(), &[&signature, &one.place, &printable(&one.reason)]).await?;
    }
    Ok(())
}

/// Has what is set aside of a transaction wait longer, because it could not be read again just now.
pub async fn postpone(db: &Database, signature: &str) -> Result<(), DbError> {
    db.execute(&format!("UPDATE quarantine SET {LATER} WHERE signature = $1"), &[&signature]).await?;
    Ok(())
}

/// Returns transactions that are to be read again now, at most `limit`, those first that have waited longest.
pub async fn due(db: &Database, limit: i64) -> Result<Vec<Due>, DbError> {
    db.rows(
        "SELECT signature, slot FROM (
             SELECT signature, min(next_try) AS next_try FROM quarantine WHERE next_try <= now() GROUP BY signature
             ORDER BY min(next_try) LIMIT $1
         ) q JOIN transaction USING (signature) ORDER BY next_try",
        &[&limit],
    )
    .await
}

/// Returns how many things are set aside.
pub async fn number(db: &Database) -> Result<u64, DbError> {
    #[derive(Deserialize)]
    struct Row {
        number: u64,
    }
    let row: Option<Row> = db.row("SELECT count(*) AS number FROM quarantine", &[]).await?;
    Ok(row.map_or(0, |row| row.number))
}

/// Returns what was set aside last, at most `limit` things, newest first.
pub async fn newest(db: &Database, limit: i64) -> Result<Vec<Quarantined>, DbError> {
    db.rows(
        "SELECT signature, slot, CASE WHEN q.place >= 0 THEN q.place END AS ordinal, reason, tries,
                extract(epoch FROM since)::bigint AS since
         FROM quarantine q JOIN transaction USING (signature)
         ORDER BY q.since DESC, signature, q.place LIMIT $1",
        &[&limit],
    )
    .await
}
