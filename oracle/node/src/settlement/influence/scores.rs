//! The scores of one model's documents. They are found, checked or worked out. A kill at any point does no harm.

use super::{advance, check, looks::Looks, tools::Tools, walk::Walk};
use crate::settlement::epoch::EpochModel;
use anyhow::Result;
use openledger_attribution::{Query, Scores};
use openledger_protocol::hash::sha256;
use openledger_sdk::artifact::InfluenceLog;
use solana_pubkey::Pubkey;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// How long a walk may make no progress before the next member continues it.
const TURN: Duration = Duration::from_secs(60);

/// −∂φ/∂wᵢ of the model's documents, in their order. φ is the query's weighted sum of losses.
///
/// The member that trained the model walks first, because it has the gradients already. If its walk makes no progress,
/// the other members take turns and continue it.
pub async fn scores(tools: &Tools, epoch: u64, model: &EpochModel, query: Query) -> Result<Scores> {
    let walk = Walk::prepare(tools, epoch, model, query).await?;
    agreed(tools, model, &walk).await
}

async fn agreed(tools: &Tools, model: &EpochModel, walk: &Walk) -> Result<Scores> {
    let epoch = walk.epoch;
    let own = tools.chain.wallet();
    let order = order(&model.job, &model.trainer, &tools.chain.active_committee().await?.members);
    let (mut attempt, mut reached, mut since) = (0, 0, Instant::now());
    let (mut refused, mut looks) = (HashSet::new(), Looks::default());
    loop {
        let (mut longest, turn) = (0, attempt % order.len().max(1));
        for operator in looks.look(&order, turn) {
            let Ok(log) = tools.store.get_influence_log(epoch, &model.job, operator).await else { continue };
            // This log is of a rejected settlement over other answers. A new log will replace it.
            if !walk.is_of(&log) {
                continue;
            }
            longest = longest.max(log.states.len());
            if log.states.last().is_none_or(|s| s.step > 0) || refused.contains(operator) {
                continue;
            }
            let checked = match *operator == own {
                true => Ok(()),
                false => check::complete(tools, walk, &log).await,
            };
            match checked {
                Ok(()) => return finished(tools, walk, &log).await,
                Err(e) => {
                    tracing::warn!(%operator, "its walk is not believed: {e:#}");
                    refused.insert(*operator);
                }
            }
        }
        if longest > reached {
            (reached, since) = (longest, Instant::now());
            looks.news();
        } else if since.elapsed() > TURN {
            (attempt, since) = (attempt + 1, Instant::now());
            continue;
        }
        if order.get(turn) == Some(&own) {
            advance::to_the_end(tools, walk, &order).await?;
            continue;
        }
        tools.status.settling(epoch, &format!("waiting for {reached} states of the walk to be complete"));
        tokio::time::sleep(looks.pause()).await;
    }
}

/// The order in which members walk: the trainer, then the other members in an order that the job decides.
fn order(job: &Pubkey, trainer: &Pubkey, members: &[Pubkey]) -> Vec<Pubkey> {
    let mut order = members.to_vec();
    order.sort_by_key(|m| (m != trainer, sha256(&[b"influence", job.as_ref(), m.as_ref()])));
    order
}

async fn finished(tools: &Tools, walk: &Walk, log: &InfluenceLog) -> Result<Scores> {
    Ok(walk.magic.outcome(advance::last_state(tools, log).await?)?.scores)
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
        // An operator that has left the committee does not walk.
        let gone = Pubkey::new_from_array([77; 32]);
        assert!(!super::order(&Pubkey::new_from_array([9; 32]), &gone, &members).contains(&gone));
    }
}
