//! Makes a walk, segment by segment. Each state is published before the next segment begins. A kill at any point does no
//! harm.

use super::{tools::Tools, walk::Walk};
use anyhow::{Context, Result};
use openledger_attribution::magic::{MagicState, Outcome};
use openledger_sdk::artifact::LogEntry;
use std::path::Path;

/// Walks to the end, and returns the outcome with all states. Continues from the states that the file `progress` names.
/// `say` is told the steps done and the steps in all.
pub async fn to_the_end(
    tools: &Tools,
    walk: &Walk,
    progress: &Path,
    say: impl Fn(u64, u64),
) -> Result<(Outcome, Vec<LogEntry>)> {
    let engine = tools.engine.get().await?;
    let (mut states, mut state) = match resumed(tools, walk, progress).await {
        Some(found) => found,
        None => {
            let (magic, query) = (walk.magic.clone(), walk.query.clone());
            (Vec::new(), engine.run(move |_| magic.begin(&query)).await?)
        }
    };
    let total = walk.magic.run().total_steps();
    loop {
        if states.last().is_none_or(|last: &LogEntry| last.step > state.step) {
            let hash = tools.store.put_blob(state.to_bytes()?).await?;
            states.push(LogEntry { step: state.step, state: hash });
            write(progress, &states).with_context(|| format!("cannot write {}", progress.display()))?;
        }
        say(total - state.step, total);
        if state.step == 0 {
            return Ok((walk.magic.outcome(state)?, states));
        }
        let magic = walk.magic.clone();
        // Requests for answers get their turn after every step.
        state = engine.run_in_turns(move |_, turn| magic.segment_in_turns(&state, &mut || turn.pass())).await?;
    }
}

/// The states that an earlier call has published, with the last one itself. `None` if there are none, or if they are of
/// another walk.
async fn resumed(tools: &Tools, walk: &Walk, progress: &Path) -> Option<(Vec<LogEntry>, MagicState)> {
    let states: Vec<LogEntry> = serde_json::from_slice(&std::fs::read(progress).ok()?).ok()?;
    let bytes = tools.store.get_blob(&states.last()?.state).await.ok()?;
    let state = MagicState::from_bytes(&bytes).ok()?;
    let same = state.job == walk.magic.job()
        && state.functional == openledger_attribution::magic::functional::query_hash(&walk.query);
    same.then_some((states, state))
}

fn write(progress: &Path, states: &[LogEntry]) -> std::io::Result<()> {
    let next = progress.with_extension("tmp");
    std::fs::write(&next, serde_json::to_vec(states)?)?;
    std::fs::rename(next, progress)
}
