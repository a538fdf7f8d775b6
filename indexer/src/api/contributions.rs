//! Contributions with the details from their manifests, and proofs that they are in their Datanet's root (rule D1).

use super::{
    accepted,
    error::Refusal,
    list::{self, Placed},
    parameters::CONTRIBUTIONS,
    query::Query,
    state::{Loaded, State},
};
use openledger_protocol::{Hash32, leaf};
use openledger_sdk::{
    api::types::{Contribution, ContributionDetail, ContributionWithProof, Final, Page},
    manifest::{self, Manifest},
    proof::{BLOCK, ContributionProof, Path, ProofError},
    text,
};
use serde::Deserialize;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

/// Longest manifest that is read for its details, in bytes.
const MOST_MANIFEST: u64 = 4 << 20;
/// Bytes of manifests after which a page ends, however few its rows are: contributors choose how long manifests are.
const MOST_READ: usize = 8 << 20;
/// What the cache of manifests counts for an entry, beside the manifest's bytes.
const ENTRY: usize = 256;
/// How long a manifest that could not be read is not asked for again.
const FAILED: Duration = Duration::from_secs(10);

/// A leaf with its batch's manifest.
#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    contribution: Contribution,
    manifest: Option<String>,
    /// What the manifest says about it, if that is kept with it.
    told: Option<String>,
}

/// The leaves of a Datanet. A page ends early where much had to be read for it.
pub async fn of_datanet(state: &State, datanet: &str, query: &Query) -> Result<Page<Final<Contribution>>, Refusal> {
    let mut filters = query.filters(CONTRIBUTIONS)?;
    filters.push(("datanet", datanet.to_owned()));
    let (rows, more): (Vec<Placed<Final<Row>>>, _) = list::placed(&state.db, "contribution", &filters, query).await?;
    let cursors: Vec<String> = rows.iter().map(Placed::cursor).collect();
    let (rows, finalized): (Vec<Row>, Vec<bool>) = rows.into_iter().map(|p| (p.row.row, p.row.finalized)).unzip();
    let described = described(state, datanet, rows).await?;
    let more = more || described.len() < cursors.len();
    let next = described.len().checked_sub(1).filter(|_| more).map(|last| cursors[last].clone());
    let items = described.into_iter().zip(finalized).map(|((row, _), finalized)| Final { row, finalized }).collect();
    Ok(Page { items, next })
}

/// Returns a leaf, with its proof once its batch is accepted. If several batches carry the leaf, an accepted one is
/// preferred, then the newest.
pub async fn with_proof(state: &State, leaf: [u8; 32]) -> Result<Final<ContributionWithProof>, Refusal> {
    let name = hex::encode(leaf);
    let row: Option<Final<Row>> = state
        .db
        .row(
            // Anybody may put the same leaf into as many batches as they like: only one is looked at whole.
            "SELECT c.* FROM (
                 SELECT l.batch, l.position FROM leaf l JOIN batch_place p ON p.address = l.batch
                 WHERE l.hash = decode($1, 'hex')
                 ORDER BY p.status = 'accepted' DESC, p.slot DESC, p.index DESC, l.position LIMIT 1) one
             JOIN contribution c ON c.batch = one.batch AND c.place = one.position",
            &[&name],
        )
        .await?;
    let Final { row, finalized } = row.ok_or_else(|| Refusal::absent("contribution", &name))?;
    let datanet = row.contribution.datanet.clone();
    let described = described(state, &datanet, vec![row]).await?.pop();
    let (contribution, preimage) = described.ok_or_else(|| Refusal::absent("contribution", &name))?;
    let proof = match contribution.status.as_str() {
        "accepted" => Some(prove(state, &contribution, &leaf, preimage.as_ref()).await?),
        _ => None,
    };
    Ok(Final { row: ContributionWithProof { contribution, proof }, finalized })
}

/// Adds the details from the manifests to the leaves of a Datanet, and returns each leaf's preimage with them. The store
/// need not be trusted: the details are used only if they hash to the leaf. They are shown to everybody, and therefore only
/// of accepted batches of an open Datanet. Of many rows it returns the first ones, for which [`MOST_READ`] bytes were read.
async fn described(state: &State, datanet: &str, mut rows: Vec<Row>) -> Result<Vec<Described>, Refusal> {
    let open = is_open(state, datanet).await?;
    let mut manifests: HashMap<Hash32, Option<Arc<Loaded>>> = HashMap::new();
    let (mut read, mut done) = (0, 0);
    for row in &rows {
        if let Some(hash) = shown(row).filter(|_| open && row.told.is_none())
            && let Entry::Vacant(place) = manifests.entry(hash)
        {
            if read >= MOST_READ {
                break;
            }
            let (manifest, bytes) = load(state, &hash).await.unzip();
            read += bytes.unwrap_or(0);
            place.insert(manifest);
        }
        done += 1;
    }
    rows.truncate(done);
    // Contributors choose how much there is to hash.
    let describe = move || {
        let described = rows.into_iter().map(|row| match shown(&row).filter(|_| open) {
            None => (row.contribution, None),
            Some(hash) => match row.told.as_deref().and_then(|told| alone(told, &row.contribution)) {
                Some(manifest) => describe(row.contribution, Some(&manifest), 0),
                None => {
                    let manifest = manifests.get(&hash).and_then(|loaded| loaded.as_deref()?.as_ref().ok());
                    let place = row.contribution.place as usize;
                    describe(row.contribution, manifest, place)
                }
            },
        });
        described.collect()
    };
    tokio::task::spawn_blocking(describe).await.map_err(|e| Refusal::unavailable(e.to_string()))
}

/// A manifest of one leaf alone, from what its own manifest says about it. It is shown only if it hashes to the leaf.
fn alone(told: &str, contribution: &Contribution) -> Option<Manifest> {
    let (datanet, contributor) = (text::parse_key(&contribution.datanet), text::parse_key(&contribution.contributor));
    let leaves = vec![serde_json::from_str(told).ok()?];
    Some(Manifest { version: manifest::VERSION, datanet: datanet.ok()?, contributor: contributor.ok()?, leaves })
}

/// A leaf, and its preimage if everybody may see it.
type Described = (Contribution, Option<leaf::Contribution>);

/// The manifest with the row's details, unless nobody has accepted them.
fn shown(row: &Row) -> Option<Hash32> {
    let manifest = row.manifest.as_ref().filter(|_| row.contribution.status == "accepted")?;
    text::parse_hash(manifest).ok()
}

async fn is_open(state: &State, datanet: &str) -> Result<bool, Refusal> {
    let sql = "SELECT data ->> 'access' = 'open' FROM event WHERE subject = $1 AND kind = 'DatanetCreated'";
    Ok(state.db.query(sql, &[&datanet]).await?.first().is_some_and(|row| row.get(0)))
}

/// Adds the details of the leaf at `place` of `manifest`, if it is that leaf.
fn describe(mut contribution: Contribution, manifest: Option<&Manifest>, place: usize) -> Described {
    let Some(manifest) = manifest else { return (contribution, None) };
    let preimage = manifest.contribution(place).filter(|c| hex::encode(c.hash()) == contribution.leaf);
    if preimage.is_some() {
        contribution.detail = manifest.leaves.get(place).map(ContributionDetail::of);
    }
    (contribution, preimage)
}

/// Loads a manifest, and says how many bytes were read for it. `None` if there is no store. One that the store does not give,
/// that is too long or that does not parse is not asked for again for a while.
async fn load(state: &State, hash: &Hash32) -> Option<(Arc<Loaded>, usize)> {
    let store = state.store.as_ref()?;
    if let Some(found) = state.manifests.get(hash)
        && (*found).as_ref().err().is_none_or(|failed| failed.elapsed() < FAILED)
    {
        return Some((found, 0));
    }
    let (manifest, bytes) = match store.get_blob_within(hash, MOST_MANIFEST).await {
        Ok(bytes) => {
            let length = bytes.len();
            (tokio::task::spawn_blocking(move || Manifest::from_bytes(&bytes).ok()).await.ok().flatten(), length)
        }
        Err(_) => (None, 0),
    };
    let kept = if manifest.is_some() { bytes } else { 0 };
    if manifest.is_none() {
        tracing::debug!(manifest = hex::encode(hash), "a contributor's manifest does not read");
    }
    Some((state.manifests.put(*hash, manifest.ok_or_else(Instant::now), kept + ENTRY), bytes))
}

async fn prove(
    state: &State,
    contribution: &Contribution,
    leaf: &[u8; 32],
    preimage: Option<&leaf::Contribution>,
) -> Result<ContributionProof, Refusal> {
    let path = path(state, contribution).await?;
    let datanet = text::parse_key(&contribution.datanet).map_err(Refusal::unavailable)?;
    let accepted = accepted::of(state, &datanet).await?;
    ContributionProof::along(&accepted.range, contribution.batch_index, path, leaf, preimage).map_err(incomplete)
}

/// The path of a leaf in its batch. A batch in bulk may have a million leaves, of which those of one block are read, and
/// the roots of the others.
async fn path(state: &State, contribution: &Contribution) -> Result<Path, Refusal> {
    let batch = &contribution.batch;
    let hashes = async |sql: &str, from: i64, to: i64| -> Result<Vec<Hash32>, Refusal> {
        let rows = state.db.query(sql, &[batch, &from, &to]).await?;
        Ok(rows.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect())
    };
    const BLOCKS: &str =
        "SELECT hash FROM bulk_block WHERE batch = $1 AND number >= $2 AND number < $3 ORDER BY number";
    const LEAVES: &str =
        "SELECT hash FROM leaf WHERE batch = $1 AND position >= $2 AND position < $3 ORDER BY position";
    let (place, block) = (contribution.place, BLOCK as i64);
    let blocks = hashes(BLOCKS, 0, i64::MAX).await?;
    let rest = hashes(LEAVES, blocks.len() as i64 * block, i64::MAX).await?;
    let first = (place - place % BLOCK) as i64;
    let own = if place / BLOCK < blocks.len() as u64 { hashes(LEAVES, first, first + block).await? } else { vec![] };
    Path::in_blocks(place, &own, &blocks, &rest).map_err(|e| incomplete(ProofError::InBatch(e)))
}

fn incomplete(error: ProofError) -> Refusal {
    Refusal::unavailable(format!("the index is not complete yet, so the proof cannot be built ({error}): try again"))
}
