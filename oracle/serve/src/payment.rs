//! Checks on chain that a request was paid for.

use crate::error::ServeError;
use openledger_protocol::Hash32;
use openledger_sdk::{Event, client::Client, events};
use payout::events::Paid;
use solana_pubkey::Pubkey;
use std::time::Duration;

/// How long to wait for a payment to become visible that the client already sees.
const PATIENCE: Duration = Duration::from_secs(10);

/// Finds the payment in transaction `signature` for `request`. Fails unless it pays at least `amount` base units for
/// `model` to `operator`.
pub async fn find(
    client: &Client,
    signature: &str,
    request: &Hash32,
    model: &Pubkey,
    operator: &Pubkey,
    amount: u64,
) -> Result<Paid, ServeError> {
    let signature =
        signature.parse().map_err(|_| ServeError::Payment(format!("{signature:?} is not a transaction signature")))?;
    let transaction = client
        .transaction(&signature, PATIENCE)
        .await
        .map_err(|e| ServeError::Payment(format!("transaction {signature} was not found: {e}")))?;
    let records = events::decode(&transaction).map_err(|e| ServeError::Internal(e.into()))?;
    let paid = records.into_iter().find_map(|r| match r.event {
        Event::Paid(paid) if paid.request == *request => Some(paid),
        _ => None,
    });
    let paid = paid.ok_or_else(|| {
        ServeError::Payment(format!("transaction {signature} pays nothing for request {}", hex::encode(request)))
    })?;
    if paid.model != *model {
        return Err(ServeError::Payment(format!("it pays for model {}, not {model}", paid.model)));
    }
    if paid.operator != *operator {
        return Err(ServeError::Payment(format!("it pays operator {}, not {operator}", paid.operator)));
    }
    if paid.amount < amount {
        return Err(ServeError::Payment(format!("it pays {}, the answer costs {amount}", paid.amount)));
    }
    Ok(paid)
}
