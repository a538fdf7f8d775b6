//! Deciding when an epoch is to be settled, and settling it.

use crate::{
    config::Settle,
    node::Node,
    settlement::{Proposal, drive},
};
use anyhow::Result;
use tokio::sync::mpsc::UnboundedReceiver;

/// Slots after an epoch's end in which answers to its last payments may still arrive.
const GRACE_SLOTS: u64 = 50;

/// Settles what is asked for and, if so configured, whatever is due; for ever.
pub async fn run(node: Node, mut asked: UnboundedReceiver<Proposal>) -> Result<()> {
    loop {
        let proposal = match asked.try_recv() {
            Ok(proposal) => Some(proposal),
            Err(_) => due(&node).await.unwrap_or_else(|e| {
                tracing::debug!("looking for an epoch to settle: {e:#}");
                None
            }),
        };
        if let Some(proposal) = proposal {
            tracing::info!(epoch = proposal.epoch, cutoff_slot = proposal.cutoff_slot, "settling");
            // A fault here (a member down, the indexer behind) passes: try until the epoch is settled.
            while let Err(e) = drive(&node, &proposal).await {
                tracing::warn!(epoch = proposal.epoch, "settling failed, trying again: {e:#}");
                node.changed().await;
                if node.chain.payout_config().await.is_ok_and(|c| c.active_epoch >= proposal.epoch) {
                    break;
                }
            }
        }
        node.changed().await;
    }
}

/// The epoch that is due by the clock: long enough, and with payments to divide. Every member works out the same.
async fn due(node: &Node) -> Result<Option<Proposal>> {
    if node.config.settle == Settle::Manual {
        return Ok(None);
    }
    let config = node.chain.payout_config().await?;
    let cutoff_slot = config.epoch_start_slot + config.epoch_slots;
    let slot = node.chain.client.slot().await?;
    if slot < cutoff_slot + GRACE_SLOTS || config.active_epoch + 1 != config.epoch {
        return Ok(None);
    }
    let paid = node.indexer.receipts().await?.iter().any(|r| r.epoch == config.epoch && r.slot <= cutoff_slot);
    let committee = node.chain.active_committee().await?;
    let member = committee.place(&node.chain.wallet()).is_some();
    Ok((paid && member).then_some(Proposal { epoch: config.epoch, cutoff_slot }))
}
