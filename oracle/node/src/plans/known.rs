//! Keeps the plans of jobs in memory.

use super::plan::JobPlan;
use crate::{
    ledger::Ledger,
    operator::{LazyEngine, Memo},
};
use anyhow::Result;
use model::state::Job;
use openledger_protocol::Hash32;
use openledger_sdk::Store;
use std::sync::Arc;

/// Most jobs whose plans are held in memory.
pub(super) const MOST: usize = 32;

/// The plans of jobs, each worked out at first use. They can be kept because a job's data, settings and seed never
/// change. Cheap to clone.
#[derive(Clone)]
pub struct Plans {
    ledger: Ledger,
    store: Store,
    engine: LazyEngine,
    known: Memo<Hash32, JobPlan>,
}

impl Plans {
    /// Works plans out from the documents that `ledger` names and `store` holds, with the engine's tokenizer.
    pub fn new(ledger: Ledger, store: Store, engine: LazyEngine) -> Self {
        Self { ledger, store, engine, known: Memo::new(MOST) }
    }

    /// The plan of `job`.
    pub async fn of(&self, job: &Job) -> Result<Arc<JobPlan>> {
        let work = || async {
            let engine = self.engine.get().await?;
            JobPlan::new(job, &self.ledger, &self.store, engine.tokenizer()).await
        };
        self.known.get_or_try(JobPlan::key(job)?, work).await
    }
}
