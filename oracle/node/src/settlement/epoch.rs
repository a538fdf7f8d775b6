//! The facts of an epoch: payments from the chain, answers from the artifact store, documents behind the models.

use super::Standing;
use crate::{dataset::Document, node::Node, settlement::Proposal, training::JobPlan};
use anyhow::{Context, Result, bail, ensure};
use model::state::{Job, Model};
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{LogEntry, TrainingManifest},
    receipt::Answer,
    text::parse_hash,
};
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long to wait for the indexer to reach the cutoff.
const INDEXER_PATIENCE: Duration = Duration::from_secs(30);

/// A payment whose answer was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPayment {
    /// The request.
    pub request: Hash32,
    /// The model.
    pub model: Pubkey,
    /// What it put into the contributors' pool.
    pub contributors: u64,
    /// What it put into the validators' pool.
    pub validators: u64,
}

/// A model that answered in the epoch.
pub struct EpochModel {
    /// Its account.
    pub address: Pubkey,
    /// The job that trained it.
    pub job: Pubkey,
    /// The operator that did.
    pub trainer: Pubkey,
    /// Hash of the job's config.
    pub config: Hash32,
    /// What the job computed; its documents are in index order.
    pub plan: Arc<JobPlan>,
    /// Its documents as the rules of pay see them.
    pub standing: Arc<Standing>,
    /// The training's logged states.
    pub log: Vec<LogEntry>,
    /// Its counted answers.
    pub answers: Vec<Answer>,
}

/// Everything that an epoch's division follows from.
pub struct Epoch {
    /// Counted payments in ascending order of request.
    pub payments: Vec<CountedPayment>,
    /// Models in ascending order of address. The documents of all, one after the other, are what scores refer to.
    pub models: Vec<EpochModel>,
}

impl Epoch {
    /// Gathers the facts up to the proposal's cutoff.
    pub async fn load(node: &Node, proposal: &Proposal) -> Result<Self> {
        wait_for_indexer(node, proposal.cutoff_slot).await?;
        let config = node.chain.payout_config().await?;
        ensure!(config.active_epoch + 1 == proposal.epoch, "epoch {} is not the one to settle", proposal.epoch);
        let mut rows = node.indexer.receipts().await?;
        // By slot, not by the epoch that a receipt names: what was paid after a cutoff and before its settlement was
        // posted is the next one's.
        rows.retain(|r| config.settled_slot < r.slot && r.slot <= proposal.cutoff_slot);
        rows.sort_by(|a, b| a.request.cmp(&b.request));
        let identities = node.identities().await?;
        let (mut payments, mut by_model) = (Vec::new(), BTreeMap::<Pubkey, Vec<Answer>>::new());
        for row in rows {
            let request = parse_hash(&row.request)?;
            // Paid but not answered: its shares stay in the pools until it is.
            let Ok(answer) = node.store.get_answer(&request).await else { continue };
            let model: Pubkey = row.model.parse().context("a model's address")?;
            let operator: Pubkey = row.operator.parse().context("an operator's wallet")?;
            let identity = identities.get(&operator).with_context(|| format!("{operator} is not registered"))?;
            if let Err(e) = answer.verify(identity) {
                tracing::warn!(request = row.request, "not counted: {e}");
                continue;
            }
            if answer.model != model || answer.operator != operator || answer.payment_signature != row.signature {
                tracing::warn!(request = row.request, "not counted: the answer is not the one paid for");
                continue;
            }
            payments.push(CountedPayment {
                request,
                model,
                contributors: row.parts.contributors.0,
                validators: row.parts.validators.0,
            });
            by_model.entry(model).or_default().push(answer);
        }
        // A request paid twice is one answer: what the second payment put in is divided with the first.
        let mut models = Vec::with_capacity(by_model.len());
        for (address, mut answers) in by_model {
            answers.dedup_by_key(|a| a.request);
            models.push(load_model(node, address, answers).await?);
        }
        Ok(Self { payments, models })
    }

    /// What the model's answers put into the contributors' pool.
    pub fn funded(&self, model: &EpochModel) -> Result<u64> {
        let paid = self.payments.iter().filter(|p| p.model == model.address);
        paid.map(|p| p.contributors).try_fold(0u64, u64::checked_add).context("a model's fees exceed u64")
    }

    /// Documents of all models, in the order that scores refer to.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.models.iter().flat_map(|m| &m.plan.documents)
    }
}

async fn load_model(node: &Node, address: Pubkey, answers: Vec<Answer>) -> Result<EpochModel> {
    let state: Model = node.chain.client.account(&address).await?;
    if let Some(other) = answers.iter().find(|a| a.adapter_hash != state.adapter_hash) {
        bail!("answer {} came from another adapter than the attested one of {address}", hex::encode(other.request));
    }
    let job = state.job.with_context(|| format!("model {address} has answers but no job"))?;
    let account: Job = node.chain.client.account(&job).await?;
    let trainer = account.operator.context("an attested job has a trainer")?;
    let plan = node.plan(&account).await?;
    let manifest = node.store.get_blob(&state.manifest_hash).await.context("the model's training manifest")?;
    let manifest: TrainingManifest = serde_json::from_slice(&manifest).context("the model's training manifest")?;
    let standing = node.standing(&account, parse_hash(&manifest.index_hash)?).await?;
    Ok(EpochModel { address, job, trainer, config: account.config_hash, plan, standing, log: manifest.log, answers })
}

async fn wait_for_indexer(node: &Node, slot: u64) -> Result<()> {
    let until = tokio::time::Instant::now() + INDEXER_PATIENCE;
    loop {
        let status = node.indexer.status().await?;
        if status.indexed_slot >= slot && status.gaps.is_empty() {
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            bail!(
                "the indexer is at slot {} with gaps {:?}; slot {slot} is needed for settlement",
                status.indexed_slot,
                status.gaps
            );
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
