//! The results of a model's jobs, as of a cutoff: which adapters the model had, and which it has.

use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::{IndexerClient, types as api},
    text::{parse_hash, parse_key},
};
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// The results of jobs, read once for each model.
pub struct Results<'a> {
    indexer: &'a IndexerClient,
    cutoff_slot: u64,
    /// By model: the jobs that had a result at the cutoff, oldest result first.
    jobs: HashMap<Pubkey, Vec<JobResult>>,
}

/// The result of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// The job's account.
    pub job: Pubkey,
    /// Hash of its adapter.
    pub adapter: Hash32,
    /// Hash of its training manifest.
    pub manifest: Hash32,
}

impl<'a> Results<'a> {
    /// Results that were attested up to `cutoff_slot`. The models' accounts do not serve here: a later result may change
    /// them while members settle.
    pub fn new(indexer: &'a IndexerClient, cutoff_slot: u64) -> Self {
        Self { indexer, cutoff_slot, jobs: HashMap::new() }
    }

    /// The oldest result of a model with this adapter. `None` if there is none.
    pub async fn of_adapter(&mut self, model: &Pubkey, adapter: &Hash32) -> Result<Option<JobResult>> {
        Ok(self.of(model).await?.iter().find(|r| r.adapter == *adapter).copied())
    }

    /// The result of a model's job. `None` if the job had none at the cutoff.
    pub async fn of_job(&mut self, model: &Pubkey, job: &Pubkey) -> Result<Option<JobResult>> {
        Ok(self.of(model).await?.iter().find(|r| r.job == *job).copied())
    }

    /// The job whose adapter the model had at the cutoff. Fails if the model had no result by then.
    pub async fn last_job(&mut self, model: &Pubkey) -> Result<Pubkey> {
        let last = self.of(model).await?.last();
        Ok(last.with_context(|| format!("model {model} was paid for but has no result"))?.job)
    }

    async fn of(&mut self, model: &Pubkey) -> Result<&[JobResult]> {
        if !self.jobs.contains_key(model) {
            let mut jobs = self.indexer.jobs_of(model).await?;
            jobs.retain(|j| j.ended_slot.is_some_and(|slot| slot <= self.cutoff_slot));
            jobs.sort_by_key(|j| (j.ended_slot, j.number));
            let results = jobs.iter().filter_map(|j| result(j).transpose()).collect::<Result<_>>()?;
            self.jobs.insert(*model, results);
        }
        Ok(&self.jobs[model])
    }
}

fn result(job: &api::Job) -> Result<Option<JobResult>> {
    let (Some(adapter), Some(manifest)) = (&job.adapter_hash, &job.manifest_hash) else { return Ok(None) };
    Ok(Some(JobResult {
        job: parse_key(&job.address)?,
        adapter: parse_hash(adapter)?,
        manifest: parse_hash(manifest)?,
    }))
}
