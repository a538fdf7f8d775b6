//! What the quorum asks of the node: may this be signed, and what do you score?

use crate::{
    node::Node,
    settlement::{self, Proposal},
    training,
};
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
use std::sync::{Arc, OnceLock};

/// The node is made after the quorum that calls it: this is where it will be.
pub struct Callbacks {
    node: Arc<OnceLock<Node>>,
}

impl Callbacks {
    /// Answers as soon as the node is set.
    pub fn new(node: Arc<OnceLock<Node>>) -> Self {
        Self { node }
    }

    fn node(&self) -> Result<&Node, String> {
        self.node.get().ok_or_else(|| "this node is still starting; ask again".into())
    }
}

#[async_trait]
impl Approver for Callbacks {
    async fn approve(
        &self,
        _quorum: &Participant,
        message: &Message,
        payload: &[u8],
        _context: &Value,
    ) -> Result<(), String> {
        let node = self.node()?;
        let checked = async {
            match message.kind {
                Kind::TrainingResult => {
                    anyhow::ensure!(message.program == model::ID.to_bytes(), "the program is not the model program");
                    let args = AttestResultArgs::try_from_slice(payload)?;
                    let job = Pubkey::new_from_array(message.subject);
                    node.status.update(|s| s.verifying = Some(job.to_string()));
                    let verified = training::verify(node, message, &args).await;
                    node.status.update(|s| s.verifying = None);
                    verified
                }
                Kind::Settlement => {
                    anyhow::ensure!(message.program == payout::ID.to_bytes(), "the program is not the payout program");
                    let args = PostSettlementArgs::try_from_slice(payload)?;
                    settlement::approve(node, message, &args).await
                }
                // Whoever asks for these must first give members a way to check them.
                kind @ (Kind::Committee | Kind::Fault | Kind::Meter) => {
                    anyhow::bail!("this operator cannot check a message of kind {kind:?} and signs none")
                }
            }
        };
        checked.await.map_err(|e| {
            tracing::warn!("refused to sign: {e:#}");
            format!("{e:#}")
        })
    }

    async fn finalized_slot(&self) -> Option<u64> {
        let commitment = solana_commitment_config::CommitmentConfig::finalized();
        self.node.get()?.chain.client.rpc().get_slot_with_commitment(commitment).await.ok()
    }
}

#[async_trait]
impl Observer for Callbacks {
    async fn observe(&self, subject: &Hash32, _sequence: u64, context: &Value) -> Result<Vec<u64>, String> {
        let node = self.node()?;
        let scored = async {
            anyhow::ensure!(*subject == Proposal::subject().to_bytes(), "only settlements are observed");
            let proposal: Proposal = serde_json::from_value(context.clone())?;
            settlement::observe(node, &proposal).await
        };
        scored.await.map_err(|e| {
            tracing::warn!("could not observe: {e:#}");
            format!("{e:#}")
        })
    }
}
