//! The stored state of signing: the one payload for each sequence.

use openledger_protocol::Hash32;
use tokio_postgres::Row;

use super::schema::{Store, array, signed};
use crate::error::Result;

/// A payload that was signed, or is to be signed, for a subject's sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSubject {
    /// Genesis hash of the cluster.
    pub cluster: Hash32,
    /// Epoch of the committee that signs.
    pub epoch: u64,
    /// `attest::Kind`.
    pub kind: u16,
    /// Subject.
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// Hash of the payload without what may be renewed ([`crate::Approver::core`]).
    pub core: Hash32,
    /// Hash of the payload.
    pub payload: Hash32,
    /// Last slot in which the chain accepts the payload.
    pub expiry_slot: u64,
}

impl SignedSubject {
    /// Whether `next` may be signed after this payload. It may if it has the same core: the chain accepts one payload for a
    /// sequence, and the two do the same.
    ///
    /// Another core may be signed once this payload can no longer be used, because its last slot is finalized history. A
    /// coordinator can have a member sign alone what the others never sign. If that bound the member for ever, one liar
    /// could bind members to different payloads and so stop a sequence for ever.
    pub fn gives_way_to(&self, next: &SignedSubject, finalized_slot: Option<u64>) -> bool {
        let is_over = finalized_slot.is_some_and(|slot| slot > self.expiry_slot);
        self.core == next.core || is_over
    }
}

const SIGNED: &str = "SELECT epoch, core, payload, expiry_slot FROM signed_subjects
                      WHERE cluster = $1 AND kind = $2 AND subject = $3 AND sequence = $4";

impl Store {
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

    /// Makes `next` the payload of its subject and sequence. The inner error is the payload that prevents it.
    ///
    /// # Security
    ///
    /// It is committed when this returns. Send a share only afterwards.
    pub(crate) async fn sign_subject(
        &self,
        next: &SignedSubject,
        finalized_slot: Option<u64>,
    ) -> Result<Result<(), Hash32>> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let insert = "INSERT INTO signed_subjects (cluster, kind, subject, sequence, epoch, core, payload, expiry_slot)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        let (cluster, subject) = (&next.cluster[..], &next.subject[..]);
        let (core, payload, epoch) = (&next.core[..], &next.payload[..], signed(next.epoch, "epoch")?);
        let (kind, sequence) = (i32::from(next.kind), signed(next.sequence, "sequence")?);
        // A slot beyond the range of `i64` stands for "for ever". It is stored as the last slot that fits.
        let expiry = i64::try_from(next.expiry_slot).unwrap_or(i64::MAX);
        let new = transaction
            .execute(insert, &[&cluster, &kind, &subject, &sequence, &epoch, &core, &payload, &expiry])
            .await?;
        if new == 0 {
            // The row is locked until the transaction ends, so that two payloads at once cannot both replace it.
            let locked = format!("{SIGNED} FOR UPDATE");
            let row = transaction.query_one(&locked, &[&cluster, &kind, &subject, &sequence]).await?;
            let before = signed_row(next, &row)?;
            if !before.gives_way_to(next, finalized_slot) {
                return Ok(Err(before.payload));
            }
            // An earlier signature over the same core may stay valid longer than this one.
            let same = before.core == next.core;
            let expiry = if same { expiry.max(row.get("expiry_slot")) } else { expiry };
            let epoch = epoch.max(row.get("epoch"));
            let update = "UPDATE signed_subjects
                          SET epoch = $5, core = $6, payload = $7, expiry_slot = $8, signed_at = now()
                          WHERE cluster = $1 AND kind = $2 AND subject = $3 AND sequence = $4";
            transaction
                .execute(update, &[&cluster, &kind, &subject, &sequence, &epoch, &core, &payload, &expiry])
                .await?;
        }
        transaction.commit().await?;
        Ok(Ok(()))
    }
}

fn signed_row(of: &SignedSubject, row: &Row) -> Result<SignedSubject> {
    Ok(SignedSubject {
        epoch: row.get::<_, i64>("epoch") as u64,
        core: array(row.get("core"), "payload core")?,
        payload: array(row.get("payload"), "payload hash")?,
        expiry_slot: row.get::<_, i64>("expiry_slot") as u64,
        ..of.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> SignedSubject {
        SignedSubject {
            cluster: [0; 32],
            epoch: 1,
            kind: 1,
            subject: [1; 32],
            sequence: 0,
            core: [2; 32],
            payload: [3; 32],
            expiry_slot: 100,
        }
    }

    #[test]
    fn a_payload_that_differs_in_its_expiry_alone_may_be_signed_at_any_time() {
        let renewed = SignedSubject { payload: [4; 32], expiry_slot: 200, ..first() };
        for slot in [None, Some(0), Some(101)] {
            assert!(first().gives_way_to(&renewed, slot) && first().gives_way_to(&first(), slot));
        }
    }

    #[test]
    fn another_core_needs_the_first_to_be_past_its_last_slot_for_certain() {
        let other = SignedSubject { core: [5; 32], payload: [4; 32], ..first() };
        assert!(!first().gives_way_to(&other, None));
        assert!(!first().gives_way_to(&other, Some(100)));
        assert!(first().gives_way_to(&other, Some(101)));
    }
}
