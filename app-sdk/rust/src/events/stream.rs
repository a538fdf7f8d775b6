//! Follows the ledger: yields every transaction of the programs once, in order, from a cursor on.
//!
//! The source of truth is `getSignaturesForAddress`, read back to the cursor. The logs subscription only says that
//! there may be something new. A lost or late notification therefore costs time but never an event.

use super::{
    record::{EventRecord, decode},
    transaction::has_failed,
};
use crate::{
    client::{Client, SIGNATURES_PAGE},
    error::SdkError,
};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use openledger_interface::Program;
use serde::{Deserialize, Serialize};
use solana_client::{
    nonblocking::pubsub_client::PubsubClient,
    rpc_config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
};
use solana_signature::Signature;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    str::FromStr,
    time::Duration,
};

/// The position of a reader: the newest transaction that it has seen of each program. A reader should store the cursor
/// after it has stored the transactions that came with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Program name → signature in Base58. A program without an entry is read from the beginning of the ledger.
    pub seen: BTreeMap<String, String>,
}

/// A transaction that succeeded and named at least one of the programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its slot.
    pub slot: u64,
    /// Its first signature in Base58.
    pub signature: String,
    /// Its events. They are empty if it changed nothing in the programs.
    pub records: Vec<EventRecord>,
    /// The cursor from which to continue once this transaction is handled.
    pub cursor: Cursor,
}

/// How long a node may list a transaction before it can return it.
const READABLE_WITHIN: Duration = Duration::from_secs(20);

/// Most transactions that one call reads.
const CHUNK: usize = 128;
/// Most transactions that are requested concurrently.
const AT_ONCE: usize = 16;

/// Reads the transactions since its cursor, one chunk per call.
pub struct Poller {
    client: Client,
    programs: Vec<Program>,
    cursor: Cursor,
    /// Transactions that are listed and not yet read, oldest first.
    pending: VecDeque<(Signature, Listed)>,
}

/// A signature as the node lists it.
struct Listed {
    slot: u64,
    index: u32,
    failed: bool,
    programs: Vec<Program>,
}

impl Poller {
    /// Makes a poller of all programs that begins after `from`.
    pub fn new(client: Client, from: Cursor) -> Self {
        Self::of(client, &Program::ALL, from)
    }

    /// Makes a poller of these programs that begins after `from`.
    pub fn of(client: Client, programs: &[Program], from: Cursor) -> Self {
        Self { client, programs: programs.to_vec(), cursor: from, pending: VecDeque::new() }
    }

    /// The present cursor.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Lists the transactions since the cursor, oldest first, each once.
    async fn list(&self) -> Result<Vec<(Signature, Listed)>, SdkError> {
        let mut found: HashMap<Signature, Listed> = HashMap::new();
        for program in self.programs.iter().copied() {
            let until = match self.cursor.seen.get(program.name()) {
                None => None,
                Some(s) => Some(Signature::from_str(s).map_err(|_| {
                    SdkError::Input(format!("the cursor's signature of program {program} is not readable: {s}"))
                })?),
            };
            let mut before = None;
            let mut rank = u32::MAX;
            loop {
                let page = self.client.signatures(&program.id(), before, until).await?;
                for entry in &page {
                    before = Some(entry.signature);
                    // The list is newest first. If the node gives no index in the slot, the order of the list serves as
                    // one.
                    rank -= 1;
                    found
                        .entry(entry.signature)
                        .or_insert_with(|| Listed {
                            slot: entry.slot,
                            index: entry.index.unwrap_or(rank),
                            failed: entry.failed,
                            programs: Vec::new(),
                        })
                        .programs
                        .push(program);
                }
                if page.len() < SIGNATURES_PAGE {
                    break;
                }
            }
        }
        let mut all: Vec<_> = found.into_iter().collect();
        all.sort_by_key(|(signature, l)| (l.slot, l.index, *signature));
        Ok(all)
    }

    /// Returns the next transactions, oldest first, or none if there are no new ones. It skips failed transactions. An
    /// error does not move the cursor, so the caller can simply call again.
    pub async fn poll(&mut self) -> Result<Vec<Observed>, SdkError> {
        loop {
            if self.pending.is_empty() {
                self.pending = self.list().await?.into();
            }
            let chunk: Vec<_> = self.pending.iter().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(Vec::new());
            }
            // Each future owns its values. Futures that borrow are not `Send` for every lifetime, but a stream of them
            // must be.
            let reads: Vec<_> = chunk
                .iter()
                .map(|(signature, listed)| {
                    let (client, signature, failed) = (self.client.clone(), *signature, listed.failed);
                    async move {
                        if failed { Ok(None) } else { client.transaction(&signature, READABLE_WITHIN).await.map(Some) }
                    }
                })
                .collect();
            let transactions: Vec<_> = futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;

            let mut cursor = self.cursor.clone();
            let mut out = Vec::new();
            for ((signature, listed), transaction) in chunk.iter().zip(transactions) {
                for program in &listed.programs {
                    cursor.seen.insert(program.name().into(), signature.to_string());
                }
                // A node may list a failed transaction as successful, but the transaction's metadata is right.
                let good = transaction.filter(|t| t.transaction.meta.as_ref().is_none_or(|m| !has_failed(m)));
                if let Some(transaction) = good {
                    out.push(Observed {
                        slot: transaction.slot,
                        signature: signature.to_string(),
                        records: decode(&transaction)?,
                        cursor: cursor.clone(),
                    });
                }
            }
            let read = chunk.len();
            self.pending.drain(..read);
            self.cursor = cursor;
            if !out.is_empty() {
                return Ok(out);
            }
        }
    }
}

struct State {
    poller: Poller,
    ready: VecDeque<Observed>,
    wake: tokio::sync::mpsc::Receiver<()>,
    every: Duration,
}

/// Follows the ledger from `from` on. The stream never ends. It polls at least once per `every`, and at once when the
/// logs subscription reports that a program ran. After an error, the next item tries again from the same place.
pub fn stream(client: Client, from: Cursor, every: Duration) -> impl Stream<Item = Result<Observed, SdkError>> + Send {
    let (sender, wake) = tokio::sync::mpsc::channel(1);
    tokio::spawn(watch(client.ws_url().to_owned(), client.commitment(), sender));
    let state = State { poller: Poller::new(client, from), ready: VecDeque::new(), wake, every };
    futures::stream::unfold(state, |mut s| async move {
        loop {
            if let Some(next) = s.ready.pop_front() {
                return Some((Ok(next), s));
            }
            match s.poller.poll().await {
                Ok(new) if !new.is_empty() => s.ready.extend(new),
                Ok(_) => {
                    let _ = tokio::time::timeout(s.every, s.wake.recv()).await;
                }
                Err(e) => {
                    tokio::time::sleep(s.every).await;
                    return Some((Err(e), s));
                }
            }
        }
    })
}

/// Wakes the reader at every notification about the programs, until the reader is gone. It reconnects after every
/// failure.
async fn watch(
    ws_url: String,
    commitment: solana_commitment_config::CommitmentConfig,
    wake: tokio::sync::mpsc::Sender<()>,
) {
    while !wake.is_closed() {
        if let Ok(pubsub) = PubsubClient::new(&ws_url).await {
            let mut all: Vec<BoxStream<'_, ()>> = Vec::new();
            for program in Program::ALL {
                let filter = RpcTransactionLogsFilter::Mentions(vec![program.id().to_string()]);
                let config = RpcTransactionLogsConfig { commitment: Some(commitment) };
                if let Ok((notifications, _unsubscribe)) = pubsub.logs_subscribe(filter, config).await {
                    all.push(notifications.map(|_| ()).boxed());
                }
            }
            let mut any = futures::stream::select_all(all);
            loop {
                tokio::select! {
                    next = any.next() => {
                        if next.is_none() {
                            break;
                        }
                        // If the channel is full, the reader is about to poll anyway.
                        let _ = wake.try_send(());
                    }
                    () = wake.closed() => return,
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
