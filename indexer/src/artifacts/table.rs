//! What the service remembers of uploads, in a schema of its own.

use super::{
    class::Class,
    limits::{Limits, counted},
};
use crate::db::{Database, DbError};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::time::Duration;

mod embedded {
    refinery::embed_migrations!("../migrations/artifacts");
}

/// Makes the tables, or brings them up to date.
pub async fn migrate(db: &Database) -> Result<(), DbError> {
    let mut runner = embedded::migrations::runner();
    openledger_database::migrate(db, "artifacts", runner.set_migration_table_name("artifacts.migration")).await
}

/// Notes that `wallet` has stored a blob now.
pub async fn stored(db: &Database, hash: &Hash32, bytes: u64, wallet: &Pubkey, class: Class) -> Result<(), DbError> {
    let sql = "INSERT INTO artifacts.upload (hash, wallet, bytes, operator, known, named, settled, original)
               SELECT $1, $2, $3, $4, $5,
                      EXISTS (SELECT 1 FROM artifacts.named WHERE hash = $1 AND $3 <= coalesce(most, $3)),
                      coalesce(count(a) > 0, false), coalesce(bool_and(a.original), false)
               FROM (SELECT original FROM artifacts.accepted WHERE hash = $1) a
               ON CONFLICT (hash, wallet) DO UPDATE SET stored_at = now(), known = upload.known OR excluded.known,
                   operator = upload.operator OR excluded.operator";
    let (hash, wallet, bytes) = (hash.as_slice(), wallet.to_string(), bytes as i64);
    db.execute(sql, &[&hash, &wallet, &bytes, &class.is_operator(), &(class == Class::Known)]).await?;
    Ok(())
}

/// Whether the chain names the blob, by what is indexed so far.
pub async fn is_named(db: &Database, hash: &Hash32) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artifacts.upload WHERE hash = $1 AND named)";
    Ok(db.query_one(sql, &[&hash.as_slice()]).await?.get(0))
}

/// Notes that `wallet` shows a blob to everybody, if it has stored it.
pub async fn show(db: &Database, hash: &Hash32, wallet: &Pubkey) -> Result<(), DbError> {
    let sql = "INSERT INTO artifacts.shown (hash, wallet) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    db.execute(sql, &[&hash.as_slice(), &wallet.to_string()]).await?;
    Ok(())
}

/// Whether `wallet` was an operator's when it stored the blob. `None` if it has not stored it.
pub async fn stored_as_operator(db: &Database, hash: &Hash32, wallet: &Pubkey) -> Result<Option<bool>, DbError> {
    let sql = "SELECT operator FROM artifacts.upload WHERE hash = $1 AND wallet = $2";
    Ok(db.query_opt(sql, &[&hash.as_slice(), &wallet.to_string()]).await?.map(|row| row.get(0)))
}

/// Whether `wallet` has stored the blob.
pub async fn has_stored(db: &Database, hash: &Hash32, wallet: &Pubkey) -> Result<bool, DbError> {
    Ok(stored_as_operator(db, hash, wallet).await?.is_some())
}

/// Whether the blob that `wallet` has stored stays for now: the chain names it, or it was stored within the first quarter of
/// the time for which it is kept. Later its bytes must come again: the first documents of a long import must outlive it, and
/// whoever wants to keep here what nothing names has to send it once in a while.
pub async fn stays(db: &Database, hash: &Hash32, wallet: &Pubkey, kept: Duration) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artifacts.upload WHERE hash = $1 AND wallet = $2
                              AND (named OR stored_at > now() - make_interval(secs => $3::float8)))";
    Ok(db.query_one(sql, &[&hash.as_slice(), &wallet.to_string(), &(kept.as_secs_f64() / 4.0)]).await?.get(0))
}

/// What is in the service that nobody has accepted, as it counts in quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// Of a wallet.
    pub own: u64,
    /// The files that the wallet's accepted documents are from.
    pub originals: u64,
}

/// A content is of the class of who has most to lose among those that have stored it. It is on the disk once, with a note for
/// each of them.
const OF_CLASS: &str = "
    SELECT coalesce(sum(bytes), 0)::bigint FROM (
        SELECT max(greatest(bytes, $1)) + $1 * (count(*) - 1) AS bytes FROM artifacts.upload
        WHERE NOT settled GROUP BY hash HAVING NOT bool_or(operator) AND bool_or(known) = $2) each";

const OF_WALLET: &str = "
    SELECT (SELECT coalesce(sum(greatest(bytes, $2)), 0) FROM artifacts.upload
            WHERE NOT settled AND wallet = $1 AND hash <> $3)::bigint,
           (SELECT coalesce(sum(greatest(bytes, $2)), 0) FROM artifacts.upload WHERE original AND wallet = $1)::bigint";

/// How much of the blobs that `wallet` has stored counts in its quota, without the one that it is about to store. It answers
/// for all of them, whoever else has stored the same: it can keep that here alone.
pub async fn unsettled(db: &Database, wallet: &Pubkey, storing: &Hash32) -> Result<Unsettled, DbError> {
    let row = db.query_one(OF_WALLET, &[&wallet.to_string(), &(counted(0) as i64), &storing.as_slice()]).await?;
    let number = |at| row.get::<_, i64>(at) as u64;
    Ok(Unsettled { own: number(0), originals: number(1) })
}

/// How much of the blobs that nobody has accepted counts of all wallets of a class together. The bound on it is about the disk,
/// which has each content once. All rows are looked at: ask rarely. Operators have no such bound.
pub async fn unsettled_of(db: &Database, class: Class) -> Result<u64, DbError> {
    if class.is_operator() {
        return Ok(0);
    }
    let row = db.query_one(OF_CLASS, &[&(counted(0) as i64), &(class == Class::Known)]).await?;
    Ok(row.get::<_, i64>(0) as u64)
}

/// Whether the chain names the upload `u` now, in SQL. It is no EXISTS, which would be joined with all that is named.
pub(super) const NAMED_NOW: &str =
    "(SELECT true FROM artifacts.named n WHERE n.hash = u.hash AND u.bytes <= coalesce(n.most, u.bytes) LIMIT 1)";

/// Brings up to date which of these blobs, and of what they name as manifests, the chain names, and which of them others than
/// who stored them have accepted.
pub async fn judge(db: &Database, touched: &[Vec<u8>]) -> Result<(), DbError> {
    if touched.is_empty() {
        return Ok(());
    }
    let among = "u.hash IN (SELECT unnest($1::bytea[]) UNION SELECT i.hash FROM artifacts.inside i WHERE i.manifest = ANY ($1))";
    let touched = touched.to_vec();
    db.execute(
        &format!("UPDATE artifacts.upload u SET named = true WHERE NOT u.named AND {among} AND {NAMED_NOW}"),
        &[&touched],
    )
    .await?;
    // A blob that is an original and a document too is no mere original.
    let original = "(SELECT bool_and(original) FROM artifacts.accepted a WHERE a.hash = u.hash)";
    let settled = format!(
        "UPDATE artifacts.upload u SET settled = true, original = {original}
         WHERE (NOT u.settled OR u.original <> {original}) AND {among} AND {original} IS NOT NULL"
    );
    db.execute(&settled, &[&touched]).await?;
    Ok(())
}

/// Brings all of that up to date, and undoes what a fork has dropped.
pub async fn judge_all(db: &Database) -> Result<(), DbError> {
    let named = "UPDATE artifacts.upload u SET named = true FROM artifacts.named n
                 WHERE n.hash = u.hash AND NOT u.named AND u.bytes <= coalesce(n.most, u.bytes)";
    let settled = "UPDATE artifacts.upload u SET settled = true, original = a.original
                   FROM (SELECT hash, bool_and(original) AS original FROM artifacts.accepted GROUP BY hash) a
                   WHERE a.hash = u.hash AND (NOT u.settled OR u.original <> a.original)";
    let dropped = "UPDATE artifacts.upload u SET settled = false, original = false
                   WHERE u.settled AND NOT EXISTS (SELECT 1 FROM artifacts.accepted a WHERE a.hash = u.hash)";
    for sql in [named, settled, dropped] {
        db.execute(sql, &[]).await?;
    }
    Ok(())
}

/// How much of an operator's answers, or of its audits and reports, that the chain does not name counts in its quota. Answers
/// count by themselves: whatever else it has stored must not keep an operator from answering.
pub async fn unnamed_statements(db: &Database, wallet: &Pubkey, answers: bool) -> Result<u64, DbError> {
    let sql = "SELECT coalesce(sum(greatest(bytes, $2)), 0)::bigint FROM artifacts.statement
               WHERE wallet = $1 AND NOT named AND (key LIKE 'answers/%') = $3";
    let row = db.query_one(sql, &[&wallet.to_string(), &(counted(0) as i64), &answers]).await?;
    Ok(row.get::<_, i64>(0) as u64)
}

/// Notes that an operator has stored an answer, an audit or a report.
pub async fn stated(db: &Database, key: &str, bytes: u64, wallet: &Pubkey) -> Result<(), DbError> {
    let sql = "INSERT INTO artifacts.statement (key, wallet, bytes) VALUES ($1, $2, $3)
               ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, stored_at = now()";
    db.execute(sql, &[&key, &wallet.to_string(), &(bytes as i64)]).await?;
    Ok(())
}

/// Notes statements that the database may have lost, as if they were stored now. Whose they are is known of audits alone.
pub async fn restore_statements(db: &Database, lost: &[(String, u64)]) -> Result<u64, DbError> {
    let keys: Vec<&str> = lost.iter().map(|(key, _)| key.as_str()).collect();
    let bytes: Vec<i64> = lost.iter().map(|(_, bytes)| *bytes as i64).collect();
    let sql = "INSERT INTO artifacts.statement (key, wallet, bytes)
               SELECT key, coalesce(substring(key FROM '^audits/[0-9]+/([^/]+)[.]json$'), ''), bytes
               FROM unnest($1::text[], $2::bigint[]) l (key, bytes)
               ON CONFLICT DO NOTHING";
    db.execute(sql, &[&keys, &bytes]).await
}

/// The answers, audits or reports in `folder` with their lengths, by their keys, at most `most` after `after`.
pub async fn statements(
    db: &Database,
    folder: &str,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<(String, u64)>, DbError> {
    // The folder's keys are those between "folder/" and "folder0": 0 comes after the slash.
    let (first, end) = (format!("{folder}/"), format!("{folder}0"));
    let after = after.filter(|after| *after > first.as_str()).unwrap_or(&first);
    let sql = "SELECT key, bytes FROM artifacts.statement WHERE key COLLATE \"C\" > $1 AND key COLLATE \"C\" < $2
               ORDER BY key COLLATE \"C\" LIMIT $3";
    let rows = db.query(sql, &[&after, &end, &(most as i64)]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1) as u64)).collect())
}

/// Notes that a settlement pays these requests by the receipts of their answers.
pub async fn settled(db: &Database, requests: &[Hash32]) -> Result<(), DbError> {
    let requests: Vec<&[u8]> = requests.iter().map(|request| request.as_slice()).collect();
    let sql = "INSERT INTO artifacts.settled SELECT DISTINCT unnest($1::bytea[]) ON CONFLICT DO NOTHING";
    db.execute(sql, &[&requests]).await?;
    Ok(())
}

/// What the chain names of the statements: reports that were posted, audits by members of committees of epochs that were
/// posted, and answers that are paid by their receipts.
const STATED: [&str; 3] = [
    "UPDATE artifacts.statement s SET named = true FROM event e WHERE NOT s.named AND e.kind = 'SettlementPosted'
     AND s.key = 'settlements/' || (e.data ->> 'epoch') || '/' || (e.data ->> 'report_hash') || '.json'",
    "UPDATE artifacts.statement s SET named = true FROM event e WHERE NOT s.named AND e.kind = 'SettlementPosted'
     AND s.key = 'audits/' || (e.data ->> 'epoch') || '/' || s.wallet || '.json'
     AND EXISTS (SELECT 1 FROM event m WHERE m.kind = 'CommitteeConfirmed' AND m.data ->> 'member' = s.wallet)",
    "UPDATE artifacts.statement s SET named = true FROM artifacts.settled a WHERE NOT s.named
     AND s.key = 'answers/' || encode(a.request, 'hex') || '.json'",
];

/// Brings up to date which answers, audits and reports the chain names.
pub async fn name_statements(db: &Database) -> Result<(), DbError> {
    for sql in STATED {
        db.execute(sql, &[]).await?;
    }
    Ok(())
}

/// The time up to which it is known what the chain names, in SQL. A transaction in quarantine may name anything that was
/// kept when it came. A stranger can have one set aside, and must not stop the sweep for ever: it does so for 30 days, and of
/// what is no operator's for 3.
const KNOWN: &str = "least(now(), (SELECT min(since) FROM quarantine WHERE since > now() - interval '30 days'))";

/// Answers, audits and reports that the chain does not name, and that are older than they are kept. Looks at one if it is
/// given.
pub async fn due_statements(db: &Database, limits: &Limits, only: Option<&str>) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT key FROM artifacts.statement WHERE NOT named AND ($2::text IS NULL OR key = $2)
         AND stored_at < {KNOWN} - make_interval(secs => $1::float8)"
    );
    let rows = db.query(&sql, &[&limits.operator_kept.as_secs_f64(), &only]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Forgets an answer, an audit or a report.
pub async fn forget_statement(db: &Database, key: &str) -> Result<(), DbError> {
    db.execute("DELETE FROM artifacts.statement WHERE key = $1", &[&key]).await?;
    Ok(())
}

/// Blobs with the wallets that have stored them and whether these were registered operators', in order, at most `most` after
/// those of a hash and a wallet.
pub async fn uploads(
    db: &Database,
    hash: &[u8],
    wallet: &str,
    most: i64,
) -> Result<Vec<(Vec<u8>, String, bool)>, DbError> {
    let sql = "SELECT hash, wallet, operator FROM artifacts.upload WHERE (hash, wallet) > ($1, $2)
               ORDER BY hash, wallet LIMIT $3";
    let rows = db.query(sql, &[&hash, &wallet, &most]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// The wallets that have stored a blob.
pub async fn wallets(db: &Database, hash: &Hash32) -> Result<Vec<String>, DbError> {
    let rows = db.query("SELECT wallet FROM artifacts.upload WHERE hash = $1", &[&hash.as_slice()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// An upload that the database may have lost.
pub struct Lost {
    /// The blob.
    pub hash: Hash32,
    /// Its length.
    pub bytes: u64,
    /// Who has stored it.
    pub wallet: Pubkey,
    /// Whether the wallet was a registered operator's.
    pub operator: bool,
}

/// Notes uploads that the database has lost, as if they were stored now. Returns how many it had lost.
pub async fn restore(db: &Database, lost: &[Lost]) -> Result<u64, DbError> {
    let hashes: Vec<&[u8]> = lost.iter().map(|one| one.hash.as_slice()).collect();
    let wallets: Vec<String> = lost.iter().map(|one| one.wallet.to_string()).collect();
    let bytes: Vec<i64> = lost.iter().map(|one| one.bytes as i64).collect();
    let operators: Vec<bool> = lost.iter().map(|one| one.operator).collect();
    // A wallet may have stored a blob before it registered as an operator, and after.
    let sql = "INSERT INTO artifacts.upload (hash, wallet, bytes, operator, named)
               SELECT hash, wallet, max(bytes), bool_or(operator), false
               FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bool[]) l (hash, wallet, bytes, operator)
               GROUP BY hash, wallet
               ON CONFLICT (hash, wallet) DO UPDATE SET operator = true WHERE excluded.operator AND NOT upload.operator";
    db.execute(sql, &[&hashes, &wallets, &bytes, &operators]).await
}

/// Claims the name of a replaceable artifact for a permit. Returns whether no later permit has stored something else.
pub async fn replace(db: &Database, key: &str, hash: &Hash32, expires: u64) -> Result<bool, DbError> {
    let sql = "INSERT INTO artifacts.replaceable AS r (key, hash, expires) VALUES ($1, $2, $3)
               ON CONFLICT (key) DO UPDATE SET hash = excluded.hash, expires = greatest(r.expires, excluded.expires)
               WHERE r.expires <= excluded.expires OR r.hash = excluded.hash";
    Ok(db.execute(sql, &[&key, &hash.as_slice(), &(expires as i64)]).await? > 0)
}

/// Blobs that nothing on the chain names, and whose every upload is older than it is kept for its wallet. Looks at one
/// blob if it is given.
pub async fn due(db: &Database, limits: &Limits, only: Option<&Hash32>) -> Result<Vec<Hash32>, DbError> {
    let (operators, others) = (limits.operator_kept.as_secs_f64(), limits.kept.as_secs_f64());
    let sql = format!(
        "SELECT hash FROM artifacts.upload WHERE NOT named AND ($3::bytea IS NULL OR hash = $3) GROUP BY hash
         HAVING bool_and(CASE WHEN operator THEN stored_at < {KNOWN} - make_interval(secs => $1::float8)
                         ELSE stored_at < greatest({KNOWN}, now() - interval '3 days')
                                          - make_interval(secs => $2::float8) END)
            AND NOT EXISTS (SELECT 1 FROM artifacts.upload n WHERE n.hash = upload.hash AND n.named)"
    );
    let rows = db.query(&sql, &[&operators, &others, &only.map(|hash| hash.as_slice())]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect())
}

/// Forgets what manifests name whose batches have all ended without being accepted, and that are not here any more.
pub async fn forget_ended(db: &Database) -> Result<(), DbError> {
    let sql = "WITH gone AS (
                   SELECT manifest FROM artifacts.batch b WHERE NOT EXISTS (
                       SELECT 1 FROM artifacts.upload u WHERE u.hash = b.manifest)
                   GROUP BY manifest HAVING bool_and(ended)),
               closed AS (UPDATE artifacts.name n SET opened = false FROM gone
                          WHERE n.hash = gone.manifest AND n.kind = 'batch' AND n.opened)
               DELETE FROM artifacts.inside i USING gone WHERE i.manifest = gone.manifest";
    db.execute(sql, &[]).await?;
    Ok(())
}

/// Forgets the uploads of a blob.
pub async fn forget(db: &Database, hash: &Hash32) -> Result<(), DbError> {
    db.execute("DELETE FROM artifacts.upload WHERE hash = $1", &[&hash.as_slice()]).await?;
    Ok(())
}
