//! Jobs that have a result: everything by which their documents are paid.

use super::{
    known::{MOST, Plans},
    plan::JobPlan,
};
use crate::{
    documents::Document,
    operator::{Chain, Files, LazyEngine, Memo},
};
use anyhow::{Context, Result, ensure};
use model::state::Job;
use openledger_protocol::Hash32;
use openledger_sdk::{Store, artifact::TrainingManifest};
use openledger_serve::{Divider, states::states_of_a_query};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// A job with its attested result.
pub struct FinishedJob {
    /// The job's account.
    pub address: Pubkey,
    /// Its model.
    pub model: Pubkey,
    /// Hash of its training manifest.
    pub manifest_hash: Hash32,
    /// The manifest.
    pub manifest: TrainingManifest,
    /// What it computed.
    pub plan: Arc<JobPlan>,
    /// Divides fees among the documents.
    pub divider: Divider,
}

impl FinishedJob {
    /// The documents that its money is divided among, in index order: those of its parents, and its own. Each has the
    /// job that was trained on it.
    pub fn documents(&self) -> Vec<(Pubkey, &Document)> {
        let own = self.plan.documents.iter().map(|d| (self.address, d));
        self.plan.inherited().iter().map(|d| (d.job, &d.document)).chain(own).collect()
    }
}

/// The finished jobs, each read at first use. Cheap to clone.
#[derive(Clone)]
pub struct FinishedJobs {
    chain: Chain,
    store: Store,
    engine: LazyEngine,
    files: Files,
    plans: Plans,
    /// By the hash of the training manifest, which names everything else.
    known: Memo<Hash32, FinishedJob>,
}

impl FinishedJobs {
    /// Reads finished jobs from `chain` and `store`.
    pub fn new(chain: Chain, store: Store, engine: LazyEngine, files: Files, plans: Plans) -> Self {
        Self { chain, store, engine, files, plans, known: Memo::new(MOST) }
    }

    /// Jobs that are not read: a test made them.
    #[cfg(test)]
    pub async fn holding(self, jobs: impl IntoIterator<Item = FinishedJob>) -> Self {
        for job in jobs {
            self.known.get_or_try(job.manifest_hash, async || Ok(job)).await.expect("it is here");
        }
        self
    }

    /// The job at `address`, which was attested with these hashes of its adapter and its training manifest.
    pub async fn of(&self, address: &Pubkey, adapter: &Hash32, manifest: &Hash32) -> Result<Arc<FinishedJob>> {
        let read = self.known.get_or_try(*manifest, || self.read(address, adapter, manifest)).await;
        read.with_context(|| format!("the result of job {address}"))
    }

    async fn read(&self, address: &Pubkey, adapter: &Hash32, hash: &Hash32) -> Result<FinishedJob> {
        let account: Job = self.chain.client.account(address).await?;
        let plan = self.plans.of(&account).await?;
        let manifest = self.store.get_blob(hash).await.context("its training manifest")?;
        let manifest: TrainingManifest = serde_json::from_slice(&manifest).context("its training manifest")?;
        ensure!(manifest.job == *address && manifest.adapter_hash == *adapter, "its manifest is of another result");
        ensure!(plan.is_of(&manifest), "its manifest names other documents than its plan");
        let training = self.store.get_blob(&manifest.weights).await.context("its training weights")?;
        let index = self.files.index(&self.store, &manifest.index_hash).await?;
        let states = states_of_a_query(&self.store, &manifest.log, &plan.index.projection).await?;
        let (read, config) = (manifest.clone(), plan.config.clone());
        let work =
            move |engine: &openledger_serve::Engine| Divider::new(engine, &read, &config, &states, &index, &training);
        let divider = self.engine.get().await?.run(work).await?;
        Ok(FinishedJob { address: *address, model: account.model, manifest_hash: *hash, manifest, plan, divider })
    }
}
