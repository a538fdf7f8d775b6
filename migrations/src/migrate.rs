//! Numbered migrations of a schema.

use crate::{Database, DbError, Transaction};
use async_trait::async_trait;
use refinery::{Migration, Runner};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Makes `schema`, and applies those migrations of `runner` to it that it lacks: all in one transaction, so that it ends
/// with all of them or with none. Two processes that start at once wait for one another.
pub async fn migrate(db: &Database, schema: &str, runner: &Runner) -> Result<(), DbError> {
    let mut under_way = UnderWay(db.begin().await?);
    under_way.0.query("SELECT pg_advisory_xact_lock(hashtext($1))", &[&schema]).await?;
    under_way.0.run(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    let report = runner.run_async(&mut under_way).await;
    let report = report
        .map_err(|e| DbError::Migrate(std::error::Error::source(&e).map_or(e.to_string(), |c| format!("{e}: {c}"))))?;
    under_way.0.commit().await?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, schema, "schema migrated");
    }
    Ok(())
}

/// The transaction in which everything happens.
struct UnderWay(Transaction);

#[async_trait]
impl AsyncTransaction for UnderWay {
    type Error = DbError;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send>(&mut self, queries: T) -> Result<usize, DbError> {
        let mut count = 0;
        for query in queries {
            self.0.run(query).await?;
            count += 1;
        }
        Ok(count)
    }
}

#[async_trait]
impl AsyncQuery<Vec<Migration>> for UnderWay {
    async fn query(&mut self, query: &str) -> Result<Vec<Migration>, DbError> {
        let rows = self.0.query(query, &[]).await?;
        let applied = rows.iter().map(|row| {
            let (on, sum): (&str, &str) = (row.get(2), row.get(3));
            let on = OffsetDateTime::parse(on, &Rfc3339).map_err(|e| DbError::Migrate(format!("{on}: {e}")))?;
            let sum = sum.parse().map_err(|e| DbError::Migrate(format!("{sum}: {e}")))?;
            Ok(Migration::applied(row.get(0), row.get(1), on, sum))
        });
        applied.collect()
    }
}

impl AsyncMigrate for UnderWay {}
