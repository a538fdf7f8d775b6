//! Datanets of real documents: created, filled by their authors, reviewed by staked validators. A batch of copies is
//! rejected.

use crate::{
    documents::{Collection, Document},
    network::{Network, wait},
    people::Person,
    settings::OPEN,
    stage::Stage,
    summary::DatanetSummary,
};
use anyhow::{Context, Result, bail, ensure};
use datanet::{
    instructions::CreateDatanetArgs,
    state::{Access, Datanet, Modality},
};
use openledger_protocol::{Hash32, batch::BatchLeaf, mmr};
use openledger_sdk::{
    flow::{
        contribute::{Contribution, contribute},
        review::{Action, Reviewer, SealedVerdicts},
    },
    ix,
    manifest::Metadata,
    pda,
    review::Limits,
};
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use tokio::sync::mpsc;

/// Least bond of a batch.
pub const BOND: u64 = OPEN;
/// Validators.
pub const VALIDATORS: usize = 3;
/// Each validator's stake.
pub const VALIDATOR_STAKE: u64 = 1_000 * OPEN;

/// A Datanet of the demo.
pub struct DemoDatanet {
    /// Its account.
    pub address: Pubkey,
    /// Its name.
    pub name: String,
    /// Whether training needs a grant.
    pub permissioned: bool,
    /// Its owner.
    pub owner: Person,
    /// SPDX licence expression.
    licence: String,
}

/// The batch that was rejected.
pub struct Rejected {
    /// Its Datanet.
    pub datanet: Pubkey,
    /// Its number.
    pub index: u64,
    /// The wallet that contributed it.
    pub contributor: Pubkey,
    /// Its leaves.
    pub leaves: Vec<Hash32>,
    /// Leaves of the Datanet's range, which are its accepted batches.
    pub accepted: Vec<Hash32>,
}

/// Everything about the demo's data.
pub struct Datanets {
    /// The Datanets.
    pub all: Vec<DemoDatanet>,
    /// The rejected batch.
    pub rejected: Rejected,
    /// Leaves of the same copies in another Datanet. Its validators did not know the originals and accepted them.
    pub smuggled: Vec<Hash32>,
}

/// One contributor's batch.
struct Delivery {
    datanet: usize,
    contributor: usize,
    documents: Vec<Document>,
}

/// Creates a Datanet for each collection.
pub async fn create(network: &Network, owners: Vec<Person>, collections: &[Collection]) -> Result<Vec<DemoDatanet>> {
    let mut out = Vec::new();
    for (owner, collection) in owners.into_iter().zip(collections) {
        let description = collection.description.as_bytes().to_vec();
        let metadata_hash = network.store_of(&owner)?.put_blob(description).await?;
        let args = CreateDatanetArgs {
            id: 1,
            name: collection.name.into(),
            metadata_uri: format!("blobs/{}", hex::encode(metadata_hash)),
            metadata_hash,
            modality: Modality::Text,
            licence: collection.licence.into(),
            access: if collection.permissioned { Access::Permissioned } else { Access::Open },
            min_bond: BOND,
            panel_size: VALIDATORS as u8,
            quorum: 2,
        };
        let create = ix::datanet::create_datanet(&owner.address(), args);
        network.client.send(&[create], &[&owner.key]).await.with_context(|| format!("creating {}", collection.name))?;
        out.push(DemoDatanet {
            address: pda::datanet(&owner.address(), 1),
            name: collection.name.into(),
            permissioned: collection.permissioned,
            licence: collection.licence.into(),
            owner,
        });
    }
    Ok(out)
}

/// Names of all authors, in the order in which they get wallets.
pub fn authors(collections: &[Collection]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for document in collections.iter().flat_map(|c| &c.documents) {
        if !names.contains(&document.author) {
            names.push(document.author.clone());
        }
    }
    names
}

/// Every author contributes and validators review. Then a thief contributes copies to two Datanets. The one that knows
/// the originals rejects them; the other accepts them.
pub async fn fill(
    stage: &Stage,
    network: &Network,
    datanets: Vec<DemoDatanet>,
    collections: &[Collection],
    contributors: &[Person],
    validators: &[Person],
    copycat: &Person,
) -> Result<Datanets> {
    let deliveries = deliveries(collections, contributors)?;
    let accepted = deliver_all(stage, network, &datanets, &deliveries, contributors, validators).await?;

    // The thief contributes somebody else's documents under its own name.
    let victim = &deliveries[0];
    let datanet = datanets[victim.datanet].address;
    let elsewhere = datanets.iter().find(|d| d.address != datanet && !d.permissioned);
    let elsewhere = elsewhere.context("there is no second open Datanet")?;
    let stolen = deliver(network, copycat, &datanet, &victim.documents).await?;
    let smuggled = deliver(network, copycat, &elsewhere.address, &victim.documents).await?;
    let verdicts = review(stage, network, validators, 2, None).await?;
    ensure!(verdicts.get(&stolen.batch) == Some(&false), "a batch of copies was accepted");
    ensure!(verdicts.get(&smuggled.batch) == Some(&true), "copies of what no validator there knew were turned away");
    stage.note(format!(
        "a batch of {} copies was turned away, its bond of {} OPEN forfeited; in {:?}, where nobody knows them, they got in",
        stolen.leaves.len(),
        BOND / OPEN,
        elsewhere.name
    ));
    // Batches are finalised in any order. The chain determines the order in the range.
    let own = deliveries.iter().zip(accepted).filter(|(d, _)| d.datanet == victim.datanet).map(|(_, leaf)| leaf);
    let accepted = accepted_order(network, &datanet, own.collect()).await?;
    let rejected =
        Rejected { datanet, index: stolen.index, contributor: copycat.address(), leaves: stolen.leaves, accepted };
    Ok(Datanets { all: datanets, rejected, smuggled: smuggled.leaves })
}

/// Every author contributes and validators review.
pub async fn fill_with_originals(
    stage: &Stage,
    network: &Network,
    datanets: &[DemoDatanet],
    collections: &[Collection],
    contributors: &[Person],
    validators: &[Person],
) -> Result<()> {
    let deliveries = deliveries(collections, contributors)?;
    deliver_all(stage, network, datanets, &deliveries, contributors, validators).await.map(drop)
}

/// Contributes the deliveries while validators review them. Returns each one's leaf in its Datanet's range.
async fn deliver_all(
    stage: &Stage,
    network: &Network,
    datanets: &[DemoDatanet],
    deliveries: &[Delivery],
    contributors: &[Person],
    validators: &[Person],
) -> Result<Vec<Hash32>> {
    let total: usize = deliveries.iter().map(|d| d.documents.len()).sum();
    let (missed, mut again) = mpsc::unbounded_channel();
    let contributing = async {
        let bar = stage.bar(total as u64, "documents contributed");
        let mut accepted = vec![[0; 32]; deliveries.len()];
        let mut delivered = HashMap::new();
        for (number, delivery) in deliveries.iter().enumerate() {
            let (batch, leaf) = contribute_to(network, datanets, contributors, delivery).await?;
            accepted[number] = leaf;
            delivered.insert(batch, number);
            bar.inc(delivery.documents.len() as u64);
        }
        bar.finish_and_clear();
        stage.note(format!(
            "{total} documents by {} authors are on the ledger, in {} batches",
            contributors.len(),
            deliveries.len()
        ));
        // On a busy machine the validators may miss a batch's windows. Its contributor then contributes it again.
        while let Some(batch) = again.recv().await {
            // Several validators may report the same batch.
            let Some(number) = delivered.remove(&batch) else { continue };
            stage.note(format!("nobody reviewed batch {batch} in time: it is contributed again"));
            let (batch, leaf) = contribute_to(network, datanets, contributors, &deliveries[number]).await?;
            accepted[number] = leaf;
            delivered.insert(batch, number);
        }
        Ok(accepted)
    };
    // Validators work at the same time, because a batch's windows begin when it is submitted.
    let (accepted, verdicts) =
        tokio::try_join!(contributing, review(stage, network, validators, deliveries.len(), Some(missed)))?;
    ensure!(verdicts.values().all(|accepted| *accepted), "an honest batch was turned away");
    Ok(accepted)
}

fn deliveries(collections: &[Collection], contributors: &[Person]) -> Result<Vec<Delivery>> {
    let mut out = Vec::new();
    for (datanet, collection) in collections.iter().enumerate() {
        let mut by_author = BTreeMap::<usize, Vec<Document>>::new();
        for document in &collection.documents {
            let place = contributors
                .iter()
                .position(|p| p.name == document.author)
                .with_context(|| format!("{} has no wallet", document.author))?;
            by_author.entry(place).or_default().push(document.clone());
        }
        out.extend(by_author.into_iter().map(|(contributor, documents)| Delivery { datanet, contributor, documents }));
    }
    Ok(out)
}

/// Has the delivery's contributor contribute it. Returns the batch and its leaf in the Datanet's range.
async fn contribute_to(
    network: &Network,
    datanets: &[DemoDatanet],
    contributors: &[Person],
    delivery: &Delivery,
) -> Result<(Pubkey, Hash32)> {
    let (datanet, contributor) = (datanets[delivery.datanet].address, &contributors[delivery.contributor]);
    let done = deliver(network, contributor, &datanet, &delivery.documents).await?;
    let leaf = BatchLeaf {
        datanet: datanet.to_bytes(),
        index: done.index,
        contributor: contributor.address().to_bytes(),
        root: mmr::root_of(&done.leaves),
        count: done.leaves.len() as u64,
    };
    Ok((done.batch, leaf.hash()))
}

async fn deliver(
    network: &Network,
    who: &Person,
    datanet: &Pubkey,
    documents: &[Document],
) -> Result<openledger_sdk::flow::contribute::Contributed> {
    let contributions: Vec<Contribution> = documents
        .iter()
        .map(|d| {
            let metadata = Metadata {
                title: d.title.clone(),
                author: d.author.clone(),
                licence: d.licence.clone(),
                source: d.source.clone(),
                ..Default::default()
            };
            Contribution::document(d.text.clone(), metadata)
        })
        .collect();
    contribute(&network.client, &network.store_of(who)?, &who.key, datanet, &contributions, None, |_| {})
        .await
        .with_context(|| format!("contributing the documents of {}", who.name))
}

/// The validators at work, one reviewer for each.
pub fn reviewers<'a>(network: &Network, validators: &'a [Person]) -> Result<Vec<Reviewer<'a>>> {
    let reviewer = |v: &'a Person| {
        let sealed = SealedVerdicts::open(network.place.folder.join("verdicts").join(v.address().to_string()))?;
        let reviewer = Reviewer::new(network.client.clone(), network.store_of(v)?, &v.key, sealed, Limits::default());
        Ok(reviewer.with_index(network.api()?.clone()))
    };
    validators.iter().map(reviewer).collect()
}

/// Has all validators work until `count` batches are decided. Returns each batch and whether it was accepted. Sends the
/// batches whose windows ran out to `missed`.
async fn review(
    stage: &Stage,
    network: &Network,
    validators: &[Person],
    count: usize,
    missed: Option<mpsc::UnboundedSender<Pubkey>>,
) -> Result<BTreeMap<Pubkey, bool>> {
    let bar = stage.bar(count as u64, "batches reviewed by commit and reveal");
    let mut reviewers = reviewers(network, validators)?;
    // Several validators may finalise the same batch at once. The first one succeeds, and all see the result.
    let mut decided = BTreeMap::new();
    wait("the review of all batches", Duration::from_secs(240), async || {
        let passes = futures::future::join_all(reviewers.iter_mut().map(|r| r.pass(None))).await;
        for action in passes.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            match action {
                Action::Finalised(batch, accepted) => drop(decided.insert(batch, accepted)),
                Action::Expired(batch) => match &missed {
                    Some(missed) => missed.send(batch).context("the contributors have gone")?,
                    None => bail!("nobody reviewed batch {batch} in time"),
                },
                Action::Committed(..) | Action::Revealed(_) => {}
            }
        }
        bar.set_position(decided.len() as u64);
        Ok((decided.len() >= count).then_some(()))
    })
    .await?;
    bar.finish_and_clear();
    Ok(decided)
}

/// The leaves in the order in which the program appended them, which is the order that gives the Datanet's root.
async fn accepted_order(network: &Network, datanet: &Pubkey, leaves: Vec<Hash32>) -> Result<Vec<Hash32>> {
    let mut batches = network.api()?.accepted_batches(datanet).await?;
    batches.sort_by_key(|b| b.place);
    let state: Datanet = network.client.account(datanet).await?;
    let ordered: Vec<Hash32> = batches
        .iter()
        .map(|b| {
            let root = b.root.as_deref().context("an accepted batch has a root")?;
            Ok(BatchLeaf {
                datanet: datanet.to_bytes(),
                index: b.index,
                contributor: b.contributor.parse::<Pubkey>()?.to_bytes(),
                root: openledger_sdk::text::parse_hash(root)?,
                count: b.count,
            }
            .hash())
        })
        .collect::<Result<_>>()?;
    let root = mmr::root(state.range.count, &state.range.peaks).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    ensure!(
        mmr::root_of(&ordered) == root && ordered.len() == leaves.len() && leaves.iter().all(|l| ordered.contains(l)),
        "the batches that were contributed do not lead to the Datanet's root"
    );
    Ok(ordered)
}

/// The Datanets for the summary, as the indexer reports them.
pub async fn summary(network: &Network, datanets: &Datanets) -> Result<(Vec<DatanetSummary>, u64)> {
    let (mut out, mut rejected) = (Vec::new(), 0);
    for d in &datanets.all {
        let row = network.api()?.datanet(&d.address).await?.context("the indexer does not know a Datanet")?;
        // Those that nobody reviewed in time were contributed again.
        rejected += network.api()?.batches(&d.address, "rejected").await?.len() as u64;
        out.push(DatanetSummary {
            id: d.address.to_string(),
            name: d.name.clone(),
            access: row.access,
            licence: d.licence.clone(),
            documents: row.contributions,
            contributors: row.contributors,
            root: row.root,
        });
    }
    Ok((out, rejected))
}
