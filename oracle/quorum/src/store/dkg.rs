//! The stored state of key generation: own packages, received packages and the key share.

use openledger_protocol::Hash32;

use super::schema::{Store, array, signed};
use crate::error::Result;

/// This member's own side of a key generation. The caller opens the sealed columns.
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
    /// X25519 secret of this session, sealed. Kept until the key share is stored.
    pub transport_sealed: Option<Vec<u8>>,
    /// Round-2 secret, sealed. Kept until the key share is stored.
    pub round2_sealed: Option<Vec<u8>>,
    /// Encrypted round-2 packages by recipient, as JSON.
    pub round2: Option<String>,
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

impl Store {
    /// This member's session for a committee, if there is one.
    pub(crate) async fn dkg_session(&self, committee: &Hash32) -> Result<Option<DkgSession>> {
        let sql = "SELECT epoch, round1, round1_sealed, transport_sealed, round2_sealed, round2
                   FROM dkg_sessions WHERE committee = $1";
        let row = self.client().await?.query_opt(sql, &[&&committee[..]]).await?;
        Ok(row.map(|r| DkgSession {
            epoch: r.get::<_, i64>(0) as u64,
            round1: r.get(1),
            round1_sealed: r.get(2),
            transport_sealed: r.get(3),
            round2_sealed: r.get(4),
            round2: r.get(5),
        }))
    }

    /// Stores a new session unless there is one already. Read it back, because the stored session counts.
    pub(crate) async fn begin_dkg(&self, committee: &Hash32, session: &DkgSession) -> Result<()> {
        let sql = "INSERT INTO dkg_sessions (committee, epoch, round1, round1_sealed, transport_sealed)
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let epoch = signed(session.epoch, "epoch")?;
        let (r1, transport) = (&session.round1_sealed, &session.transport_sealed);
        self.client().await?.execute(sql, &[&&committee[..], &epoch, &session.round1, r1, transport]).await?;
        Ok(())
    }

    /// Stores round 2 unless it is stored already, and deletes the round-1 secret.
    pub(crate) async fn keep_round2(&self, committee: &Hash32, sealed: &[u8], packages: &str) -> Result<()> {
        let sql = "UPDATE dkg_sessions SET round2_sealed = $2, round2 = $3, round1_sealed = NULL
                   WHERE committee = $1 AND round2 IS NULL";
        self.client().await?.execute(sql, &[&&committee[..], &sealed, &packages]).await?;
        Ok(())
    }

    /// What `member` sent in `round`, as JSON.
    pub(crate) async fn received(&self, committee: &Hash32, member: &Hash32, round: i16) -> Result<Option<String>> {
        let sql = "SELECT body FROM dkg_received WHERE committee = $1 AND member = $2 AND round = $3";
        let row = self.client().await?.query_opt(sql, &[&&committee[..], &&member[..], &round]).await?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Stores what `member` sent in `round`. The first that is stored stays.
    pub(crate) async fn receive(&self, committee: &Hash32, member: &Hash32, round: i16, body: &str) -> Result<()> {
        let sql = "INSERT INTO dkg_received (committee, member, round, body) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING";
        self.client().await?.execute(sql, &[&&committee[..], &&member[..], &round, &body]).await?;
        Ok(())
    }

    /// The key share of a committee, if there is one.
    pub(crate) async fn key_share(&self, committee: &Hash32) -> Result<Option<KeyShareRow>> {
        let sql = "SELECT epoch, group_key, sealed, public FROM key_shares WHERE committee = $1";
        let row = self.client().await?.query_opt(sql, &[&&committee[..]]).await?;
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

    /// Stores the key share and deletes the secrets that it was made from, in one transaction.
    pub(crate) async fn finish_dkg(&self, row: &KeyShareRow) -> Result<()> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let insert = "INSERT INTO key_shares (committee, epoch, group_key, sealed, public) VALUES ($1, $2, $3, $4, $5)
                      ON CONFLICT DO NOTHING";
        let (committee, epoch, group_key) = (&row.committee[..], signed(row.epoch, "epoch")?, &row.group_key[..]);
        transaction.execute(insert, &[&committee, &epoch, &group_key, &row.sealed, &row.public]).await?;
        let forget = "UPDATE dkg_sessions SET round1_sealed = NULL, round2_sealed = NULL, transport_sealed = NULL
                      WHERE committee = $1";
        transaction.execute(forget, &[&committee]).await?;
        Ok(transaction.commit().await?)
    }
}
