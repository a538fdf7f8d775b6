//! Which blobs the chain names: by an event, or by a blob that an event names.

use super::{refusal::Refusal, service::Service};
use crate::db::{Database, DbError};
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{Divided, SettlementReport, TrainingManifest},
    manifest::Manifest,
    store::StoreError,
};

/// The hashes in events that name blobs: program, kind of event, field, and what the blob must be.
const NAMED: [(&str, &str, &str, &str); 9] = [
    ("datanet", "DatanetCreated", "metadata_hash", "other"),
    ("datanet", "DatanetConfigured", "metadata_hash", "other"),
    ("datanet", "BatchSubmitted", "manifest", "batch"),
    ("model", "JobRequested", "config_hash", "other"),
    ("model", "ResultAttested", "adapter_hash", "other"),
    ("model", "ResultAttested", "manifest_hash", "training"),
    ("payout", "SettlementPosted", "report_hash", "report"),
    ("payout", "SettlementChallenged", "evidence_hash", "other"),
    ("governance", "ProposalCreated", "description_hash", "other"),
];
/// Longest blob that is opened for the hashes in it.
const MOST_OPENED: u64 = 256 << 20;
/// Most blobs that are opened in one round.
const OPENED: i64 = 500;

/// Notes that the chain names these blobs, through an artifact that names no others.
pub async fn add(db: &Database, hashes: &[Hash32]) -> Result<(), DbError> {
    note(db, hashes.iter().map(|hash| (*hash, "other"))).await
}

async fn note(db: &Database, hashes: impl IntoIterator<Item = (Hash32, &'static str)>) -> Result<(), DbError> {
    let (hashes, kinds): (Vec<Vec<u8>>, Vec<&str>) =
        hashes.into_iter().map(|(hash, kind)| (hash.to_vec(), kind)).unzip();
    db.execute(
        "INSERT INTO artifacts.name (hash, kind, opened)
         SELECT DISTINCT ON (hash) hash, kind, kind = 'other' FROM unnest($1::bytea[], $2::text[]) n (hash, kind)
         ORDER BY hash, kind = 'other'
         ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, opened = false
         WHERE name.kind = 'other' AND excluded.kind <> 'other'",
        &[&hashes, &kinds],
    )
    .await?;
    Ok(())
}

/// Brings up to date which uploads the chain names, by the events after number `after`. Returns the number of the last
/// event that was looked at. The numbers begin anew when the ledger is read again: then 0 looks at all of them.
pub async fn update(service: &Service, after: i64) -> Result<i64, Refusal> {
    let db = &service.db;
    let last = db.client().await.map_err(Refusal::from)?;
    let last = last.query_one("SELECT coalesce(max(id), 0) FROM event", &[]).await.map_err(DbError::from)?;
    let last: i64 = last.get(0);
    let after = if last < after { 0 } else { after };
    for (program, kind, field, what) in NAMED {
        db.execute(
            "INSERT INTO artifacts.name (hash, kind, opened)
             SELECT DISTINCT decode(data ->> $3, 'hex'), $4::text, $4::text = 'other' FROM event
             WHERE program = $1 AND kind = $2 AND id > $5 AND id <= $6 AND length(data ->> $3) = 64
             ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, opened = false
             WHERE name.kind = 'other' AND excluded.kind <> 'other'",
            &[&program, &kind, &field, &what, &after, &last],
        )
        .await?;
    }
    // What a blob names may name further ones.
    while open(service).await? > 0 {}
    db.execute(
        "UPDATE artifacts.upload u SET named = true FROM artifacts.name n WHERE n.hash = u.hash AND NOT u.named",
        &[],
    )
    .await?;
    Ok(last)
}

/// Opens named blobs that are here and were not opened yet. Returns how many.
async fn open(service: &Service) -> Result<usize, Refusal> {
    let client = service.db.client().await?;
    let sql = "SELECT n.hash, n.kind FROM artifacts.name n
               WHERE NOT n.opened AND EXISTS (SELECT 1 FROM artifacts.upload u WHERE u.hash = n.hash) LIMIT $1";
    let rows = client.query(sql, &[&OPENED]).await.map_err(DbError::from)?;
    drop(client);
    let mut opened = 0;
    for row in rows {
        let Ok(hash) = Hash32::try_from(row.get::<_, &[u8]>(0)) else { continue };
        let kind: &str = row.get(1);
        let inside = match service.store.get_blob_within(&hash, MOST_OPENED).await {
            Ok(bytes) => inside(kind, &bytes),
            // A blob that is no longer there, is damaged or too long names nothing.
            Err(StoreError::Missing { .. } | StoreError::Hash { .. } | StoreError::Size { .. }) => vec![],
            Err(error) => return Err(Refusal::unavailable("the store behind the service fails", &error)),
        };
        note(&service.db, inside).await?;
        service.db.execute("UPDATE artifacts.name SET opened = true WHERE hash = $1", &[&hash.as_slice()]).await?;
        opened += 1;
    }
    Ok(opened)
}

/// The hashes in a blob of this kind, with what the blobs of these hashes must be. A blob that is not of its kind has none.
fn inside(kind: &str, bytes: &[u8]) -> Vec<(Hash32, &'static str)> {
    match kind {
        "batch" => {
            let manifest = Manifest::from_bytes(bytes).map(|m| m.leaves).unwrap_or_default();
            manifest.into_iter().map(|leaf| (leaf.content, "other")).collect()
        }
        "training" => {
            let Ok(manifest) = serde_json::from_slice::<TrainingManifest>(bytes) else { return vec![] };
            let walk = manifest.health.map(|health| health.walk).unwrap_or_default();
            let states = manifest.log.into_iter().chain(walk).map(|entry| entry.state);
            let files = [manifest.adapter_hash, manifest.index_hash, manifest.weights, manifest.config_hash];
            states.chain(files).map(|hash| (hash, "other")).collect()
        }
        "report" => {
            let Ok(report) = SettlementReport::read(bytes) else { return vec![] };
            let weights = report.answers.into_iter().filter_map(|answer| match answer.divided {
                Divided::Receipt { weights, .. } => Some((weights, "other")),
                _ => None,
            });
            weights.chain(report.previous.map(|hash| (hash, "report"))).collect()
        }
        _ => vec![],
    }
}
