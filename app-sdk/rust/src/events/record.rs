//! Decodes a transaction into its events.

use super::{error::EventError, transaction::executed_instructions};
use openledger_interface::{
    Program,
    events::{Event, decode_instructions},
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

/// Decodes all events of a transaction, as `getTransaction` returns it with encoding base64. A failed transaction has
/// none.
pub fn decode(transaction: &EncodedConfirmedTransactionWithStatusMeta) -> Result<Vec<EventRecord>, EventError> {
    let Some((signature, instructions)) = executed_instructions(transaction)? else {
        return Ok(Vec::new());
    };
    let events = decode_instructions(&instructions)?;
    Ok(events
        .into_iter()
        .enumerate()
        .map(|(ordinal, event)| EventRecord {
            slot: transaction.slot,
            signature: signature.clone(),
            transaction_index: transaction.transaction_index,
            ordinal: ordinal as u32,
            block_time: transaction.block_time,
            program: event.program(),
            event,
        })
        .collect())
}
