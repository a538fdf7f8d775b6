//! The scores of one model's documents: found, checked, or worked out, whatever was killed when.

use super::{check, walk, watch::Watch};
use crate::{node::Node, settlement::EpochModel};
use anyhow::{Context, Result};
use openledger_attribution::{
    Attributor, Magic, Query, Scores,
    magic::{MagicState, TrainedRun, functional::query_hash},
};
use openledger_lm::{TrainingLog, train::LogEntry as StateEntry};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::{artifact::InfluenceLog, text::parse_hash};
use solana_pubkey::Pubkey;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a walk may stand still before the next member goes on with it.
const TURN: Duration = Duration::from_secs(60);

/// A model's walk for one epoch.
pub(super) struct Walk {
    pub epoch: u64,
    pub model: Pubkey,
    pub job: Pubkey,
    pub magic: Arc<Magic>,
    pub query: Query,
    /// SHA-256 of the query: what the walk's states name.
    pub functional: Hash32,
}

impl Walk {
    /// Whether a log is of this walk: method, run and answers.
    pub fn is_of(&self, log: &InfluenceLog) -> bool {
        log.method == format!("{} {}", self.magic.method(), self.magic.version())
            && log.run == hex::encode(self.magic.job())
            && log.functional == hex::encode(self.functional)
    }
}

/// −∂φ/∂wᵢ of the model's documents, in their order, with φ the query's weighted sum of losses.
///
/// The member that trained the model walks, because it has the gradients already; if its walk stands still, the
/// others take turns and go on from where it came to.
pub async fn scores(node: &Node, epoch: u64, model: &EpochModel, query: Query) -> Result<Scores> {
    let walk = prepare(node, epoch, model, query).await?;
    agreed(node, model, &walk).await
}

async fn agreed(node: &Node, model: &EpochModel, walk: &Walk) -> Result<Scores> {
    let epoch = walk.epoch;
    let own = node.chain.wallet();
    let order = order(&model.job, &model.trainer, &node.chain.active_committee().await?.members);
    let (mut attempt, mut reached, mut since) = (0, 0, Instant::now());
    let (mut refused, mut watch) = (HashSet::new(), Watch::default());
    loop {
        let (mut longest, turn) = (0, attempt % order.len().max(1));
        for operator in watch.look(&order, turn) {
            let Ok(log) = node.store.get_influence_log(epoch, &model.job, operator).await else { continue };
            // One of a settlement that was rejected, over other answers: a new one will replace it.
            if !walk.is_of(&log) {
                continue;
            }
            longest = longest.max(log.states.len());
            if log.states.last().is_none_or(|s| s.step > 0) || refused.contains(operator) {
                continue;
            }
            let checked = match *operator == own {
                true => Ok(()),
                false => check::complete(node, walk, &log).await,
            };
            match checked {
                Ok(()) => return finished(node, walk, &log).await,
                Err(e) => {
                    tracing::warn!(%operator, "its walk is not believed: {e:#}");
                    refused.insert(*operator);
                }
            }
        }
        if longest > reached {
            (reached, since) = (longest, Instant::now());
            watch.news();
        } else if since.elapsed() > TURN {
            (attempt, since) = (attempt + 1, Instant::now());
            continue;
        }
        if order.get(turn) == Some(&own) {
            walk::go(node, walk, &order).await?;
            continue;
        }
        node.status.settling(epoch, &format!("waiting for {reached} states of the walk to be complete"));
        tokio::time::sleep(watch.pause()).await;
    }
}

async fn prepare(node: &Node, epoch: u64, model: &EpochModel, query: Query) -> Result<Walk> {
    let log = model
        .log
        .iter()
        .map(|e| Ok(StateEntry { step: e.step as u64, state_hash: parse_hash(&e.state)? }))
        .collect::<Result<_>>()?;
    let (store, runtime) = (node.store.clone(), tokio::runtime::Handle::current());
    let states = move |hash: Hash32| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(runtime.block_on(store.get_blob(&hash))?.to_vec())
    };
    let (train, examples) = (model.plan.train.clone(), model.plan.examples.clone());
    let settings = model.plan.magic;
    let cache = crate::training::cache(node, &model.job, &model.plan).await?;
    let magic = node
        .engine()
        .await?
        .run(move |engine| -> Result<Magic> {
            let run = TrainedRun::new(
                engine.base().clone(),
                train,
                examples,
                TrainingLog { entries: log },
                Arc::new(states),
            )?;
            let magic = Magic::new(run, settings)?;
            Ok(match cache {
                Some(cache) => magic.with_cache(cache),
                None => magic,
            })
        })
        .await
        .with_context(|| format!("the training run of model {}", model.address))?;
    let functional = query_hash(&query);
    Ok(Walk { epoch, model: model.address, job: model.job, magic: Arc::new(magic), query, functional })
}

/// Who walks: the trainer, then the other members in an order that the job decides.
fn order(job: &Pubkey, trainer: &Pubkey, members: &[Pubkey]) -> Vec<Pubkey> {
    let mut order = members.to_vec();
    order.sort_by_key(|m| (m != trainer, sha256(&[b"influence", job.as_ref(), m.as_ref()])));
    order
}

async fn finished(node: &Node, walk: &Walk, log: &InfluenceLog) -> Result<Scores> {
    let last = log.states.last().context("a complete walk has states")?;
    let state = MagicState::from_bytes(&node.store.get_blob(&parse_hash(&last.state)?).await?)?;
    Ok(walk.magic.outcome(state)?.scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trainer_walks_first_and_everybody_gets_a_turn() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let order = order(&Pubkey::new_from_array([9; 32]), &members[3], &members);
        assert_eq!(order[0], members[3]);
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, members);
        // Who is not in the committee any more does not walk.
        let gone = Pubkey::new_from_array([77; 32]);
        assert!(!super::order(&Pubkey::new_from_array([9; 32]), &gone, &members).contains(&gone));
    }
}
