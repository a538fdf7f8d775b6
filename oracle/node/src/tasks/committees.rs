//! Joins committees: generates the key with the other members, and confirms it on chain.

use crate::operator::{Board, Chain, Changes};
use anyhow::Result;
use openledger_quorum::{Participant, dkg};
use openledger_sdk::ix;
use stake::state::{Committee, CommitteeStatus};

/// What joining committees uses.
pub struct Committees {
    /// Reads proposed committees and confirms their keys.
    pub chain: Chain,
    /// Generates the key.
    pub quorum: Participant,
    /// Shows the committee that was joined last.
    pub status: Board,
    /// Wakes the task when the chain may have changed.
    pub changes: Changes,
}

impl Committees {
    /// Follows the active committee and the next one. Never returns.
    pub async fn run(self) -> Result<()> {
        loop {
            if let Err(e) = self.follow().await {
                tracing::warn!("following committees: {e:#}");
            }
            self.changes.next().await;
        }
    }

    async fn follow(&self) -> Result<()> {
        let active = self.chain.stake_config().await?.committee_epoch;
        for epoch in [active, active + 1] {
            let Some(committee) = self.chain.committee(epoch).await? else { continue };
            let Some(place) = committee.place(&self.chain.wallet()) else { continue };
            if matches!(committee.status, CommitteeStatus::Forming | CommitteeStatus::Retired) {
                continue;
            }
            let members = self.quorum.admit(self.chain.membership(&committee).await?)?;
            if committee.status == CommitteeStatus::Confirming && !committee.confirmed[place] {
                tracing::info!(
                    epoch,
                    members = committee.members.len(),
                    threshold = committee.threshold,
                    "generating the committee's key"
                );
                let share = dkg::run(&self.quorum, &members).await?;
                self.confirm(&committee, share.group_key).await?;
            }
            if committee.confirmed[place] {
                self.status.update(|s| s.committee_epoch = s.committee_epoch.max(epoch));
            }
        }
        Ok(())
    }

    async fn confirm(&self, committee: &Committee, group_key: [u8; 32]) -> Result<()> {
        let active = self.chain.stake_config().await?.committee_epoch;
        self.chain.send(&[ix::stake::confirm_committee(&self.chain.wallet(), active, group_key)]).await?;
        tracing::info!(epoch = committee.epoch, group_key = hex::encode(group_key), "confirmed the committee's key");
        Ok(())
    }
}
