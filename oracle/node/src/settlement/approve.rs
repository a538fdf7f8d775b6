//! A member's check of a proposed settlement, before it signs.

use super::{expiry::Expiry, gather::Epochs, outcome::outcome, proposal::Proposal};
use crate::operator::Chain;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{attest::Message, hash::sha256};
use openledger_quorum::{Participant, observe};
use openledger_sdk::{Store, canonical};
use payout::instructions::PostSettlementArgs;

/// What checking a settlement uses. Cheap to clone.
#[derive(Clone)]
pub struct Approval {
    /// Reads which settlement is next.
    pub chain: Chain,
    /// Stores the report.
    pub store: Store,
    /// The facts of the epoch.
    pub epochs: Epochs,
}

impl Approval {
    /// Returns `Ok` if this operator agrees with `args`. The reveals that `args` names must be an agreement that this
    /// member took part in or verified. Everything else must follow from these reveals and the chain.
    pub async fn check(&self, quorum: &Participant, message: &Message, args: &PostSettlementArgs) -> Result<()> {
        let config = self.chain.payout_config().await?;
        ensure!(message.subject == Proposal::subject().to_bytes(), "the subject is not the payout config");
        let (epoch, cutoff_slot, sequence) = (args.epoch, args.cutoff_slot, message.sequence);
        let proposal = Proposal { epoch, cutoff_slot, sequence };
        ensure!(proposal.is_next(&config), "epoch {} is not the next one to settle", args.epoch);
        ensure!(message.sequence == config.sequence, "the next attestation is number {}", config.sequence);
        ensure!(args.previous == config.posted, "it does not start from the roots posted last");
        Expiry::accept(args.expiry_slot, self.chain.client.slot().await?)?;
        let (epoch, subject) = (message.committee_epoch, message.subject);
        let agreement = observe::agreement(quorum, epoch, &subject, message.sequence, &args.observations_root).await?;
        let agreement = agreement.context("no agreement with that root is known here")?;
        let checked = self.compare(&proposal, &agreement, args).await;
        if checked.is_err() {
            self.epochs.forget(&proposal).await;
        }
        checked
    }

    async fn compare(
        &self,
        proposal: &Proposal,
        agreement: &observe::Agreement,
        args: &PostSettlementArgs,
    ) -> Result<()> {
        let epoch = self.epochs.of(proposal).await?;
        let (report, pools) = outcome(proposal, &epoch, agreement)?;
        ensure!(pools == args.pools, "the roots are not those that follow from the agreed scores");
        let report = canonical::to_vec(&report)?;
        ensure!(
            sha256(&[&report]) == args.report_hash,
            "the report is not the one that follows from the agreed scores"
        );
        // This member stores the report too, so that it remains if the proposer vanishes.
        self.store.put_settlement_report(args.epoch, report).await?;
        Ok(())
    }
}
