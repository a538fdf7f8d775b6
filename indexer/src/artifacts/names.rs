//! Which blobs the chain names: by an event, or by a blob that an event names.

use super::{refusal::Refusal, seen::Seen, service::Service};
use crate::db::{Database, DbError};
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{Divided, SettlementReport, TrainingManifest},
    manifest::{Leaf, Manifest},
    store::StoreError,
};
use std::time::{Duration, Instant};

/// An event that names a blob.
struct Naming {
    program: &'static str,
    kind: &'static str,
    /// The field with the hash.
    field: &'static str,
    /// What the blob must be.
    what: &'static str,
    /// Who names it, in SQL over the event `e`. Nobody where what is named is public anyway.
    by: Option<&'static str>,
}

const fn naming(
    program: &'static str,
    kind: &'static str,
    field: &'static str,
    what: &'static str,
    by: Option<&'static str>,
) -> Naming {
    Naming { program, kind, field, what, by }
}

/// The wallet that owned the event's Datanet last.
const OWNER: &str = "(SELECT o.data ->> 'owner' FROM event o WHERE o.subject = e.subject
    AND o.kind IN ('DatanetCreated', 'DatanetChanged') ORDER BY o.sequence DESC LIMIT 1)";

/// All events that name blobs.
const NAMED: [Naming; 9] = [
    naming("datanet", "DatanetCreated", "metadata_hash", "other", Some("e.data ->> 'owner'")),
    naming("datanet", "DatanetConfigured", "metadata_hash", "other", Some(OWNER)),
    naming("datanet", "BatchSubmitted", "manifest", "batch", None),
    naming("model", "JobRequested", "config_hash", "other", Some("e.data ->> 'requester'")),
    naming("model", "ResultAttested", "adapter_hash", "other", None),
    naming("model", "ResultAttested", "manifest_hash", "training", None),
    naming("payout", "SettlementPosted", "report_hash", "report", None),
    naming("payout", "SettlementChallenged", "evidence_hash", "other", Some("e.data ->> 'challenger'")),
    naming("governance", "ProposalCreated", "description_hash", "other", Some("e.data ->> 'proposer'")),
];
/// Longest blob that is opened for the hashes in it.
const MOST_OPENED: u64 = 256 << 20;
/// Most blobs that are opened in one round.
const OPENED: i64 = 500;
/// Least time between two looks.
const DISTANCE: Duration = Duration::from_millis(300);

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

/// Brings up to date which uploads the chain names. Those who ask at the same time wait for one look, and looks have a
/// distance, so that nobody can keep the database busy with this.
pub async fn refresh(service: &Service) -> Result<(), Refusal> {
    let asked = Instant::now();
    let mut seen = service.seen.lock().await;
    match seen.at {
        Some(at) if at >= asked => return Ok(()),
        Some(at) => tokio::time::sleep(DISTANCE.saturating_sub(at.elapsed())).await,
        None => {}
    }
    look(service, &mut seen).await
}

/// Brings up to date which uploads the chain names, and looks at all events again. Their numbers begin anew when the
/// ledger is read again.
pub async fn update(service: &Service) -> Result<(), Refusal> {
    let mut seen = service.seen.lock().await;
    seen.event = 0;
    look(service, &mut seen).await
}

async fn look(service: &Service, seen: &mut Seen) -> Result<(), Refusal> {
    let (db, at) = (&service.db, Instant::now());
    let last = db.client().await.map_err(Refusal::from)?;
    let last = last.query_one("SELECT coalesce(max(id), 0) FROM event", &[]).await.map_err(DbError::from)?;
    let last: i64 = last.get(0);
    let after = if last < seen.event { 0 } else { seen.event };
    let new = "FROM event e WHERE e.program = $1 AND e.kind = $2 AND e.id > $4 AND e.id <= $5
               AND length(e.data ->> $3) = 64";
    for Naming { program, kind, field, what, by } in NAMED {
        db.execute(
            &format!(
                "INSERT INTO artifacts.name (hash, kind, opened)
                 SELECT DISTINCT decode(e.data ->> $3, 'hex'), $6::text, $6::text = 'other' {new}
                 ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, opened = false
                 WHERE name.kind = 'other' AND excluded.kind <> 'other'"
            ),
            &[&program, &kind, &field, &after, &last, &what],
        )
        .await?;
        let shown = by.map(|by| format!("shown (hash, wallet) SELECT decode(e.data ->> $3, 'hex'), {by} {new}"));
        let batch = format!("batch (manifest, batch) SELECT decode(e.data ->> $3, 'hex'), e.subject {new}");
        let Some(noted) = shown.or((what == "batch").then_some(batch)) else { continue };
        let sql = format!("INSERT INTO artifacts.{noted} ON CONFLICT DO NOTHING");
        db.execute(&sql, &[&program, &kind, &field, &after, &last]).await?;
    }
    // What a blob names may name further ones.
    while open(service).await? > 0 {}
    db.execute(
        "UPDATE artifacts.upload u SET named = true FROM artifacts.name n WHERE n.hash = u.hash AND NOT u.named",
        &[],
    )
    .await?;
    *seen = Seen { event: last, at: Some(at) };
    Ok(())
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
        if kind == "batch" {
            let inside: Vec<Vec<u8>> = inside.iter().map(|(hash, _)| hash.to_vec()).collect();
            let sql = "INSERT INTO artifacts.inside (hash, manifest) SELECT DISTINCT unnest($1::bytea[]), $2::bytea
                       ON CONFLICT DO NOTHING";
            service.db.execute(sql, &[&inside, &hash.as_slice()]).await?;
        }
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
            let original = |leaf: &Leaf| leaf.metadata.original.as_ref().map(|original| original.sha256);
            let hashes = manifest.iter().flat_map(|leaf| std::iter::once(leaf.content).chain(original(leaf)));
            hashes.map(|hash| (hash, "other")).collect()
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
