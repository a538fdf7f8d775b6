//! Sources of transactions: a subscription for speed, and the ledger's own listing for completeness. Both call
//! [`Source::take`], which stores transactions through [`crate::ingest`]. It therefore does not matter which source
//! brings a transaction, or how often.

mod backfill;
mod fetch;
mod subscribe;

pub use backfill::{backfill, backfill_account};
pub use subscribe::subscribe;

use crate::{
    db::{Database, DbError},
    ingest::{self, IngestError, Outcome, TransactionRecord},
    metrics::Metrics,
};
use openledger_sdk::client::Client;
use std::sync::Arc;
use tokio::sync::watch;

/// Why a transaction could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The node does not answer, or it answers with an error.
    #[error("node: {0}")]
    Node(#[from] Box<solana_client::client_error::ClientError>),
    /// An account from the node could not be read.
    #[error("{0}")]
    Account(Box<openledger_sdk::SdkError>),
    /// The node lists the transaction but does not return it.
    #[error("the node lists transaction {0} but does not return it; it will be asked again")]
    Absent(String),
    /// A signature or an address, from the node or from an event, does not parse.
    #[error("the node names a signature that is none: {0}")]
    Signature(String),
    /// An event does not decode, because the program is newer than this indexer.
    #[error("transaction {signature}: {source}")]
    Decode {
        /// The transaction.
        signature: String,
        /// The decoder's error.
        source: openledger_sdk::events::EventError,
    },
    /// The database refuses.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl From<solana_client::client_error::ClientError> for SourceError {
    fn from(error: solana_client::client_error::ClientError) -> Self {
        Self::Node(Box::new(error))
    }
}

impl From<openledger_sdk::SdkError> for SourceError {
    fn from(error: openledger_sdk::SdkError) -> Self {
        Self::Account(Box::new(error))
    }
}

impl From<DbError> for SourceError {
    fn from(error: DbError) -> Self {
        Self::Ingest(error.into())
    }
}

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
