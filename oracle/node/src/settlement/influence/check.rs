//! Checks another member's walk by re-executing a part of it.
//!
//! The hashes fix the states of the walk. Only then does this member draw by itself which part it re-executes. A walk
//! has n + 1 links: its start, and n segments. A forged result differs from the true one in at least one link. So each
//! member finds a forgery with probability 1/(n + 1) at least.

use super::{tools::Tools, walk::Walk};
use anyhow::{Context, Result, ensure};
use openledger_attribution::magic::MagicState;
use openledger_protocol::Hash32;
use openledger_sdk::artifact::InfluenceLog;
use rand::Rng;

/// Checks a complete walk: it must be of this run and these answers, and one random link of it is re-executed. Fails if
/// something differs.
pub async fn complete(tools: &Tools, walk: &Walk, log: &InfluenceLog) -> Result<()> {
    let expected = walk.steps().count();
    ensure!(log.states.len() == expected, "it has {} states instead of {expected}", log.states.len());
    partial(tools, walk, log).await
}

/// The same check for a walk that has not reached its end.
pub async fn partial(tools: &Tools, walk: &Walk, log: &InfluenceLog) -> Result<()> {
    ensure!(walk.is_of(log), "it is of another method, run or set of answers");
    ensure!(
        log.states.iter().map(|s| s.step).eq(walk.steps().take(log.states.len())),
        "its states are not at the steps that the training logged"
    );
    let hashes: Vec<Hash32> = log.states.iter().map(|s| s.state).collect();
    let link = rand::rng().random_range(0..hashes.len());
    let before = match link {
        0 => None,
        n => Some(MagicState::from_bytes(&tools.store.get_blob(&hashes[n - 1]).await.context("a state of the walk")?)?),
    };
    tracing::info!(model = %walk.model, link, of = hashes.len(), operator = %log.operator, "re-executing a link of a walk");
    tools.status.settling(walk.epoch, &format!("re-executing link {link} of the walk"));
    let (magic, query) = (walk.magic.clone(), walk.query.clone());
    let reached = tools
        .engine
        .get()
        .await?
        .run_in_turns(move |_, turn| match before {
            None => magic.begin(&query)?.hash(),
            Some(state) => magic.segment_in_turns(&state, &mut || turn.pass())?.hash(),
        })
        .await?;
    ensure!(
        reached == hashes[link],
        "link {link} leads to state {} instead of {}",
        hex::encode(reached),
        hex::encode(hashes[link])
    );
    Ok(())
}
