//! Stores many transactions at once, as a backfill brings them.

use super::{
    error::IngestError,
    record::{EventRow, LeafRows, TransactionRecord},
    writer::begin,
};
use crate::db::{Database, Transaction};
use std::collections::HashSet;

/// Stores those of `records` that are new in one SQL transaction. Returns for each whether it was stored now. One that was
/// not must be stored by itself. That is so for all of them if the database does not take everything that is in them.
pub async fn ingest_new(db: &Database, records: &[&TransactionRecord]) -> Result<Vec<bool>, IngestError> {
    let none = vec![false; records.len()];
    if records.is_empty() || records.iter().any(|record| !record.unread.is_empty()) {
        return Ok(none);
    }
    let tx = begin(db).await?;
    match store(&tx, records).await {
        Ok(Some(new)) => {
            tx.commit().await?;
            Ok(records.iter().map(|record| new.contains(&record.signature)).collect())
        }
        Ok(None) => {
            tx.undo().await?;
            Ok(none)
        }
        Err(IngestError::Db(error)) if error.is_about_content() => {
            tx.undo().await?;
            Ok(none)
        }
        Err(error) => Err(error),
    }
}

/// Returns the signatures of those that were new, or `None` if an event among them is there already.
async fn store(tx: &Transaction, records: &[&TransactionRecord]) -> Result<Option<HashSet<String>>, IngestError> {
    let signatures: Vec<&str> = records.iter().map(|r| r.signature.as_str()).collect();
    let slots: Vec<i64> = records.iter().map(|r| r.slot as i64).collect();
    let places: Vec<Option<i32>> = records.iter().map(|r| r.place.map(|p| p as i32)).collect();
    let times: Vec<Option<i64>> = records.iter().map(|r| r.block_time).collect();
    let failed: Vec<bool> = records.iter().map(|r| r.failed).collect();
    let new = tx
        .query(
            "INSERT INTO transaction (signature, slot, place, block_time, failed)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::bigint[], $5::boolean[])
             ON CONFLICT DO NOTHING RETURNING signature",
            &[&signatures, &slots, &places, &times, &failed],
        )
        .await?;
    let new: HashSet<String> = new.iter().map(|row| row.get(0)).collect();
    let (mut of, mut slots, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let (mut programs, mut kinds, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sequences, mut data) = (Vec::new(), Vec::new());
    let (mut batches, mut positions, mut hashes, mut by) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for record in records.iter().filter(|record| new.contains(&record.signature)) {
        for (place, event) in record.placed() {
            let row = EventRow::from(event);
            of.push(record.signature.as_str());
            slots.push(record.slot as i64);
            places.push(place);
            programs.push(row.program);
            kinds.push(row.kind);
            subjects.push(row.subject);
            sequences.push(row.sequence);
            data.push(row.data);
            let Some(leaves) = LeafRows::of(event) else { continue };
            for (position, hash) in (leaves.first..).zip(leaves.hashes) {
                batches.push(leaves.batch.clone());
                positions.push(position);
                hashes.push(hash);
                by.push(record.signature.as_str());
            }
        }
    }
    let inserted = tx
        .execute(
            "INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
             SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                                  $7::jsonb[], $8::bigint[])
             ON CONFLICT (subject, sequence) DO NOTHING",
            &[&of, &places, &programs, &kinds, &subjects, &sequences, &data, &slots],
        )
        .await?;
    if inserted != of.len() as u64 {
        return Ok(None);
    }
    if !hashes.is_empty() {
        tx.execute(
            "INSERT INTO leaf (batch, position, hash, signature)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[])",
            &[&batches, &positions, &hashes, &by],
        )
        .await?;
    }
    Ok(Some(new))
}
