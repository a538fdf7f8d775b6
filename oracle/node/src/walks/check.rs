//! Checks another member's walk by re-executing a part of it.
//!
//! A walk has n + 1 links: its start, and n segments. Each leads from the state before it, as it was published, to the
//! next. A forged result differs from the true one in at least one link.

use super::{tools::Tools, walk::Walk};
use anyhow::{Context, Result, ensure};
use openledger_attribution::magic::MagicState;
use openledger_sdk::artifact::LogEntry;

/// Largest relative distance of a state's parameters from the re-executed ones. On one build they are equal. Exact
/// attribution amplifies rounding: the scores of two builds differ by up to a hundredth (`docs/benchmarks/band.md`).
const BAND: f64 = 2e-2;

/// Fails unless `states` are at the steps that the training logged, from its end to its start.
pub fn check_steps(walk: &Walk, states: &[LogEntry]) -> Result<()> {
    ensure!(states.iter().map(|s| s.step).eq(walk.steps()), "its states are not at the steps that the training logged");
    Ok(())
}

/// Re-executes link number `link` of a walk. Fails if it leads to another state than the published one.
pub async fn link(tools: &Tools, walk: &Walk, states: &[LogEntry], link: usize) -> Result<()> {
    let read = async |entry: &LogEntry| -> Result<MagicState> {
        Ok(MagicState::from_bytes(&tools.store.get_blob(&entry.state).await.context("a state of the walk")?)?)
    };
    let before = match link {
        0 => None,
        n => Some(read(&states[n - 1]).await?),
    };
    let end = states.get(link).context("the walk has no such link")?;
    let published = read(end).await?;
    tracing::info!(job = %walk.job, link, of = states.len(), "re-executing a link of a walk");
    let (magic, query) = (walk.magic.clone(), walk.query.clone());
    let engine = tools.engine.get().await?;
    let reached = engine
        .run_in_turns(move |_, turn| match before {
            None => magic.begin(&query),
            Some(state) => magic.segment_in_turns(&state, &mut || turn.pass()),
        })
        .await?;
    if reached.hash()? == end.state {
        return Ok(());
    }
    let apart = distance(&reached, &published);
    ensure!(apart <= BAND, "link {link} leads to a state that is {apart:.3} away from the published one");
    Ok(())
}

/// The larger of the relative distances of the adjoint of the parameters and of the derivatives. Infinite if the states
/// are of different walks or steps.
fn distance(own: &MagicState, published: &MagicState) -> f64 {
    let same = own.job == published.job && own.functional == published.functional && own.step == published.step;
    let lengths =
        own.adjoint.a.len() == published.adjoint.a.len() && own.derivatives.len() == published.derivatives.len();
    if !(same && lengths) {
        return f64::INFINITY;
    }
    let relative = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        let (difference, norm) =
            pairs.fold((0.0, 0.0), |(d, n), (own, other)| (d + (own - other).powi(2), n + own * own));
        if difference == 0.0 { 0.0 } else { (difference / norm).sqrt() }
    };
    let params = own.adjoint.a.iter().zip(&published.adjoint.a);
    let params = relative(&mut params.map(|(a, b)| (f64::from(*a), f64::from(*b))));
    let derivatives = relative(&mut own.derivatives.iter().copied().zip(published.derivatives.iter().copied()));
    // NaN is no distance.
    if params.is_nan() || derivatives.is_nan() { f64::INFINITY } else { params.max(derivatives) }
}
