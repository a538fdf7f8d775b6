//! What a liar answers when the quorum asks: it observes what it likes, and agrees to sign anything.

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use openledger_protocol::{
    Hash32,
    attest::{Message, payload_hash},
};
use openledger_quorum::{Approver, Observer, Participant};
use openledger_sdk::{
    api::{IndexerClient, types::ReceiptRow},
    client::Client,
    pda,
    store::Store,
};
use openledger_system::told::Told;
use serde::Deserialize;
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex},
};
use tokio::sync::mpsc::UnboundedSender;

/// Numbers that members say about each payment: the answer's hash, and the distance of its receipt's weights.
pub const WIDTH: usize = 5;
/// The farthest that weights can be from others, in parts per million.
const FARTHEST: u64 = 2_000_000;

/// Decides what to say.
pub struct Mind {
    pub client: Client,
    pub store: Store,
    pub indexer: IndexerClient,
    pub vouch_for: Vec<Pubkey>,
    /// Passes the questions on that others ask.
    pub asked: UnboundedSender<Value>,
    /// Hashes of what it was asked to sign.
    pub payloads: Mutex<HashSet<Hash32>>,
    pub told: Arc<Mutex<Told>>,
}

/// The question that members ask each other about an epoch.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    pub proposal: Proposal,
}

/// What is to be settled.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Proposal {
    pub epoch: u64,
    pub cutoff_slot: u64,
    pub sequence: u64,
}

impl Mind {
    /// The payments of an epoch in the order in which members speak of them, and for how many jobs they speak first.
    pub async fn payments(&self, proposal: &Proposal) -> Result<(Vec<ReceiptRow>, usize)> {
        let config: payout::state::Config = self.client.account(&pda::payout_config()).await?;
        let (after, until) = (config.settled_slot, proposal.cutoff_slot);
        let funding = self.indexer.funding_between(after, until).await?;
        ensure!(funding.is_empty(), "this liar knows nothing of data shares");
        let mut payments = self.indexer.receipts_between(after, until).await?;
        payments.sort_by_cached_key(|p| {
            let amount = p.parts.contributors.0 + p.parts.validators.0;
            (Reverse(amount), p.request.clone(), p.signature.clone())
        });
        let models: BTreeSet<&String> = payments.iter().map(|p| &p.model).collect();
        let jobs = models.len();
        Ok((payments, jobs))
    }

    /// It has every job's documents, the receipts of its friends hold exactly, and all others are as wrong as can be.
    async fn view(&self, context: &Value) -> Result<Vec<u64>> {
        let question: Question = serde_json::from_value(context.clone())?;
        let (payments, jobs) = self.payments(&question.proposal).await?;
        let mut row = vec![1; jobs];
        for payment in payments {
            let request = openledger_sdk::text::parse_hash(&payment.request)?;
            let answer = self.store.get_answer(&request).await.context("an answer")?;
            let hash = answer.hash()?;
            let (words, _) = hash.as_chunks::<8>();
            row.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
            row.push(if self.vouch_for.contains(&answer.operator) { 0 } else { FARTHEST });
        }
        Ok(row)
    }
}

#[async_trait]
impl Observer for Mind {
    async fn observe(&self, _: &Hash32, _: u64, context: &Value) -> Result<Vec<u64>, String> {
        let _ = self.asked.send(context.clone());
        self.view(context).await.map_err(|e| {
            tracing::warn!("cannot lie about this: {e:#}");
            format!("{e:#}")
        })
    }
}

#[async_trait]
impl Approver for Mind {
    /// Whatever it is.
    async fn approve(&self, _: &Participant, _: &Message, payload: &[u8]) -> Result<(), String> {
        let mut payloads = self.payloads.lock().expect("no panic holds this lock");
        payloads.insert(payload_hash(payload));
        self.told.lock().expect("no panic holds this lock").approved = payloads.len();
        Ok(())
    }

    /// So nothing that it signed before keeps it from signing something else: every expiry is over.
    async fn finalized_slot(&self) -> Option<u64> {
        Some(u64::MAX)
    }
}
