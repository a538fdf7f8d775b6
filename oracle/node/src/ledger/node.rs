//! One Solana node, read at commitment `finalized`.

use super::error::LedgerError;
use anchor_lang::{AccountDeserialize, Discriminator};
use openledger_sdk::{
    EventRecord, SdkError,
    client::{Client, ListedTransaction},
    events::decode,
};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::time::Duration;

/// How long a node may list a transaction before it can return it.
const READABLE_WITHIN: Duration = Duration::from_secs(2);

/// A connection to a node at commitment `finalized`. It is cheap to clone.
#[derive(Clone)]
pub struct Node {
    client: Client,
}

impl Node {
    /// Reads from `client`, which must be at commitment `finalized`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Its address, for messages.
    pub fn name(&self) -> String {
        self.client.rpc().url()
    }

    /// The error that something is not there yet.
    pub fn not_yet(&self, what: impl Into<String>) -> LedgerError {
        LedgerError::NotYet { node: self.name(), what: what.into() }
    }

    /// The error that the node says two things that cannot both be true.
    pub fn contradiction(&self, what: impl Into<String>) -> LedgerError {
        LedgerError::Contradiction { node: self.name(), what: what.into() }
    }

    fn failed(&self, source: impl Into<SdkError>) -> LedgerError {
        match source.into() {
            e @ SdkError::NoTransaction { .. } => self.not_yet(e.to_string()),
            source => LedgerError::Node { node: self.name(), source: Box::new(source) },
        }
    }

    /// Its newest finalized slot.
    pub async fn slot(&self) -> Result<u64, LedgerError> {
        self.client.slot().await.map_err(|e| self.failed(e))
    }

    /// Up to 100 accounts of one type, and the finalized slot as of which the node answered.
    pub async fn accounts<T: AccountDeserialize + Discriminator>(
        &self,
        addresses: &[Pubkey],
    ) -> Result<(u64, Vec<Option<T>>), LedgerError> {
        self.client.accounts_at(addresses).await.map_err(|e| self.failed(e))
    }

    /// One account, and the finalized slot as of which the node answered. Not yet, if it does not exist.
    pub async fn account<T: AccountDeserialize + Discriminator>(
        &self,
        address: &Pubkey,
        what: &str,
    ) -> Result<(u64, T), LedgerError> {
        let (slot, mut found) = self.accounts(std::slice::from_ref(address)).await?;
        let account = found.pop().flatten();
        Ok((slot, account.ok_or_else(|| self.not_yet(format!("{what} {address} does not exist in slot {slot}")))?))
    }

    /// One page of the transactions that name `address`, newest first ([`Client::signatures`]).
    pub async fn signatures(
        &self,
        address: &Pubkey,
        before: Option<Signature>,
        until: Option<Signature>,
    ) -> Result<Vec<ListedTransaction>, LedgerError> {
        self.client.signatures(address, before, until).await.map_err(|e| self.failed(e))
    }

    /// The events of a transaction. Not yet, if the node lists the transaction and does not return it.
    pub async fn events(&self, signature: &Signature) -> Result<Vec<EventRecord>, LedgerError> {
        let transaction = self.client.transaction(signature, READABLE_WITHIN).await.map_err(|e| self.failed(e))?;
        let records = decode(&transaction).map_err(|e| self.failed(e))?;
        match records.iter().all(|r| r.signature == signature.to_string()) {
            true => Ok(records),
            false => Err(self.contradiction(format!("asked for transaction {signature} it returns another one"))),
        }
    }
}
