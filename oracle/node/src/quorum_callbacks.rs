//! Answers the two questions of the quorum: may this operator sign a message, and what does it observe.

use crate::{
    operator::{Board, Chain},
    settlement::{Approval, Due, Observations, Proposal, Question},
    training::Verification,
};
use anyhow::{Result, bail, ensure};
use async_trait::async_trait;
use borsh::BorshDeserialize;
use model::instructions::AttestResultArgs;
use openledger_protocol::{
    Hash32,
    attest::{Kind, Message},
};
use openledger_quorum::{Approver, Observer, Participant};
use payout::instructions::PostSettlementArgs;
use serde_json::Value;
use solana_pubkey::Pubkey;

/// Decides what this operator signs.
pub struct SigningPolicy {
    /// Checks training results.
    pub verification: Verification,
    /// Checks settlements.
    pub approval: Approval,
    /// Works out which settlement is due.
    pub due: Due,
    /// Reads which slot is final.
    pub chain: Chain,
    /// Shows which job is being verified.
    pub status: Board,
}

impl SigningPolicy {
    async fn check(&self, quorum: &Participant, message: &Message, payload: &[u8]) -> Result<()> {
        match message.kind {
            Kind::TrainingResult => {
                ensure!(message.program == model::ID.to_bytes(), "the program is not the model program");
                let args = AttestResultArgs::try_from_slice(payload)?;
                let job = Pubkey::new_from_array(message.subject);
                self.status.update(|s| s.verifying = Some(job.to_string()));
                let verified = self.verification.check(message, &args).await;
                self.status.update(|s| s.verifying = None);
                verified
            }
            Kind::Settlement => {
                ensure!(message.program == payout::ID.to_bytes(), "the program is not the payout program");
                let args = PostSettlementArgs::try_from_slice(payload)?;
                let (epoch, cutoff_slot, sequence) = (args.epoch, args.cutoff_slot, message.sequence);
                self.due.check(&Proposal { epoch, cutoff_slot, sequence }).await?;
                self.approval.check(quorum, message, &args).await
            }
            // Members have no way to check these kinds yet. A proposer of such a message must first add one.
            kind @ (Kind::Committee | Kind::Fault | Kind::Meter) => {
                bail!("this operator cannot check a message of kind {kind:?} and signs none")
            }
        }
    }
}

#[async_trait]
impl Approver for SigningPolicy {
    async fn approve(
        &self,
        quorum: &Participant,
        message: &Message,
        payload: &[u8],
        _context: &Value,
    ) -> Result<(), String> {
        self.check(quorum, message, payload).await.map_err(|e| {
            tracing::warn!("refused to sign: {e:#}");
            format!("{e:#}")
        })
    }

    async fn finalized_slot(&self) -> Option<u64> {
        self.chain.finalized_slot().await
    }
}

/// Says what this operator observes.
pub struct OwnView {
    /// Works the view out.
    pub observations: Observations,
    /// Works out which settlement is due.
    pub due: Due,
}

impl OwnView {
    async fn row(&self, subject: &Hash32, sequence: u64, question: &Value) -> Result<Vec<u64>> {
        ensure!(*subject == Proposal::subject().to_bytes(), "only settlements are observed");
        let question: Question = serde_json::from_value(question.clone())?;
        ensure!(question.proposal.sequence == sequence, "the proposal is for another attestation than the round");
        self.due.check(&question.proposal).await?;
        Ok(self.observations.of(&question).await?.view.write())
    }
}

#[async_trait]
impl Observer for OwnView {
    async fn observe(&self, subject: &Hash32, sequence: u64, context: &Value) -> Result<Vec<u64>, String> {
        self.row(subject, sequence, context).await.map_err(|e| {
            tracing::warn!("could not observe: {e:#}");
            format!("{e:#}")
        })
    }
}
