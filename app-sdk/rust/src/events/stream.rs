//! Following the ledger: every transaction of the programs, once, in order, from a cursor on.
//!
//! The source of truth is `getSignaturesForAddress`, walked back to the cursor; the logs subscription only says that
//! there may be something new, so that a lost or late notification costs time and never an event.

use super::record::{EventRecord, decode};
use crate::{client::Client, error::SdkError};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use openledger_interface::Program;
use serde::{Deserialize, Serialize};
use solana_client::{
    nonblocking::pubsub_client::PubsubClient,
    rpc_client::GetConfirmedSignaturesForAddress2Config,
    rpc_config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
};
use solana_signature::Signature;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    str::FromStr,
    time::Duration,
};

/// How far a reader has come: the newest transaction seen of each program. Store it after what came with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Program name → signature in Base58. A program without an entry is read from the beginning of the ledger.
    pub seen: BTreeMap<String, String>,
}

/// A transaction that succeeded and touched at least one of the programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its slot.
    pub slot: u64,
    /// Its first signature in Base58.
    pub signature: String,
    /// Its events; empty where it only read.
    pub records: Vec<EventRecord>,
    /// Where to go on from once this transaction is dealt with.
    pub cursor: Cursor,
}

/// Signatures in one answer of the node: its own limit.
const PAGE: usize = 1000;
/// How long a transaction that is listed may take to be readable.
const READABLE_WITHIN: Duration = Duration::from_secs(20);

/// Transactions read at a time.
const CHUNK: usize = 128;
/// Transactions asked for side by side.
const AT_ONCE: usize = 16;

/// Reads everything new since its cursor, a chunk a call.
pub struct Poller {
    client: Client,
    cursor: Cursor,
    /// Listed and not yet read, oldest first.
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
    /// Begins after `from`.
    pub fn new(client: Client, from: Cursor) -> Self {
        Self { client, cursor: from, pending: VecDeque::new() }
    }

    /// Where it stands.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Names of all transactions since the cursor, oldest first, each once.
    async fn list(&self) -> Result<Vec<(Signature, Listed)>, SdkError> {
        let mut found: HashMap<Signature, Listed> = HashMap::new();
        for program in Program::ALL {
            let until = match self.cursor.seen.get(program.name()) {
                None => None,
                Some(s) => Some(Signature::from_str(s).map_err(|_| {
                    SdkError::Input(format!("the cursor's signature of program {program} is not readable: {s}"))
                })?),
            };
            let mut before = None;
            let mut rank = u32::MAX;
            loop {
                let config = GetConfirmedSignaturesForAddress2Config {
                    before,
                    until,
                    limit: Some(PAGE),
                    commitment: Some(self.client.commitment()),
                };
                let page = self.client.rpc().get_signatures_for_address_with_config(&program.id(), config).await?;
                for entry in &page {
                    let signature = Signature::from_str(&entry.signature)
                        .map_err(|_| SdkError::Node(format!("unreadable signature {}", entry.signature)))?;
                    before = Some(signature);
                    // Newest first: without the node's own index the order of the list stands in for it.
                    rank -= 1;
                    found
                        .entry(signature)
                        .or_insert_with(|| Listed {
                            slot: entry.slot,
                            index: entry.transaction_index.unwrap_or(rank),
                            failed: entry.err.is_some(),
                            programs: Vec::new(),
                        })
                        .programs
                        .push(program);
                }
                if page.len() < PAGE {
                    break;
                }
            }
        }
        let mut all: Vec<_> = found.into_iter().collect();
        all.sort_by_key(|(signature, l)| (l.slot, l.index, *signature));
        Ok(all)
    }

    /// The next transactions since the last call, oldest first; empty where there are none. Failed transactions are
    /// passed over. The cursor moves only with what is returned: after an error, call again.
    pub async fn poll(&mut self) -> Result<Vec<Observed>, SdkError> {
        loop {
            if self.pending.is_empty() {
                self.pending = self.list().await?.into();
            }
            let chunk: Vec<_> = self.pending.iter().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(Vec::new());
            }
            // Owned by each future: borrowed ones are not `Send` for every lifetime, as a stream of them must be.
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
                // The node may list a failed transaction as good; its metadata does not lie.
                let good = transaction.filter(|t| t.transaction.meta.as_ref().is_none_or(|m| m.err.is_none()));
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

/// Follows the ledger from `from` for ever. Polls at least every `every`, at once when the logs subscription says that
/// a program ran. An error does not end the stream: the next item tries again from the same place.
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

/// Wakes the reader at every log line of our programs until the reader is gone; reconnects for ever.
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
                        // A full channel already means "look": nothing to add.
                        let _ = wake.try_send(());
                    }
                    () = wake.closed() => return,
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
