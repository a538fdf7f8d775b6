//! Works out from the finalized chain which settlement is due.

use super::proposal::Proposal;
use crate::ledger::Ledger;
use anyhow::{Context, Result, ensure};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Works out which settlement is due. Cheap to clone.
#[derive(Clone)]
pub struct Due {
    ledger: Ledger,
    /// The slot up to which payments were asked for, while the answer is "not yet". It is asked for again, and not a
    /// newer one, because newer payments may be missing for some slots, one after another.
    asked: Arc<Mutex<Option<u64>>>,
}

impl Due {
    /// Reads payments and the payout config from `ledger`.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, asked: Arc::default() }
    }

    /// The settlement that is due, `grace` slots after its cutoff. Without a grace, only an epoch whose settlement was
    /// rejected is due. Every member works out the same proposal ([`Proposal::due`]).
    pub async fn proposal(&self, grace: Option<u64>) -> Result<Option<Proposal>> {
        let config = self.ledger.payout_config().await?;
        let finalized = self.ledger.finalized_slot().await?;
        let again = Proposal::due(&config, None, finalized);
        let Some(grace) = grace.filter(|_| again.is_none() && config.posted_epoch == config.active_epoch) else {
            return Ok(again);
        };
        let mut asked = self.asked.lock().await;
        let until = asked.filter(|until| *until > config.settled_slot).unwrap_or(finalized);
        *asked = Some(until);
        let first = self.ledger.first_payment(config.settled_slot, until).await?;
        *asked = None;
        Ok(Proposal::due(&config, first, finalized.saturating_sub(grace)))
    }

    /// Fails unless `proposal` is the settlement that is due as this member sees the finalized chain.
    pub async fn check(&self, proposal: &Proposal) -> Result<()> {
        let due = self.proposal(Some(0)).await.context("working out which settlement is due")?;
        let due = due.context("no settlement is due yet, as this member sees the finalized chain")?;
        ensure!(due == *proposal, "{} is due, not {}", due.in_words(), proposal.in_words());
        Ok(())
    }
}

impl Proposal {
    fn in_words(&self) -> String {
        format!("epoch {} up to slot {} as attestation {}", self.epoch, self.cutoff_slot, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fake::{Fake, State};

    /// Epoch 3 starts at slot 1,000, and its length is 100 slots. A payment in slot 1,050.
    fn paid() -> State {
        let mut state = State::with_shards(1);
        state.change_config(|c| {
            (c.epoch, c.epoch_start_slot, c.parameters.epoch_slots) = (3, 1_000, 100);
            (c.posted_epoch, c.active_epoch, c.settled_slot, c.sequence) = (2, 2, 980, 9);
        });
        state.pay(1_050, 0, 10);
        state
    }

    async fn due(state: State) -> (Fake, Due) {
        let fake = Fake::start(state).await;
        let due = Due::new(Ledger::new(fake.client(), None));
        (fake, due)
    }

    #[tokio::test]
    async fn the_settlement_that_is_due_follows_from_the_finalized_chain() {
        let (fake, due) = due(paid()).await;
        let expected = Proposal { epoch: 3, cutoff_slot: 1_100, sequence: 9 };
        fake.with(|s| s.slot = 1_099);
        assert_eq!(due.proposal(Some(0)).await.unwrap(), None);
        fake.with(|s| s.slot = 1_100);
        assert_eq!(due.proposal(Some(0)).await.unwrap(), Some(expected.clone()));
        assert_eq!(due.proposal(Some(50)).await.unwrap(), None, "the grace is not over");
        assert_eq!(due.proposal(None).await.unwrap(), None, "nobody asked");
        fake.with(|s| s.slot = 1_150);
        assert_eq!(due.proposal(Some(50)).await.unwrap(), Some(expected));
    }

    #[tokio::test]
    async fn a_member_refuses_every_proposal_but_the_one_that_is_due() {
        let (fake, due) = due(paid()).await;
        fake.with(|s| s.slot = 1_200);
        let right = Proposal { epoch: 3, cutoff_slot: 1_100, sequence: 9 };
        due.check(&right).await.unwrap();
        for wrong in [
            Proposal { epoch: 4, ..right.clone() },
            Proposal { cutoff_slot: 1_200, ..right.clone() },
            Proposal { cutoff_slot: 1_050, ..right.clone() },
            Proposal { sequence: 10, ..right.clone() },
        ] {
            let error = due.check(&wrong).await.unwrap_err().to_string();
            assert!(error.starts_with("epoch 3 up to slot 1100 as attestation 9 is due, not"), "{error}");
        }
        fake.with(|s| s.slot = 1_099);
        assert!(due.check(&right).await.unwrap_err().to_string().contains("no settlement is due yet"));
    }

    #[tokio::test]
    async fn nothing_is_due_by_an_answer_that_is_not_complete() {
        let mut state = paid();
        let first = state.transactions[0].signature;
        state.pay(1_120, 0, 10);
        state.slot = 1_200;
        state.transaction(&first).hidden = true;
        let (fake, due) = due(state).await;
        let error = due.proposal(Some(0)).await.unwrap_err();
        assert!(error.downcast_ref::<crate::ledger::LedgerError>().unwrap().is_not_yet(), "{error}");
        fake.with(|s| s.transaction(&first).hidden = false);
        assert_eq!(due.proposal(Some(0)).await.unwrap().unwrap().cutoff_slot, 1_100);
    }
}
