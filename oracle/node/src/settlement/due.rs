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
