//! A network that goes on: validators review what comes, processes that died come back, and epochs settle by themselves.

use crate::{data, fleet::Fleet, network::Network, people::Person};
use anyhow::Result;
use openledger_sdk::flow::review::{Action, Reviewer};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Pause between two looks at the processes, and between two passes of the validators.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a process that died stays dead, so that one that dies at once does not keep the machine busy.
const MOURNING: Duration = Duration::from_secs(10);
/// Number of lines about the validators that are not told again.
const REMEMBERED: usize = 100;

/// Keeps the network going until the node or the database server dies. `tell` is given a line for whatever happens.
pub async fn go_on(
    network: &mut Network,
    fleet: &mut Fleet,
    validators: &[Person],
    tell: impl Fn(&str) + Copy,
) -> Result<()> {
    let reviewers = data::reviewers(network, validators)?;
    tokio::select! {
        ended = keep_up(network, fleet, tell) => ended,
        never = review_for_ever(reviewers, tell) => match never {},
    }
}

/// Brings operators and the indexer back. Fails if the node or the database server has died, because without them nothing
/// goes on.
async fn keep_up(network: &mut Network, fleet: &mut Fleet, tell: impl Fn(&str)) -> Result<()> {
    let mut died = None;
    loop {
        network.check()?;
        if let Some(reason) = network.bury_indexer() {
            tell(&format!("the indexer comes back: {}", reason.lines().next().unwrap_or_default()));
            died = Some(Instant::now());
        }
        for (n, reason) in fleet.bury() {
            // The end of its log follows, which is in its log.
            let reason = reason.lines().next().unwrap_or_default();
            tell(&format!("operator {n} comes back: {reason}"));
            died = Some(Instant::now());
        }
        if died.is_none_or(|at: Instant| at.elapsed() > MOURNING) {
            if network.run_indexer()? {
                tell("the indexer is back");
            }
            for n in fleet.run()? {
                tell(&format!("operator {n} is back"));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Has the validators review whatever is contributed. A pass that fails is tried again. What is the same at several
/// validators, a decision or a failure, is told once.
async fn review_for_ever(mut reviewers: Vec<Reviewer<'_>>, tell: impl Fn(&str)) -> std::convert::Infallible {
    let mut told = VecDeque::new();
    loop {
        for passed in futures::future::join_all(reviewers.iter_mut().map(|r| r.pass(None))).await {
            let lines = match passed {
                Ok(actions) => actions.iter().filter_map(decision).collect(),
                Err(e) => vec![format!("a validator could not work, and tries again: {e}")],
            };
            for line in lines {
                if !told.contains(&line) {
                    tell(&line);
                    told.push_back(line);
                    if told.len() > REMEMBERED {
                        told.pop_front();
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What people want to know of an action. Commitments and reveals are steps towards it.
fn decision(action: &Action) -> Option<String> {
    match action {
        Action::Finalised(batch, true) => Some(format!("batch {batch} was accepted")),
        Action::Finalised(batch, false) => Some(format!("batch {batch} was rejected")),
        Action::Expired(batch) => Some(format!("nobody reviewed batch {batch} in time")),
        Action::Committed(..) | Action::Revealed(_) => None,
    }
}
