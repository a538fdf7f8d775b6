//! What the index knows of wallets that want to store something.

use crate::db::{Database, DbError};
use openledger_protocol::Hash32;
use openledger_sdk::text;
use solana_pubkey::Pubkey;

/// The identity key of the operator with this wallet. `None` if the wallet has registered no operator.
pub async fn identity(db: &Database, wallet: &Pubkey) -> Result<Option<Pubkey>, DbError> {
    let sql = "SELECT data ->> 'identity' FROM event WHERE kind = 'OperatorRegistered' AND data ->> 'owner' = $1
               ORDER BY sequence DESC LIMIT 1";
    key(db, sql, &wallet.to_string()).await
}

/// Whether the wallet has a stake as an operator that is not unbonding.
pub async fn is_staked(db: &Database, wallet: &Pubkey) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM position WHERE owner = $1 AND role = 'operator' AND amount::numeric > 0)";
    Ok(db.query_one(sql, &[&wallet.to_string()]).await?.get(0))
}

/// The operator that the first payment for this request paid. Others may pay for the same request later: they must not be
/// able to put their answer in the place of the first.
pub async fn paid_operator(db: &Database, request: &Hash32) -> Result<Option<Pubkey>, DbError> {
    // The ledger's order, and not that in which the index heard of them.
    let sql = "SELECT e.data ->> 'operator' FROM event e JOIN transaction t USING (signature)
               WHERE e.kind = 'Paid' AND e.data ->> 'request' = $1 ORDER BY t.slot, t.place, e.place, e.id LIMIT 1";
    key(db, sql, &hex::encode(request)).await
}

const KNOWN: &str = "
    SELECT EXISTS (SELECT 1 FROM batch_place WHERE contributor = $1 AND status = 'accepted')
        OR EXISTS (SELECT 1 FROM batch_place p JOIN event o ON o.id = p.id
                   WHERE p.contributor = $1 AND p.status IN ('open', 'review') AND (o.data ->> 'bond')::numeric > 0)
        OR EXISTS (SELECT 1 FROM event j WHERE j.kind = 'JobRequested' AND j.data ->> 'requester' = $1
                   AND NOT EXISTS (SELECT 1 FROM event e WHERE e.subject = j.subject
                                   AND e.kind IN ('JobEnded', 'ResultAttested')))";

/// Whether the wallet has something at stake: a bond of a batch that is not decided, a batch that was accepted, or a job
/// under way.
pub async fn is_known(db: &Database, wallet: &Pubkey) -> Result<bool, DbError> {
    Ok(db.query_one(KNOWN, &[&wallet.to_string()]).await?.get(0))
}

/// The bonds of the wallet's batches that are not decided, in base units together.
pub async fn bonded(db: &Database, wallet: &Pubkey) -> Result<u64, DbError> {
    let sql = "SELECT least(coalesce(sum((o.data ->> 'bond')::numeric), 0), 9e18)::bigint
               FROM batch_place p JOIN event o ON o.id = p.id
               WHERE p.contributor = $1 AND p.status IN ('open', 'review')";
    Ok(db.query_one(sql, &[&wallet.to_string()]).await?.get::<_, i64>(0) as u64)
}

/// The slot up to which every event is in the index.
pub async fn indexed_slot(db: &Database) -> Result<u64, DbError> {
    let row = db.query_opt("SELECT indexed_slot FROM chain", &[]).await?;
    Ok(row.map_or(0, |row| row.get::<_, i64>(0) as u64))
}

async fn key(db: &Database, sql: &str, param: &str) -> Result<Option<Pubkey>, DbError> {
    let row = db.query_opt(sql, &[&param]).await?;
    Ok(row.and_then(|row| text::parse_key(row.get(0)).ok()))
}
