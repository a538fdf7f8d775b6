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
use payout::{instructions::PostSettlementArgs, state::Config};

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
        let proposal = next(&config, self.chain.client.slot().await?, message, args)?;
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

/// What `args` settle, if it is what the chain's `config` lets be posted next, and expires in time.
fn next(config: &Config, slot: u64, message: &Message, args: &PostSettlementArgs) -> Result<Proposal> {
    ensure!(message.subject == Proposal::subject().to_bytes(), "the subject is not the payout config");
    let (epoch, cutoff_slot, sequence) = (args.epoch, args.cutoff_slot, message.sequence);
    let proposal = Proposal { epoch, cutoff_slot, sequence };
    ensure!(proposal.is_next(config), "epoch {epoch} is not the next one to settle");
    ensure!(sequence == config.sequence, "the next attestation is number {}", config.sequence);
    ensure!(args.previous == config.posted, "it does not start from the roots posted last");
    Expiry::accept(args.expiry_slot, slot)?;
    Ok(proposal)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fake::zeroed;
    use openledger_protocol::attest::Kind;
    use payout::state::PoolRoot;

    const SLOT: u64 = 100_000;

    fn root(lifetime_total: u64) -> PoolRoot {
        PoolRoot { lifetime_total, ..PoolRoot::default() }
    }

    fn config() -> Config {
        Config { epoch: 3, posted_epoch: 2, active_epoch: 2, posted: [root(5), root(6)], sequence: 9, ..zeroed() }
    }

    fn right() -> (Message, PostSettlementArgs) {
        let args = PostSettlementArgs {
            epoch: 3,
            previous: config().posted,
            pools: [root(7), root(8)],
            observations_root: [1; 32],
            report_hash: [2; 32],
            cutoff_slot: 90_000,
            expiry_slot: Expiry::at(SLOT).slot(),
        };
        let message = Message {
            cluster: [0; 32],
            program: payout::ID.to_bytes(),
            committee_epoch: 1,
            kind: Kind::Settlement,
            subject: Proposal::subject().to_bytes(),
            sequence: 9,
            payload: [3; 32],
            expiry_slot: args.expiry_slot,
        };
        (message, args)
    }

    #[test]
    fn only_what_the_chain_lets_be_posted_next_is_looked_at() {
        let (message, args) = right();
        let proposal = next(&config(), SLOT, &message, &args).unwrap();
        assert_eq!(proposal, Proposal { epoch: 3, cutoff_slot: 90_000, sequence: 9 });
        let refused = |change: &dyn Fn(&mut Message, &mut PostSettlementArgs), why: &str| {
            let (mut message, mut args) = right();
            change(&mut message, &mut args);
            let error = next(&config(), SLOT, &message, &args).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        };
        refused(&|m, _| m.subject[0] ^= 1, "the subject is not the payout config");
        refused(&|_, a| a.epoch = 4, "epoch 4 is not the next one");
        refused(&|m, _| m.sequence = 8, "the next attestation is number 9");
        refused(&|_, a| a.previous[1] = root(5), "the roots posted last");
        refused(&|_, a| a.expiry_slot = SLOT - 1_000, "is past");
        refused(&|_, a| a.expiry_slot += 9_000, "the last that is accepted");
        refused(&|_, a| a.expiry_slot = u64::MAX - u64::MAX % 9_000, "the last that is accepted");
    }
}
