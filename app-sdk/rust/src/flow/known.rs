//! What a Datanet has accepted, and what its validators say of new leaves beside it.

use super::history::History;
use crate::{
    client::Client,
    error::SdkError,
    manifest::{Kind, Leaf},
    review::{Entry, Fingerprint, Judgement, Limits, judge, targets::Accepted},
    store::{Store, StoreError},
};
use datanet::state::Datanet;
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// What Datanets have accepted, read from the ledger and the store as far as it is needed.
pub struct Known {
    client: Client,
    store: Store,
    history: History,
    /// Fingerprints of accepted documents, by content hash. Each document is read and fingerprinted once.
    fingerprints: HashMap<Hash32, Fingerprint>,
}

impl Known {
    /// Knows nothing yet. The first judgement reads the ledger's history.
    pub fn new(client: Client, store: Store) -> Self {
        Self { history: History::new(client.clone()), client, store, fingerprints: HashMap::new() }
    }

    /// Judges leaves by `contributor`, each with its content or `None` if nobody has it, against what `datanet` has
    /// accepted by now. A validator says the same of the same leaves.
    pub async fn judge(
        &mut self,
        datanet: &Pubkey,
        contributor: &Pubkey,
        leaves: impl IntoIterator<Item = (Leaf, Option<Vec<u8>>)>,
        limits: &Limits,
    ) -> Result<Judgement, SdkError> {
        self.history.update().await?;
        let (mut contents, mut accepted) = (Vec::new(), Accepted::default());
        for earlier in self.history.accepted(&self.store, datanet).await? {
            accepted.add(&earlier);
            for leaf in earlier.leaves.iter().filter(|l| matches!(l.kind, Kind::Document | Kind::Correction)) {
                self.learn(leaf.content).await?;
                contents.push(leaf.content);
            }
        }
        let owner = self.client.account::<Datanet>(datanet).await?.owner;
        let entries: Vec<Entry> = leaves
            .into_iter()
            .map(|(leaf, bytes)| Entry {
                content: leaf.content,
                bytes,
                kind: leaf.kind,
                about: accepted.about(&leaf, contributor, &owner),
            })
            .collect();
        let known: Vec<&Fingerprint> = contents.iter().filter_map(|c| self.fingerprints.get(c)).collect();
        Ok(judge(&entries, &known, limits))
    }

    /// Keeps an accepted document's fingerprint, unless the store lacks the document or it is not text.
    async fn learn(&mut self, content: Hash32) -> Result<(), SdkError> {
        if !self.fingerprints.contains_key(&content)
            && let Some(bytes) = self.content(&content).await?
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            self.fingerprints.insert(content, Fingerprint::new(content, text));
        }
        Ok(())
    }

    /// Returns a blob, or `None` if the store lacks it or holds other bytes under its name.
    pub async fn content(&self, hash: &Hash32) -> Result<Option<Vec<u8>>, SdkError> {
        match self.store.get_blob(hash).await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(StoreError::Missing { .. } | StoreError::Hash { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}
