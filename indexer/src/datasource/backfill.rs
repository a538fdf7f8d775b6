//! Reads the ledger's own listing of transactions. It is slow and complete.

use super::{error::SourceError, source::Source};
use crate::{
    checkpoint::{self, Checkpoint},
    ingest::{self, Outcome, TransactionRecord},
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

/// What came of the transactions that a listing named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many were new or are stored anew.
    pub new: u64,
    /// How many could not be taken over yet. The next listing names them again.
    pub left: u64,
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.left += other.left;
    }
}

/// Stores every transaction since the checkpoints of all programs.
///
/// A checkpoint moves only over finalised transactions, oldest first, and never past one that is neither stored nor set
/// aside. A node may list later transactions late or drop them, so each backfill lists those again. A transaction that
/// cannot be taken over holds up no other. It fails only if the node or the database does not answer.
pub async fn backfill(source: &Source) -> Result<Taken, SourceError> {
    let slot = source.client.rpc().get_slot().await?;
    let mut taken = Taken::default();
    for program in Program::ALL {
        taken += backfill_program(source, program).await?;
    }
    let complete = if taken.left == 0 { slot } else { 0 };
    source.notice(checkpoint::complete(&source.db, complete).await?);
    Ok(taken)
}

async fn backfill_program(source: &Source, program: Program) -> Result<Taken, SourceError> {
    let stored = checkpoint::load(&source.db, program.name()).await?;
    let listed = list(source, &program.id(), stored.map(|c| c.signature)).await?;
    let mut taken = Taken::default();
    let mut contiguous = true;
    for chunk in listed.chunks(CHUNK) {
        let part = take_all(source, chunk).await?;
        taken += part;
        let finalized = chunk.iter().take_while(|l| l.finalized).last();
        contiguous &= part.left == 0;
        if let (true, Some(last)) = (contiguous, finalized) {
            let to = Checkpoint { signature: last.signature.clone(), slot: last.slot };
            checkpoint::advance(&source.db, program.name(), &to).await?;
        }
        contiguous &= chunk.iter().all(|l| l.finalized);
    }
    Ok(taken)
}

/// Stores every transaction that names `account`. It serves accounts whose event numbers have a gap, or about which index
/// and chain differ.
pub async fn backfill_account(source: &Source, account: &Pubkey) -> Result<Taken, SourceError> {
    let mut taken = Taken::default();
    for chunk in list(source, account, None).await?.chunks(CHUNK) {
        taken += take_all(source, chunk).await?;
    }
    Ok(taken)
}

/// Stores the transactions of `listed` that the database lacks, or that it holds from another slot.
async fn take_all(source: &Source, listed: &[Listed]) -> Result<Taken, SourceError> {
    let names: Vec<String> = listed.iter().map(|l| l.signature.clone()).collect();
    let known = ingest::known(&source.db, &names).await?;
    let is_current = |l: &Listed| known.get(&l.signature).is_some_and(|held| held.finalized || held.slot == l.slot);
    // Each future owns its values: one that borrows is not `Send` for every lifetime.
    let mut missing = Vec::new();
    for l in listed.iter().filter(|l| !is_current(l)) {
        missing.push((l.signature.clone(), l.slot, l.finalized));
    }
    let fetched: Vec<_> = futures::stream::iter(missing)
        .map(|(signature, slot, settled)| async move {
            let fetched = source.fetch(&signature).await;
            (signature, slot, settled, fetched)
        })
        .buffered(FETCHES)
        .collect()
        .await;
    let whole: Vec<&TransactionRecord> = fetched.iter().filter_map(|(.., fetched)| fetched.as_ref().ok()).collect();
    let mut together = source.store_new(&whole).await?.into_iter();
    let mut taken = Taken::default();
    for (signature, slot, settled, fetched) in fetched {
        if fetched.is_ok() && together.next() == Some(true) {
            taken.new += 1;
            continue;
        }
        match source.settle(&signature, slot, settled, fetched).await {
            Ok(Outcome::Stored(_) | Outcome::Replaced(_)) => taken.new += 1,
            Ok(Outcome::Known | Outcome::SetAside) => {}
            Err(error) if error.is_about_one_thing() => {
                tracing::warn!(%error, "a transaction could not be taken over: it will be tried again");
                taken.left += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
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
