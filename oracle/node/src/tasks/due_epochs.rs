//! Decides when an epoch is to be settled, and has it settled.

use crate::{
    config::Settle,
    ledger::LedgerError,
    operator::{Chain, Changes},
    settlement::{Due, Proposal, Settler},
};
use anyhow::Result;
use tokio::sync::mpsc::UnboundedReceiver;

/// Number of slots after an epoch's end in which answers to its last payments may still arrive. A member that settles
/// by the clock waits for them.
const GRACE_SLOTS: u64 = 50;

/// What deciding uses.
pub struct DueEpochs {
    /// Reads how far settlements are.
    pub chain: Chain,
    /// Works out what is due.
    pub due: Due,
    /// Whether epochs are settled by the clock or on request.
    pub when: Settle,
    /// Requests to look now, from here or from another member. They do not say what to settle.
    pub asked: UnboundedReceiver<()>,
    /// Settles the epochs.
    pub settler: Settler,
    /// Wakes the task when the chain may have changed.
    pub changes: Changes,
}

impl DueEpochs {
    /// Settles whatever is due. Never returns.
    pub async fn run(mut self) -> Result<()> {
        let mut look_until = 0;
        loop {
            if let Err(e) = self.look(&mut look_until).await {
                match e.downcast_ref::<LedgerError>() {
                    Some(wrong) if !wrong.is_not_yet() => tracing::warn!("looking for an epoch to settle: {e:#}"),
                    _ => tracing::debug!("looking for an epoch to settle: {e:#}"),
                }
            }
            self.changes.next().await;
        }
    }

    /// Settles the epoch that is due, if one is and this operator is in the active committee. `look_until` is the slot
    /// until which the last request to look holds.
    async fn look(&mut self, look_until: &mut u64) -> Result<()> {
        let committee = self.chain.active_committee().await?;
        if committee.place(&self.chain.wallet()).is_none() {
            return Ok(());
        }
        let (config, slot) = (self.chain.payout_config().await?, self.chain.client.slot().await?);
        while self.asked.try_recv().is_ok() {
            // What was paid before the request belongs to a length that ends within one length. The finalized slot is
            // behind.
            *look_until = slot.saturating_add(config.parameters.epoch_slots).saturating_add(GRACE_SLOTS);
        }
        if config.posted_epoch != config.active_epoch {
            return self.settler.activate(config.posted_epoch).await;
        }
        let due = self.due.proposal(grace(self.when, slot <= *look_until)).await?;
        // The finalized chain is behind: this settlement may be posted already.
        let Some(proposal) = due.filter(|due| due.is_next(&config)) else { return Ok(()) };
        *look_until = 0;
        tracing::info!(epoch = proposal.epoch, cutoff_slot = proposal.cutoff_slot, "settling");
        self.settle(&proposal).await;
        Ok(())
    }

    /// Settles `proposal`. A fault here (a member down, a node behind) passes, so it tries until the epoch is settled or
    /// another settlement is due.
    async fn settle(&self, proposal: &Proposal) {
        while let Err(e) = self.settler.settle(proposal).await {
            tracing::warn!(epoch = proposal.epoch, "settling failed, trying again: {e:#}");
            self.changes.next().await;
            if self.due.proposal(Some(0)).await.is_ok_and(|due| due.as_ref() != Some(proposal)) {
                return;
            }
        }
    }
}

/// How many slots after its cutoff an epoch is due here. `None` if only epochs whose settlement was rejected are due.
/// Whoever asked knows that the answers are there, so there is nothing to wait for.
fn grace(when: Settle, asked: bool) -> Option<u64> {
    match (when, asked) {
        (_, true) => Some(0),
        (Settle::Auto, false) => Some(GRACE_SLOTS),
        (Settle::Manual, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_settles_by_the_clock_after_a_grace_and_on_request_at_once() {
        assert_eq!(grace(Settle::Auto, false), Some(GRACE_SLOTS));
        assert_eq!(grace(Settle::Manual, false), None);
        assert_eq!((grace(Settle::Auto, true), grace(Settle::Manual, true)), (Some(0), Some(0)));
    }
}
