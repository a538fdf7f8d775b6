//! Which leaves a Datanet has already, or reviews now. It asks the indexer and the pending batches' accounts, and needs
//! no history of the ledger.

use super::contribute::pending;
use crate::{
    api::IndexerClient,
    client::Client,
    error::SdkError,
    manifest::{self, Leaf, Manifest},
    store::Store,
};
use futures::{StreamExt, TryStreamExt};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::collections::HashSet;

/// Most requests to the indexer at once.
const AT_ONCE: usize = 16;

/// What a Datanet has of a contributor's leaves.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The leaves that were asked for and are there.
    pub leaves: HashSet<Hash32>,
    /// All leaves of the contributor's batches under review.
    pub reviewed: Vec<Leaf>,
}

/// The leaves among `leaves` that are accepted, or in a batch of `contributor` that is under review. An indexer that
/// cannot be asked is passed over, because validators find a repetition too; then accepted leaves are missing here.
pub async fn held(
    client: &Client,
    indexer: &IndexerClient,
    store: &Store,
    datanet: &Pubkey,
    contributor: &Pubkey,
    leaves: &[Hash32],
) -> Result<Held, SdkError> {
    let (mut held, mut reviewed) = (HashSet::new(), Vec::new());
    for (_, batch) in pending(client, datanet, contributor).await? {
        // An open batch has no manifest yet. It is gone on with.
        let Ok(bytes) = store.get_blob_within(&batch.manifest, manifest::MOST_BYTES).await else { continue };
        let Ok(manifest) = Manifest::from_bytes(&bytes) else { continue };
        held.extend(manifest.leaf_hashes());
        reviewed.extend(manifest.leaves);
    }
    let unknown: Vec<Hash32> = leaves.iter().filter(|l| !held.contains(*l)).copied().collect();
    let asked = futures::stream::iter(unknown)
        .map(|leaf| async move {
            let found = indexer.contribution(&leaf).await?;
            let has = found.is_some_and(|c| matches!(c.contribution.status.as_str(), "accepted" | "review"));
            Ok::<_, SdkError>(has.then_some(leaf))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await;
    match asked {
        Ok(found) => held.extend(found.into_iter().flatten()),
        Err(error) => tracing::info!(%error, "the indexer cannot say what the Datanet has"),
    }
    let asked: HashSet<&Hash32> = leaves.iter().collect();
    held.retain(|leaf| asked.contains(leaf));
    Ok(Held { leaves: held, reviewed })
}
