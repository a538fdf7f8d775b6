//! Continues a walk segment by segment. Each state is published before the next segment begins.

use super::{check, tools::Tools, walk::Walk};
use anyhow::{Context, Result};
use openledger_attribution::magic::MagicState;
use openledger_sdk::artifact::{InfluenceLog, LogEntry};
use solana_pubkey::Pubkey;

/// Walks to the end. Starts from the longest log among this member's own and those of others that pass a check. Starts
/// from the beginning if there is none.
pub async fn to_the_end(tools: &Tools, walk: &Walk, order: &[Pubkey]) -> Result<()> {
    let engine = tools.engine.get().await?;
    let (mut log, mut state) = match longest(tools, walk, order).await {
        Some(found) => found,
        None => {
            let (magic, query) = (walk.magic.clone(), walk.query.clone());
            let state = engine.run(move |_| magic.begin(&query)).await?;
            (new_log(tools, walk), state)
        }
    };
    let total = walk.magic.run().total_steps();
    loop {
        if log.states.last().is_none_or(|last| last.step > state.step) {
            let bytes = state.to_bytes()?;
            let hash = tools.store.put_blob(bytes).await?;
            log.states.push(LogEntry { step: state.step, state: hash });
        }
        tools.store.put_influence_log(walk.epoch, &walk.job, &log).await?;
        if state.step == 0 {
            let health = walk.magic.outcome(state)?.health;
            tracing::info!(model = %walk.model, adjoint = health.adjoint_at_start, "walked back through the training");
            if let Some(warning) = health.trust().warning() {
                tracing::warn!(model = %walk.model, "{warning}");
            }
            return Ok(());
        }
        let phase = format!("going back through the training, step {} of {total}", total - state.step);
        tools.status.settling(walk.epoch, &phase);
        let magic = walk.magic.clone();
        // Requests for answers get their turn after every step.
        state = engine.run_in_turns(move |_, turn| magic.segment_in_turns(&state, &mut || turn.pass())).await?;
    }
}

fn new_log(tools: &Tools, walk: &Walk) -> InfluenceLog {
    InfluenceLog {
        version: 1,
        epoch: walk.epoch,
        model: walk.model,
        operator: tools.chain.wallet(),
        method: walk.method(),
        run: walk.magic.job(),
        functional: walk.functional,
        states: Vec::new(),
    }
}

/// The longest usable log of the walk, with its last state. The log names this member as its operator from here on.
async fn longest(tools: &Tools, walk: &Walk, order: &[Pubkey]) -> Option<(InfluenceLog, MagicState)> {
    let own = tools.chain.wallet();
    let mut found = Vec::new();
    for operator in order {
        if let Ok(log) = tools.store.get_influence_log(walk.epoch, &walk.job, operator).await
            && !log.states.is_empty()
            && walk.is_of(&log)
        {
            found.push((*operator, log));
        }
    }
    found.sort_by_key(|(operator, log)| (std::cmp::Reverse(log.states.len()), *operator != own));
    for (operator, mut log) in found {
        if operator != own
            && let Err(e) = check::partial(tools, walk, &log).await
        {
            tracing::warn!(%operator, "its walk is not gone on with: {e:#}");
            continue;
        }
        match last_state(tools, &log).await {
            Ok(state) => {
                tracing::info!(%operator, step = state.step, "going on with a walk");
                log.operator = own;
                return Some((log, state));
            }
            Err(e) => tracing::warn!(%operator, "its last state cannot be read: {e:#}"),
        }
    }
    None
}

/// The state that a log has reached, read from the store. Fails if the log has none.
pub async fn last_state(tools: &Tools, log: &InfluenceLog) -> Result<MagicState> {
    let last = log.states.last().context("the log is empty")?;
    Ok(MagicState::from_bytes(&tools.store.get_blob(&last.state).await?)?)
}
