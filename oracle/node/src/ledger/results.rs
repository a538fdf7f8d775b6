//! Results of jobs, from the jobs' accounts and their events `ResultAttested`.

use super::{error::LedgerError, newest::look_back, node::Node};
use model::{
    events::ResultAttested,
    state::{Job, JobStatus, Model},
};
use openledger_protocol::Hash32;
use openledger_sdk::{Event, pda};
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// Most accounts in one request.
const ACCOUNTS: u64 = 100;

/// An attested result of a job: one version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// The job.
    pub job: Pubkey,
    /// Number of this version of the model, from 1.
    pub version: u64,
    /// Slot of the attestation.
    pub slot: u64,
    /// Its transaction's first signature, in Base58.
    pub signature: String,
    /// SHA-256 of the adapter's file.
    pub adapter_hash: Hash32,
    /// SHA-256 of the training manifest.
    pub manifest_hash: Hash32,
}

/// Results by job, as one node shows them. A result never changes, so each is read once.
#[derive(Default)]
pub struct Results {
    known: HashMap<Pubkey, JobResult>,
}

impl Results {
    /// The results of `model` up to slot `until`, in the order of versions. Not yet, if `until` is not finalized or a
    /// result that the model's account counts is missing.
    pub async fn of(&mut self, node: &Node, model: &Pubkey, until: u64) -> Result<Vec<JobResult>, LedgerError> {
        let (slot, account) = node.account::<Model>(model, "model").await?;
        if slot < until {
            return Err(node.not_yet(format!("slot {until} is not finalized, {slot} is")));
        }
        let mut results = Vec::new();
        for first in (0..account.jobs).step_by(ACCOUNTS as usize) {
            let numbers = first..account.jobs.min(first + ACCOUNTS);
            let addresses: Vec<Pubkey> = numbers.map(|number| pda::job(model, number)).collect();
            let (slot, jobs) = node.accounts::<Job>(&addresses).await?;
            for (address, job) in addresses.into_iter().zip(jobs) {
                if job.is_some_and(|job| job.status == JobStatus::Attested) {
                    results.extend(self.result(node, &address, slot).await?);
                }
            }
        }
        results.sort_by_key(|r| r.version);
        check(node, &account, &results)?;
        results.retain(|r| r.slot <= until);
        Ok(results)
    }

    /// The result of an attested job. `None` if it is not readable up to `final_slot`.
    async fn result(&mut self, node: &Node, job: &Pubkey, final_slot: u64) -> Result<Option<JobResult>, LedgerError> {
        if !self.known.contains_key(job) {
            let mut found = None;
            look_back(node, job, final_slot, |records| {
                found = records.into_iter().find_map(|record| match record.event {
                    Event::ResultAttested(e) if e.job == *job => {
                        let ResultAttested { job, version, adapter_hash, manifest_hash, .. } = e;
                        let (slot, signature) = (record.slot, record.signature);
                        Some(JobResult { job, version, slot, signature, adapter_hash, manifest_hash })
                    }
                    _ => None,
                });
                found.is_some()
            })
            .await?;
            self.known.extend(found.map(|result| (*job, result)));
        }
        Ok(self.known.get(job).cloned())
    }
}

/// Checks that the versions are those that the model's account counts, and that the last one is the model's.
fn check(node: &Node, model: &Model, results: &[JobResult]) -> Result<(), LedgerError> {
    let counted = usize::try_from(model.versions).unwrap_or(usize::MAX);
    if let Some(missing) = (1..=model.versions).zip(results.iter().map(|r| r.version)).find(|(a, b)| a != b) {
        let what = format!("version {} of model {} is missing", missing.0, model.name);
        return Err(if missing.1 > missing.0 { node.not_yet(what) } else { node.contradiction(what) });
    }
    if results.len() < counted {
        let what = format!("model {} has {counted} versions, {} are readable", model.name, results.len());
        return Err(node.not_yet(what));
    }
    let same = counted.checked_sub(1).and_then(|last| results.get(last)).is_none_or(|last| {
        (Some(last.job), last.adapter_hash, last.manifest_hash) == (model.job, model.adapter_hash, model.manifest_hash)
    });
    match same {
        true => Ok(()),
        false => Err(node.contradiction(format!("the last result of model {} is not the model's", model.name))),
    }
}
