//! Gaps in the event numbers of a subject.

use crate::{
    datasource::{Source, SourceError, backfill_account},
    db::{Database, DbError},
};
use openledger_sdk::api::schema::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Successive event numbers of one subject that the index lacks although it holds a later one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Name of the program.
    pub program: String,
    /// Base58 address of the subject.
    #[schema(value_type = Address)]
    pub subject: String,
    /// First missing number.
    pub first: u64,
    /// Last missing number.
    pub last: u64,
}

/// Returns all gaps.
pub async fn gaps(db: &Database) -> Result<Vec<Gap>, DbError> {
    db.rows("SELECT program, subject, first, last FROM gap ORDER BY program, subject, first", &[]).await
}

/// Reads the whole history of every subject with a gap. Returns the gaps that remain.
pub async fn close_gaps(source: &Source) -> Result<Vec<Gap>, SourceError> {
    let mut found = gaps(&source.db).await?;
    if !found.is_empty() {
        found.dedup_by(|a, b| a.subject == b.subject);
        for gap in &found {
            let subject = gap.subject.parse().map_err(|_| SourceError::Signature(gap.subject.clone()))?;
            match backfill_account(source, &subject).await {
                Ok(taken) => {
                    let new = taken.new;
                    tracing::info!(subject = gap.subject, first = gap.first, last = gap.last, new, "filled a hole");
                }
                Err(error) if error.is_about_one_thing() => {
                    tracing::warn!(%error, subject = gap.subject, "its history cannot be read: it will be tried again");
                }
                Err(error) => return Err(error),
            }
        }
        found = gaps(&source.db).await?;
    }
    source.metrics.gaps.set(found.len() as i64);
    Ok(found)
}
