//! Contributions with the details from their manifests, and proofs that they are in their Datanet's root (rule D1).

use super::{
    error::Refusal,
    filters::CONTRIBUTIONS,
    list::{self, Final},
    query::Query,
    state::State,
};
use openledger_protocol::leaf;
use openledger_sdk::{
    api::types::{Contribution, ContributionDetail, ContributionWithProof, Page},
    manifest::Manifest,
    printable,
    proof::{AcceptedBatch, ContributionProof},
    text,
};
use serde::Deserialize;
use std::sync::Arc;

/// A leaf with its batch's manifest.
#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    contribution: Contribution,
    manifest: Option<String>,
}

/// The leaves of a Datanet.
pub async fn of_datanet(state: &State, datanet: &str, query: &Query) -> Result<Page<Final<Contribution>>, Refusal> {
    let mut filters = query.filters(CONTRIBUTIONS)?;
    filters.push(("datanet", datanet.to_owned()));
    let page: Page<Final<Row>> = list::page(&state.db, "contribution", &filters, query).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for Final { row, finalized } in page.items {
        items.push(Final { row: described(state, row).await.0, finalized });
    }
    Ok(Page { items, next: page.next })
}

/// Returns a leaf, with its proof once its batch is accepted. If several batches carry the leaf, an accepted one is
/// preferred, then the newest.
pub async fn with_proof(state: &State, leaf: [u8; 32]) -> Result<Final<ContributionWithProof>, Refusal> {
    let name = hex::encode(leaf);
    let row: Option<Final<Row>> = state
        .db
        .row(
            "SELECT * FROM contribution WHERE hash = decode($1, 'hex')
             ORDER BY status = 'accepted' DESC, slot DESC, batch_index DESC, place LIMIT 1",
            &[&name],
        )
        .await?;
    let Final { row, finalized } = row.ok_or_else(|| Refusal::absent("contribution", &name))?;
    let (contribution, preimage) = described(state, row).await;
    let proof = match contribution.status.as_str() {
        "accepted" => Some(prove(state, &contribution, &leaf, preimage.as_ref()).await?),
        _ => None,
    };
    Ok(Final { row: ContributionWithProof { contribution, proof }, finalized })
}

/// Adds the details from the manifest, and returns the leaf's preimage with them. The store need not be trusted: the
/// details are used only if they hash to the leaf.
async fn described(state: &State, row: Row) -> (Contribution, Option<leaf::Contribution>) {
    let mut contribution = row.contribution;
    let Some(manifest) = row.manifest.and_then(|m| text::parse_hash(&m).ok()) else { return (contribution, None) };
    let Some(manifest) = load(state, &manifest).await else { return (contribution, None) };
    let place = contribution.place as usize;
    let preimage = manifest.contribution(place).filter(|c| hex::encode(c.hash()) == contribution.leaf);
    if preimage.is_some() {
        let leaf = &manifest.leaves[place];
        contribution.detail = Some(ContributionDetail {
            content: hex::encode(leaf.content),
            kind: leaf.kind.to_string(),
            target: leaf.target.map(hex::encode),
            title: printable(&leaf.metadata.title).into_owned(),
            author: printable(&leaf.metadata.author).into_owned(),
            licence: printable(&leaf.metadata.licence).into_owned(),
            source: printable(&leaf.metadata.source).into_owned(),
        });
    }
    (contribution, preimage)
}

/// Loads a manifest. Returns `None` if the store does not give it or if it does not parse.
async fn load(state: &State, hash: &[u8; 32]) -> Option<Arc<Manifest>> {
    if let Some(found) = state.manifests.get(hash) {
        return Some(found);
    }
    let bytes = state.store.as_ref()?.get_blob(hash).await.ok()?;
    match Manifest::from_bytes(&bytes) {
        Ok(manifest) => Some(state.manifests.put(*hash, manifest)),
        Err(error) => {
            tracing::debug!(%error, manifest = hex::encode(hash), "a contributor's manifest does not read");
            None
        }
    }
}

async fn prove(
    state: &State,
    contribution: &Contribution,
    leaf: &[u8; 32],
    preimage: Option<&leaf::Contribution>,
) -> Result<ContributionProof, Refusal> {
    let batches = state
        .db
        .query(
            "SELECT (data ->> 'index')::bigint, data ->> 'contributor', data ->> 'root', (data ->> 'count')::bigint
             FROM event WHERE subject = $1 AND kind = 'BatchAccepted' ORDER BY (data ->> 'place')::bigint",
            &[&contribution.datanet],
        )
        .await?;
    let leaves =
        state.db.query("SELECT hash FROM leaf WHERE batch = $1 ORDER BY position", &[&contribution.batch]).await?;
    let accepted: Vec<AcceptedBatch> = batches
        .iter()
        .map(|row| {
            Ok(AcceptedBatch {
                index: row.get::<_, i64>(0) as u64,
                contributor: text::parse_key(row.get(1))?,
                root: text::parse_hash(row.get(2))?,
                count: row.get::<_, i64>(3) as u64,
            })
        })
        .collect::<Result<_, String>>()
        .map_err(Refusal::unavailable)?;
    let leaves: Vec<[u8; 32]> = leaves.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect();
    let datanet = text::parse_key(&contribution.datanet).map_err(Refusal::unavailable)?;
    ContributionProof::build(&datanet, &accepted, contribution.batch_index, &leaves, leaf, preimage).map_err(|error| {
        Refusal::unavailable(format!(
            "the index is not complete yet, so the proof cannot be built ({error}): try again"
        ))
    })
}
