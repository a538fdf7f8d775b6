//! The stored state of key generation: own packages, received packages, evidence, and the key share.

use openledger_protocol::Hash32;

use super::schema::{Store, array, signed};
use crate::error::Result;

/// This member's own side of an attempt at a key. The caller opens the sealed columns.
///
/// # Security
///
/// A member's polynomial follows from its round-1 and round-2 secrets. Together with the others' packages they also
/// give its key share. They are stored only sealed, and deleted as soon as the next step no longer needs them.
#[derive(Clone, Default)]
pub struct DkgSession {
    /// Committee epoch.
    pub epoch: u64,
    /// This member's signed round-1 package, as JSON.
    pub round1: String,
    /// Round-1 secret, sealed. Kept until round 2 is computed.
    pub round1_sealed: Option<Vec<u8>>,
    /// X25519 secret of this attempt, sealed. Kept until the key share is computed.
    pub transport_sealed: Option<Vec<u8>>,
    /// Round-2 secret, sealed. Kept until the key share is computed.
    pub round2_sealed: Option<Vec<u8>>,
    /// Signed, encrypted round-2 packages by recipient, as JSON.
    pub round2: Option<String>,
    /// FROST `KeyPackage`, sealed. Kept here until all members hold theirs.
    pub share_sealed: Option<Vec<u8>>,
    /// FROST `PublicKeyPackage`. Kept here until all members hold their shares.
    pub share_public: Option<Vec<u8>>,
    /// The attempt's group key, once the share is computed.
    pub group_key: Option<Hash32>,
}

/// A stored key share.
///
/// # Security
///
/// `sealed` must be sealed with the operator's key. It is never stored in the clear.
pub struct KeyShareRow {
    /// Committee epoch.
    pub epoch: u64,
    /// [`crate::Committee::id`].
    pub committee: Hash32,
    /// The committee's public key.
    pub group_key: Hash32,
    /// FROST `KeyPackage`, sealed.
    pub sealed: Vec<u8>,
    /// FROST `PublicKeyPackage`.
    pub public: Vec<u8>,
}

/// Locks an attempt's session, so that it cannot end and be finished at the same time.
const LOCK: &str = "SELECT 1 FROM dkg_sessions WHERE committee = $1 AND attempt = $2 FOR UPDATE";

impl Store {
    /// This member's session of an attempt, if there is one.
    pub(crate) async fn dkg_session(&self, committee: &Hash32, attempt: u16) -> Result<Option<DkgSession>> {
        let sql = "SELECT epoch, round1, round1_sealed, transport_sealed, round2_sealed, round2, share_sealed,
                          share_public, group_key
                   FROM dkg_sessions WHERE committee = $1 AND attempt = $2";
        let row = self.db.query_opt(sql, &[&&committee[..], &(attempt as i16)]).await?;
        row.map(|r| {
            Ok(DkgSession {
                epoch: r.get::<_, i64>(0) as u64,
                round1: r.get(1),
                round1_sealed: r.get(2),
                transport_sealed: r.get(3),
                round2_sealed: r.get(4),
                round2: r.get(5),
                share_sealed: r.get(6),
                share_public: r.get(7),
                group_key: r.get::<_, Option<Vec<u8>>>(8).map(|key| array(key, "group key")).transpose()?,
            })
        })
        .transpose()
    }

    /// Stores a new session unless there is one already. Read it back, because the stored session counts.
    pub(crate) async fn begin_dkg(&self, committee: &Hash32, attempt: u16, session: &DkgSession) -> Result<()> {
        let sql = "INSERT INTO dkg_sessions (committee, attempt, epoch, round1, round1_sealed, transport_sealed)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let epoch = signed(session.epoch, "epoch")?;
        let (r1, transport) = (&session.round1_sealed, &session.transport_sealed);
        let (committee, attempt) = (&committee[..], attempt as i16);
        self.db.execute(sql, &[&committee, &attempt, &epoch, &session.round1, r1, transport]).await?;
        Ok(())
    }

    /// Stores round 2 unless it is stored already, and deletes the round-1 secret.
    pub(crate) async fn keep_round2(
        &self,
        committee: &Hash32,
        attempt: u16,
        sealed: &[u8],
        packages: &str,
    ) -> Result<()> {
        let sql = "UPDATE dkg_sessions SET round2_sealed = $3, round2 = $4, round1_sealed = NULL
                   WHERE committee = $1 AND attempt = $2 AND round2 IS NULL AND round1_sealed IS NOT NULL";
        let (committee, attempt) = (&committee[..], attempt as i16);
        self.db.execute(sql, &[&committee, &attempt, &sealed, &packages]).await?;
        Ok(())
    }

    /// Stores the computed share in the session, and deletes the secrets that it was made from.
    pub(crate) async fn keep_share(&self, attempt: u16, row: &KeyShareRow) -> Result<()> {
        let sql = "UPDATE dkg_sessions
                   SET share_sealed = $3, share_public = $4, group_key = $5,
                       round1_sealed = NULL, round2_sealed = NULL, transport_sealed = NULL
                   WHERE committee = $1 AND attempt = $2 AND round2_sealed IS NOT NULL";
        let (committee, attempt, group_key) = (&row.committee[..], attempt as i16, &row.group_key[..]);
        self.db.execute(sql, &[&committee, &attempt, &row.sealed, &row.public, &group_key]).await?;
        Ok(())
    }

    /// What `member` sent in `round`, as JSON.
    pub(crate) async fn received(
        &self,
        committee: &Hash32,
        attempt: u16,
        member: &Hash32,
        round: i16,
    ) -> Result<Option<String>> {
        let sql = "SELECT body FROM dkg_received
                   WHERE committee = $1 AND attempt = $2 AND member = $3 AND round = $4";
        let (committee, member) = (&committee[..], &member[..]);
        let row = self.db.query_opt(sql, &[&committee, &(attempt as i16), &member, &round]).await?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Stores what `member` sent in `round`. The first that is stored stays. Verify it first: it stays for ever.
    pub(crate) async fn receive(
        &self,
        committee: &Hash32,
        attempt: u16,
        member: &Hash32,
        round: i16,
        body: &str,
    ) -> Result<()> {
        let sql = "INSERT INTO dkg_received (committee, attempt, member, round, body) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT DO NOTHING";
        let (committee, attempt, member) = (&committee[..], attempt as i16, &member[..]);
        self.db.execute(sql, &[&committee, &attempt, &member, &round, &body]).await?;
        Ok(())
    }

    /// The evidence that ended each attempt so far, in order of the attempts, as JSON.
    pub(crate) async fn dkg_evidence(&self, committee: &Hash32) -> Result<Vec<String>> {
        let sql = "SELECT body FROM dkg_evidence WHERE committee = $1 ORDER BY attempt";
        let rows = self.db.query(sql, &[&&committee[..]]).await?;
        Ok(rows.into_iter().map(|r| r.get(0)).collect())
    }

    /// Stores the evidence that ends an attempt, and deletes this member's secrets of it. The first evidence stays.
    /// `false` if the key share is stored already: then the attempt cannot end any more.
    pub(crate) async fn end_attempt(&self, committee: &Hash32, attempt: u16, evidence: &str) -> Result<bool> {
        let transaction = self.db.begin().await?;
        let (committee, attempt) = (&committee[..], attempt as i16);
        transaction.query_opt(LOCK, &[&committee, &attempt]).await?;
        let has_key = "SELECT 1 FROM key_shares WHERE committee = $1";
        if transaction.query_opt(has_key, &[&committee]).await?.is_some() {
            return Ok(false);
        }
        let insert = "INSERT INTO dkg_evidence (committee, attempt, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        transaction.execute(insert, &[&committee, &attempt, &evidence]).await?;
        let forget = "UPDATE dkg_sessions
                      SET round1_sealed = NULL, round2_sealed = NULL, transport_sealed = NULL, share_sealed = NULL,
                          share_public = NULL, group_key = NULL
                      WHERE committee = $1 AND attempt = $2";
        transaction.execute(forget, &[&committee, &attempt]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The key share of a committee, if there is one.
    pub(crate) async fn key_share(&self, committee: &Hash32) -> Result<Option<KeyShareRow>> {
        let sql = "SELECT epoch, group_key, sealed, public FROM key_shares WHERE committee = $1";
        let row = self.db.query_opt(sql, &[&&committee[..]]).await?;
        row.map(|r| {
            Ok(KeyShareRow {
                epoch: r.get::<_, i64>(0) as u64,
                committee: *committee,
                group_key: array(r.get(1), "group key")?,
                sealed: r.get(2),
                public: r.get(3),
            })
        })
        .transpose()
    }

    /// Moves the key share of an attempt to where signing finds it, and deletes every secret of the key generation, in
    /// one transaction. Does nothing if the attempt was ended or the share is not there.
    pub(crate) async fn finish_dkg(&self, committee: &Hash32, attempt: u16) -> Result<()> {
        let transaction = self.db.begin().await?;
        let (committee, attempt) = (&committee[..], attempt as i16);
        transaction.query_opt(LOCK, &[&committee, &attempt]).await?;
        let insert = "INSERT INTO key_shares (committee, epoch, group_key, sealed, public)
                      SELECT committee, epoch, group_key, share_sealed, share_public FROM dkg_sessions s
                      WHERE committee = $1 AND attempt = $2 AND share_sealed IS NOT NULL
                        AND NOT EXISTS (SELECT 1 FROM dkg_evidence e
                                        WHERE e.committee = s.committee AND e.attempt = s.attempt)
                      ON CONFLICT DO NOTHING";
        if transaction.execute(insert, &[&committee, &attempt]).await? == 1 {
            let forget = "UPDATE dkg_sessions
                          SET round1_sealed = NULL, round2_sealed = NULL, transport_sealed = NULL,
                              share_sealed = NULL, share_public = NULL
                          WHERE committee = $1";
            transaction.execute(forget, &[&committee]).await?;
        }
        Ok(transaction.commit().await?)
    }
}
