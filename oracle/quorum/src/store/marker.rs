//! The database's half of [`crate::marker`]: a counter that grows with everything that the member says.

use super::schema::{Store, signed};
use crate::error::Result;

impl Store {
    /// The counter. 0 if nothing was counted.
    pub(crate) async fn marker(&self) -> Result<u64> {
        let row = self.db.query_opt("SELECT counter FROM marker", &[]).await?;
        Ok(row.map_or(0, |r| r.get::<_, i64>(0) as u64))
    }

    /// Increases the counter by one and returns its new value. It is committed when this returns.
    pub(crate) async fn advance_marker(&self) -> Result<u64> {
        let sql = "INSERT INTO marker (counter) VALUES (1)
                   ON CONFLICT (one) DO UPDATE SET counter = marker.counter + 1 RETURNING counter";
        Ok(self.db.query_one(sql, &[]).await?.get::<_, i64>(0) as u64)
    }

    /// Raises the counter to `counter`, unless it is greater already.
    pub(crate) async fn raise_marker(&self, counter: u64) -> Result<()> {
        let sql = "INSERT INTO marker (counter) VALUES ($1)
                   ON CONFLICT (one) DO UPDATE SET counter = greatest(marker.counter, excluded.counter)";
        self.db.execute(sql, &[&signed(counter, "counter")?]).await?;
        Ok(())
    }
}
