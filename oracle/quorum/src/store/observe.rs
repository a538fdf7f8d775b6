//! The stored state of observing: own observations and published agreements.

use openledger_protocol::Hash32;

use super::schema::{Store, array, signed};
use crate::error::Result;

/// What an observation or an agreement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationKey {
    /// Genesis hash of the cluster.
    pub cluster: Hash32,
    /// Committee epoch.
    pub epoch: u64,
    /// Subject.
    pub subject: Hash32,
    /// The subject's sequence number.
    pub sequence: u64,
}

impl Store {
    /// This member's observation, if there is one: (context hash, reveal as JSON).
    pub(crate) async fn observation(&self, key: &ObservationKey) -> Result<Option<(Hash32, String)>> {
        let sql = "SELECT context, reveal FROM observations
                   WHERE cluster = $1 AND epoch = $2 AND subject = $3 AND sequence = $4";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let client = self.client().await?;
        let row = client.query_opt(sql, &[&&key.cluster[..], &epoch, &&key.subject[..], &sequence]).await?;
        row.map(|r| Ok((array(r.get(0), "context hash")?, r.get(1)))).transpose()
    }

    /// Stores this member's observation unless there is one already. Read it back, because the stored one counts.
    pub(crate) async fn keep_observation(&self, key: &ObservationKey, context: &Hash32, reveal: &str) -> Result<()> {
        let sql = "INSERT INTO observations (cluster, epoch, subject, sequence, context, reveal)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        self.client().await?.execute(sql, &[&cluster, &epoch, &subject, &sequence, &&context[..], &reveal]).await?;
        Ok(())
    }

    /// Stores a checked, published set under its root.
    pub(crate) async fn keep_agreement(&self, key: &ObservationKey, root: &Hash32, published: &str) -> Result<()> {
        let sql = "INSERT INTO agreements (cluster, epoch, subject, sequence, root, published)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        self.client().await?.execute(sql, &[&cluster, &epoch, &subject, &sequence, &&root[..], &published]).await?;
        Ok(())
    }

    /// Published sets, in the order in which they were stored. With `root` only the set with that root.
    pub(crate) async fn agreements(&self, key: &ObservationKey, root: Option<&Hash32>) -> Result<Vec<String>> {
        let sql = "SELECT published FROM agreements
                   WHERE cluster = $1 AND epoch = $2 AND subject = $3 AND sequence = $4
                     AND ($5::bytea IS NULL OR root = $5)
                   ORDER BY agreed_at";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject, root) = (&key.cluster[..], &key.subject[..], root.map(|r| &r[..]));
        let rows = self.client().await?.query(sql, &[&cluster, &epoch, &subject, &sequence, &root]).await?;
        Ok(rows.into_iter().map(|r| r.get(0)).collect())
    }
}
