//! Keeps the plans of jobs in memory.

use super::{parent::Parent, plan::JobPlan, refusal::Refusal};
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
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// Most jobs whose plans are held in memory.
pub(super) const MOST: usize = 32;
/// Most jobs that are known to be impossible.
const MOST_REFUSED: usize = 10_000;

/// The plans of jobs, each worked out at first use. They can be kept because a job's data, settings, seed and parent
/// never change. Cheap to clone.
#[derive(Clone)]
pub struct Plans {
    client: Client,
    ledger: Ledger,
    store: Store,
    engine: LazyEngine,
    known: Memo<Hash32, JobPlan>,
    /// Jobs that can never be run, by the same key.
    refused: Arc<Mutex<BTreeMap<Hash32, Refusal>>>,
}

impl Plans {
    /// Works plans out from the documents that `ledger` names and `store` holds, with the engine's tokenizer. `client`
    /// reads accounts, and `ledger` also says which results the parents of models have.
    pub fn new(client: Client, ledger: Ledger, store: Store, engine: LazyEngine) -> Self {
        Self { client, ledger, store, engine, known: Memo::new(MOST), refused: Arc::default() }
    }

    /// The plan of `job`. Fails with a [`Refusal`] if no operator can run it, and then at once the next time. Fails also if
    /// the slot of its request is not finalized yet.
    pub async fn of(&self, job: &Job) -> Result<Arc<JobPlan>> {
        let key = JobPlan::key(job)?;
        if let Some(refusal) = self.refused().get(&key) {
            return Err(refusal.clone().into());
        }
        let work = || async {
            let engine = self.engine.get().await?;
            let parent = self.parent(job).await.context("the parent of the job's model")?;
            let base = engine.base().config();
            JobPlan::new(job, parent, &self.ledger, &self.store, base, engine.tokenizer()).await
        };
        let plan = self.known.get_or_try(key, work).await;
        if let Some(refusal) = plan.as_ref().err().and_then(|e| e.downcast_ref::<Refusal>()) {
            let mut refused = self.refused();
            while refused.len() >= MOST_REFUSED {
                refused.pop_first();
            }
            refused.insert(key, refusal.clone());
        }
        plan
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Hash32, Refusal>> {
        self.refused.lock().expect("no panic holds this lock")
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
