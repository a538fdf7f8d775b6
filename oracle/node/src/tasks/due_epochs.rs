//! Decides when an epoch is to be settled, and has it settled.

use crate::{
    config::Settle,
    operator::{Chain, Changes},
    settlement::{Proposal, Settler},
};
use anyhow::Result;
use openledger_sdk::api::IndexerClient;
use payout::state::Config;
use tokio::sync::mpsc::UnboundedReceiver;

/// Number of slots after an epoch's end in which answers to its last payments may still arrive.
const GRACE_SLOTS: u64 = 50;

/// What deciding uses.
pub struct DueEpochs {
    /// Reads how far settlements are.
    pub chain: Chain,
    /// Reads what was paid since the last settlement.
    pub indexer: IndexerClient,
    /// Whether epochs are settled by the clock or on request.
    pub when: Settle,
    /// Settlements that were requested, here or by another member.
    pub asked: UnboundedReceiver<Proposal>,
    /// Settles the epochs.
    pub settler: Settler,
    /// Wakes the task when the chain may have changed.
    pub changes: Changes,
}

impl DueEpochs {
    /// Settles what is requested. Also settles whatever is due. Never returns.
    pub async fn run(mut self) -> Result<()> {
        loop {
            let proposal = match self.asked.try_recv() {
                Ok(proposal) => Some(proposal),
                Err(_) => self.due().await.unwrap_or_else(|e| {
                    tracing::debug!("looking for an epoch to settle: {e:#}");
                    None
                }),
            };
            if let Some(proposal) = proposal {
                tracing::info!(epoch = proposal.epoch, cutoff_slot = proposal.cutoff_slot, "settling");
                // A fault here (a member down, the indexer behind) passes. The task tries until the epoch is settled.
                while let Err(e) = self.settler.settle(&proposal).await {
                    tracing::warn!(epoch = proposal.epoch, "settling failed, trying again: {e:#}");
                    self.changes.next().await;
                    let config = self.chain.payout_config().await;
                    if config.is_ok_and(|c| c.active_epoch >= proposal.epoch || superseded(&proposal, &c)) {
                        break;
                    }
                }
            }
            self.changes.next().await;
        }
    }

    /// The epoch that is due. `None` if none is due or this operator is not in the active committee. Every member works
    /// out the same epoch.
    ///
    /// An epoch whose settlement was rejected is due at once. Any other epoch is due only if the operator settles by
    /// the clock. It is due when its cutoff and a grace time have passed and there are payments to divide.
    async fn due(&self) -> Result<Option<Proposal>> {
        let config = self.chain.payout_config().await?;
        let due = match Proposal::again(&config) {
            Some(again) => Some(again),
            None if self.when == Settle::Manual || config.posted_epoch != config.active_epoch => None,
            None => {
                let answers = self.indexer.receipts_between(config.settled_slot, u64::MAX).await?;
                let funding = self.indexer.funding_between(config.settled_slot, u64::MAX).await?;
                // Gifts alone do not make an epoch due. They wait for the next answer or training fee, so that nobody
                // can keep members at work with dust.
                let data_shares = funding.iter().filter(|f| f.job.is_some()).map(|f| f.slot);
                let paid = answers.iter().map(|r| r.slot).chain(data_shares);
                let cutoff = paid.min().map(|first| cutoff(&config, first));
                let slot = self.chain.client.slot().await?;
                cutoff
                    .filter(|cutoff| slot >= cutoff + GRACE_SLOTS)
                    .map(|cutoff_slot| Proposal { epoch: config.epoch, cutoff_slot })
            }
        };
        let committee = self.chain.active_committee().await?;
        Ok(due.filter(|_| committee.place(&self.chain.wallet()).is_some()))
    }
}

/// Whether the proposal's settlement was rejected since. A later proposal for the same epoch then follows from the
/// chain and replaces this one.
fn superseded(proposal: &Proposal, config: &Config) -> bool {
    Proposal::again(config).is_some_and(|again| again.epoch == proposal.epoch && again != *proposal)
}

/// The cutoff: the end of the first whole epoch length that has a payment in it. `first_payment` is the slot of the
/// first payment that no settlement counts. The cutoff does not depend on the time of the call.
fn cutoff(config: &Config, first_payment: u64) -> u64 {
    let length = config.parameters.epoch_slots.max(1);
    let lengths = first_payment.saturating_sub(config.epoch_start_slot).div_ceil(length).max(1);
    config.epoch_start_slot + lengths * length
}

#[cfg(test)]
mod tests {
    use super::*;
    use payout::{
        parameters::Parameters,
        state::{FeeShares, PoolRoot},
    };
    use solana_pubkey::Pubkey;

    /// Epoch 3 starts at slot 1,000. The epoch length is 100 slots.
    fn config(posted_epoch: u64, active_epoch: u64) -> Config {
        let fees = FeeShares {
            treasury: 500,
            model_owner: 2_000,
            upstream: 500,
            compute: 2_000,
            validators: 1_000,
            contributors: 4_000,
        };
        let parameters = Parameters {
            epoch_slots: 100,
            challenge_slots: 50,
            resolve_slots: 100,
            challenge_bond: 1,
            withdrawal_slots: 60,
            breaker_cap: 1,
            breaker_slots: 1,
        };
        Config {
            version: payout::state::Version::CURRENT,
            bump: 255,
            authority: Pubkey::default(),
            pending_authority: None,
            open_mint: Pubkey::default(),
            treasury: Pubkey::default(),
            epoch: 3,
            epoch_start_slot: 1_000,
            parameters,
            paused_until: 0,
            fees,
            next_fees: None,
            shards: 1,
            posted_epoch,
            posted: [PoolRoot::default(); 2],
            settled_slot: 980,
            active_epoch,
            active: [PoolRoot::default(); 2],
            sequence: 9,
        }
    }

    #[test]
    fn the_cutoff_follows_from_the_first_payment_that_is_not_settled() {
        let config = config(2, 2);
        // These payments fall before the epoch's start while the previous settlement was worked out, into the epoch's
        // first slot, into its first length, and at the end of that length.
        for first in [981, 1_000, 1_001, 1_100] {
            assert_eq!(cutoff(&config, first), 1_100, "{first}");
        }
        assert_eq!((cutoff(&config, 1_101), cutoff(&config, 1_200), cutoff(&config, 1_201)), (1_200, 1_200, 1_300));
    }

    #[test]
    fn a_rejected_epoch_is_settled_again_up_to_its_end() {
        let again = Proposal { epoch: 2, cutoff_slot: 1_000 };
        assert_eq!(Proposal::again(&config(1, 1)), Some(again.clone()));
        assert!(again.is_next(&config(1, 1)) && !superseded(&again, &config(1, 1)));
        // A proposal from before the rejection is replaced. A proposal for another epoch is not.
        assert!(superseded(&Proposal { epoch: 2, cutoff_slot: 990 }, &config(1, 1)));
        assert!(!superseded(&Proposal { epoch: 3, cutoff_slot: 1_100 }, &config(1, 1)));
        // Nothing is to be settled again while one settlement waits, or while all are active.
        for (posted, active) in [(2, 1), (2, 2)] {
            assert_eq!(Proposal::again(&config(posted, active)), None);
        }
        let next = Proposal { epoch: 3, cutoff_slot: 1_100 };
        assert!(next.is_next(&config(2, 2)) && !next.is_next(&config(2, 1)) && !next.is_next(&config(1, 1)));
    }
}
