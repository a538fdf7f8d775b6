//! The record of what this operator has offered and answered. Everything is in PostgreSQL before it is sent to anybody.

use anyhow::{Context, Result};
use openledger_database::Database;
use openledger_protocol::Hash32;
use openledger_sdk::receipt::Answer;

/// The operator's record of requests.
#[derive(Clone)]
pub struct AnswerLog {
    db: Database,
}

/// A request that was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Hash of everything that decides the answer ([`crate::spec::request_spec`]).
    pub spec: Hash32,
    /// The fee of the offer, in base units.
    pub amount: u64,
    /// Signature of the payment that was shown for the request, if any.
    pub payment: Option<String>,
    /// The answer, if it was given already.
    pub answer: Option<Answer>,
}

impl AnswerLog {
    /// The record in the schema of `db`. The schema has the table `answers` (`migrations/oracle`).
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    /// Records an offer of `amount` base units.
    pub async fn quote(&self, request: &Hash32, spec: &Hash32, amount: u64) -> Result<()> {
        let amount = amount.to_string();
        self.db
            .execute(
                "INSERT INTO answers (request, spec, amount) VALUES ($1, $2, $3::text::numeric)",
                &[&request.as_slice(), &spec.as_slice(), &amount],
            )
            .await?;
        Ok(())
    }

    /// The record of a request. `None` if it was never quoted.
    pub async fn get(&self, request: &Hash32) -> Result<Option<Quoted>> {
        let row = self
            .db
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

    /// Binds a payment to a request. Returns `false` if the payment is already bound to another request, or the request
    /// to another payment.
    pub async fn bind_payment(&self, request: &Hash32, payment: &str) -> Result<bool> {
        let changed = self
            .db
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
        self.db
            .execute(
                "UPDATE answers SET answer = $2, answered_at = now() WHERE request = $1",
                &[&answer.request.as_slice(), &serde_json::to_value(answer)?],
            )
            .await?;
        Ok(())
    }

    /// Answers that were given and are not recorded as published. Some of them may not have reached the artifact store.
    /// Those of another layout version are left out: nobody reads them any more.
    pub async fn unpublished(&self) -> Result<Vec<Answer>> {
        let rows = self.db.query("SELECT answer FROM answers WHERE answer IS NOT NULL AND NOT published", &[]).await?;
        let read = rows.into_iter().map(|r| serde_json::from_value::<Answer>(r.get(0)));
        let read = read.inspect(|r| _ = r.as_ref().inspect_err(|e| tracing::warn!("a stored answer is not read: {e}")));
        Ok(read.flatten().collect())
    }

    /// Records that the answer is in the artifact store.
    pub async fn published(&self, request: &Hash32) -> Result<()> {
        self.db.execute("UPDATE answers SET published = true WHERE request = $1", &[&request.as_slice()]).await?;
        Ok(())
    }
}
