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
    let sql = "SELECT * FROM receipt WHERE request = $1 ORDER BY page_slot, page_row";
    let mut payments: Vec<Final<ReceiptRow>> = state.db.rows(sql, &[&name]).await?;
    if payments.is_empty() {
        return Err(Refusal::absent("payment of request", &name));
    }
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
    let named = answer.as_ref().and_then(|a| payments.iter().position(|p| p.row.signature == a.payment_signature));
    let mut receipt = payments.swap_remove(named.unwrap_or(0));
    receipt.row.answer = answer;
    Ok(receipt)
}
