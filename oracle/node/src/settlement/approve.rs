//! A member's check of a proposed settlement, before it signs.

use super::{
    expiry::Expiry,
    facts::Facts,
    gather::Epochs,
    outcome::{follows, outcome},
    own_view::Observations,
    proposal::Proposal,
    question::Question,
};
use crate::operator::Chain;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, attest::Message};
use openledger_quorum::{Agreement, Participant, observe};
use openledger_sdk::Store;
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
    /// What this member sees of the epoch.
    pub observations: Observations,
}

impl Approval {
    /// Returns `Ok` if this operator agrees with `args`. The reveals that `args` names must be an agreement that this
    /// member took part in or verified, and must not contradict what it sees itself. Everything else must follow from
    /// these reveals and the ledger.
    pub async fn check(&self, quorum: &Participant, message: &Message, args: &PostSettlementArgs) -> Result<()> {
        let config = self.chain.payout_config().await?;
        ensure!(message.subject == Proposal::subject().to_bytes(), "the subject is not the payout config");
        let (epoch, cutoff_slot, sequence) = (args.epoch, args.cutoff_slot, message.sequence);
        let proposal = Proposal { epoch, cutoff_slot, sequence };
        ensure!(proposal.is_next(&config), "epoch {} is not the next one to settle", args.epoch);
        ensure!(message.sequence == config.sequence, "the next attestation is number {}", config.sequence);
        ensure!(args.previous == config.posted, "it does not start from the roots posted last");
        Expiry::accept(args.expiry_slot, self.chain.client.slot().await?)?;
        let facts = self.epochs.of(&proposal).await?;
        let root = &args.observations_root;
        let found = found(quorum, &self.observations, message, &proposal, &facts, root).await?;
        let (question, agreement) =
            found.with_context(|| format!("no agreement with root {} is known here", hex::encode(root)))?;
        self.compare(quorum, message.committee_epoch, &question, &agreement, args).await
    }

    async fn compare(
        &self,
        quorum: &Participant,
        committee: u64,
        question: &Question,
        agreement: &Agreement,
        args: &PostSettlementArgs,
    ) -> Result<()> {
        let observed = self.observations.of(question).await?;
        let threshold = quorum.committee(committee)?.needed();
        let made = outcome(question, &observed, agreement, threshold);
        if made.is_err() {
            // Perhaps this member looked too early: it looks again when it is asked again. It does not look again for a
            // payload that is wrong: whoever sends such payloads would keep it at work.
            self.observations.forget(question).await;
        }
        let (report, pools) = made?;
        let report = follows(&report, &pools, args)?;
        // This member stores the report too, so that it remains if the proposer vanishes.
        self.store.put_settlement_report(args.epoch, report).await?;
        Ok(())
    }
}

/// The agreement with this root, and the question that it answers. `None` if this member has no such agreement on these
/// facts.
async fn found(
    quorum: &Participant,
    observations: &Observations,
    message: &Message,
    proposal: &Proposal,
    facts: &Facts,
    root: &Hash32,
) -> Result<Option<(Question, Agreement)>> {
    let (epoch, subject, sequence) = (message.committee_epoch, message.subject, message.sequence);
    for attempt in 0..=observations.reached(proposal) {
        let question = Question::new(proposal, facts, attempt);
        let agreement = observe::agreement(quorum, epoch, &subject, sequence, &question.to_json(), root).await?;
        if let Some(agreement) = agreement {
            return Ok(Some((question, agreement)));
        }
    }
    Ok(None)
}
