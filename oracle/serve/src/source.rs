//! A document of a Datanet, as receipts name it.

use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::{api::types::Contribution, text::parse_hash};
use solana_pubkey::Pubkey;

/// Everything that receipts say about a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its leaf in the Datanet's tree.
    pub leaf: Hash32,
    /// Its Datanet.
    pub datanet: Pubkey,
    /// Number of its batch.
    pub batch: u64,
    /// Its title.
    pub title: String,
    /// Its contributor.
    pub owner: Pubkey,
}

impl Source {
    /// The document of a contribution, as the indexer knows it.
    pub fn of(contribution: &Contribution) -> Result<Self> {
        Ok(Self {
            leaf: parse_hash(&contribution.leaf)?,
            datanet: contribution.datanet.parse().context("a Datanet's address")?,
            batch: contribution.batch_index,
            title: contribution.detail.as_ref().map(|d| d.title.clone()).unwrap_or_default(),
            owner: contribution.contributor.parse().context("a contributor's wallet")?,
        })
    }
}
