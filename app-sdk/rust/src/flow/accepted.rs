//! What Datanets have accepted: by the index as far as the chain bears it out, else by the ledger's history.
//!
//! A Datanet's account has the root over its accepted batches. A list that leads to this root is complete and in order,
//! whoever gave it, and each manifest must lead to its batch's root. So the index is only a shorter way to what is true.

use super::history::{Accepted, History};
use crate::{
    api::{IndexerClient, types::Batch},
    client::Client,
    error::SdkError,
    proof::{AcceptedBatch, AcceptedRange},
    text::{parse_hash, parse_key},
    wait::Wait,
};
use datanet::state::Datanet;
use openledger_protocol::{Hash32, mmr};
use solana_pubkey::Pubkey;
use std::{collections::HashMap, time::Duration};

/// How long the index may be behind an acceptance before the ledger is read instead.
const BEHIND: Duration = Duration::from_secs(5);

/// How long reading the index's list may take.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// The accepted batches of Datanets, read as far as it is needed.
pub(super) struct AcceptedBatches {
    client: Client,
    index: Option<IndexerClient>,
    history: History,
    /// What the index said that was borne out, with the root that it led to.
    borne_out: HashMap<Pubkey, (Hash32, Vec<Accepted>)>,
}

impl AcceptedBatches {
    /// Knows nothing yet. Without an `index` the ledger's history is read.
    pub fn new(client: Client, index: Option<IndexerClient>) -> Self {
        Self { history: History::new(client.clone()), client, index, borne_out: HashMap::new() }
    }

    /// Those of a Datanet, in the order of acceptance.
    pub async fn of(&mut self, datanet: &Pubkey) -> Result<Vec<Accepted>, SdkError> {
        let Some(index) = self.index.clone() else { return self.by_ledger(datanet).await };
        let mut wait = Wait::new("the index", BEHIND);
        loop {
            let range = self.client.account::<Datanet>(datanet).await?.range;
            let root = mmr::root(range.count, &range.peaks)
                .map_err(|e| SdkError::Input(format!("Datanet {datanet} has an impossible range: {e:?}")))?;
            if let Some((at, accepted)) = self.borne_out.get(datanet)
                && *at == root
            {
                return Ok(accepted.clone());
            }
            let said = match range.count {
                0 => Ok(Vec::new()),
                // A list of ever more pages must not hold up a judgement.
                _ => match tokio::time::timeout(READ_WITHIN, index.accepted_batches(datanet)).await {
                    Ok(said) => said,
                    Err(_) => return self.by_ledger(datanet).await,
                },
            };
            match said {
                Ok(said) => match leading_to(datanet, said, range.count, &root) {
                    Some(accepted) => {
                        self.borne_out.insert(*datanet, (root, accepted.clone()));
                        return Ok(accepted);
                    }
                    None if wait.pause().await.is_ok() => {}
                    None => {
                        tracing::info!(%datanet, "the index is behind or wrong: the ledger is read instead");
                        return self.by_ledger(datanet).await;
                    }
                },
                Err(error) => {
                    tracing::info!(%error, "the index does not answer: the ledger is read instead");
                    return self.by_ledger(datanet).await;
                }
            }
        }
    }

    /// Those of a Datanet by the ledger alone. Fails if the node's history does not have them all: copies of what is missing
    /// would go unnoticed.
    pub async fn by_ledger(&mut self, datanet: &Pubkey) -> Result<Vec<Accepted>, SdkError> {
        // Before the history, which may be ahead of it.
        let count = self.client.account::<Datanet>(datanet).await?.range.count;
        self.history.update().await?;
        let accepted = self.history.accepted(datanet);
        match accepted.len() as u64 >= count {
            true => Ok(accepted),
            false => Err(SdkError::Input(format!(
                "Datanet {datanet} has accepted {count} batches, and the node's history has {}: name a node with the whole \
                 history, or an index that has them",
                accepted.len()
            ))),
        }
    }
}

/// The first `count` of the batches in the order of their places, if they lead to `root`.
fn leading_to(datanet: &Pubkey, mut said: Vec<Batch>, count: u64, root: &Hash32) -> Option<Vec<Accepted>> {
    // The index may be ahead.
    said.retain(|batch| batch.place.is_some_and(|place| place < count));
    said.sort_by_key(|batch| batch.place);
    let read = |batch: &Batch| {
        let root = parse_hash(batch.root.as_deref()?).ok()?;
        let contributor = parse_key(&batch.contributor).ok()?;
        let accepted = Accepted { manifest: parse_hash(batch.manifest.as_deref()?).ok()?, root, leaves: batch.count };
        Some((AcceptedBatch { index: batch.index, contributor, root, count: batch.count }, accepted))
    };
    let (batches, accepted): (Vec<_>, _) = said.iter().map(read).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let complete = batches.len() as u64 == count;
    (complete && AcceptedRange::new(*datanet, batches).root().is_ok_and(|found| found == *root)).then_some(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node;
    use anchor_lang::{AccountSerialize, AnchorDeserialize};
    use openledger_protocol::hash::ZERO;
    use serde_json::json;
    use warp::Filter;

    const DATANET: Pubkey = Pubkey::new_from_array([3; 32]);

    fn batch(place: u64) -> Batch {
        let hash = |n: u64| hex::encode([n as u8 + 10; 32]);
        serde_json::from_value(json!({
            "address": DATANET.to_string(), "datanet": DATANET.to_string(), "index": place * 2,
            "contributor": Pubkey::new_from_array([place as u8 + 1; 32]).to_string(), "status": "accepted",
            "count": place + 1, "bond": "1", "root": hash(place), "manifest": hash(place + 100),
            "commit_until": null, "reveal_until": null, "place": place, "quality": null, "reviews": [],
            "opened_slot": 1, "decided_slot": 2, "leaves": "ledger", "leaves_error": null, "finalized": true,
        }))
        .unwrap()
    }

    /// The range that a Datanet has which accepted `count` such batches.
    fn range(count: u64) -> datanet::state::Range {
        let mut range = datanet::state::Range { count: 0, peaks: [ZERO; mmr::MAX_PEAKS] };
        for place in 0..count {
            let batch = batch(place);
            let leaf = AcceptedBatch {
                index: batch.index,
                contributor: parse_key(&batch.contributor).unwrap(),
                root: parse_hash(batch.root.as_deref().unwrap()).unwrap(),
                count: batch.count,
            };
            range.count = mmr::append(range.count, &mut range.peaks, leaf.leaf(&DATANET).hash()).unwrap();
        }
        range
    }

    fn root(count: u64) -> Hash32 {
        let range = range(count);
        mmr::root(range.count, &range.peaks).unwrap()
    }

    #[test]
    fn a_list_counts_only_if_it_leads_to_the_chains_root() {
        let (three, said) = (root(3), || (0..4).rev().map(batch).collect::<Vec<_>>());
        let accepted = leading_to(&DATANET, said(), 3, &three).expect("in any order, and one ahead");
        assert_eq!(accepted.iter().map(|a| a.leaves).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(accepted[2].manifest, [112; 32]);
        // One is withheld, another said twice, a number or a contributor is another, the chain is ahead.
        assert_eq!(leading_to(&DATANET, said().split_off(2), 3, &three), None);
        assert_eq!(leading_to(&DATANET, vec![batch(0), batch(1), batch(1)], 3, &three), None);
        for lie in [
            |b: &mut Batch| b.count += 1,
            |b: &mut Batch| b.index += 1,
            |b: &mut Batch| b.root = Some(hex::encode([9; 32])),
            |b: &mut Batch| b.contributor = DATANET.to_string(),
            |b: &mut Batch| b.manifest = None,
        ] {
            let mut said = said();
            lie(&mut said[2]);
            assert_eq!(leading_to(&DATANET, said, 3, &three), None);
        }
        assert_eq!(leading_to(&DATANET, said(), 5, &root(5)), None);
    }

    /// A node whose Datanet has accepted two batches and whose history is empty, and an index that says this.
    async fn parts(said: Vec<Batch>) -> AcceptedBatches {
        let zeros = AnchorDeserialize::deserialize(&mut &[0u8; 4096][..]).unwrap();
        let mut data = Vec::new();
        Datanet { range: range(2), ..zeros }.try_serialize(&mut data).unwrap();
        let node = fake_node::serve(move |method, _| match method {
            "getAccountInfo" => Ok(fake_node::found(&datanet::ID, &data)),
            "getSignaturesForAddress" => Ok(json!([])),
            other => Err(json!({ "code": -32601, "message": other })),
        });
        let page = json!({ "items": said, "next": null });
        let route = warp::any().map(move || warp::reply::json(&page));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let index = IndexerClient::new(format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(warp::serve(route).incoming(listener).run());
        AcceptedBatches::new(Client::new(node.await, ""), Some(index))
    }

    #[tokio::test]
    async fn an_index_that_is_borne_out_spares_the_history_and_one_that_lies_does_not_count() {
        let mut honest = parts((0..2).map(batch).collect()).await;
        assert_eq!(honest.of(&DATANET).await.unwrap().len(), 2);
        // The history of this node has nothing, which is not what the Datanet has accepted either.
        let mut lying = parts(vec![batch(0)]).await;
        let error = lying.of(&DATANET).await.unwrap_err().to_string();
        assert!(error.contains("history has 0"), "{error}");
    }
}
