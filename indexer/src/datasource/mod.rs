//! Where transactions come from: a subscription for speed, the ledger's own listing for completeness. Both end in
//! [`Source::take`], and that in [`crate::ingest`], so that it does not matter who brings a transaction, or how often.

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

/// Why a transaction could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The node does not answer, or with an error.
    #[error("node: {0}")]
    Node(#[from] Box<solana_client::client_error::ClientError>),
    /// An account of the node's does not read.
    #[error("{0}")]
    Account(Box<openledger_sdk::SdkError>),
    /// The node lists the transaction, but does not give it.
    #[error("the node lists transaction {0} but does not return it; it will be asked again")]
    Absent(String),
    /// The node answered with something that does not parse.
    #[error("the node names a signature that is none: {0}")]
    Signature(String),
    /// An event does not decode: the program is newer than this indexer.
    #[error("transaction {signature}: {source}")]
    Decode {
        /// The transaction.
        signature: String,
        /// What does not decode.
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
    /// Wakes those who wait for new events.
    pub news: Arc<watch::Sender<()>>,
}

impl Source {
    /// A source at the node of `client`. Nothing is asked yet.
    pub fn new(client: Client, db: Database, metrics: Metrics) -> Self {
        Self { client: Arc::new(client), db, metrics, news: Arc::new(watch::Sender::new(())) }
    }

    /// Fetches a transaction that the database lacks and stores it.
    pub async fn take(&self, signature: &str) -> Result<Outcome, SourceError> {
        let record = fetch::transaction(self.client.rpc(), signature).await?;
        self.store(&record).await
    }

    /// Takes over a transaction that ended up in another fork than the one it was read from, where it fared differently.
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
            // Two transactions with one event number: if the cluster dropped the one that is stored, this one is it.
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
