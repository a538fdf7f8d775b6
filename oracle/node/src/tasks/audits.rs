//! Has settled epochs audited, each by one member.

use crate::{
    audit::{Auditor, rank},
    operator::{Chain, Changes},
};
use anyhow::{Context, Result};
use openledger_sdk::{Store, pda};
use payout::state::Settlement;
use std::time::{Duration, Instant};

/// How long a member may take for an audit before the next one makes it.
const TURN: Duration = Duration::from_secs(600);

/// What deciding uses.
pub struct Audits {
    /// Reads which epochs are settled, and by whom.
    pub chain: Chain,
    /// Shows whether another member has audited an epoch.
    pub store: Store,
    /// Makes the audits.
    pub auditor: Auditor,
    /// Wakes the task when the chain may have changed.
    pub changes: Changes,
}

impl Audits {
    /// Audits every epoch that is settled from now on. Never returns. A failure is logged: audits move no money, and the
    /// next member takes over.
    pub async fn run(self) -> Result<()> {
        let (mut last, mut since) = (None, Instant::now());
        loop {
            match self.settled().await {
                Ok(epoch) if last.is_none() => last = Some(epoch),
                Ok(epoch) if last.is_some_and(|done| done < epoch) => match self.look(epoch, since.elapsed()).await {
                    Ok(true) => (last, since) = (Some(epoch), Instant::now()),
                    Ok(false) => {}
                    Err(e) => {
                        tracing::warn!(epoch, "the audit failed: {e:#}");
                        (last, since) = (Some(epoch), Instant::now());
                    }
                },
                Ok(_) => since = Instant::now(),
                Err(e) => tracing::debug!("looking for an epoch to audit: {e:#}"),
            }
            self.changes.next().await;
        }
    }

    async fn settled(&self) -> Result<u64> {
        Ok(self.chain.payout_config().await?.active_epoch)
    }

    /// Whether the epoch is audited, by this member or another. `waited` is the time since it was settled.
    async fn look(&self, epoch: u64, waited: Duration) -> Result<bool> {
        let settlement: Settlement = self.chain.client.account(&pda::settlement(epoch)).await?;
        let block = self.chain.blockhash_after(settlement.posted_slot).await?;
        let committee = self.chain.committee(settlement.committee_epoch).await?.context("its committee is gone")?;
        let Some(rank) = rank(&block, &committee.members, &self.chain.wallet()) else { return Ok(true) };
        let identities = self.chain.identities().await?;
        let audited = self.store.audits(epoch).await?.into_iter().any(|audit| {
            let known = committee.members.contains(&audit.operator).then(|| identities.get(&audit.operator));
            audit.report == settlement.report_hash && known.flatten().is_some_and(|identity| audit.is_by(identity))
        });
        if audited {
            return Ok(true);
        }
        if waited < TURN * rank as u32 {
            return Ok(false);
        }
        match self.auditor.audit(&settlement, block).await? {
            Some(audit) => {
                let agreements: Vec<i64> = audit.answers.iter().map(|a| a.agreement_ppm).collect();
                tracing::info!(epoch, ?agreements, "the epoch is audited");
            }
            None => tracing::info!(epoch, "the epoch has no answer to audit"),
        }
        Ok(true)
    }
}
