//! Keeps the plans of jobs in memory.

use super::{parent::Parent, plan::JobPlan};
use crate::{
    ledger::Ledger,
    operator::{LazyEngine, Memo},
};
use anyhow::{Context, Result, ensure};
use futures::future::{BoxFuture, FutureExt};
use model::state::{Job, Model};
use openledger_protocol::Hash32;
use openledger_sdk::{Store, artifact::TrainingManifest, client::Client};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// Most jobs whose plans are held in memory.
pub(super) const MOST: usize = 32;

/// The plans of jobs, each worked out at first use. They can be kept because a job's data, settings, seed and parent
/// never change. Cheap to clone.
#[derive(Clone)]
pub struct Plans {
    client: Client,
    ledger: Ledger,
    store: Store,
    engine: LazyEngine,
    known: Memo<Hash32, JobPlan>,
}

impl Plans {
    /// Works plans out from the documents that `ledger` names and `store` holds, with the engine's tokenizer. `client`
    /// reads accounts, and `ledger` also says which results the parents of models have.
    pub fn new(client: Client, ledger: Ledger, store: Store, engine: LazyEngine) -> Self {
        Self { client, ledger, store, engine, known: Memo::new(MOST) }
    }

    /// The plan of `job`. Fails if its model builds on another that it does not fit, or if the slot of its request is not
    /// finalized yet.
    pub async fn of(&self, job: &Job) -> Result<Arc<JobPlan>> {
        let work = || async {
            let engine = self.engine.get().await?;
            let parent = self.parent(job).await.context("the parent of the job's model")?;
            JobPlan::new(job, parent, &self.ledger, &self.store, engine.tokenizer()).await
        };
        self.known.get_or_try(JobPlan::key(job)?, work).await
    }

    async fn parent(&self, job: &Job) -> Result<Option<Parent>> {
        let model: Model = self.client.account(&job.model).await?;
        match model.parent {
            Some(parent) => Ok(Some(self.result_of(parent, job).await?)),
            None => Ok(None),
        }
    }

    /// The last result of the model `parent` up to the slot in which `child` was requested. A parent may have a parent
    /// itself, so the future is boxed.
    fn result_of<'a>(&'a self, parent: Pubkey, child: &'a Job) -> BoxFuture<'a, Result<Parent>> {
        async move {
            let results = self.ledger.job_results(&parent, child.requested_slot).await?;
            let result =
                results.last().with_context(|| format!("model {parent} had no result when it was requested"))?;
            let job: Job = self.client.account(&result.job).await?;
            ensure!(
                job.base_hash == child.base_hash,
                "model {parent} has base model {}, the job {}; build on a model with the job's",
                hex::encode(job.base_hash),
                hex::encode(child.base_hash)
            );
            let manifest = self.store.get_blob(&result.manifest_hash).await.context("its training manifest")?;
            let manifest: TrainingManifest = serde_json::from_slice(&manifest).context("its training manifest")?;
            let (plan, engine) = (self.of(&job).await?, self.engine.get().await?);
            ensure!(
                manifest.job == result.job && plan.is_of(&manifest),
                "the training manifest of job {} names other documents than its plan",
                result.job
            );
            Ok(plan.as_parent(manifest, engine.tokenizer()))
        }
        .boxed()
    }
}
