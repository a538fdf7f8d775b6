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
    hash::sha256,
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
        match Asked::read(message, payload)? {
            Asked::TrainingResult(args) => {
                let job = Pubkey::new_from_array(message.subject);
                self.status.update(|s| s.verifying = Some(job.to_string()));
                let verified = self.verification.check(message, &args).await;
                self.status.update(|s| s.verifying = None);
                verified
            }
            Asked::Settlement(args) => {
                let (epoch, cutoff_slot, sequence) = (args.epoch, args.cutoff_slot, message.sequence);
                self.due.check(&Proposal { epoch, cutoff_slot, sequence }).await?;
                self.approval.check(quorum, message, &args).await
            }
        }
    }
}

/// What this operator is asked to sign.
#[derive(Debug)]
enum Asked {
    TrainingResult(AttestResultArgs),
    Settlement(PostSettlementArgs),
}

impl Asked {
    /// Reads the payload of `message`. Fails if no program takes the two together.
    ///
    /// A program makes the message from the arguments, so it takes no other expiry than theirs. Here it matters before:
    /// the message's expiry is how long this member is bound ([`Approver::approve`]).
    fn read(message: &Message, payload: &[u8]) -> Result<Self> {
        let (asked, program, expiry_slot) = match message.kind {
            Kind::TrainingResult => {
                let args = AttestResultArgs::try_from_slice(payload)?;
                let expiry_slot = args.expiry_slot;
                (Self::TrainingResult(args), model::ID, expiry_slot)
            }
            Kind::Settlement => {
                let args = PostSettlementArgs::try_from_slice(payload)?;
                let expiry_slot = args.expiry_slot;
                (Self::Settlement(args), payout::ID, expiry_slot)
            }
            // Members have no way to check these kinds yet. A proposer of such a message must first add one.
            kind @ (Kind::Committee | Kind::Fault | Kind::Meter) => {
                bail!("this operator cannot check a message of kind {kind:?} and signs none")
            }
        };
        ensure!(message.program == program.to_bytes(), "the program is not that of {:?}", message.kind);
        ensure!(
            message.expiry_slot == expiry_slot,
            "the message expires in slot {}, and its arguments in slot {expiry_slot}",
            message.expiry_slot
        );
        Ok(asked)
    }
}

#[async_trait]
impl Approver for SigningPolicy {
    async fn approve(&self, quorum: &Participant, message: &Message, payload: &[u8]) -> Result<(), String> {
        self.check(quorum, message, payload).await.map_err(|e| {
            tracing::warn!("refused to sign: {e:#}");
            format!("{e:#}")
        })
    }

    /// A settlement's payload is the same but for its expiry if the arguments are. Any other payload is its own core.
    fn core(&self, message: &Message, payload: &[u8]) -> Hash32 {
        match (message.kind, PostSettlementArgs::try_from_slice(payload)) {
            (Kind::Settlement, Ok(args)) => {
                let lasting = PostSettlementArgs { expiry_slot: 0, ..args };
                sha256(&[b"openledger:settlement-core:v1", &borsh::to_vec(&lasting).expect("plain data serialises")])
            }
            _ => message.payload,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fake::zeroed;

    fn message(kind: Kind, program: Pubkey, expiry_slot: u64) -> Message {
        Message {
            cluster: [0; 32],
            program: program.to_bytes(),
            committee_epoch: 1,
            kind,
            subject: [5; 32],
            sequence: 9,
            payload: [3; 32],
            expiry_slot,
        }
    }

    #[test]
    fn a_message_that_expires_otherwise_than_its_arguments_binds_nobody() {
        let settlement = borsh::to_vec(&PostSettlementArgs { expiry_slot: 18_000, ..zeroed() }).unwrap();
        let result = borsh::to_vec(&AttestResultArgs { expiry_slot: 18_000, ..zeroed() }).unwrap();
        let kinds = [(Kind::Settlement, payout::ID, settlement), (Kind::TrainingResult, model::ID, result)];
        for (kind, program, payload) in &kinds {
            Asked::read(&message(*kind, *program, 18_000), payload).unwrap();
            for expiry_slot in [0, 17_999, 27_000, u64::MAX] {
                let error = Asked::read(&message(*kind, *program, expiry_slot), payload).unwrap_err().to_string();
                assert!(error.contains("and its arguments in slot 18000"), "{error}");
            }
            let elsewhere = message(*kind, Pubkey::default(), 18_000);
            assert!(Asked::read(&elsewhere, payload).unwrap_err().to_string().contains("the program is not that of"));
        }
    }
}
