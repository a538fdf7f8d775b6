//! What is stored of a transaction, apart from how it was fetched.

use openledger_interface::events::Event;
use openledger_sdk::events::{EventError, decode};
use serde_json::Value;
use solana_transaction_status_client_types::EncodedConfirmedTransactionWithStatusMeta;

/// A transaction that named one of the programs.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionRecord {
    /// Base58 signature.
    pub signature: String,
    /// Slot of its block.
    pub slot: u64,
    /// Its place in the block, where the node knows it.
    pub place: Option<u32>,
    /// Unix seconds of its block, where the node knows them.
    pub block_time: Option<i64>,
    /// Whether it failed: then it has no events.
    pub failed: bool,
    /// Its events in the order of emission.
    pub events: Vec<Event>,
}

impl TransactionRecord {
    /// Reads what `getTransaction` (base64) answered for `signature`. Failure is taken from the metadata: that is right
    /// even on nodes whose notifications are not.
    pub fn read(signature: &str, tx: &EncodedConfirmedTransactionWithStatusMeta) -> Result<Self, EventError> {
        let events = decode(tx)?;
        Ok(Self {
            signature: signature.to_owned(),
            slot: tx.slot,
            place: tx.transaction_index,
            block_time: tx.block_time,
            failed: tx.transaction.meta.as_ref().is_some_and(|m| m.err.is_some()),
            events: events.into_iter().map(|e| e.event).collect(),
        })
    }
}

/// An event as a row.
pub struct EventRow {
    /// Name of the program.
    pub program: &'static str,
    /// Name of the event.
    pub kind: &'static str,
    /// Base58 address of the account whose event numbers it counts in.
    pub subject: String,
    /// Its number there, from 0.
    pub sequence: i64,
    /// Its fields, without leaf hashes: those have rows of their own.
    pub data: Value,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        let mut data = event.to_json();
        if let (Event::Contributed(_), Some(fields)) = (event, data.as_object_mut()) {
            fields.remove("leaves");
        }
        Self {
            program: event.program().name(),
            kind: event.name(),
            subject: event.subject().to_string(),
            sequence: event.sequence() as i64,
            data,
        }
    }
}

/// Leaves that one `contribute` instruction added to a batch, as rows.
pub struct LeafRows<'a> {
    /// Base58 address of the batch.
    pub batch: String,
    /// Place of the first in the batch.
    pub first: i64,
    /// The leaf hashes.
    pub hashes: Vec<&'a [u8]>,
}

impl<'a> LeafRows<'a> {
    /// The leaves of `event`, if it has any.
    pub fn of(event: &'a Event) -> Option<Self> {
        let Event::Contributed(c) = event else { return None };
        Some(Self {
            batch: c.batch.to_string(),
            first: c.first as i64,
            hashes: c.leaves.iter().map(|l| l.as_slice()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_interface::events::Contributed;

    #[test]
    fn leaf_hashes_are_stored_once_and_not_in_the_event() {
        let batch = anchor_lang::prelude::Pubkey::new_from_array([1; 32]);
        let event = Event::Contributed(Contributed { batch, sequence: 2, first: 7, count: 1, leaves: vec![[9; 32]] });
        let row = EventRow::from(&event);
        assert_eq!((row.program, row.kind, row.sequence), ("datanet", "Contributed", 2));
        assert_eq!(row.data["first"], "7");
        assert!(row.data.get("leaves").is_none());
        let leaves = LeafRows::of(&event).expect("leaves");
        assert_eq!((leaves.first, leaves.hashes), (7, vec![&[9u8; 32][..]]));
    }
}
