//! A node and the database that its ledger is read into.

use super::{error::SourceError, fetch};
use crate::{
    db::Database,
    ingest::{self, IngestError, Outcome, TransactionRecord},
    metrics::Metrics,
};
use openledger_sdk::client::Client;
use std::sync::Arc;
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
    /// Wakes the tasks that wait for new events.
    pub news: Arc<watch::Sender<()>>,
}

impl Source {
    /// Makes a source from the node of `client`. It sends no request yet.
    pub fn new(client: Client, db: Database, metrics: Metrics) -> Self {
        Self { client: Arc::new(client), db, metrics, news: Arc::new(watch::Sender::new(())) }
    }

    /// Fetches a transaction that the database lacks and stores it.
    pub async fn take(&self, signature: &str) -> Result<Outcome, SourceError> {
        let record = fetch::transaction(self.client.rpc(), signature).await?;
        self.store(&record).await
    }

    /// Fetches a stored transaction again and replaces its rows. It serves a transaction whose outcome differs because
    /// the cluster kept another fork than the one it was read from.
    pub(crate) async fn retake(&self, signature: &str) -> Result<(), SourceError> {
        let record = fetch::transaction(self.client.rpc(), signature).await?;
        ingest::replace(&self.db, &record).await?;
        self.metrics.rollbacks.inc();
        self.news.send_replace(());
        Ok(())
    }

    /// Whether the cluster has forgotten a transaction that was once confirmed.
    pub(crate) async fn is_dropped(&self, signature: &str) -> Result<bool, SourceError> {
        fetch::is_dropped(self.client.rpc(), signature).await
    }

    async fn store(&self, record: &TransactionRecord) -> Result<Outcome, SourceError> {
        let outcome = match ingest::ingest(&self.db, record).await {
            // Two transactions hold the same event number. If the cluster dropped the stored one, the new one replaces
            // it.
            Err(IngestError::Conflict { stored, .. }) if self.is_dropped(&stored).await? => {
                tracing::warn!(signature = stored, "the cluster dropped a confirmed transaction: rolled back");
                ingest::roll_back(&self.db, &stored).await?;
                self.metrics.rollbacks.inc();
                ingest::ingest(&self.db, record).await?
            }
            other => other?,
        };
        if let Outcome::Stored(events) = outcome {
            self.metrics.transactions.inc();
            self.metrics.events.inc_by(events as u64);
            self.news.send_replace(());
        }
        Ok(outcome)
    }
}
