//! Marks confirmed transactions as finalised, or rolls them back.

use crate::{
    datasource::{Source, SourceError},
    ingest,
};
use openledger_sdk::client::Client;
use serde::Deserialize;
use solana_client::{client_error::ClientErrorKind, rpc_request::RpcError};
use solana_commitment_config::CommitmentConfig;
use solana_signature::Signature;
use solana_transaction_status_client_types::{TransactionConfirmationStatus, TransactionStatus};

/// Statuses in one request. Nodes return no more.
const PAGE: i64 = 256;

/// A stored transaction that is not final yet.
#[derive(Deserialize)]
struct Pending {
    signature: String,
    slot: u64,
    failed: bool,
}

/// What is to be done about a stored transaction.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is final as it is stored.
    Final,
    /// It is not final yet.
    Wait,
    /// The cluster executed it in another slot or with another outcome than is stored.
    ReadAgain {
        /// The slot.
        slot: u64,
        /// Whether that is final.
        settled: bool,
    },
    /// The node does not know it.
    Gone,
}

/// Judges `row` by the node's `status` of its transaction, when the cluster has finalised the slots up to `finalized`. A
/// row is final when its transaction is, in the slot that the row names and with the outcome that the row names. Nodes
/// tell outcome and finality in two fields each, and both must agree.
fn judge(row: &Pending, status: Option<&TransactionStatus>, finalized: u64) -> Verdict {
    let Some(status) = status else { return Verdict::Gone };
    let failed = status.err.is_some() || status.status.is_err();
    let said = status.confirmation_status.as_ref().is_none_or(|s| *s == TransactionConfirmationStatus::Finalized);
    let settled = said && status.confirmations.is_none() && status.slot <= finalized;
    if failed != row.failed || status.slot != row.slot {
        return Verdict::ReadAgain { slot: status.slot, settled };
    }
    if settled { Verdict::Final } else { Verdict::Wait }
}

/// Asks the node about every stored transaction that is not final, up to the cluster's newest finalised slot. A
/// finalised transaction is marked as such. A dropped one is rolled back. One that was executed otherwise than is stored
/// is read again. Returns how many were finalised.
///
/// A transaction that cannot be confirmed holds up no other. It fails only if the node or the database does not answer.
pub async fn finalise(source: &Source) -> Result<u64, SourceError> {
    let (client, db) = (&source.client, &source.db);
    let finalized = client.rpc().get_slot_with_commitment(CommitmentConfig::finalized()).await?;
    db.execute("UPDATE chain SET finalized_slot = greatest(finalized_slot, $1)", &[&(finalized as i64)]).await?;
    source.metrics.finalized_slot.set(finalized as i64);
    let (mut done, mut unconfirmed, mut after) = (0, 0, (0i64, String::new()));
    loop {
        // Of a transaction that is set aside as a whole nothing is stored that could be confirmed.
        let pending: Vec<Pending> = db
            .rows(
                "SELECT signature, slot, failed FROM transaction t
                 WHERE NOT finalized AND slot <= $1 AND (slot, signature) > ($2, $3)
                   AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.signature = t.signature AND q.place < 0)
                 ORDER BY slot, signature LIMIT $4",
                &[&(finalized as i64), &after.0, &after.1, &PAGE],
            )
            .await?;
        let Some(last) = pending.last() else { break };
        after = (last.slot as i64, last.signature.clone());
        let statuses = statuses(client, &pending).await?;
        let mut confirmed: Vec<&Pending> = Vec::new();
        for (row, status) in pending.iter().zip(&statuses) {
            let result = match status {
                Ok(status) => act(source, row, judge(row, status.as_ref(), finalized), &mut confirmed).await,
                Err(error) => Err(SourceError::Signature(error.clone())),
            };
            match result {
                Ok(()) => {}
                Err(error) if error.is_about_one_thing() => {
                    tracing::warn!(%error, signature = row.signature, "it cannot be confirmed: it will be tried again");
                    unconfirmed += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let signatures: Vec<&str> = confirmed.iter().map(|row| row.signature.as_str()).collect();
        let slots: Vec<i64> = confirmed.iter().map(|row| row.slot as i64).collect();
        let settled = ingest::confirm(db, &signatures, &slots).await?;
        done += settled;
        // The `finalized` flag shows in the API's views, so its change wakes those who wait for news.
        if settled > 0 {
            source.news.send_replace(());
        }
    }
    source.metrics.unconfirmed.set(unconfirmed);
    Ok(done)
}

/// Does what `verdict` says about `row`. What is final is added to `confirmed`.
async fn act<'a>(
    source: &Source,
    row: &'a Pending,
    verdict: Verdict,
    confirmed: &mut Vec<&'a Pending>,
) -> Result<(), SourceError> {
    match verdict {
        Verdict::Final => confirmed.push(row),
        Verdict::Wait => {}
        Verdict::ReadAgain { slot, settled } => _ = source.take(&row.signature, slot, settled).await?,
        Verdict::Gone => _ = source.drop_if_gone(&row.signature, row.slot).await?,
    }
    Ok(())
}

/// Asks for the statuses of `rows`, in their order. If the node refuses them together, it is asked for each alone, so that
/// one that it cannot answer hides no other.
async fn statuses(
    client: &Client,
    rows: &[Pending],
) -> Result<Vec<Result<Option<TransactionStatus>, String>>, SourceError> {
    let parsed: Vec<Option<Signature>> = rows.iter().map(|row| row.signature.parse().ok()).collect();
    let readable: Vec<Signature> = parsed.iter().flatten().copied().collect();
    let together = client.rpc().get_signature_statuses_with_history(&readable).await;
    let mut all = match together {
        Ok(answer) if answer.value.len() == readable.len() => answer.value.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) if !matches!(error.kind(), ClientErrorKind::RpcError(RpcError::RpcResponseError { .. })) => {
            return Err(error.into());
        }
        _ => {
            let mut all = Vec::with_capacity(readable.len());
            for signature in &readable {
                let alone = client.rpc().get_signature_statuses_with_history(&[*signature]).await;
                all.push(match alone {
                    Ok(answer) if answer.value.len() == 1 => Ok(answer.value.into_iter().next().flatten()),
                    Ok(_) => Err("the node answers with another number of statuses".to_owned()),
                    Err(error) => Err(error.to_string()),
                });
            }
            all
        }
    }
    .into_iter();
    let unreadable = || Err("it does not parse".to_owned());
    Ok(parsed.iter().map(|p| p.and_then(|_| all.next()).unwrap_or_else(unreadable)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(
        slot: u64,
        confirmations: Option<usize>,
        said: Option<TransactionConfirmationStatus>,
    ) -> TransactionStatus {
        TransactionStatus { slot, confirmations, status: Ok(()), err: None, confirmation_status: said }
    }

    #[test]
    fn a_row_is_final_only_if_its_slot_and_its_outcome_are() {
        use TransactionConfirmationStatus::{Confirmed, Finalized};
        let row = |failed| Pending { signature: "s".into(), slot: 7, failed };
        let verdict = |status: &TransactionStatus| judge(&row(false), Some(status), 9);
        assert_eq!(verdict(&status(7, None, Some(Finalized))), Verdict::Final);
        assert_eq!(verdict(&status(7, None, None)), Verdict::Final);
        assert_eq!(verdict(&status(7, None, Some(Confirmed))), Verdict::Wait);
        assert_eq!(verdict(&status(7, Some(3), Some(Finalized))), Verdict::Wait);
        assert_eq!(verdict(&status(8, None, Some(Finalized))), Verdict::ReadAgain { slot: 8, settled: true });
        assert_eq!(
            judge(&row(true), Some(&status(7, None, Some(Finalized))), 9),
            Verdict::ReadAgain { slot: 7, settled: true }
        );
        assert_eq!(judge(&row(false), Some(&status(7, None, Some(Finalized))), 6), Verdict::Wait);
        assert_eq!(judge(&row(false), None, 9), Verdict::Gone);
    }

    #[test]
    fn either_field_of_a_failure_counts() {
        let row = Pending { signature: "s".into(), slot: 7, failed: false };
        let mut lie = status(7, None, Some(TransactionConfirmationStatus::Finalized));
        lie.status = serde_json::from_value(serde_json::json!({ "Err": "AlreadyProcessed" })).expect("an outcome");
        assert_eq!(judge(&row, Some(&lie), 9), Verdict::ReadAgain { slot: 7, settled: true });
    }
}
