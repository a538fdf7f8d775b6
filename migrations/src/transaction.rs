//! Several statements that happen together or not at all.

use crate::{DbError, Params, parameters::typed};
use deadpool_postgres::Object;
use tokio_postgres::Row;

/// A transaction. Dropping it without an end undoes everything, by ending its connection.
pub struct Transaction {
    /// `None` once it has ended.
    client: Option<Object>,
}

impl Transaction {
    /// Begins it by the statements `begin`.
    pub(crate) async fn begin(client: Object, begin: &str) -> Result<Self, DbError> {
        let transaction = Self { client: Some(client) };
        transaction.run(begin).await?;
        Ok(transaction)
    }

    fn client(&self) -> &Object {
        self.client.as_ref().expect("it ends only when it is taken or dropped")
    }

    /// Returns all rows of `query`.
    pub async fn query(&self, query: &str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        Ok(self.client().query_typed(query, &typed(query, params)?).await?)
    }

    /// Returns the row of a `query` that has exactly one.
    pub async fn query_one(&self, query: &str, params: Params<'_>) -> Result<Row, DbError> {
        one(query, self.query(query, params).await?)
    }

    /// Returns the first row of `query`.
    pub async fn query_opt(&self, query: &str, params: Params<'_>) -> Result<Option<Row>, DbError> {
        Ok(self.query(query, params).await?.into_iter().next())
    }

    /// Runs a statement and returns the number of rows that it affected.
    pub async fn execute(&self, statement: &str, params: Params<'_>) -> Result<u64, DbError> {
        Ok(self.client().execute_typed(statement, &typed(statement, params)?).await?)
    }

    /// Runs statements without parameters.
    pub async fn run(&self, statements: &str) -> Result<(), DbError> {
        Ok(self.client().batch_execute(statements).await?)
    }

    /// Undoes everything, and keeps the connection.
    pub async fn undo(self) -> Result<(), DbError> {
        self.end("ROLLBACK").await
    }

    /// Makes everything count. Fails if a statement has failed before.
    pub async fn commit(self) -> Result<(), DbError> {
        // Alone, COMMIT undoes a transaction in which a statement has failed, and is no error. Any other statement is one
        // then, and the rest of its message is not done.
        self.end("SELECT 1; COMMIT").await
    }

    async fn end(mut self, statement: &str) -> Result<(), DbError> {
        self.run(statement).await?;
        // Only now may others have the connection.
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

/// The row of `rows`, which must be one.
pub fn one(statement: &str, mut rows: Vec<Row>) -> Result<Row, DbError> {
    match (rows.len(), rows.pop()) {
        (1, Some(row)) => Ok(row),
        (rows, _) => Err(DbError::Rows { statement: statement.to_owned(), rows }),
    }
}
