//! What the service remembers of uploads, in a schema of its own.

use super::limits::Limits;
use crate::db::{Database, DbError};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;

mod embedded {
    refinery::embed_migrations!("../migrations/artifacts");
}

/// Makes the tables, or brings them up to date.
pub async fn migrate(db: &Database) -> Result<(), DbError> {
    let mut runner = embedded::migrations::runner();
    openledger_database::migrate(db, "artifacts", runner.set_migration_table_name("artifacts.migration")).await
}

/// Notes that `wallet` has stored a blob.
pub async fn stored(db: &Database, hash: &Hash32, bytes: u64, wallet: &Pubkey, operator: bool) -> Result<(), DbError> {
    let sql = "INSERT INTO artifacts.upload (hash, wallet, bytes, operator, named)
               VALUES ($1, $2, $3, $4, EXISTS (SELECT 1 FROM artifacts.named WHERE hash = $1))
               ON CONFLICT (hash, wallet) DO UPDATE SET stored_at = now()";
    let (hash, wallet, bytes) = (hash.as_slice(), wallet.to_string(), bytes as i64);
    db.execute(sql, &[&hash, &wallet, &bytes, &operator]).await?;
    Ok(())
}

/// Whether `wallet` has stored the blob.
pub async fn has_stored(db: &Database, hash: &Hash32, wallet: &Pubkey) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artifacts.upload WHERE hash = $1 AND wallet = $2)";
    Ok(db.query_one(sql, &[&hash.as_slice(), &wallet.to_string()]).await?.get(0))
}

/// How many bytes stand in the service that the chain does not name: of `wallet`, and of all wallets that are no
/// operators'.
pub async fn unnamed(db: &Database, wallet: &Pubkey) -> Result<(u64, u64), DbError> {
    let sql = "SELECT coalesce(sum(bytes) FILTER (WHERE wallet = $1), 0)::bigint,
                      coalesce(sum(bytes) FILTER (WHERE NOT operator), 0)::bigint
               FROM artifacts.upload WHERE NOT named";
    let row = db.query_one(sql, &[&wallet.to_string()]).await?;
    Ok((row.get::<_, i64>(0) as u64, row.get::<_, i64>(1) as u64))
}

/// Claims the name of a replaceable artifact for a permit. Returns whether no later permit has stored something else.
pub async fn replace(db: &Database, key: &str, hash: &Hash32, expires: u64) -> Result<bool, DbError> {
    let sql = "INSERT INTO artifacts.replaceable AS r (key, hash, expires) VALUES ($1, $2, $3)
               ON CONFLICT (key) DO UPDATE SET hash = excluded.hash, expires = greatest(r.expires, excluded.expires)
               WHERE r.expires <= excluded.expires OR r.hash = excluded.hash";
    Ok(db.execute(sql, &[&key, &hash.as_slice(), &(expires as i64)]).await? > 0)
}

const DUE: &str = "SELECT hash FROM artifacts.upload WHERE NOT named AND ($3::bytea IS NULL OR hash = $3) GROUP BY hash
    HAVING bool_and(stored_at < now() - make_interval(secs => CASE WHEN operator THEN $1::float8 ELSE $2::float8 END))
       AND NOT EXISTS (SELECT 1 FROM artifacts.upload n WHERE n.hash = upload.hash AND n.named)";

/// Blobs that nothing on the chain names, and whose every upload is older than it is kept for its wallet. Looks at one
/// blob if it is given.
pub async fn due(db: &Database, limits: &Limits, only: Option<&Hash32>) -> Result<Vec<Hash32>, DbError> {
    let (operators, others) = (limits.operator_kept.as_secs_f64(), limits.kept.as_secs_f64());
    let rows = db.query(DUE, &[&operators, &others, &only.map(|hash| hash.as_slice())]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect())
}

/// Forgets the uploads of a blob.
pub async fn forget(db: &Database, hash: &Hash32) -> Result<(), DbError> {
    db.execute("DELETE FROM artifacts.upload WHERE hash = $1", &[&hash.as_slice()]).await?;
    Ok(())
}
