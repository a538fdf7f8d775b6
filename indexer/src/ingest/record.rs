//! The content of a transaction that the index stores, independent of how it was fetched.

use openledger_interface::events::Event;
use openledger_sdk::{
    events::{EventError, decode_what_can_be, has_failed},
    printable,
};
use serde_json::Value;
use solana_transaction_status_client_types::EncodedConfirmedTransactionWithStatusMeta;

/// A transaction that named one of the programs.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionRecord {
    /// Base58 signature.
    pub signature: String,
    /// Slot of its block.
    pub slot: u64,
    /// Its place in the block, if the node gives it.
    pub place: Option<u32>,
    /// Unix time of its block in seconds, if the node gives it.
    pub block_time: Option<i64>,
    /// Whether it failed. A failed transaction has no events.
    pub failed: bool,
    /// Its events in the order of emission, without those that do not decode.
    pub events: Vec<Event>,
    /// Its events that do not decode, by place.
    pub unread: Vec<Unread>,
}

/// An event that was not taken over, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its place among all events of its transaction, from 0.
    pub place: i32,
    /// Why.
    pub reason: String,
}

impl TransactionRecord {
    /// Reads the answer of `getTransaction` (base64) for `signature`. Whether the transaction failed is taken from its
    /// metadata, which is right even on nodes whose notifications are wrong. Fails if the transaction cannot be read.
    pub fn read(signature: &str, tx: &EncodedConfirmedTransactionWithStatusMeta) -> Result<Self, EventError> {
        let (events, undecoded) = decode_what_can_be(tx)?;
        Ok(Self {
            signature: signature.to_owned(),
            slot: tx.slot,
            place: tx.transaction_index,
            block_time: tx.block_time,
            failed: tx.transaction.meta.as_ref().is_some_and(has_failed),
            events: events.into_iter().map(|e| e.event).collect(),
            unread: undecoded
                .into_iter()
                .map(|u| Unread { place: u.ordinal as i32, reason: u.error.to_string() })
                .collect(),
        })
    }

    /// The events, each with its place among all events of the transaction.
    pub fn placed(&self) -> impl Iterator<Item = (i32, &Event)> {
        let places = (0..).filter(|place| self.unread.iter().all(|u| u.place != *place));
        places.zip(&self.events)
    }
}

/// An event as a row.
pub struct EventRow {
    /// Name of the program.
    pub program: &'static str,
    /// Name of the event.
    pub kind: &'static str,
    /// Base58 address of the event's subject: the account that numbers the event.
    pub subject: String,
    /// The event's number at its subject, from 0.
    pub sequence: i64,
    /// Its fields without leaf hashes, which have rows of their own. Its texts are [`printable`].
    pub data: Value,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        let mut data = event.to_json();
        if let (Event::Contributed(_), Some(fields)) = (event, data.as_object_mut()) {
            fields.remove("leaves");
        }
        make_printable(&mut data);
        Self {
            program: event.program().name(),
            kind: event.name(),
            subject: event.subject().to_string(),
            sequence: event.sequence() as i64,
            data,
        }
    }
}

/// Makes every text in `value` safe to store and to show.
fn make_printable(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(safe) = printable(text) {
                *text = safe;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_printable),
        Value::Object(fields) => fields.values_mut().for_each(make_printable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Leaves that one `contribute` instruction added to a batch, as rows.
pub struct LeafRows<'a> {
    /// Base58 address of the batch.
    pub batch: String,
    /// Place of the first leaf in the batch.
    pub first: i64,
    /// The leaf hashes.
    pub hashes: Vec<&'a [u8]>,
}

impl<'a> LeafRows<'a> {
    /// Returns the leaves of `event`, or `None` if it is not a `Contributed` event.
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
    fn events_keep_their_places_beside_those_that_do_not_decode() {
        let batch = anchor_lang::prelude::Pubkey::new_from_array([1; 32]);
        let event = Event::Contributed(Contributed { batch, sequence: 0, first: 0, count: 0, leaves: vec![] });
        let unread = [0, 2].map(|place| Unread { place, reason: String::new() }).to_vec();
        let record = TransactionRecord {
            signature: String::new(),
            slot: 1,
            place: None,
            block_time: None,
            failed: false,
            events: vec![event.clone(), event],
            unread,
        };
        assert_eq!(record.placed().map(|(place, _)| place).collect::<Vec<_>>(), [1, 3]);
    }

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
