//! A second index beside the first, to take its place.

use super::{
    database::Database,
    migrate::{self, SCHEMA},
};
use openledger_database::{DbError, Transaction};

/// The schema of the second index.
const NEXT: &str = "indexer_next";

/// An empty index beside the one that is read. Dropping it without a swap leaves that one as it is.
pub struct Beside {
    db: Database,
    /// Holds the lock that keeps a second one away, and in its end makes the swap.
    lock: Transaction,
}

impl Beside {
    /// Makes the schema, in place of what an attempt that was cut off has left.
    pub async fn make(url: &str) -> Result<Self, DbError> {
        let db = Database::connect(url, NEXT).await?;
        let lock = db.begin().await?;
        lock.run("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
        // Servers before PostgreSQL 17 have no such limit.
        let unlimited = "SELECT set_config('transaction_timeout', '0', true)
                         WHERE current_setting('transaction_timeout', true) IS NOT NULL";
        lock.query(unlimited, &[]).await?;
        let free = lock.query_one("SELECT pg_try_advisory_xact_lock(hashtext($1), 1)", &[&NEXT]).await?;
        if !free.get::<_, bool>(0) {
            return Err(DbError::Busy("another `resync` of this database runs: wait until it ends"));
        }
        db.run(&format!("DROP SCHEMA IF EXISTS {NEXT} CASCADE")).await?;
        migrate::up(&db, NEXT).await?;
        Ok(Self { db, lock })
    }

    /// The new index.
    pub fn db(&self) -> &Database {
        &self.db
    }

    /// Fails if the lock is lost, because its connection has ended: somebody else may have begun anew in the same schema.
    pub async fn is_held(&self) -> Result<(), DbError> {
        match self.lock.query("SELECT 1", &[]).await {
            Ok(_) => Ok(()),
            Err(error) => Err(DbError::Unlocked(error.to_string())),
        }
    }

    /// Puts the new index in the place of the former, which is dropped. Whoever reads or writes meanwhile goes on with the
    /// new one. A role that could read the former index can read the new one.
    pub async fn swap(self) -> Result<(), DbError> {
        let tx = self.lock;
        let readers = tx
            .query(
                "SELECT DISTINCT quote_ident(r.rolname) FROM pg_namespace n, aclexplode(n.nspacl) a
                 JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname = $1 AND a.privilege_type = 'USAGE'",
                &[&SCHEMA],
            )
            .await?;
        tx.run(&format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; ALTER SCHEMA {NEXT} RENAME TO {SCHEMA}")).await?;
        for reader in readers {
            let role: String = reader.get(0);
            tx.run(&format!(
                "GRANT USAGE ON SCHEMA {SCHEMA} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}"
            ))
            .await?;
        }
        tx.commit().await
    }
}
