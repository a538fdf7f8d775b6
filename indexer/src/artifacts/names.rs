//! Which blobs the chain names: by an event, or by a blob that an event names.

use super::{
    refusal::Refusal,
    seen::{Look, Seen},
    service::Service,
    table,
};
use crate::db::{Database, DbError};
use bytes::Bytes;
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{Divided, SettlementReport, TrainingManifest},
    manifest::{Leaf, Manifest},
    store::StoreError,
};
use std::time::{Duration, Instant};
use tokio_postgres::{Row, types::ToSql};

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

/// The wallet that owned the event's Datanet when it happened.
const OWNER: &str = "(SELECT o.data ->> 'owner' FROM event o WHERE o.subject = e.subject AND o.sequence <= e.sequence
    AND o.kind IN ('DatanetCreated', 'DatanetChanged') ORDER BY o.sequence DESC LIMIT 1)";

/// All events that name blobs.
const NAMED: [Naming; 9] = [
    naming("datanet", "DatanetCreated", "metadata_hash", "told", Some("e.data ->> 'owner'")),
    naming("datanet", "DatanetConfigured", "metadata_hash", "told", Some(OWNER)),
    naming("datanet", "BatchSubmitted", "manifest", "batch", None),
    naming("model", "JobRequested", "config_hash", "told", Some("e.data ->> 'requester'")),
    naming("model", "ResultAttested", "adapter_hash", "other", None),
    naming("model", "ResultAttested", "manifest_hash", "training", None),
    naming("payout", "SettlementPosted", "report_hash", "report", None),
    naming("payout", "SettlementChallenged", "evidence_hash", "told", Some("e.data ->> 'challenger'")),
    naming("governance", "ProposalCreated", "description_hash", "told", Some("e.data ->> 'proposer'")),
];
/// Longest blob that is opened for the hashes in it.
const MOST_OPENED: u64 = 256 << 20;
/// Most blobs that are opened in one round.
const OPENED: i64 = 500;
/// How long blobs are opened in one look. The rest are opened in the next.
const OPENING: Duration = Duration::from_secs(2);

async fn note(db: &Database, hashes: impl IntoIterator<Item = (Hash32, &'static str)>) -> Result<(), DbError> {
    let (hashes, kinds): (Vec<Vec<u8>>, Vec<&str>) =
        hashes.into_iter().map(|(hash, kind)| (hash.to_vec(), kind)).unzip();
    db.execute(
        "INSERT INTO artifacts.name (hash, kind, opened)
         SELECT DISTINCT hash, kind, kind = 'other' FROM unnest($1::bytea[], $2::text[]) n (hash, kind)
         ON CONFLICT DO NOTHING",
        &[&hashes, &kinds],
    )
    .await?;
    Ok(())
}

/// Notes that a blob is here now, so that it is read if the chain names it: what was there before may have been
/// damaged.
pub async fn stored(db: &Database, hash: &Hash32) -> Result<(), DbError> {
    let sql = "UPDATE artifacts.name SET opened = false WHERE hash = $1 AND kind <> 'other' AND opened";
    db.execute(sql, &[&hash.as_slice()]).await?;
    Ok(())
}

/// Brings up to date which uploads the chain names. Those who ask at the same time wait for one look, and looks have a
/// distance ([`Look::rest`]).
pub async fn refresh(service: &Service) -> Result<(), Refusal> {
    let asked = Instant::now();
    let mut seen = service.seen.lock().await;
    match seen.last {
        Some(look) if look.at >= asked => return Ok(()),
        Some(look) => tokio::time::sleep(look.rest()).await,
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
    let (db, at) = (&service.looking, Instant::now());
    let last = db.query("SELECT coalesce(max(id), 0) FROM event", &[]).await?;
    let last: i64 = last.first().map_or(0, |row| row.get(0));
    let after = if last < seen.event { 0 } else { seen.event };
    // What a look that failed had noted is not found as new again.
    let whole = after == 0 || seen.unfinished;
    seen.unfinished = true;
    let mut touched = events(db, after, last).await?;
    touched.extend(end(db, after, last).await?);
    end_told(db, after, last).await?;
    // What a blob names may name further ones.
    let opened = open(service, Instant::now() + OPENING).await?;
    touched.extend(opened.touched);
    match whole {
        true => table::judge_all(db).await?,
        false => table::judge(db, &touched).await?,
    }
    *seen = Seen { event: last, last: Some(Look { at, took: at.elapsed() }), unfinished: false, cut: opened.cut };
    Ok(())
}

/// Notes what the events after `after` and up to `last` name. Returns it.
async fn events(db: &Database, after: i64, last: i64) -> Result<Vec<Vec<u8>>, DbError> {
    if after == 0 {
        // A fork may have dropped the event that handed in a manifest.
        let sql = "DELETE FROM artifacts.batch b WHERE NOT EXISTS (
                       SELECT 1 FROM event s WHERE s.subject = b.batch AND s.kind = 'BatchSubmitted'
                       AND s.data ->> 'manifest' = encode(b.manifest, 'hex'))";
        db.execute(sql, &[]).await?;
        let told = "e.sequence = t.sequence AND encode(t.hash, 'hex') IN (e.data ->> 'metadata_hash',
                    e.data ->> 'config_hash', e.data ->> 'description_hash', e.data ->> 'evidence_hash')";
        let sql = &format!(
            "DELETE FROM artifacts.told t WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.subject = t.subject AND {told})
             AND NOT EXISTS (SELECT 1 FROM event e WHERE e.kind = 'SettlementChallenged'
                             AND e.data ->> 'challenge' = t.subject AND {told}) RETURNING t.hash"
        );
        release(db, &hashes(&db.query(sql, &[]).await?)).await?;
    }
    let new = "FROM event e WHERE e.program = $1 AND e.kind = $2 AND e.id > $4 AND e.id <= $5
               AND length(e.data ->> $3) = 64";
    let mut touched = Vec::new();
    for Naming { program, kind, field, what, by } in NAMED {
        if what == "told" {
            touched.extend(tell(db, new, &[&program, &kind, &field, &after, &last]).await?);
        } else {
            let named = format!(
                "INSERT INTO artifacts.name (hash, kind, opened)
                 SELECT DISTINCT decode(e.data ->> $3, 'hex'), $6::text, $6::text = 'other' {new}
                 ON CONFLICT (hash, kind) DO UPDATE SET opened = false WHERE excluded.kind = 'batch'
                 AND NOT EXISTS (SELECT 1 FROM artifacts.inside i WHERE i.manifest = excluded.hash)
                 RETURNING hash"
            );
            let params: [&(dyn ToSql + Sync); 6] = [&program, &kind, &field, &after, &last, &what];
            touched.extend(hashes(&db.query(&named, &params).await?));
        }
        if let Some(by) = by {
            let shown = format!(
                "INSERT INTO artifacts.shown (hash, wallet) SELECT decode(e.data ->> $3, 'hex'), {by} {new}
                 AND {by} IS NOT NULL ON CONFLICT DO NOTHING"
            );
            db.execute(&shown, &[&program, &kind, &field, &after, &last]).await?;
        }
        if what == "batch" {
            // Its end may have arrived before it.
            let is = |end| {
                format!("EXISTS (SELECT 1 FROM event d WHERE d.data ->> 'batch' = e.subject AND d.kind = '{end}')")
            };
            let batch = format!(
                "INSERT INTO artifacts.batch (manifest, batch, ended, accepted)
                 SELECT decode(e.data ->> $3, 'hex'), e.subject, {}, {} {new}
                 ON CONFLICT DO NOTHING RETURNING manifest",
                is("BatchRejected"),
                is("BatchAccepted")
            );
            let noted = db.query(&batch, &[&program, &kind, &field, &after, &last]).await?;
            touched.extend(noted.iter().map(|row| row.get::<_, Vec<u8>>(0)));
        }
    }
    // A manifest that was read before the opening of its batch was heard of named nothing.
    let sql =
        "UPDATE artifacts.name n SET opened = false FROM event e JOIN artifacts.batch b ON b.batch = e.data ->> 'batch'
               WHERE e.kind = 'BatchOpened' AND e.id > $1 AND e.id <= $2
               AND n.hash = b.manifest AND n.kind = 'batch' AND n.opened
               AND NOT EXISTS (SELECT 1 FROM artifacts.inside i WHERE i.manifest = n.hash)";
    db.execute(sql, &[&after, &last]).await?;
    Ok(touched)
}

/// Notes what new events tell of their subjects, in place of what earlier ones did. Returns what is told now. What no longer
/// is told is kept from now on as long as what was just stored.
async fn tell(db: &Database, new: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Vec<u8>>, DbError> {
    // An event may arrive after a later one.
    let sql = format!(
        "WITH newest AS (SELECT DISTINCT ON (1) coalesce(e.data ->> 'challenge', e.subject) AS subject,
                                decode(e.data ->> $3, 'hex') AS hash, e.sequence {new}
                         AND NOT EXISTS (SELECT 1 FROM event x WHERE x.subject = e.subject AND x.kind = 'JobEnded')
                         ORDER BY 1, e.sequence DESC),
              before AS (SELECT t.hash FROM artifacts.told t JOIN newest n USING (subject)
                         WHERE n.sequence >= t.sequence AND n.hash <> t.hash),
              put AS (INSERT INTO artifacts.told AS t (subject, hash, sequence) SELECT * FROM newest
                      ON CONFLICT (subject) DO UPDATE SET hash = excluded.hash, sequence = excluded.sequence
                      WHERE excluded.sequence >= t.sequence RETURNING hash)
         SELECT hash, true FROM put UNION ALL SELECT hash, false FROM before"
    );
    let rows = db.query(&sql, params).await?;
    let (now, before): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.get(1));
    release(db, &hashes(&before)).await?;
    Ok(hashes(&now))
}

/// What these events' subjects told is told no longer: jobs that have ended without a result.
async fn end_told(db: &Database, after: i64, last: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM artifacts.told t USING event e
               WHERE e.subject = t.subject AND e.kind = 'JobEnded' AND e.id > $1 AND e.id <= $2 RETURNING t.hash";
    let ended = db.query(sql, &[&after, &last]).await?;
    release(db, &hashes(&ended)).await
}

/// The hashes in the first column.
fn hashes(rows: &[Row]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| row.get(0)).collect()
}

/// Keeps these blobs from now on as long as what was just stored, unless the chain still names them.
async fn release(db: &Database, hashes: &[Vec<u8>]) -> Result<(), DbError> {
    if hashes.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE artifacts.upload u SET named = false, stored_at = now()
         WHERE u.named AND u.hash = ANY ($1) AND NOT coalesce({NAMED_NOW}, false)",
        NAMED_NOW = table::NAMED_NOW
    );
    db.execute(&sql, &[&hashes.to_vec()]).await?;
    Ok(())
}

/// What was opened in a look.
#[derive(Default)]
struct Opened {
    /// What it named, of batches the manifests.
    touched: Vec<Vec<u8>>,
    /// Whether something is left that could not be opened now: then nobody knows what it names.
    cut: bool,
}

/// Notes which batches were accepted, and which ended otherwise, by the events after `after` and up to `last`. Returns the
/// manifests of those that were accepted. What only a batch that ended otherwise named is kept from now on as long as what was
/// just stored.
async fn end(db: &Database, after: i64, last: i64) -> Result<Vec<Vec<u8>>, DbError> {
    if after == 0 {
        // A fork may have dropped the event. What a batch named that goes on is read from its manifest again.
        for (column, kind) in [("ended", "BatchRejected"), ("accepted", "BatchAccepted")] {
            let sql = format!(
                "WITH back AS (UPDATE artifacts.batch b SET {column} = false WHERE b.{column} AND NOT EXISTS (
                     SELECT 1 FROM event e WHERE e.kind = $1 AND e.data ->> 'batch' = b.batch) RETURNING manifest)
                 UPDATE artifacts.name n SET opened = false FROM back
                 WHERE n.hash = back.manifest AND n.kind = 'batch' AND n.opened"
            );
            db.execute(&sql, &[&kind]).await?;
        }
    }
    let new = "e.id > $1 AND e.id <= $2 AND e.data ->> 'batch' = b.batch";
    let mut accepted = Vec::new();
    for (column, kind) in [("ended", "BatchRejected"), ("accepted", "BatchAccepted")] {
        let sql = format!(
            "UPDATE artifacts.batch b SET {column} = true FROM event e WHERE NOT b.{column} AND e.kind = $3 AND {new}
             RETURNING b.manifest"
        );
        let rows = db.query(&sql, &[&after, &last, &kind]).await?;
        if column == "accepted" {
            accepted = rows.iter().map(|row| row.get::<_, Vec<u8>>(0)).collect();
        }
    }
    db.execute(
        &format!(
            "WITH ended AS (SELECT DISTINCT b.manifest FROM artifacts.batch b JOIN event e ON e.kind = 'BatchRejected' AND {new})
             UPDATE artifacts.upload u SET named = false, stored_at = now()
             WHERE u.named AND u.hash IN (SELECT manifest FROM ended
                                          UNION SELECT i.hash FROM artifacts.inside i JOIN ended USING (manifest))
             AND NOT coalesce({NAMED_NOW}, false)",
            NAMED_NOW = table::NAMED_NOW
        ),
        &[&after, &last],
    )
    .await?;
    Ok(accepted)
}

/// Opens named blobs that are here and were not opened yet, the shortest first, until the time is over: whoever names long
/// blobs must not keep waiting those who wait for a short one. A blob that the store does not give now is passed over.
async fn open(service: &Service, until: Instant) -> Result<Opened, Refusal> {
    // A manifest that was read and is not that of any batch is not read again.
    let known = "UPDATE artifacts.name n SET opened = true FROM artifacts.manifest m
                 WHERE NOT n.opened AND n.kind = 'batch' AND m.hash = n.hash
                 AND NOT EXISTS (SELECT 1 FROM artifacts.batch b
                     JOIN event s ON s.subject = b.batch AND s.kind = 'BatchSubmitted'
                     WHERE b.manifest = n.hash AND s.data ->> 'root' = m.root)";
    service.looking.execute(known, &[]).await?;
    let sql = "SELECT n.hash, n.kind, u.bytes FROM artifacts.name n
               JOIN LATERAL (SELECT max(bytes) AS bytes FROM artifacts.upload u WHERE u.hash = n.hash) u ON u.bytes IS NOT NULL
               WHERE NOT n.opened AND (u.bytes, n.hash, n.kind) > ($1, $2, $3) ORDER BY u.bytes, n.hash, n.kind LIMIT $4";
    let (mut opened, mut round) = (Opened::default(), 1);
    while round > 0 {
        let (mut bytes, mut hash, mut kind) = (-1i64, vec![], String::new());
        round = 0;
        loop {
            let rows = service.looking.query(sql, &[&bytes, &hash, &kind, &OPENED]).await?;
            for row in &rows {
                (hash, kind, bytes) = (row.get(0), row.get(1), row.get(2));
                let Ok(blob) = Hash32::try_from(hash.as_slice()) else { continue };
                match read(service, &blob, &kind).await? {
                    Read::Names(named) => {
                        opened.touched.extend(named);
                        round += 1;
                    }
                    Read::Absent => {}
                    Read::Withheld => opened.cut = true,
                }
                if Instant::now() > until {
                    return Ok(Opened { cut: true, ..opened });
                }
            }
            if (rows.len() as i64) < OPENED {
                break;
            }
        }
    }
    Ok(opened)
}

/// What came of reading a named blob.
enum Read {
    /// What it names, of a batch its manifest.
    Names(Vec<Vec<u8>>),
    /// It is absent or damaged, and is tried again.
    Absent,
    /// The store does not give it now.
    Withheld,
}

/// Reads one named blob and notes what it names.
async fn read(service: &Service, hash: &Hash32, kind: &str) -> Result<Read, Refusal> {
    let db = &service.looking;
    let named = match service.store.get_blob_within(hash, MOST_OPENED).await {
        Ok(bytes) if kind == "batch" => {
            open_batch(db, hash, bytes).await?;
            vec![hash.to_vec()]
        }
        Ok(bytes) => {
            let Inside { blobs, requests } = inside(kind, &bytes);
            let named = blobs.iter().map(|(hash, _)| hash.to_vec()).collect();
            note(db, blobs).await?;
            table::settled(db, &requests).await?;
            named
        }
        // A blob that is too long names nothing.
        Err(StoreError::Size { .. }) => vec![],
        Err(StoreError::Missing { .. } | StoreError::Hash { .. }) => return Ok(Read::Absent),
        Err(error) => {
            tracing::warn!(blob = hex::encode(hash), %error, "a blob that the chain names cannot be read");
            return Ok(Read::Withheld);
        }
    };
    let sql = "UPDATE artifacts.name SET opened = true WHERE hash = $1 AND kind = $2";
    db.execute(sql, &[&hash.as_slice(), &kind]).await?;
    Ok(Read::Names(named))
}

/// Notes what a batch's manifest is, and which blobs it names if it is the manifest of a batch on the chain: its leaves give
/// the batch's root and count, and it is of the batch's Datanet and contributor.
async fn open_batch(db: &Database, hash: &Hash32, bytes: Bytes) -> Result<(), DbError> {
    // Its leaves are hashed, which may be many.
    let read = tokio::task::spawn_blocking(move || {
        let manifest = Manifest::from_bytes(&bytes).ok()?;
        let root = manifest.root();
        Some((manifest, hex::encode(root)))
    });
    let Ok(Some((manifest, root))) = read.await else { return Ok(()) };
    let sql = "INSERT INTO artifacts.manifest (hash, root) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    db.execute(sql, &[&hash.as_slice(), &root]).await?;
    let (datanet, contributor) = (manifest.datanet.to_string(), manifest.contributor.to_string());
    let count = manifest.leaves.len() as i64;
    let original = |leaf: &Leaf| leaf.metadata.original.as_ref().map(|original| (original.sha256, true));
    let named = manifest.leaves.iter().flat_map(|leaf| std::iter::once((leaf.content, false)).chain(original(leaf)));
    let (inside, originals): (Vec<Vec<u8>>, Vec<bool>) = named.map(|(hash, is)| (hash.to_vec(), is)).unzip();
    // What is a document too is no mere original.
    let sql = "INSERT INTO artifacts.inside AS i (hash, manifest, original)
               SELECT hash, $2::bytea, bool_and(original) FROM unnest($1::bytea[], $7::bool[]) n (hash, original)
               WHERE EXISTS (SELECT 1 FROM artifacts.batch b
                   JOIN event s ON s.subject = b.batch AND s.kind = 'BatchSubmitted'
                   JOIN event o ON o.data ->> 'batch' = b.batch AND o.kind = 'BatchOpened'
                   WHERE b.manifest = $2 AND s.data ->> 'manifest' = encode($2, 'hex') AND s.data ->> 'root' = $3
                   AND (s.data ->> 'count')::bigint = $4 AND o.subject = $5 AND o.data ->> 'contributor' = $6)
               GROUP BY hash
               ON CONFLICT (hash, manifest) DO UPDATE SET original = excluded.original
               WHERE i.original <> excluded.original";
    db.execute(sql, &[&inside, &hash.as_slice(), &root, &count, &datanet, &contributor, &originals]).await?;
    Ok(())
}

/// What a blob names.
#[derive(Default)]
struct Inside {
    /// Hashes, with what the blobs of these hashes must be.
    blobs: Vec<(Hash32, &'static str)>,
    /// Requests whose answers are paid by their receipts.
    requests: Vec<Hash32>,
}

/// What a blob of this kind names, which is not a batch's manifest. A blob that is not of its kind names nothing.
fn inside(kind: &str, bytes: &[u8]) -> Inside {
    match kind {
        "training" => {
            let Ok(manifest) = serde_json::from_slice::<TrainingManifest>(bytes) else { return Inside::default() };
            let walk = manifest.health.map(|health| health.walk).unwrap_or_default();
            let states = manifest.log.into_iter().chain(walk).map(|entry| entry.state);
            let files = [manifest.adapter_hash, manifest.index_hash, manifest.weights, manifest.config_hash];
            Inside { blobs: states.chain(files).map(|hash| (hash, "other")).collect(), requests: vec![] }
        }
        "report" => {
            let Ok(report) = SettlementReport::read(bytes) else { return Inside::default() };
            let paid = report.answers.into_iter().filter_map(|answer| match answer.divided {
                Divided::Receipt { weights, .. } => Some(((weights, "other"), answer.request)),
                _ => None,
            });
            let (mut blobs, requests): (Vec<_>, _) = paid.unzip();
            blobs.extend(report.previous.map(|hash| (hash, "report")));
            Inside { blobs, requests }
        }
        _ => Inside::default(),
    }
}
