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
    /// The walk for `query` back through the first run of the training that `log` has the states of.
    pub async fn prepare(tools: &Tools, job: &Pubkey, plan: &JobPlan, log: &[LogEntry], query: Query) -> Result<Self> {
        let (run, settings) = (run(tools, plan, log).await?, plan.magic);
        let cache = tools.gradients.of(job, plan).await?;
        let prepare = move |engine: &openledger_serve::Engine| -> Result<Magic> {
            let magic = Magic::new(run(engine)?, settings)?;
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

/// Largest distance at which a re-executed segment of a training log counts as the logged one: of the parameters over the
/// way that they went in the segment, of the moments over their norms (`docs/benchmarks/band.md`).
///
/// The largest distance between builds was 1.8e-5, in segments of up to 150 steps: a tenth of this band. The smallest
/// forgery, one document left out of or added to one step of one segment, moved some part by 4.0e-3 at least: 20 times
/// this band.
pub const STATE_BAND: f64 = 2e-4;

/// Opens the first run of the training that `log` has the states of. The states are read from the store when they are
/// needed. The run of a model with a parent begins with the parent's adapter, and a walk ends there.
pub(super) async fn run(
    tools: &Tools,
    plan: &JobPlan,
    log: &[LogEntry],
) -> Result<impl FnOnce(&openledger_serve::Engine) -> Result<TrainedRun> + Send + use<>> {
    let start = plan.start(&tools.store, tools.engine.get().await?.base(), 0).await?;
    let served = LogEntry::runs(log).next().unwrap_or_default();
    let entries = served.iter().map(|e| StateEntry { step: e.step, state_hash: e.state }).collect();
    let (store, runtime) = (tools.store.clone(), tokio::runtime::Handle::current());
    let states = move |hash: Hash32| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(runtime.block_on(store.get_blob(&hash))?.to_vec())
    };
    let (train, examples) = (plan.train.clone(), plan.examples.clone());
    Ok(move |engine: &openledger_serve::Engine| {
        let (base, log, states) = (engine.base().clone(), TrainingLog { entries }, Arc::new(states));
        let run = match start {
            Some(start) => TrainedRun::with_start(base, train, examples, start, log, states)?,
            None => TrainedRun::new(base, train, examples, log, states)?,
        };
        Ok(run.with_band(STATE_BAND))
    })
}
