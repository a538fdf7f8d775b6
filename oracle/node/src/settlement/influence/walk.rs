//! A walk back through a model's training.

use super::tools::Tools;
use crate::settlement::epoch::EpochModel;
use anyhow::{Context, Result};
use openledger_attribution::{
    Attributor, Magic, Query,
    magic::{TrainedRun, functional::query_hash},
};
use openledger_lm::{TrainingLog, train::LogEntry as StateEntry};
use openledger_protocol::Hash32;
use openledger_sdk::artifact::{InfluenceLog, Method};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// A model's walk for one epoch.
pub struct Walk {
    /// The epoch.
    pub epoch: u64,
    /// The model's account.
    pub model: Pubkey,
    /// The job that trained it.
    pub job: Pubkey,
    /// The method MAGIC over the logged training run.
    pub magic: Arc<Magic>,
    /// The query that is attributed.
    pub query: Query,
    /// SHA-256 of the query. The states of the walk name it.
    pub functional: Hash32,
}

impl Walk {
    /// The walk for `query` back through the training of `model`.
    pub async fn prepare(tools: &Tools, epoch: u64, model: &EpochModel, query: Query) -> Result<Self> {
        let entries = model.log.iter().map(|e| StateEntry { step: e.step, state_hash: e.state }).collect();
        let (store, runtime) = (tools.store.clone(), tokio::runtime::Handle::current());
        let states = move |hash: Hash32| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            Ok(runtime.block_on(store.get_blob(&hash))?.to_vec())
        };
        let (train, examples) = (model.plan.train.clone(), model.plan.examples.clone());
        let settings = model.plan.magic;
        let cache = tools.gradients.of(&model.job, &model.plan).await?;
        let magic = tools
            .engine
            .get()
            .await?
            .run(move |engine| -> Result<Magic> {
                let run =
                    TrainedRun::new(engine.base().clone(), train, examples, TrainingLog { entries }, Arc::new(states))?;
                let magic = Magic::new(run, settings)?;
                Ok(match cache {
                    Some(cache) => magic.with_cache(cache),
                    None => magic,
                })
            })
            .await
            .with_context(|| format!("the training run of model {}", model.address))?;
        let functional = query_hash(&query);
        Ok(Self { epoch, model: model.address, job: model.job, magic: Arc::new(magic), query, functional })
    }

    /// Name and version of the method that walks.
    pub fn method(&self) -> Method {
        Method::new(self.magic.method(), self.magic.version())
    }

    /// The steps at which the training run was logged, from its end to its start. A complete walk has one state for
    /// each.
    pub fn steps(&self) -> impl Iterator<Item = u64> {
        self.magic.run().log().entries.iter().rev().map(|e| e.step)
    }

    /// Whether a log belongs to this walk: the same method, run and query.
    pub fn is_of(&self, log: &InfluenceLog) -> bool {
        log.method == self.method() && log.run == self.magic.job() && log.functional == self.functional
    }
}
