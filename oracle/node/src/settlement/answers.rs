//! Finds the answers that were paid for, and the jobs whose adapters gave them.

use crate::operator::Chain;
use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::{
    Store,
    api::{IndexerClient, types as api},
    receipt::Answer,
    store::StoreError,
    text::{parse_hash, parse_key},
};
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// The answers and jobs as of a cutoff.
pub struct Answers<'a> {
    store: &'a Store,
    indexer: &'a IndexerClient,
    cutoff_slot: u64,
    identities: HashMap<Pubkey, Pubkey>,
    /// By model: the jobs that had a result at the cutoff, oldest result first.
    jobs: HashMap<Pubkey, Vec<api::Job>>,
}

impl<'a> Answers<'a> {
    /// Answers in `store`, given by operators that are registered on `chain`.
    pub async fn new(chain: &Chain, store: &'a Store, indexer: &'a IndexerClient, cutoff_slot: u64) -> Result<Self> {
        Ok(Self { store, indexer, cutoff_slot, identities: chain.identities().await?, jobs: HashMap::new() })
    }

    /// The answer that the payment `row` bought. `None` if the store has no answer, or if the stored answer is not the
    /// one that was paid for. Fails if the store fails.
    pub async fn paid_by(&self, row: &api::ReceiptRow) -> Result<Option<Answer>> {
        let answer = match self.store.get_answer(&parse_hash(&row.request)?).await {
            Ok(answer) => answer,
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(e @ (StoreError::Content { .. } | StoreError::Hash { .. })) => {
                tracing::warn!(request = row.request, "taken for unanswered: {e}");
                return Ok(None);
            }
            // Other members may be able to read the answer. A failure of the store must not count as a missing answer.
            Err(e) => return Err(e).with_context(|| format!("reading the answer to {}", row.request)),
        };
        let operator = parse_key(&row.operator)?;
        let identity = self.identities.get(&operator).with_context(|| format!("{operator} is not registered"))?;
        if let Err(e) = answer.verify(identity) {
            tracing::warn!(request = row.request, "taken for unanswered: {e}");
            return Ok(None);
        }
        let paid_for = answer.model.to_string() == row.model
            && answer.operator == operator
            && answer.payment_signature == row.signature;
        if !paid_for {
            tracing::warn!(request = row.request, "taken for unanswered: the answer is not the one paid for");
        }
        Ok(Some(answer).filter(|_| paid_for))
    }

    /// The oldest job of a model whose result is this adapter. `None` if there is none.
    pub async fn job_of(&mut self, model: &Pubkey, adapter: &Hash32) -> Result<Option<Pubkey>> {
        let adapter = hex::encode(adapter);
        let job = self.jobs(model).await?.iter().find(|j| j.adapter_hash.as_ref() == Some(&adapter));
        if job.is_none() {
            tracing::warn!(%model, adapter, "taken for unanswered: no job was attested with the adapter that answered");
        }
        job.map(|j| Ok(parse_key(&j.address)?)).transpose()
    }

    /// The job whose adapter the model had at the cutoff. Fails if the model had no result by then.
    pub async fn last_job(&mut self, model: &Pubkey) -> Result<Pubkey> {
        let job = self.jobs(model).await?.last();
        let job = job.with_context(|| format!("model {model} was paid for but has no result"))?;
        Ok(parse_key(&job.address)?)
    }

    async fn jobs(&mut self, model: &Pubkey) -> Result<&[api::Job]> {
        if !self.jobs.contains_key(model) {
            let mut jobs = self.indexer.jobs_of(model).await?;
            // The model's account does not serve here: a later result may change it while members settle.
            jobs.retain(|j| j.adapter_hash.is_some() && j.ended_slot.is_some_and(|slot| slot <= self.cutoff_slot));
            jobs.sort_by_key(|j| (j.ended_slot, j.number));
            self.jobs.insert(*model, jobs);
        }
        Ok(&self.jobs[model])
    }
}
