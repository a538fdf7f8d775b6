//! Decodes a transaction into its events.

use super::{error::EventError, transaction::executed_instructions};
use openledger_interface::{
    Program,
    events::{DecodeError, Event, decode_each},
};
use solana_transaction_status_client_types::EncodedConfirmedTransactionWithStatusMeta;

/// An event and its place on the ledger. `(slot, transaction_index, ordinal)` orders all events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// Slot of the transaction.
    pub slot: u64,
    /// The transaction's first signature, in Base58.
    pub signature: String,
    /// Place of the transaction in its slot, if the node gives it.
    pub transaction_index: Option<u32>,
    /// Place of the event among the transaction's events, from 0. `(signature, ordinal)` names an event.
    pub ordinal: u32,
    /// Unix time of the slot's block in seconds, if the node gives it.
    pub block_time: Option<i64>,
    /// The program that emitted it.
    pub program: Program,
    /// The event.
    pub event: Event,
}

/// An event that does not decode.
#[derive(Debug)]
pub struct Undecoded {
    /// Its place among the transaction's events, from 0.
    pub ordinal: u32,
    /// Why it does not decode.
    pub error: DecodeError,
}

/// Decodes all events of a transaction, as `getTransaction` returns it with encoding base64. A failed transaction has
/// none. Fails if one of the events does not decode.
pub fn decode(transaction: &EncodedConfirmedTransactionWithStatusMeta) -> Result<Vec<EventRecord>, EventError> {
    let (events, undecoded) = decode_what_can_be(transaction)?;
    match undecoded.into_iter().next() {
        Some(undecoded) => Err(undecoded.error.into()),
        None => Ok(events),
    }
}

/// Like [`decode`], for whoever goes on without an event that does not decode. Fails if the transaction itself cannot be
/// read.
pub fn decode_what_can_be(
    transaction: &EncodedConfirmedTransactionWithStatusMeta,
) -> Result<(Vec<EventRecord>, Vec<Undecoded>), EventError> {
    let Some((signature, instructions)) = executed_instructions(transaction)? else {
        return Ok(Default::default());
    };
    let (mut events, mut undecoded) = (Vec::new(), Vec::new());
    for (ordinal, event) in decode_each(&instructions).into_iter().enumerate() {
        let ordinal = ordinal as u32;
        match event {
            Ok(event) => events.push(EventRecord {
                slot: transaction.slot,
                signature: signature.clone(),
                transaction_index: transaction.transaction_index,
                ordinal,
                block_time: transaction.block_time,
                program: event.program(),
                event,
            }),
            Err(error) => undecoded.push(Undecoded { ordinal, error }),
        }
    }
    Ok((events, undecoded))
}
