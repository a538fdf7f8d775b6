//! The stored state of signing: the payload that binds this member in a sequence.

use openledger_database::Row;
use openledger_protocol::Hash32;

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
    /// Whether `next` may be signed after this payload, which was the first for its sequence. It may if it has the same
    /// core: the chain accepts one payload for a sequence, and the two do the same.
    ///
    /// Any other may be signed once the first can no longer be used, because its last slot is finalized history. Somebody
    /// can have a member sign what too few others ever sign. If that bound the member for ever, or again and again, one
    /// liar could bind members to different payloads and so stop a sequence for ever.
    pub fn gives_way_to(&self, next: &SignedSubject, finalized_slot: Option<u64>) -> bool {
        self.core == next.core || self.is_over(finalized_slot)
    }

    /// Whether this payload can no longer be used for certain.
    pub fn is_over(&self, finalized_slot: Option<u64>) -> bool {
        finalized_slot.is_some_and(|slot| slot > self.expiry_slot)
    }
}

const SIGNED: &str = "SELECT epoch, core, payload, expiry_slot FROM signed_subjects
                      WHERE cluster = $1 AND kind = $2 AND subject = $3 AND sequence = $4";

impl Store {
    /// The payload that was signed first for the subject and sequence of `of`, if any.
    pub(crate) async fn signed_subject(&self, of: &SignedSubject) -> Result<Option<SignedSubject>> {
        let sequence = signed(of.sequence, "sequence")?;
        let row =
            self.db.query_opt(SIGNED, &[&&of.cluster[..], &i32::from(of.kind), &&of.subject[..], &sequence]).await?;
        row.map(|r| signed_row(of, &r)).transpose()
    }

    /// Lets this member sign `next`. The inner error is the payload that prevents it.
    ///
    /// The first payload of a sequence is stored, and nothing changes it. So a member is bound once in a sequence, and no
    /// later signature makes that longer: neither the same core with a later expiry, nor another core afterwards.
    ///
    /// # Security
    ///
    /// It is committed when this returns. Send a share only afterwards.
    pub(crate) async fn sign_subject(
        &self,
        next: &SignedSubject,
        finalized_slot: Option<u64>,
    ) -> Result<Result<(), Hash32>> {
        let insert = "INSERT INTO signed_subjects (cluster, kind, subject, sequence, epoch, core, payload, expiry_slot)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        let (cluster, subject) = (&next.cluster[..], &next.subject[..]);
        let (core, payload, epoch) = (&next.core[..], &next.payload[..], signed(next.epoch, "epoch")?);
        let (kind, sequence) = (i32::from(next.kind), signed(next.sequence, "sequence")?);
        // A slot beyond the range of `i64` stands for "for ever". It is stored as the last slot that fits.
        let expiry = i64::try_from(next.expiry_slot).unwrap_or(i64::MAX);
        let new =
            self.db.execute(insert, &[&cluster, &kind, &subject, &sequence, &epoch, &core, &payload, &expiry]).await?;
        if new == 0 {
            let row = self.db.query_one(SIGNED, &[&cluster, &kind, &subject, &sequence]).await?;
            let first = signed_row(next, &row)?;
            if !first.gives_way_to(next, finalized_slot) {
                return Ok(Err(first.payload));
            }
        }
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
