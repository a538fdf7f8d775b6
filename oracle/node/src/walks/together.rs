//! Several answers walked together, which costs less than one after the other.

use super::{tools::Tools, walk::run};
use crate::plans::JobPlan;
use anyhow::{Context, Result};
use openledger_attribution::{Query, Scores, magic::Walks};
use openledger_sdk::artifact::LogEntry;
use solana_pubkey::Pubkey;
use std::ops::ControlFlow;

/// Walks for several queries at once. Cheap to clone.
#[derive(Clone)]
pub struct Together {
    tools: Tools,
}

impl Together {
    /// Walks with these parts of the node.
    pub fn new(tools: Tools) -> Self {
        Self { tools }
    }

    /// The exact scores of each query, in their order. They are those of the job's own examples. `say` is told the steps done and the steps in all. Nothing is
    /// stored: a walk that is interrupted begins again.
    pub async fn scores(
        &self,
        job: &Pubkey,
        plan: &JobPlan,
        log: &[LogEntry],
        queries: Vec<Query>,
        say: impl Fn(u64, u64) + Send + 'static,
    ) -> Result<Vec<Scores>> {
        let (prepare, cache) = (run(&self.tools, plan, log).await?, self.tools.gradients.of(job, plan).await?);
        let settings = plan.magic;
        let walk = move |engine: &openledger_serve::Engine, turn: &mut openledger_serve::Turn| -> Result<Vec<Scores>> {
            let walks = Walks::new(prepare(engine)?, &queries, settings)?;
            let walks = match cache {
                Some(cache) => walks.with_cache(cache),
                None => walks,
            };
            let scores = walks.run_to_end(&mut |progress| {
                say(progress.done, progress.total);
                // Requests for answers get their turn after every step.
                turn.pass();
                ControlFlow::Continue(())
            })?;
            Ok(scores)
        };
        let scores = self.tools.engine.get().await?.run_in_turns(walk).await;
        scores.with_context(|| format!("walking back through job {job}"))
    }
}
