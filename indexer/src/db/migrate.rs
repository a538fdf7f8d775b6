//! The schema's numbered migrations (`migrations/indexer/`), carried in the binary.

use super::error::DbError;
use deadpool_postgres::Object;
use std::ops::DerefMut;

/// The schema that holds all tables and views of the indexer.
pub const SCHEMA: &str = "indexer";

mod embedded {
    refinery::embed_migrations!("../migrations/indexer");
}

/// Brings `schema`, in which `client` works, up to date. Two indexers that start at once wait for one another.
pub async fn up(mut client: Object, schema: &str) -> Result<(), DbError> {
    // This is a session lock, because migrations run in transactions of their own.
    client.execute("SELECT pg_advisory_lock(hashtext($1))", &[&schema]).await?;
    let result = async {
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
        let connection: &mut tokio_postgres::Client = client.deref_mut().deref_mut();
        embedded::migrations::runner()
            .run_async(connection)
            .await
            .map_err(|e| DbError::Migrate(std::error::Error::source(&e).map_or(e.to_string(), |c| format!("{e}: {c}"))))
    }
    .await;
    client.execute("SELECT pg_advisory_unlock(hashtext($1))", &[&schema]).await?;
    let report = result?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "schema migrated");
    }
    Ok(())
}
