//! A walk back through a job's training.

use super::tools::Tools;
use crate::plans::JobPlan;
use anyhow::{Context, Result};
use openledger_attribution::{Magic, Query, magic::TrainedRun};
use openledger_lm::{TrainingLog, train::LogEntry as StateEntry};
use openledger_protocol::Hash32;
use openledger_sdk::artifact::LogEntry;
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// A walk that can be made or checked.
pub struct Walk {
    /// The job that was trained.
    pub job: Pubkey,
    /// The method MAGIC over the logged training run.
    pub magic: Arc<Magic>,
    /// The query that is attributed.
    pub query: Query,
}

impl Walk {
    /// The walk for `query` back through the training that `log` has the states of.
    pub async fn prepare(tools: &Tools, job: &Pubkey, plan: &JobPlan, log: &[LogEntry], query: Query) -> Result<Self> {
        let entries = log.iter().map(|e| StateEntry { step: e.step, state_hash: e.state }).collect();
        let (store, runtime) = (tools.store.clone(), tokio::runtime::Handle::current());
        let states = move |hash: Hash32| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            Ok(runtime.block_on(store.get_blob(&hash))?.to_vec())
        };
        let (train, examples, settings) = (plan.train.clone(), plan.examples.clone(), plan.magic);
        let cache = tools.gradients.of(job, plan).await?;
        let prepare = move |engine: &openledger_serve::Engine| -> Result<Magic> {
            let log = TrainingLog { entries };
            let run = TrainedRun::new(engine.base().clone(), train, examples, log, Arc::new(states))?;
            let magic = Magic::new(run, settings)?;
            Ok(match cache {
                Some(cache) => magic.with_cache(cache),
                None => magic,
            })
        };
        let magic = tools.engine.get().await?.run(prepare).await;
        let magic = magic.with_context(|| format!("the training run of job {job}"))?;
        Ok(Self { job: *job, magic: Arc::new(magic), query })
    }

    /// The steps at which the training run was logged, from its end to its start. A complete walk has one state for
    /// each.
    pub fn steps(&self) -> impl Iterator<Item = u64> {
        self.magic.run().log().entries.iter().rev().map(|e| e.step)
    }
}
