//! The stored state of observing: own observations, what was heard of the others', and published agreements.

use std::time::Duration;

use openledger_database::Row;
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
    /// The subject, bound to the context ([`crate::observe::bound_subject`]).
    pub subject: Hash32,
    /// The subject's sequence number.
    pub sequence: u64,
}

/// Kinds of things that a member hears of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub(crate) enum What {
    /// A member's commitment.
    Commitment = 1,
    /// A member's reveal.
    Reveal = 2,
    /// A set of commitments with t seals.
    Sealed = 4,
}

impl What {
    /// Most things of this kind that are kept of one member in one observation. Two different commitments prove a lie,
    /// and a third adds nothing. Sealed sets are of no one member, and each has t members' seals.
    fn most(self) -> i64 {
        match self {
            What::Commitment | What::Reveal => 2,
            What::Sealed => 100,
        }
    }
}

/// That one thing was heard, without the thing itself, which may be large.
pub(crate) struct Mark {
    /// Whose it is.
    pub member: Hash32,
    /// Its digest: a commitment's or reveal's commitment hash, or a sealed set's digest.
    pub digest: Hash32,
    /// Time since it was stored.
    pub age: Duration,
}

/// Most things that are kept of one member at all. The oldest go first, so a member that invents subjects without end
/// pushes out only what is its own.
const OF_ONE_MEMBER: i64 = 2_000;

/// Conditions on the columns by which all tables of observing are keyed.
const KEY: &str = "cluster = $1 AND epoch = $2 AND subject = $3 AND sequence = $4";

impl Store {
    /// This member's observation as JSON text. The inner `None` is an observation whose values were swept.
    pub(crate) async fn observation(&self, key: &ObservationKey) -> Result<Option<Option<String>>> {
        let sql = format!("SELECT reveal FROM observations WHERE {KEY}");
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        let row = self.db.query_opt(&sql, &[&cluster, &epoch, &subject, &sequence]).await?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Stores this member's observation, unless there is one already or the epoch was swept. Read it back, because the
    /// stored one counts.
    pub(crate) async fn keep_observation(&self, key: &ObservationKey, context: &Hash32, reveal: &str) -> Result<()> {
        let sql = "INSERT INTO observations (cluster, epoch, subject, sequence, context, reveal)
                   SELECT $1::bytea, $2::bigint, $3::bytea, $4::bigint, $5::bytea, $6::text
                   WHERE NOT EXISTS (SELECT 1 FROM observe_swept WHERE cluster = $1 AND below > $2)
                   ON CONFLICT DO NOTHING";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        self.db.execute(sql, &[&cluster, &epoch, &subject, &sequence, &&context[..], &reveal]).await?;
        Ok(())
    }

    /// Stores a thing that was heard of `member`, unless enough of its kind is stored.
    pub(crate) async fn hear(
        &self,
        key: &ObservationKey,
        what: What,
        member: &Hash32,
        digest: &Hash32,
        body: &str,
    ) -> Result<()> {
        let sql = format!(
            "INSERT INTO observe_heard (cluster, epoch, subject, sequence, what, member, digest, body)
             SELECT $1::bytea, $2::bigint, $3::bytea, $4::bigint, $5::smallint, $6::bytea, $7::bytea, $8::text
             WHERE (SELECT count(*) FROM observe_heard WHERE {KEY} AND what = $5 AND member = $6) < {most}
             ON CONFLICT DO NOTHING",
            most = what.most()
        );
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject, member, digest) = (&key.cluster[..], &key.subject[..], &member[..], &digest[..]);
        let heard = self
            .db
            .execute(&sql, &[&cluster, &epoch, &subject, &sequence, &(what as i16), &member, &digest, &body])
            .await?;
        if heard > 0 {
            let oldest = format!(
                "DELETE FROM observe_heard WHERE member = $1 AND heard_at < (
                     SELECT heard_at FROM observe_heard WHERE member = $1
                     ORDER BY heard_at DESC OFFSET {OF_ONE_MEMBER} LIMIT 1)"
            );
            self.db.execute(&oldest, &[&member]).await?;
        }
        Ok(())
    }

    /// What was heard of one kind in an observation, in the order in which it was stored.
    pub(crate) async fn marks(&self, key: &ObservationKey, what: What) -> Result<Vec<Mark>> {
        self.heard_rows(key, what, "").await?.iter().map(mark).collect()
    }

    /// As [`Self::marks`], and the things themselves as JSON text.
    pub(crate) async fn heard(&self, key: &ObservationKey, what: What) -> Result<Vec<(Mark, String)>> {
        self.heard_rows(key, what, ", body").await?.iter().map(|row| Ok((mark(row)?, row.get(3)))).collect()
    }

    async fn heard_rows(&self, key: &ObservationKey, what: What, more: &str) -> Result<Vec<Row>> {
        let sql = format!(
            "SELECT member, digest, extract(epoch FROM clock_timestamp() - heard_at)::float8{more}
             FROM observe_heard WHERE {KEY} AND what = $5 ORDER BY heard_at, digest"
        );
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        Ok(self.db.query(&sql, &[&cluster, &epoch, &subject, &sequence, &(what as i16)]).await?)
    }

    /// Stores a checked, published set under its root.
    pub(crate) async fn keep_agreement(&self, key: &ObservationKey, root: &Hash32, published: &str) -> Result<()> {
        let sql = "INSERT INTO agreements (cluster, epoch, subject, sequence, root, published)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject) = (&key.cluster[..], &key.subject[..]);
        self.db.execute(sql, &[&cluster, &epoch, &subject, &sequence, &&root[..], &published]).await?;
        Ok(())
    }

    /// The published set that was stored first. With `root` only the set with that root.
    pub(crate) async fn agreement(&self, key: &ObservationKey, root: Option<&Hash32>) -> Result<Option<String>> {
        let sql = format!(
            "SELECT published FROM agreements WHERE {KEY} AND ($5::bytea IS NULL OR root = $5)
             ORDER BY agreed_at LIMIT 1"
        );
        let (epoch, sequence) = (signed(key.epoch, "epoch")?, signed(key.sequence, "sequence")?);
        let (cluster, subject, root) = (&key.cluster[..], &key.subject[..], root.map(|r| &r[..]));
        let row = self.db.query_opt(&sql, &[&cluster, &epoch, &subject, &sequence, &root]).await?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Deletes what is no longer needed. Returns the number of rows that were deleted or emptied.
    ///
    /// - Everything of committee epochs below `below` goes. From then on this member observes nothing there.
    /// - What was heard goes `settled` after it was stored if there is an agreement, and `kept` after it otherwise.
    /// - Agreements and the values of own observations go after `kept`. An observation's row stays, so that it is not
    ///   made again with other values.
    pub(crate) async fn sweep_observing(
        &self,
        cluster: &Hash32,
        below: u64,
        settled: Duration,
        kept: Duration,
    ) -> Result<u64> {
        let (cluster, below) = (&cluster[..], signed(below, "epoch")?);
        let (settled, kept) = (settled.as_secs_f64(), kept.as_secs_f64());
        let transaction = self.db.begin().await?;
        let floor = "INSERT INTO observe_swept (cluster, below) VALUES ($1, $2)
                     ON CONFLICT (cluster) DO UPDATE SET below = greatest(observe_swept.below, excluded.below)";
        transaction.execute(floor, &[&cluster, &below]).await?;
        let mut swept = 0;
        for table in ["observations", "observe_heard", "agreements"] {
            let old = format!("DELETE FROM {table} WHERE cluster = $1 AND epoch < $2");
            swept += transaction.execute(&old, &[&cluster, &below]).await?;
        }
        let settled_rounds = "DELETE FROM observe_heard h
             WHERE h.heard_at < clock_timestamp() - make_interval(secs => $1)
               AND EXISTS (SELECT 1 FROM agreements a WHERE (a.cluster, a.epoch, a.subject, a.sequence)
                                                          = (h.cluster, h.epoch, h.subject, h.sequence))";
        swept += transaction.execute(settled_rounds, &[&settled]).await?;
        for sql in [
            "DELETE FROM observe_heard WHERE heard_at < clock_timestamp() - make_interval(secs => $1)",
            "DELETE FROM agreements WHERE agreed_at < clock_timestamp() - make_interval(secs => $1)",
            "UPDATE observations SET reveal = NULL
             WHERE reveal IS NOT NULL AND created_at < clock_timestamp() - make_interval(secs => $1)",
        ] {
            swept += transaction.execute(sql, &[&kept]).await?;
        }
        transaction.commit().await?;
        Ok(swept)
    }
}

fn mark(row: &Row) -> Result<Mark> {
    // A database's clock that was set back makes ages negative. They count as zero.
    let age = Duration::try_from_secs_f64(row.get(2)).unwrap_or_default();
    Ok(Mark { member: array(row.get(0), "wallet")?, digest: array(row.get(1), "digest")?, age })
}
