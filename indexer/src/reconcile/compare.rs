//! Compares the index with the chain's accounts.

use super::accounts::{self, Facts};
use crate::{
    datasource::{Source, SourceError, backfill_account},
    db::{Database, DbError},
};
use openledger_sdk::api::schema::Address;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The number of successive rounds that must find a difference before it is reported. The chain moves while it is read,
/// so a difference that only one round finds may not be real.
pub const REPORTED_AFTER: i32 = 2;

/// A field of an account about which chain and index disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Base58 address of the account.
    #[schema(value_type = Address)]
    pub account: String,
    /// Its field.
    pub field: String,
    /// Value on the chain.
    pub chain: String,
    /// Value in the index.
    pub indexed: String,
    /// Number of successive rounds of comparison that found it with this value in the index.
    pub rounds: i32,
}

/// Compares every account of the programs with the index. It reads the history of each account that differs, and keeps
/// the differences in the database. Returns the differences that lasted for more than one round.
pub async fn compare(source: &Source) -> Result<Vec<Difference>, SourceError> {
    let chain = accounts::facts(source).await?;
    let indexed = indexed(&source.db).await?;
    let found = differences(&chain, &indexed);
    let behind: BTreeSet<&str> = found.iter().map(|d| d.account.as_str()).collect();
    for account in behind {
        let address = account.parse().map_err(|_| SourceError::Signature(account.to_owned()))?;
        match backfill_account(source, &address).await {
            Ok(_) => {}
            Err(error) if error.is_about_one_thing() => {
                tracing::warn!(%error, account, "its history cannot be read: it will be tried again");
            }
            Err(error) => return Err(error),
        }
    }
    remember(&source.db, &found).await?;
    let lasting = lasting(&source.db).await?;
    source.metrics.differences.set(lasting.len() as i64);
    Ok(lasting)
}

/// Returns the differences that lasted for more than one round.
pub async fn lasting(db: &Database) -> Result<Vec<Difference>, DbError> {
    db.rows(
        "SELECT account, field, chain, indexed, rounds FROM difference WHERE rounds >= $1 ORDER BY account, field",
        &[&REPORTED_AFTER],
    )
    .await
}

/// Reads the facts of the index, under the same names as those of the chain.
async fn indexed(db: &Database) -> Result<Facts, DbError> {
    #[derive(Deserialize)]
    struct Row {
        account: String,
        fields: BTreeMap<String, String>,
    }
    let rows: Vec<Row> = db.rows("SELECT account, fields FROM fact", &[]).await?;
    let flat = rows.into_iter().flat_map(|r| r.fields.into_iter().map(move |(f, v)| ((r.account.clone(), f), v)));
    Ok(flat.collect())
}

/// Returns the fields in which the index disagrees with the chain. Closed accounts are not on the chain, so they are
/// not compared.
fn differences(chain: &Facts, indexed: &Facts) -> Vec<Difference> {
    chain
        .iter()
        .filter_map(|(key, value)| {
            // An account that has not emitted any event yet has no facts in the index. Its fields are zero on the
            // chain.
            let known =
                indexed.get(key).map_or(if is_nought(value) { value.as_str() } else { "absent" }, String::as_str);
            (known != value).then(|| Difference {
                account: key.0.clone(),
                field: key.1.clone(),
                chain: value.clone(),
                indexed: known.to_owned(),
                rounds: 1,
            })
        })
        .collect()
}

/// Whether `value` is the initial value of a field: zero, as a number or as a hash.
fn is_nought(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b == b'0')
}

/// Stores the differences that were found and forgets those that are resolved. It counts a further round for a
/// difference whose value in the index is unchanged, and begins again at 1 for the others.
async fn remember(db: &Database, found: &[Difference]) -> Result<(), DbError> {
    let column = |of: fn(&Difference) -> &String| found.iter().map(|d| of(d).clone()).collect::<Vec<_>>();
    let (accounts, fields) = (column(|d| &d.account), column(|d| &d.field));
    let (chain, indexed) = (column(|d| &d.chain), column(|d| &d.indexed));
    let tx = db.begin().await?;
    tx.execute(
        "DELETE FROM difference d WHERE NOT EXISTS (
             SELECT 1 FROM unnest($1::text[], $2::text[]) u (account, field)
             WHERE u.account = d.account AND u.field = d.field)",
        &[&accounts, &fields],
    )
    .await?;
    tx.execute(
        "INSERT INTO difference (account, field, chain, indexed)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
         ON CONFLICT (account, field) DO UPDATE SET chain = excluded.chain, indexed = excluded.indexed,
             rounds = CASE WHEN difference.indexed = excluded.indexed THEN difference.rounds + 1 ELSE 1 END",
        &[&accounts, &fields, &chain, &indexed],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(list: &[(&str, &str, &str)]) -> Facts {
        list.iter().map(|(a, f, v)| ((a.to_string(), f.to_string()), v.to_string())).collect()
    }

    #[test]
    fn only_what_the_chain_contradicts_is_a_difference() {
        let chain =
            facts(&[("A", "sequence", "3"), ("A", "paid", "7"), ("B", "sequence", "0"), ("C", "sequence", "1")]);
        let indexed = facts(&[("A", "sequence", "3"), ("A", "paid", "6"), ("closed", "sequence", "9")]);
        let found = differences(&chain, &indexed);
        let short: Vec<_> = found.iter().map(|d| (d.account.as_str(), d.field.as_str(), d.indexed.as_str())).collect();
        assert_eq!(short, [("A", "paid", "6"), ("C", "sequence", "absent")]);
    }

    #[test]
    fn an_account_without_events_is_none() {
        assert!(is_nought("0") && is_nought(&"0".repeat(64)));
        assert!(!is_nought("10") && !is_nought("") && !is_nought("open"));
    }
}
