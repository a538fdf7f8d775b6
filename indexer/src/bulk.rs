//! Reads the leaves of accepted batches in bulk. The ledger has the root over such a batch's leaves and the hash of its
//! manifest, which names them. What a manifest says is taken only if it makes that root. A manifest that is not there or is wrong is
//! told with the batch, and looked for again; nothing waits for it.

use crate::db::{Database, DbError};
use openledger_protocol::{Hash32, mmr};
use openledger_sdk::{
    manifest::{MOST_BYTES, Manifest},
    printable,
    proof::block_roots,
    store::{Store, StoreError},
    text,
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::sleep;

/// Leaves that are written at a time. A roll-back of their batch waits for no more than these.
const AT_ONCE: usize = 20_000;
/// What a manifest says about a leaf is kept with it up to this length in bytes.
const MOST_TOLD: usize = 8 << 10;

/// The batch in bulk that has waited longest, of those that are due.
const DUE: &str = "
    SELECT b.batch, b.signature, p.datanet, p.contributor, s.data ->> 'root' AS root, s.data ->> 'manifest' AS manifest,
           (s.data ->> 'count')::bigint AS count
    FROM bulk b
    JOIN batch_place p ON p.address = b.batch
    JOIN event s ON s.signature = b.signature AND s.subject = b.batch AND s.kind = 'BatchSubmitted'
    WHERE b.accepted AND b.leaves <> 'manifest' AND b.next_try <= now()
    ORDER BY b.next_try LIMIT 1";

/// Tells why leaves could not be read. They wait twice as long as before, up to an hour.
const FAILED: &str = "
    UPDATE bulk SET leaves = $3, error = $4, tries = tries + 1,
        next_try = now() + least(2 ^ least(tries + 1, 12), 3600) * interval '1 second'
    WHERE batch = $1 AND signature = $2";

/// Writes leaves, unless the cluster has dropped their batch meanwhile. Whoever drops it waits for them, and not the other
/// way round, because the transaction's row is locked before any that goes with it.
const KEEP: &str = "
    WITH there AS (SELECT signature FROM transaction WHERE signature = $2 FOR KEY SHARE)
    INSERT INTO leaf (batch, position, hash, signature, told)
    SELECT $1, $3 + u.place - 1, u.hash, there.signature, u.told
    FROM there, unnest($4::bytea[], $5::text[]) WITH ORDINALITY u (hash, told, place)
    ON CONFLICT DO NOTHING";

/// Writes the roots of a batch's blocks, likewise.
const KEEP_BLOCKS: &str = "
    WITH there AS (SELECT signature FROM transaction WHERE signature = $2 FOR KEY SHARE)
    INSERT INTO bulk_block (batch, number, hash, signature)
    SELECT $1, u.place - 1, u.hash, there.signature
    FROM there, unnest($3::bytea[]) WITH ORDINALITY u (hash, place)
    ON CONFLICT DO NOTHING";

/// A batch whose leaves are to be read.
#[derive(Clone, Debug, Deserialize)]
struct Due {
    batch: String,
    signature: String,
    datanet: String,
    contributor: String,
    root: String,
    manifest: String,
    count: u64,
}

/// A leaf, and the manifest's JSON about it unless that is long.
type Told = (Hash32, Option<String>);

/// Why leaves could not be read: the word that the batch shows, and the reason.
type Unread = (&'static str, String);

/// Reads what is due once per `every`, without an end.
pub async fn run(db: Database, store: Store, every: Duration) {
    loop {
        match read_due(&db, &store).await {
            Ok(0) => {}
            Ok(read) => tracing::debug!(read, "manifests of batches in bulk looked at"),
            Err(error) => tracing::warn!(%error, "leaves of batches in bulk could not be kept: it will be tried again"),
        }
        sleep(every).await;
    }
}

/// Reads the leaves of every batch in bulk that is due. Returns how many manifests it looked for.
pub async fn read_due(db: &Database, store: &Store) -> Result<usize, DbError> {
    let mut looked = 0;
    while let Some(due) = db.row::<Due>(DUE, &[]).await? {
        match read(store, &due).await {
            Ok(leaves) => keep(db, &due, leaves).await?,
            Err((word, reason)) => {
                tracing::debug!(batch = due.batch, reason, "the leaves of a batch in bulk cannot be read now");
                let reason = printable(&reason);
                db.execute(FAILED, &[&due.batch, &due.signature, &word, &reason.as_ref()]).await?;
            }
        }
        looked += 1;
    }
    Ok(looked)
}

/// Returns how many accepted batches in bulk have leaves that could not be read yet.
pub async fn unread(db: &Database) -> Result<u64, DbError> {
    #[derive(Deserialize)]
    struct Row {
        number: u64,
    }
    let row: Option<Row> =
        db.row("SELECT count(*) AS number FROM bulk WHERE accepted AND leaves <> 'manifest'", &[]).await?;
    Ok(row.map_or(0, |row| row.number))
}

async fn read(store: &Store, due: &Due) -> Result<Vec<Told>, Unread> {
    let hash = text::parse_hash(&due.manifest).map_err(|e| ("wrong", e.to_string()))?;
    let bytes = store.get_blob_within(&hash, MOST_BYTES).await.map_err(|error| match error {
        StoreError::Missing { .. } => ("absent", "the artifact store does not have its manifest".to_owned()),
        StoreError::Hash { .. } | StoreError::Size { .. } | StoreError::Content { .. } => ("wrong", error.to_string()),
        other => {
            tracing::warn!(error = %other, "a manifest cannot be read");
            ("waiting", "the artifact store does not answer".to_owned())
        }
    })?;
    let due = due.clone();
    let checked = tokio::task::spawn_blocking(move || leaves(&bytes, &due)).await;
    checked.map_err(|e| ("wrong", e.to_string()))?.map_err(|reason| ("wrong", reason))
}

/// The leaves of a manifest. Fails unless they are those of the batch on the ledger.
fn leaves(manifest: &[u8], due: &Due) -> Result<Vec<Told>, String> {
    let manifest = Manifest::from_bytes(manifest).map_err(|e| e.to_string())?;
    let (datanet, contributor) = (text::parse_key(&due.datanet)?, text::parse_key(&due.contributor)?);
    manifest.check_batch(&datanet, &contributor).map_err(|e| e.to_string())?;
    let hashes = manifest.leaf_hashes();
    if hashes.len() as u64 != due.count {
        return Err(format!("the manifest has {} leaves, and the batch has {}", hashes.len(), due.count));
    }
    let root = hex::encode(mmr::root_of(&hashes));
    if root != due.root {
        return Err(format!("the manifest's leaves make the root {root}, and the batch has the root {}", due.root));
    }
    let told = manifest.leaves.iter().map(|leaf| serde_json::to_string(leaf).ok().filter(|t| t.len() <= MOST_TOLD));
    Ok(hashes.into_iter().zip(told).collect())
}

/// Keeps the leaves of a batch. If it is cut off, the next call ends it.
async fn keep(db: &Database, due: &Due, leaves: Vec<Told>) -> Result<(), DbError> {
    let (hashes, told): (Vec<Hash32>, Vec<Option<String>>) = leaves.into_iter().unzip();
    for first in (0..hashes.len()).step_by(AT_ONCE) {
        let part = first..(first + AT_ONCE).min(hashes.len());
        let bytes: Vec<&[u8]> = hashes[part.clone()].iter().map(|hash| hash.as_slice()).collect();
        db.execute(KEEP, &[&due.batch, &due.signature, &(first as i64), &bytes, &&told[part]]).await?;
    }
    let blocks = block_roots(&hashes);
    let blocks: Vec<&[u8]> = blocks.iter().map(|hash| hash.as_slice()).collect();
    db.execute(KEEP_BLOCKS, &[&due.batch, &due.signature, &blocks]).await?;
    let done = "UPDATE bulk SET leaves = 'manifest', error = NULL WHERE batch = $1 AND signature = $2";
    db.execute(done, &[&due.batch, &due.signature]).await?;
    Ok(())
}
