//! Reads the ledger's own listing of transactions. It is slow and complete.

use super::{error::SourceError, source::Source};
use crate::{
    checkpoint::{self, Checkpoint},
    ingest,
};
use futures::{StreamExt, TryStreamExt};
use openledger_interface::Program;
use solana_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction_status_client_types::TransactionConfirmationStatus;

/// Signatures in one page. Nodes return no more.
const PAGE: usize = 1000;
/// Transactions fetched at a time.
const FETCHES: usize = 8;
/// The checkpoint moves after this many transactions, so that a kill during a long backfill costs little.
const CHUNK: usize = 200;

/// A transaction as the node lists it.
struct Listed {
    signature: String,
    slot: u64,
    finalized: bool,
}

/// Stores every transaction since the checkpoints of all programs. Returns how many were new.
///
/// A checkpoint moves only over finalised transactions, oldest first, and never past one that is missing. A node may
/// list later transactions late or drop them, so each backfill lists those again.
pub async fn backfill(source: &Source) -> Result<u64, SourceError> {
    let slot = source.client.rpc().get_slot().await?;
    let mut new = 0;
    for program in Program::ALL {
        new += backfill_program(source, program).await?;
    }
    checkpoint::complete(&source.db, slot).await?;
    Ok(new)
}

async fn backfill_program(source: &Source, program: Program) -> Result<u64, SourceError> {
    let stored = checkpoint::load(&source.db, program.name()).await?;
    let listed = list(source, &program.id(), stored.map(|c| c.signature)).await?;
    let mut new = 0;
    let mut contiguous = true;
    for chunk in listed.chunks(CHUNK) {
        let (stored, failure) = take_all(source, chunk).await;
        new += stored;
        let finalized = chunk.iter().take_while(|l| l.finalized).last();
        contiguous &= failure.is_none();
        if let (true, Some(last)) = (contiguous, finalized) {
            let to = Checkpoint { signature: last.signature.clone(), slot: last.slot };
            checkpoint::advance(&source.db, program.name(), &to).await?;
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        contiguous &= chunk.iter().all(|l| l.finalized);
    }
    Ok(new)
}

/// Stores every transaction that names `account`, and returns how many were new. It serves accounts whose event numbers
/// have a gap, or about which index and chain differ.
pub async fn backfill_account(source: &Source, account: &Pubkey) -> Result<u64, SourceError> {
    let listed = list(source, account, None).await?;
    let (new, failure) = take_all(source, &listed).await;
    failure.map_or(Ok(new), Err)
}

/// Stores the transactions of `listed` that the database lacks. It goes on after a failure, so that one bad transaction
/// does not hold up the others. Returns the number of new transactions and the first failure.
async fn take_all(source: &Source, listed: &[Listed]) -> (u64, Option<SourceError>) {
    let names: Vec<String> = listed.iter().map(|l| l.signature.clone()).collect();
    let known = match ingest::known(&source.db, &names).await {
        Ok(known) => known,
        Err(error) => return (0, Some(error.into())),
    };
    let missing = names.into_iter().filter(|n| !known.contains(n));
    let mut taken =
        futures::stream::iter(missing).map(|signature| async move { source.take(&signature).await }).buffered(FETCHES);
    let (mut new, mut failure) = (0, None);
    while let Some(result) = taken.next().await {
        match result {
            Ok(ingest::Outcome::Stored(_)) => new += 1,
            Ok(ingest::Outcome::Known) => {}
            Err(error) => {
                tracing::warn!(%error, "a transaction could not be taken over: it will be tried again");
                failure.get_or_insert(error);
            }
        }
    }
    (new, failure)
}

/// Lists the transactions that name `account` and come after `until`, oldest first.
async fn list(source: &Source, account: &Pubkey, until: Option<String>) -> Result<Vec<Listed>, SourceError> {
    let until = until.map(|s| s.parse::<Signature>().map_err(|_| SourceError::Signature(s))).transpose()?;
    let pages = futures::stream::try_unfold(Some(None::<Signature>), |before| async move {
        let Some(before) = before else { return Ok::<_, SourceError>(None) };
        let config = GetConfirmedSignaturesForAddress2Config {
            before,
            until,
            limit: Some(PAGE),
            commitment: Some(CommitmentConfig::confirmed()),
        };
        let page = source.client.rpc().get_signatures_for_address_with_config(account, config).await?;
        let next = match page.last() {
            Some(last) if page.len() == PAGE => {
                Some(Some(last.signature.parse().map_err(|_| SourceError::Signature(last.signature.clone()))?))
            }
            _ => None,
        };
        Ok(Some((page, next)))
    });
    let pages: Vec<Vec<_>> = pages.try_collect().await?;
    let mut listed: Vec<Listed> = pages
        .into_iter()
        .flatten()
        // Some nodes list transactions that are only processed, although the request asks for confirmed ones.
        .filter(|l| l.confirmation_status != Some(TransactionConfirmationStatus::Processed))
        .map(|l| Listed {
            signature: l.signature,
            slot: l.slot,
            finalized: l.confirmation_status == Some(TransactionConfirmationStatus::Finalized),
        })
        .collect();
    listed.reverse();
    Ok(listed)
}
