//! The record of what this operator has offered and answered. Everything is in PostgreSQL before anybody is told.

use anyhow::{Context, Result};
use deadpool_postgres::Pool;
use openledger_protocol::Hash32;
use openledger_sdk::receipt::Answer;

/// The operator's record of requests.
#[derive(Clone)]
pub struct AnswerLog {
    pool: Pool,
}

/// A request that was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Names all that decides the answer ([`crate::price::request_spec`]).
    pub spec: Hash32,
    /// The fee asked for.
    pub amount: u64,
    /// The payment that was shown for it, if any.
    pub payment: Option<String>,
    /// The answer, once given.
    pub answer: Option<Answer>,
}

impl AnswerLog {
    /// The record in a pool's schema, which has the table `answers` (`migrations/oracle`).
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Records an offer.
    pub async fn quote(&self, request: &Hash32, spec: &Hash32, amount: u64) -> Result<()> {
        let db = self.pool.get().await.context("the operator's database")?;
        let amount = amount.to_string();
        db.execute(
            "INSERT INTO answers (request, spec, amount) VALUES ($1, $2, $3::text::numeric)",
            &[&request.as_slice(), &spec.as_slice(), &amount],
        )
        .await?;
        Ok(())
    }

    /// The record of a request.
    pub async fn get(&self, request: &Hash32) -> Result<Option<Quoted>> {
        let db = self.pool.get().await.context("the operator's database")?;
        let row = db
            .query_opt(
                "SELECT spec, amount::text, payment, answer FROM answers WHERE request = $1",
                &[&request.as_slice()],
            )
            .await?;
        row.map(|row| {
            let spec: Vec<u8> = row.get(0);
            let amount: String = row.get(1);
            let answer: Option<serde_json::Value> = row.get(3);
            Ok(Quoted {
                spec: spec.try_into().ok().context("a stored spec is not 32 bytes")?,
                amount: amount.parse().context("a stored amount")?,
                payment: row.get(2),
                answer: answer.map(serde_json::from_value).transpose().context("a stored answer")?,
            })
        })
        .transpose()
    }

    /// Binds a payment to a request. `false` if the payment was spent on another request, or the request is bound to
    /// another payment.
    pub async fn bind_payment(&self, request: &Hash32, payment: &str) -> Result<bool> {
        let db = self.pool.get().await.context("the operator's database")?;
        let changed = db
            .execute(
                "UPDATE answers SET payment = $2 WHERE request = $1 AND (payment IS NULL OR payment = $2)
                 AND NOT EXISTS (SELECT 1 FROM answers WHERE payment = $2 AND request <> $1)",
                &[&request.as_slice(), &payment],
            )
            .await?;
        Ok(changed == 1)
    }

    /// Records the answer.
    pub async fn answered(&self, answer: &Answer) -> Result<()> {
        let db = self.pool.get().await.context("the operator's database")?;
        db.execute(
            "UPDATE answers SET answer = $2, answered_at = now() WHERE request = $1",
            &[&answer.request.as_slice(), &serde_json::to_value(answer)?],
        )
        .await?;
        Ok(())
    }

    /// Answers that were given but may not have reached the artifact store.
    pub async fn unpublished(&self) -> Result<Vec<Answer>> {
        let db = self.pool.get().await.context("the operator's database")?;
        let rows = db.query("SELECT answer FROM answers WHERE answer IS NOT NULL AND NOT published", &[]).await?;
        rows.into_iter().map(|r| serde_json::from_value(r.get(0)).context("a stored answer")).collect()
    }

    /// Records that the artifact store has the answer.
    pub async fn published(&self, request: &Hash32) -> Result<()> {
        let db = self.pool.get().await.context("the operator's database")?;
        db.execute("UPDATE answers SET published = true WHERE request = $1", &[&request.as_slice()]).await?;
        Ok(())
    }
}
