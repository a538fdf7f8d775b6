//! Payments with the answers that they paid for.

use super::{error::Refusal, state::State};
use openledger_sdk::{
    api::types::{Final, ReceiptRow},
    store::StoreError,
};

/// Returns the payment of `request`, with its answer once the store has one that can be read.
///
/// Anyone may pay for a request that was paid for before. If there are several payments, the one that the answer names
/// is returned. If no answer names one of them, the first payment is returned.
pub async fn receipt(state: &State, request: [u8; 32]) -> Result<Final<ReceiptRow>, Refusal> {
    let name = hex::encode(request);
    // Anybody may have paid for it any number of times.
    let sql = "SELECT * FROM receipt WHERE request = $1 ORDER BY page_slot, page_row LIMIT 1";
    let first: Option<Final<ReceiptRow>> = state.db.row(sql, &[&name]).await?;
    let mut receipt = first.ok_or_else(|| Refusal::absent("payment of request", &name))?;
    let answer = match &state.store {
        None => None,
        Some(store) => match store.get_answer(&request).await {
            Ok(answer) => Some(answer),
            Err(StoreError::Missing { .. }) => None,
            // Whoever stored it must not hide the payment by it. Settlements take it for unanswered too.
            Err(error @ (StoreError::Content { .. } | StoreError::Size { .. } | StoreError::Hash { .. })) => {
                tracing::warn!(request = name, "an answer cannot be read: {error}");
                None
            }
            Err(error) => return Err(error.into()),
        },
    };
    if let Some(named) = answer.as_ref().map(|answer| &answer.payment_signature)
        && *named != receipt.row.signature
    {
        let sql = "SELECT * FROM receipt WHERE request = $1 AND signature = $2 LIMIT 1";
        receipt = state.db.row(sql, &[&name, named]).await?.unwrap_or(receipt);
    }
    receipt.row.answer = answer;
    Ok(receipt)
}
