//! The stored state of signing: nonces, and the one payload for each sequence.

use deadpool_postgres::Transaction;
use openledger_protocol::Hash32;
use tokio_postgres::Row;

use super::schema::{Store, array, signed};
use crate::error::Result;

/// A signing session.
///
/// # Security
///
/// Anybody can compute the key share from two shares that were made with the same nonces. So nonces are stored before
/// their commitments are shown, locked while a share is made, and replaced by that share in one transaction. Do not
/// read `sealed` to sign outside of `lock_nonces` and `use_nonces`.
#[derive(Clone)]
pub struct NonceRow {
    /// [`crate::Committee::id`].
    pub committee: Hash32,
    /// Bytes of the message that the nonces were committed for.
    pub message: Vec<u8>,
    /// Public commitments to the nonces.
    pub commitments: Vec<u8>,
    /// Sealed nonces. Kept until they are used.
    pub sealed: Option<Vec<u8>>,
    /// Digest of the signing package that the nonces were used for.
    pub package: Option<Vec<u8>>,
    /// The share that was made with the nonces.
    pub share: Option<Vec<u8>>,
}

/// A payload that was signed, or is to be signed, for a subject's sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSubject {
    /// Genesis hash of the cluster.
    pub cluster: Hash32,
    /// `attest::Kind`.
    pub kind: u16,
    /// Subject.
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// Hash of the payload.
    pub payload: Hash32,
    /// Last slot in which the chain accepts the payload.
    pub expiry_slot: u64,
}

impl SignedSubject {
    /// Whether `next` may be signed after this payload. It may if it is the same payload. It also may if this payload
    /// can no longer be used, because its last slot is finalized history.
    pub fn gives_way_to(&self, next: &SignedSubject, finalized_slot: Option<u64>) -> bool {
        self.payload == next.payload || finalized_slot.is_some_and(|slot| slot > self.expiry_slot)
    }
}

const NONCES: &str = "SELECT committee, message, commitments, sealed, package, share FROM nonces
                      WHERE coordinator = $1 AND session = $2";
const SIGNED: &str = "SELECT payload, expiry_slot FROM signed_subjects
                      WHERE cluster = $1 AND kind = $2 AND subject = $3 AND sequence = $4";

impl Store {
    /// Deletes nonces that were not used, and returns how many. After a restore from a backup they may have been used
    /// all the same.
    pub(crate) async fn discard_unused_nonces(&self) -> Result<u64> {
        Ok(self.client().await?.execute("DELETE FROM nonces WHERE sealed IS NOT NULL", &[]).await?)
    }

    /// A coordinator's signing session, if there is one.
    pub(crate) async fn nonces(&self, coordinator: &Hash32, session: &str) -> Result<Option<NonceRow>> {
        self.client().await?.query_opt(NONCES, &[&&coordinator[..], &session]).await?.map(nonce_row).transpose()
    }

    /// Stores a session unless it is stored already, and returns what is stored.
    pub(crate) async fn keep_nonces(&self, coordinator: &Hash32, session: &str, row: NonceRow) -> Result<NonceRow> {
        let client = self.client().await?;
        let insert = "INSERT INTO nonces (coordinator, session, committee, message, commitments, sealed)
                      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let (coordinator, committee) = (&coordinator[..], &row.committee[..]);
        client
            .execute(insert, &[&coordinator, &session, &committee, &row.message, &row.commitments, &row.sealed])
            .await?;
        nonce_row(client.query_one(NONCES, &[&coordinator, &session]).await?)
    }

    /// The payload that was signed for the subject and sequence of `of`, if any.
    pub(crate) async fn signed_subject(&self, of: &SignedSubject) -> Result<Option<SignedSubject>> {
        let sequence = signed(of.sequence, "sequence")?;
        let row = self
            .client()
            .await?
            .query_opt(SIGNED, &[&&of.cluster[..], &i32::from(of.kind), &&of.subject[..], &sequence])
            .await?;
        row.map(|r| signed_row(of, &r)).transpose()
    }
}

/// The session. It is locked until the transaction ends, so that two requests at once cannot both use its nonces.
pub(crate) async fn lock_nonces(
    transaction: &Transaction<'_>,
    coordinator: &Hash32,
    session: &str,
) -> Result<Option<NonceRow>> {
    let sql = format!("{NONCES} FOR UPDATE");
    transaction.query_opt(&sql, &[&&coordinator[..], &session]).await?.map(nonce_row).transpose()
}

/// Replaces the nonces by the share that was made with them.
///
/// # Security
///
/// Call it in the transaction that has locked the session, and commit before the share is sent.
pub(crate) async fn use_nonces(
    transaction: &Transaction<'_>,
    coordinator: &Hash32,
    session: &str,
    package: &Hash32,
    share: &[u8],
) -> Result<()> {
    let sql = "UPDATE nonces SET sealed = NULL, package = $3, share = $4 WHERE coordinator = $1 AND session = $2";
    transaction.execute(sql, &[&&coordinator[..], &session, &&package[..], &share]).await?;
    Ok(())
}

/// Makes `next` the payload of its subject and sequence. The inner error is the payload that prevents it.
pub(crate) async fn sign_subject(
    transaction: &Transaction<'_>,
    next: &SignedSubject,
    finalized_slot: Option<u64>,
) -> Result<Result<(), Hash32>> {
    let insert = "INSERT INTO signed_subjects (cluster, kind, subject, sequence, payload, expiry_slot)
                  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let (cluster, subject, payload) = (&next.cluster[..], &next.subject[..], &next.payload[..]);
    let (kind, sequence) = (i32::from(next.kind), signed(next.sequence, "sequence")?);
    // A slot beyond the range of `i64` stands for "for ever". It is stored as the last slot that fits.
    let expiry = i64::try_from(next.expiry_slot).unwrap_or(i64::MAX);
    if transaction.execute(insert, &[&cluster, &kind, &subject, &sequence, &payload, &expiry]).await? == 1 {
        return Ok(Ok(()));
    }
    let locked = format!("{SIGNED} FOR UPDATE");
    let row = transaction.query_one(&locked, &[&cluster, &kind, &subject, &sequence]).await?;
    let before = signed_row(next, &row)?;
    if !before.gives_way_to(next, finalized_slot) {
        return Ok(Err(before.payload));
    }
    // An earlier signature over the same payload may stay valid longer than this one.
    let expiry = if before.payload == next.payload { expiry.max(row.get(1)) } else { expiry };
    let update = "UPDATE signed_subjects SET payload = $5, expiry_slot = $6, signed_at = now()
                  WHERE cluster = $1 AND kind = $2 AND subject = $3 AND sequence = $4";
    transaction.execute(update, &[&cluster, &kind, &subject, &sequence, &payload, &expiry]).await?;
    Ok(Ok(()))
}

fn signed_row(of: &SignedSubject, row: &Row) -> Result<SignedSubject> {
    let payload = array(row.get(0), "payload hash")?;
    Ok(SignedSubject { payload, expiry_slot: row.get::<_, i64>(1) as u64, ..of.clone() })
}

fn nonce_row(row: Row) -> Result<NonceRow> {
    Ok(NonceRow {
        committee: array(row.get(0), "committee")?,
        message: row.get(1),
        commitments: row.get(2),
        sealed: row.get(3),
        package: row.get(4),
        share: row.get(5),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_payload_needs_the_first_to_be_past_its_last_slot_for_certain() {
        let first = SignedSubject {
            cluster: [0; 32],
            kind: 1,
            subject: [1; 32],
            sequence: 0,
            payload: [2; 32],
            expiry_slot: 100,
        };
        let renewed = SignedSubject { expiry_slot: 200, ..first.clone() };
        let other = SignedSubject { payload: [3; 32], ..first.clone() };
        assert!(first.gives_way_to(&renewed, None));
        assert!(!first.gives_way_to(&other, None));
        assert!(!first.gives_way_to(&other, Some(100)));
        assert!(first.gives_way_to(&other, Some(101)));
    }
}
