//! How far the index holds the ledger without holes, and which cluster it belongs to.

use crate::db::{Database, DbError, Row};
use serde::Deserialize;

/// A program's transaction up to which, inclusive, all of its transactions are indexed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Checkpoint {
    /// Base58 signature.
    pub signature: String,
    /// Its slot.
    pub slot: u64,
}

/// Returns the checkpoint of `program`, or `None` if none was ever set.
pub async fn load(db: &Database, program: &str) -> Result<Option<Checkpoint>, DbError> {
    db.row("SELECT signature, slot FROM checkpoint WHERE program = $1", &[&program]).await
}

/// Moves the checkpoint of `program` forward. It never moves back, so that two indexers can share one database.
pub async fn advance(db: &Database, program: &str, to: &Checkpoint) -> Result<(), DbError> {
    let slot = to.slot as i64;
    db.execute(
        "INSERT INTO checkpoint (program, signature, slot) VALUES ($1, $2, $3)
         ON CONFLICT (program) DO UPDATE SET signature = excluded.signature, slot = excluded.slot
         WHERE checkpoint.slot <= excluded.slot",
        &[&program, &to.signature, &slot],
    )
    .await?;
    Ok(())
}

/// What has happened to the index. Two are equal if and only if nothing was stored, rolled back or confirmed between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    newest: i64,
    events: i64,
    provisional: i64,
}

/// Records that every event up to `slot` is in the database. Returns what has happened to it, whoever did it.
pub async fn complete(db: &Database, slot: u64) -> Result<State, DbError> {
    let sql = "UPDATE chain SET indexed_slot = greatest(indexed_slot, $1)
               RETURNING coalesce((SELECT max(id) FROM event), 0),
                   coalesce((SELECT events FROM tally WHERE kind = 'event' AND key = ''), 0),
                   coalesce((SELECT provisional FROM tally WHERE kind = 'event' AND key = ''), 0)";
    let row = db.query_opt(sql, &[&(slot as i64)]).await?;
    let state = |row: Row| State { newest: row.get(0), events: row.get(1), provisional: row.get(2) };
    Ok(row.map(state).unwrap_or_default())
}

/// Binds the database to the cluster with hash `genesis`, unless it is bound already. Returns the genesis hash that it
/// is bound to. The caller must refuse a hash other than `genesis`.
pub async fn bind_cluster(db: &Database, genesis: &str) -> Result<String, DbError> {
    db.execute("INSERT INTO chain (genesis) VALUES ($1) ON CONFLICT DO NOTHING", &[&genesis]).await?;
    let row = db.query_one("SELECT genesis FROM chain", &[]).await?;
    Ok(row.get(0))
}
