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

/// The largest of the relative distances of the adjoints, of the derivatives and of what the last step measured. Infinite
/// if the states are of different walks or steps.
fn distance(own: &MagicState, published: &MagicState) -> f64 {
    let same = own.job == published.job
        && own.functional == published.functional
        && own.step == published.step
        && own.weight.to_bits() == published.weight.to_bits()
        && own.trace.len() == published.trace.len();
    if !same {
        return f64::INFINITY;
    }
    let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let measured = |state: &MagicState| state.trace.last().map_or(vec![], |t| vec![t.adjoint, state.delta]);
    let parts = [
        (wide(&own.adjoint.a), wide(&published.adjoint.a)),
        (wide(&own.adjoint.m), wide(&published.adjoint.m)),
        (wide(&own.adjoint.v), wide(&published.adjoint.v)),
        (own.derivatives.clone(), published.derivatives.clone()),
        (measured(own), measured(published)),
    ];
    parts.iter().map(|(own, published)| relative(own, published)).fold(0.0, f64::max)
}

/// ‖own − other‖ / ‖own‖. Infinite if the lengths differ or a number is none.
fn relative(own: &[f64], other: &[f64]) -> f64 {
    if own.len() != other.len() {
        return f64::INFINITY;
    }
    let difference: f64 = own.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = own.iter().map(|v| v * v).sum();
    let distance = if difference == 0.0 { 0.0 } else { (difference / norm).sqrt() };
    if distance.is_nan() { f64::INFINITY } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_another_length_or_none_are_infinitely_far_away() {
        assert_eq!(relative(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert_eq!(relative(&[3.0, 4.0], &[3.0, 4.5]), 0.1);
        assert_eq!(relative(&[0.0], &[1.0]), f64::INFINITY);
        assert_eq!(relative(&[1.0], &[f64::NAN]), f64::INFINITY);
        assert_eq!(relative(&[1.0], &[1.0, 1.0]), f64::INFINITY);
    }
}
