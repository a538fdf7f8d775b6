//! Takes an epoch from its last answer to an active settlement. A kill at any point does no harm.

use super::{
    expiry::Expiry,
    gather::Epochs,
    outcome::outcome,
    own_view::Observations,
    proposal::Proposal,
    question::{MOST_ATTEMPTS, Question},
};
use crate::operator::{Board, Chain};
use anyhow::{Result, bail, ensure};
use openledger_protocol::{Hash32, attest::Kind, hash::sha256};
use openledger_quorum::{Agreement, Coordinator, Participant, Round, observe, rotation, sign::is_bound};
use openledger_sdk::{Store, attestation, canonical, ix, pda};
use payout::{
    instructions::PostSettlementArgs,
    state::{Config, Settlement, SettlementStatus},
};
use std::time::{Duration, Instant};

/// How long a member may take to propose the signed settlement before the next one does.
const TURN: Duration = Duration::from_secs(15);

/// Time between two looks whether others have posted the settlement.
const LOOK: Duration = Duration::from_secs(2);

/// What settling uses. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    /// Reads the state of settlements and posts them.
    pub chain: Chain,
    /// Stores the reports.
    pub store: Store,
    /// Shows the progress of a settlement.
    pub status: Board,
    /// Runs the observation round and the signing.
    pub quorum: Participant,
    /// The facts of the epoch.
    pub epochs: Epochs,
    /// What this member sees of the epoch.
    pub observations: Observations,
}

impl Settler {
    /// Settles `proposal`: observes, agrees with the other members, and activates the settlement. Only the member whose
    /// turn it is proposes the settlement, has it signed and posts it.
    ///
    /// Returns when the settlement is active or was rejected. It may be called again at any point.
    pub async fn settle(&self, proposal: &Proposal) -> Result<()> {
        let config = self.chain.payout_config().await?;
        if proposal.is_next(&config) {
            self.agree_and_post(proposal, &config).await?;
        }
        self.activate(proposal.epoch).await
    }

    async fn agree_and_post(&self, proposal: &Proposal, config: &Config) -> Result<()> {
        ensure!(
            config.sequence == proposal.sequence,
            "the payout config has changed since the proposal was worked out"
        );
        let committee = self.chain.active_committee().await?.epoch;
        let mut attempt = 0;
        while attempt < MOST_ATTEMPTS {
            let facts = self.epochs.of(proposal).await?;
            let question = Question::new(proposal, &facts, attempt);
            self.observations.reach(&question);
            // The quorum's time limits begin with the round. The view is worked out before the round, so that this member
            // has it when it is asked.
            self.observations.of(&question).await?;
            self.status.settling(proposal.epoch, "observing");
            let (subject, context) = (Proposal::subject().to_bytes(), question.to_json());
            let round = Round { epoch: committee, subject, sequence: proposal.sequence, context };
            let agreement = tokio::select! {
                agreement = round.run(&self.quorum) => agreement?,
                settled = self.is_settled(proposal) => return settled,
            };
            tracing::info!(epoch = proposal.epoch, attempt, reveals = agreement.reveals.len(), "the members observed");
            if self.propose_in_turn(proposal, config, committee, &question, &agreement).await? {
                return Ok(());
            }
            // A bound member signs nothing else until its bond is over. An attempt meanwhile would be in vain, and each
            // fourth of them asks for one more member to agree. So a liar that binds members could use attempts up until
            // payments that t honest members agree on are held over.
            let bound = is_bound(&self.quorum, Kind::Settlement, subject, proposal.sequence).await?;
            tracing::warn!(epoch = proposal.epoch, attempt, bound, "too few members signed what was observed");
            attempt += u32::from(!bound);
        }
        bail!("the members looked {MOST_ATTEMPTS} times at epoch {} and too few signed", proposal.epoch)
    }

    /// Returns when the proposal is no longer the next settlement. A round goes on for ever by itself: if this member asks
    /// another question than the others, because it read the ledger too early, they settle without it.
    async fn is_settled(&self, proposal: &Proposal) -> Result<()> {
        loop {
            tokio::time::sleep(LOOK).await;
            let config = self.chain.payout_config().await;
            if config.is_ok_and(|c| !proposal.is_next(&c) || c.sequence != proposal.sequence) {
                return Ok(());
            }
        }
    }

    /// Proposes the settlement when it is this member's turn, until it is posted by whomever. Silent members lose their
    /// turns. False if every member had its turn and none could post it.
    async fn propose_in_turn(
        &self,
        proposal: &Proposal,
        config: &Config,
        epoch: u64,
        question: &Question,
        agreement: &Agreement,
    ) -> Result<bool> {
        let committee = self.quorum.committee(epoch)?;
        let started = Instant::now();
        let mut published = false;
        loop {
            if !proposal.is_next(&self.chain.payout_config().await?) {
                return Ok(true);
            }
            let turn = started.elapsed().as_secs() / TURN.as_secs();
            if turn >= committee.size() as u64 {
                return Ok(false);
            }
            let subject = sha256(&[b"propose", &proposal.epoch.to_le_bytes()]);
            let silent = |wallet: &Hash32| self.quorum.is_silent(wallet);
            if rotation::living(&committee, &subject, turn, silent).wallet == self.chain.wallet().to_bytes() {
                self.status.settling(proposal.epoch, "signing");
                // The others may have another agreement about the same question, and sign for those only that they have.
                if !published {
                    let (root, context) = (&agreement.observations_root, question.to_json());
                    let (subject, sequence) = (Proposal::subject().to_bytes(), proposal.sequence);
                    observe::publish(&self.quorum, epoch, &subject, sequence, &context, root).await?;
                    published = true;
                }
                match self.post(config, epoch, question, agreement).await {
                    Ok(()) => return Ok(true),
                    Err(e) => tracing::warn!("posting the settlement failed, another member will try: {e:#}"),
                }
                // The others may know of an answer that was not in the store when this member looked.
                self.observations.forget(question).await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn post(&self, config: &Config, epoch: u64, question: &Question, agreement: &Agreement) -> Result<()> {
        let proposal = &question.proposal;
        let observed = self.observations.of(question).await?;
        let threshold = self.quorum.committee(epoch)?.needed();
        let (report, pools) = outcome(question, &observed, agreement, threshold)?;
        let report_hash = self.store.put_settlement_report(proposal.epoch, canonical::to_vec(&report)?).await?;
        let stake = self.chain.stake_config().await?;
        let args = PostSettlementArgs {
            epoch: proposal.epoch,
            previous: config.posted,
            pools,
            observations_root: agreement.observations_root,
            report_hash,
            cutoff_slot: proposal.cutoff_slot,
            expiry_slot: Expiry::at(self.chain.client.slot().await?).slot(),
        };
        let message = attestation::settlement(&stake, config.sequence, &args);
        let signed = Coordinator::sign(&self.quorum, &message, &borsh::to_vec(&args)?).await?;
        let verify = attestation::instruction(&signed.group_key, &signed.signature, &message);
        let post = ix::payout::post_settlement(&self.chain.wallet(), stake.committee_epoch, config.shards, args);
        self.chain.send(&[verify, post]).await?;
        tracing::info!(epoch = proposal.epoch, signers = signed.signers.len(), "settlement posted");
        Ok(())
    }

    /// Waits until the posted settlement of `epoch` may be activated, and activates it. Returns when it is active, by
    /// whomever, or was rejected.
    pub async fn activate(&self, epoch: u64) -> Result<()> {
        self.status.settling(epoch, "in its challenge window");
        loop {
            let Some(settlement) = self.chain.client.account_opt::<Settlement>(&pda::settlement(epoch)).await? else {
                tracing::warn!(epoch, "the settlement was challenged and rejected: the epoch is to be settled again");
                self.status.settling(epoch, "rejected");
                return Ok(());
            };
            if settlement.status == SettlementStatus::Active {
                self.status.settled(epoch);
                return Ok(());
            }
            if settlement.status == SettlementStatus::Challenged {
                self.status.settling(epoch, "challenged: waiting for a decision");
            } else if self.chain.client.slot().await? >= settlement.active_after {
                // Several members may try. One succeeds, and the loop sees the active settlement.
                if let Err(e) = self.chain.send(&[ix::payout::activate_settlement(epoch)]).await {
                    tracing::debug!("activating epoch {epoch}: {e:#}");
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
