//! A node and the database that its ledger is read into.

use super::{error::SourceError, fetch, together::Together};
use crate::{
    checkpoint,
    db::Database,
    ingest::{self, IngestError, Outcome, TransactionRecord},
    metrics::Metrics,
};
use openledger_sdk::client::Client;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A node and the database that its ledger is read into.
#[derive(Clone)]
pub struct Source {
    /// The node, at commitment `confirmed`.
    pub client: Arc<Client>,
    /// The database.
    pub db: Database,
    /// Counters.
    pub metrics: Metrics,
    /// Wakes the tasks that wait for something to happen to the index. Nobody has to ask the database for it.
    pub news: Arc<watch::Sender<()>>,
    /// What had happened to the index when it was last looked at.
    seen: Arc<Mutex<checkpoint::State>>,
    /// What waits to be stored.
    together: Arc<Together>,
}

impl Source {
    /// Makes a source from the node of `client`. It sends no request yet.
    pub fn new(client: Client, db: Database, metrics: Metrics) -> Self {
        Self {
            client: Arc::new(client),
            db,
            metrics,
            news: Arc::new(watch::Sender::new(())),
            seen: Arc::default(),
            together: Arc::default(),
        }
    }

    /// Fetches a transaction and stores it, unless it is stored as the node has it now. If it is `settled` at `slot`, and
    /// it alone cannot be read or stored, it is set aside. Before that, the node may still have it in another way.
    pub async fn take(&self, signature: &str, slot: u64, settled: bool) -> Result<Outcome, SourceError> {
        self.settle(signature, slot, settled, self.fetch(signature).await).await
    }

    /// Fetches a transaction.
    pub(super) async fn fetch(&self, signature: &str) -> Result<TransactionRecord, SourceError> {
        fetch::transaction(self.client.rpc(), signature).await
    }

    /// Does with a transaction that was fetched, or could not be, what [`Self::take`] does.
    pub(super) async fn settle(
        &self,
        signature: &str,
        slot: u64,
        settled: bool,
        fetched: Result<TransactionRecord, SourceError>,
    ) -> Result<Outcome, SourceError> {
        let taken = match fetched {
            Ok(record) => {
                let (record, source) = (Arc::new(record), self.clone());
                let new = async move |all: Vec<Arc<TransactionRecord>>| {
                    let all: Vec<&TransactionRecord> = all.iter().map(Arc::as_ref).collect();
                    // A failure comes again with the attempt to store each by itself.
                    source.store_new(&all).await.unwrap_or_default()
                };
                match self.together.add(record.clone(), new).await {
                    true => Ok(Outcome::Stored(record.events.len())),
                    false => self.store(&record).await,
                }
            }
            Err(error) => Err(error),
        };
        match taken {
            Err(error) if settled && error.is_about_one_thing() => {
                self.set_aside(signature, slot, &error.to_string()).await
            }
            other => other,
        }
    }

    /// Whether the cluster has forgotten a transaction that was once confirmed.
    pub(crate) async fn is_dropped(&self, signature: &str) -> Result<bool, SourceError> {
        fetch::is_dropped(self.client.rpc(), signature).await
    }

    /// Rolls a transaction back if the node no longer knows it. A node whose history does not reach back to `slot` proves
    /// nothing, so then nothing happens. Returns whether it was rolled back.
    pub(crate) async fn drop_if_gone(&self, signature: &str, slot: u64) -> Result<bool, SourceError> {
        if self.client.rpc().get_first_available_block().await? > slot || !self.is_dropped(signature).await? {
            return Ok(false);
        }
        tracing::warn!(signature, slot, "the cluster dropped a confirmed transaction: rolled back");
        self.roll_back(signature).await?;
        Ok(true)
    }

    /// Wakes those who wait if something has happened to the index. Another process may have done it, and tells nobody here.
    pub(super) fn notice(&self, now: checkpoint::State) {
        let before = std::mem::replace(&mut *self.seen.lock().expect("no panic holds this lock"), now.clone());
        if before != now {
            self.news.send_replace(());
        }
    }

    async fn roll_back(&self, signature: &str) -> Result<(), SourceError> {
        if ingest::roll_back(&self.db, signature).await? {
            self.metrics.rollbacks.inc();
            self.news.send_replace(());
        }
        Ok(())
    }

    /// Stores those of `records` at once that are new. Returns for each whether it was stored.
    pub(super) async fn store_new(&self, records: &[&TransactionRecord]) -> Result<Vec<bool>, SourceError> {
        let stored = ingest::ingest_new(&self.db, records).await?;
        let new = records.iter().zip(&stored).filter(|(_, stored)| **stored);
        let (transactions, events) = new.fold((0, 0), |(t, e), (record, _)| (t + 1, e + record.events.len() as u64));
        if transactions > 0 {
            self.metrics.transactions.inc_by(transactions);
            self.metrics.events.inc_by(events);
            self.news.send_replace(());
        }
        Ok(stored)
    }

    async fn store(&self, record: &TransactionRecord) -> Result<Outcome, SourceError> {
        let outcome = match ingest::ingest(&self.db, record).await {
            Err(IngestError::Conflict { stored, .. }) => self.store_in_conflict(record, &stored).await?,
            other => other?,
        };
        match outcome {
            Outcome::Stored(events) => {
                self.metrics.transactions.inc();
                self.metrics.events.inc_by(events as u64);
            }
            Outcome::Replaced(_) => {
                tracing::warn!(
                    signature = record.signature,
                    slot = record.slot,
                    "read again: another fork executed it"
                );
                self.metrics.rollbacks.inc();
            }
            Outcome::Known | Outcome::SetAside => return Ok(outcome),
        }
        self.news.send_replace(());
        Ok(outcome)
    }

    /// Stores `record`, of which the transaction `stored` holds an event number. The cluster dropped `stored`, or `stored`
    /// has other numbers in the fork that the cluster kept. If neither is so, `record` is set aside, so that `stored` can
    /// be read again without it: two transactions may have changed places.
    async fn store_in_conflict(&self, record: &TransactionRecord, stored: &str) -> Result<Outcome, SourceError> {
        if self.is_dropped(stored).await? {
            tracing::warn!(signature = stored, "the cluster dropped a confirmed transaction: rolled back");
            self.roll_back(stored).await?;
        } else {
            let present = fetch::transaction(self.client.rpc(), stored).await?;
            match ingest::ingest(&self.db, &present).await {
                Ok(_) => {}
                Err(error @ IngestError::Conflict { .. }) => tracing::debug!(%error, "both have moved"),
                Err(error) => return Err(error.into()),
            }
        }
        match ingest::ingest(&self.db, record).await {
            Err(conflict @ IngestError::Conflict { .. }) => {
                self.set_aside(&record.signature, record.slot, &conflict.to_string()).await
            }
            other => Ok(other?),
        }
    }

    async fn set_aside(&self, signature: &str, slot: u64, reason: &str) -> Result<Outcome, SourceError> {
        if ingest::set_aside(&self.db, signature, slot, reason).await? {
            tracing::warn!(signature, slot, reason, "set aside: see /v1/status");
            self.news.send_replace(());
        }
        Ok(Outcome::SetAside)
    }
}
