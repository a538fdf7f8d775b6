//! Joining committees: key generation with the other members, and its confirmation on chain.

use crate::node::Node;
use anyhow::Result;
use openledger_quorum::dkg;
use openledger_sdk::ix;
use stake::state::{Committee, CommitteeStatus};

/// Follows the active and the next committee for ever.
pub async fn run(node: Node) -> Result<()> {
    loop {
        if let Err(e) = follow(&node).await {
            tracing::warn!("following committees: {e:#}");
        }
        node.changed().await;
    }
}

async fn follow(node: &Node) -> Result<()> {
    let active = node.chain.stake_config().await?.committee_epoch;
    for epoch in [active, active + 1] {
        let Some(committee) = node.chain.committee(epoch).await? else { continue };
        let Some(place) = committee.place(&node.chain.wallet()) else { continue };
        if matches!(committee.status, CommitteeStatus::Forming | CommitteeStatus::Retired) {
            continue;
        }
        let members = node.quorum.admit(node.chain.membership(&committee).await?)?;
        if committee.status == CommitteeStatus::Confirming && !committee.confirmed[place] {
            tracing::info!(
                epoch,
                members = committee.members.len(),
                threshold = committee.threshold,
                "generating the committee's key"
            );
            let share = dkg::run(&node.quorum, &members).await?;
            confirm(node, &committee, share.group_key).await?;
        }
        if committee.confirmed[place] {
            node.status.update(|s| s.committee_epoch = s.committee_epoch.max(epoch));
        }
    }
    Ok(())
}

async fn confirm(node: &Node, committee: &Committee, group_key: [u8; 32]) -> Result<()> {
    let active = node.chain.stake_config().await?.committee_epoch;
    node.chain.send(&[ix::stake::confirm_committee(&node.chain.wallet(), active, group_key)]).await?;
    tracing::info!(epoch = committee.epoch, group_key = hex::encode(group_key), "confirmed the committee's key");
    Ok(())
}
