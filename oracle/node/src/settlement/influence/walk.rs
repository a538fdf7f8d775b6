//! Walking: segment by segment, each state published before the next segment begins.

use super::{check, scores::Walk};
use crate::node::Node;
use anyhow::Result;
use openledger_attribution::{Attributor, magic::MagicState};
use openledger_sdk::{
    artifact::{InfluenceLog, LogEntry},
    text::parse_hash,
};
use solana_pubkey::Pubkey;

/// Walks to the end. Goes on from this member's own log, or from the longest one of another that stands a check.
pub(super) async fn go(node: &Node, walk: &Walk, order: &[Pubkey]) -> Result<()> {
    let engine = node.engine().await?;
    let (mut log, mut state) = match longest(node, walk, order).await {
        Some(found) => found,
        None => {
            let (magic, query) = (walk.magic.clone(), walk.query.clone());
            let state = engine.run(move |_| magic.begin(&query)).await?;
            (new_log(node, walk), state)
        }
    };
    let total = walk.magic.run().total_steps();
    loop {
        if log.states.last().is_none_or(|last| last.step as u64 > state.step) {
            let bytes = state.to_bytes()?;
            let hash = node.store.put_blob(bytes).await?;
            log.states.push(LogEntry { step: state.step as usize, state: hex::encode(hash) });
        }
        node.store.put_influence_log(walk.epoch, &walk.job, &log).await?;
        if state.step == 0 {
            let health = walk.magic.outcome(state)?.health;
            tracing::info!(model = %walk.model, adjoint = health.adjoint_at_start, "walked back through the training");
            if let Some(warning) = health.trust().warning() {
                tracing::warn!(model = %walk.model, "{warning}");
            }
            return Ok(());
        }
        let phase = format!("going back through the training, step {} of {total}", total - state.step);
        node.status.settling(walk.epoch, &phase);
        let magic = walk.magic.clone();
        // Answers get their turn after every step.
        state = engine.run_in_turns(move |_, turn| magic.segment_in_turns(&state, &mut || turn.pass())).await?;
    }
}

fn new_log(node: &Node, walk: &Walk) -> InfluenceLog {
    InfluenceLog {
        version: 1,
        epoch: walk.epoch,
        model: walk.model.to_string(),
        operator: node.chain.wallet().to_string(),
        method: format!("{} {}", walk.magic.method(), walk.magic.version()),
        run: hex::encode(walk.magic.job()),
        functional: hex::encode(walk.functional),
        states: Vec::new(),
    }
}

/// Where the walk came to, as this member's own log from here on.
async fn longest(node: &Node, walk: &Walk, order: &[Pubkey]) -> Option<(InfluenceLog, MagicState)> {
    let own = node.chain.wallet();
    let mut found = Vec::new();
    for operator in order {
        if let Ok(log) = node.store.get_influence_log(walk.epoch, &walk.job, operator).await
            && !log.states.is_empty()
            && walk.is_of(&log)
        {
            found.push((*operator, log));
        }
    }
    found.sort_by_key(|(operator, log)| (std::cmp::Reverse(log.states.len()), *operator != own));
    for (operator, mut log) in found {
        if operator != own
            && let Err(e) = check::partial(node, walk, &log).await
        {
            tracing::warn!(%operator, "its walk is not gone on with: {e:#}");
            continue;
        }
        match last_state(node, &log).await {
            Ok(state) => {
                tracing::info!(%operator, step = state.step, "going on with a walk");
                log.operator = own.to_string();
                return Some((log, state));
            }
            Err(e) => tracing::warn!(%operator, "its last state cannot be read: {e:#}"),
        }
    }
    None
}

async fn last_state(node: &Node, log: &InfluenceLog) -> Result<MagicState> {
    let last = log.states.last().ok_or_else(|| anyhow::anyhow!("the log is empty"))?;
    Ok(MagicState::from_bytes(&node.store.get_blob(&parse_hash(&last.state)?).await?)?)
}
