//! What all writers of transactions do alike.

use crate::db::{Database, DbError, Transaction};

/// Key of the advisory lock that every writer of events takes. It makes event ids become visible in ascending order.
const WRITER_LOCK: i64 = 0x6f70_656e_6964_7801;

/// Removes a transaction that is not final, together with its events and leaves.
pub(super) const ROLL_BACK: &str = "
    WITH gone AS (DELETE FROM transaction WHERE signature = $1 AND NOT finalized RETURNING signature, slot)
    INSERT INTO rollback (signature, slot) SELECT signature, slot FROM gone";

/// Begins the SQL transaction of a writer.
pub(super) async fn begin(db: &Database) -> Result<Transaction, DbError> {
    // A session keeps the plans of triggers and foreign keys. What it plans while the tables are small, reading them from
    // beginning to end, would be slow when they are large: a writer only ever looks up what has an index.
    // The server ends a writer that is gone without a word, so that its lock does not stop all others.
    db.begin_with(&format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL idle_in_transaction_session_timeout = '60s'; \
         SELECT pg_advisory_xact_lock({WRITER_LOCK})"
    ))
    .await
}
