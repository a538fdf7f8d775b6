//! The health of a training: how far the estimates that pay agree with the exact attribution.
//!
//! Over twelve runs of a small model with learning rates from too low to too high, this agreement foretold how well the
//! estimates agree with what leaving documents out really does (rank correlation .87), and so did the roughness of the
//! run (.83); `docs/benchmarks/attribution-health.md`. So a job whose training is not healthy is not paid by scores.
//!
//! Of a job with several runs the first is walked, whose adapter is served. The walk is compared with the scores that pay,
//! which are the mean over all runs: what is asked is whether the pay can be trusted. The roughness is the first run's.
//!
//! The walk ends where the job began. So for a job that builds on a parent, the agreement is that of its own examples
//! alone. The parent's examples were measured when the parent was trained.

use crate::{
    plans::JobPlan,
    walks::{self, Tools, Walk},
};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{
    Query, Scores, agreement,
    magic::{MagicState, Outcome},
};
use openledger_sdk::artifact::{Health, LogEntry};
use solana_pubkey::Pubkey;
use std::path::Path;

/// How far a published agreement may be from the one that a verifier works out, in parts per million. Estimates differ a
/// little between builds, and with them the ranks of documents that are nearly equal.
const TOLERANCE_PPM: u64 = 5_000;

/// The query whose attribution is compared: the loss of all held-out examples. `None` if there are none.
pub fn query(plan: &JobPlan) -> Result<Option<Query>> {
    let items = plan.validation(1.0);
    if items.is_empty() { Ok(None) } else { Ok(Some(Query::new(items)?)) }
}

/// Measures the health of a finished training. `estimate` has the scores of [`query`]. `None` if there are no held-out
/// examples. `say` is told the steps walked and the steps in all.
pub async fn measure(
    tools: &Tools,
    job: &Pubkey,
    plan: &JobPlan,
    log: &[LogEntry],
    estimate: Option<&Scores>,
    progress: &Path,
    say: impl Fn(u64, u64),
) -> Result<Option<Health>> {
    let (Some(query), Some(estimate)) = (query(plan)?, estimate) else { return Ok(None) };
    let walk = Walk::prepare(tools, job, plan, log, query).await?;
    let (outcome, walk) = walks::to_the_end(tools, &walk, progress, say).await?;
    Ok(Some(Health { walk, ..of(plan, estimate, &outcome)? }))
}

/// Checks a published health. The scores of its walk must agree with `estimate` as it says, and link number `link` of the
/// walk is re-executed; `link` is taken modulo the number of links.
pub async fn check(
    tools: &Tools,
    job: &Pubkey,
    plan: &JobPlan,
    log: &[LogEntry],
    estimate: Option<&Scores>,
    published: Option<&Health>,
    link: usize,
) -> Result<()> {
    let (query, estimate, published) = match (query(plan)?, estimate, published) {
        (Some(query), Some(estimate), Some(published)) => (query, estimate, published),
        (None, _, None) => return Ok(()),
        _ => anyhow::bail!("the manifest's health does not fit the number of held-out examples"),
    };
    let walk = Walk::prepare(tools, job, plan, log, query).await?;
    walks::check_steps(&walk, &published.walk)?;
    walks::link(tools, &walk, &published.walk, link % published.walk.len()).await?;
    let last = published.walk.last().context("the walk is empty")?;
    let end = MagicState::from_bytes(&tools.store.get_blob(&last.state).await?)?;
    let own = of(plan, estimate, &walk.magic.outcome(end)?)?;
    let apart = own.agreement_ppm.abs_diff(published.agreement_ppm);
    ensure!(
        apart <= TOLERANCE_PPM && own.roughness_milli == published.roughness_milli,
        "the walk's scores agree by {} and it is as rough as {}, not {} and {}",
        own.agreement_ppm,
        own.roughness_milli,
        published.agreement_ppm,
        published.roughness_milli
    );
    Ok(())
}

/// The numbers, without the walk.
fn of(plan: &JobPlan, estimate: &Scores, exact: &Outcome) -> Result<Health> {
    let agreement = agreement::agreement(&plan.own_scores(estimate), &exact.scores)?.spearman;
    let roughness = exact.health.adjoint_at_start;
    // What is no number is as rough as can be. A roughness beyond the range becomes the largest number.
    let roughness_milli = if roughness.is_nan() { u64::MAX } else { (roughness * 1e3).ceil() as u64 };
    Ok(Health { agreement_ppm: (agreement * 1e6).floor() as i64, roughness_milli, walk: Vec::new() })
}
