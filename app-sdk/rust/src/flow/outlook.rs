//! What a job would find in Datanets, told before its budget is paid. It reads the manifests of accepted batches and asks
//! how long documents are; it fetches none.

use super::{accepted::AcceptedBatches, history::Accepted};
use crate::{
    api::IndexerClient,
    artifact::{DataSettings, Outlook},
    client::Client,
    error::SdkError,
    manifest::{self, Kind, Leaf, Manifest},
    store::Store,
};
use futures::{StreamExt, TryStreamExt};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::collections::{HashMap, HashSet};

/// Most documents whose length is asked for. The others are taken to be like them.
const MOST_ASKED: usize = 512;
/// Most requests to the store at once.
const AT_ONCE: usize = 16;

/// About what a job with these settings would learn of what `datanets` have accepted, if all of it were drawn, and the
/// number of documents that could not be looked at: the store refuses them to this wallet, or lacks them. Without an `index`
/// the ledger's history is read.
pub async fn outlook(
    client: &Client,
    index: Option<IndexerClient>,
    store: &Store,
    datanets: &[Pubkey],
    settings: &DataSettings,
) -> Result<(Outlook, u64), SdkError> {
    let mut batches = AcceptedBatches::new(client.clone(), index);
    let (mut documents, mut unread) = (Vec::new(), 0);
    for datanet in datanets {
        let mut accepted = batches.of(datanet).await?;
        let mut read = read(store, &accepted, true).await?;
        if read.is_none() {
            // The index named what is not the batches'. The ledger says which manifests are.
            accepted = batches.by_ledger(datanet).await?;
            read = self::read(store, &accepted, false).await?;
        }
        let (manifests, withheld) = read.unwrap_or_default();
        unread += withheld;
        documents.extend(in_use(&manifests));
    }
    let every = documents.len().div_ceil(MOST_ASKED).max(1);
    let sample: Vec<(usize, Hash32)> = documents.iter().step_by(every).copied().collect();
    let sizes = futures::stream::iter(sample)
        .map(|(title, content)| async move {
            match store.blob_bytes(&content).await {
                Ok(bytes) => Ok(bytes.map(|bytes| (title, bytes as usize))),
                Err(error) if error.is_refusal() => Ok(None),
                Err(error) => Err(SdkError::from(error)),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let read = sizes.iter().flatten().count();
    let missing = (documents.len() * (sizes.len() - read)).checked_div(sizes.len()).unwrap_or(0);
    let outlook = Outlook::of(settings, sizes.into_iter().flatten()).scaled(documents.len() - missing);
    Ok((outlook, unread + missing as u64))
}

/// The manifests of these batches, and the number of leaves of those that this wallet cannot read. `None` if all must
/// be `strict`ly the batches' and one is not.
async fn read(store: &Store, accepted: &[Accepted], strict: bool) -> Result<Option<(Vec<Manifest>, u64)>, SdkError> {
    let (mut manifests, mut withheld) = (Vec::new(), 0);
    for batch in accepted {
        let manifest = match store.get_blob_within(&batch.manifest, manifest::MOST_BYTES).await {
            Ok(bytes) => Manifest::from_bytes(&bytes).map_err(SdkError::from),
            Err(error) if error.is_refusal() => {
                withheld += batch.leaves;
                continue;
            }
            Err(error) => Err(error.into()),
        };
        match manifest {
            Ok(manifest) if !strict || manifest.root() == batch.root => manifests.push(manifest),
            Ok(_) => return Ok(None),
            Err(_) if strict => return Ok(None),
            // What nobody can read is not learned.
            Err(_) => withheld += batch.leaves,
        }
    }
    Ok(Some((manifests, withheld)))
}

/// The length of the title and the present content of each document that was not removed.
fn in_use(manifests: &[Manifest]) -> Vec<(usize, Hash32)> {
    let leaves = || manifests.iter().flat_map(|m| m.leaf_hashes().into_iter().zip(&m.leaves));
    let of_kind = |kind: Kind| leaves().filter(move |(_, leaf)| leaf.kind == kind);
    let target = |(_, leaf): (Hash32, &Leaf)| leaf.target.map(|target| (target, leaf.content));
    let removed: HashSet<Hash32> = of_kind(Kind::Removal).filter_map(target).map(|(target, _)| target).collect();
    let corrected: HashMap<Hash32, Hash32> = of_kind(Kind::Correction).filter_map(target).collect();
    of_kind(Kind::Document)
        .filter(|(hash, _)| !removed.contains(hash))
        .map(|(hash, leaf)| (leaf.metadata.title.len(), corrected.get(&hash).copied().unwrap_or(leaf.content)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Metadata;

    #[test]
    fn removed_documents_do_not_count_and_corrected_ones_as_corrected() {
        let leaf = |kind, content: u8, target, title: &str| Leaf {
            content: [content; 32],
            kind,
            target,
            metadata: Metadata { title: title.into(), ..Metadata::default() },
        };
        let manifest = |leaves| Manifest::new(Pubkey::default(), Pubkey::default(), leaves).unwrap();
        let first = manifest((1..=3).map(|n| leaf(Kind::Document, n, None, "title")).collect());
        let [_, fixed, gone]: [Hash32; 3] = first.leaf_hashes().try_into().unwrap();
        let second = manifest(vec![
            leaf(Kind::Correction, 8, Some(fixed), "another"),
            leaf(Kind::Removal, 9, Some(gone), ""),
            leaf(Kind::Label, 7, Some(fixed), ""),
        ]);
        assert_eq!(in_use(&[first, second]), [(5, [1; 32]), (5, [8; 32])]);
    }
}
