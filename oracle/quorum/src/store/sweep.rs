//! Forgets what committees long gone have left.

use super::schema::{Store, signed};
use crate::error::Result;

/// How many committees before the newest one keep everything. A job may outlast the committee that it began with.
const KEPT: u64 = 8;

impl Store {
    /// Forgets what was stored for committees more than [`KEPT`] before that of `newest`.
    ///
    /// Of key generation everything goes: a program accepts no signature of such a committee, so nobody needs its key,
    /// and a share that is gone cannot be stolen. What was signed stays until its last slot is finalized history,
    /// whatever its committee: before that, a second payload could become valid beside it. With an unknown finalized
    /// slot all of it stays.
    pub(crate) async fn sweep(&self, newest: u64, finalized_slot: Option<u64>) -> Result<()> {
        let first_kept = signed(newest.saturating_sub(KEPT), "epoch")?;
        let transaction = self.db.begin().await?;
        for table in ["dkg_received", "dkg_evidence"] {
            let sql =
                format!("DELETE FROM {table} WHERE committee IN (SELECT committee FROM dkg_sessions WHERE epoch < $1)");
            transaction.execute(&sql, &[&first_kept]).await?;
        }
        for table in ["dkg_sessions", "key_shares"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE epoch < $1"), &[&first_kept]).await?;
        }
        if let Some(slot) = finalized_slot {
            let slot = i64::try_from(slot).unwrap_or(i64::MAX);
            let sql = "DELETE FROM signed_subjects WHERE epoch < $1 AND expiry_slot < $2";
            transaction.execute(sql, &[&first_kept, &slot]).await?;
        }
        Ok(transaction.commit().await?)
    }
}
