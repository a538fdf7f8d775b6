//! The facts of an epoch: payments from the chain, answers from the artifact store, documents behind the models.

use super::{Standing, report::POOL_NAMES};
use crate::{dataset::Document, node::Node, settlement::Proposal, training::JobPlan};
use anyhow::{Context, Result, bail, ensure};
use model::state::{Job, Model};
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::types::{self as api, ReceiptRow},
    artifact::{CountedFunding, LogEntry, TrainingManifest},
    receipt::Answer,
    store::StoreError,
    text::parse_hash,
};
use payout::state::Pool;
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// How long to wait for the indexer to reach the cutoff.
const INDEXER_PATIENCE: Duration = Duration::from_secs(30);

/// A payment for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPayment {
    /// The request.
    pub request: Hash32,
    /// The model.
    pub model: Pubkey,
    /// The job whose documents it pays: of an answer the one that trained the adapter which gave it.
    pub job: Pubkey,
    /// Whether the answer is known. What was paid for any other, or debited from a prepaid balance, is divided as the
    /// training's fee is: by the validation loss.
    pub answered: bool,
    /// What it put into the contributors' pool.
    pub contributors: u64,
    /// What it put into the validators' pool.
    pub validators: u64,
}

/// A model that earned in the epoch, by answers or by its training: one training job, whose documents are paid.
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
    /// What they put into the contributors' pool.
    pub fees: u64,
    /// What payments without a known answer put there.
    pub unanswered: u64,
    /// What the job itself put there: the data share of its fee.
    pub data_share: u64,
}

impl EpochModel {
    /// What is divided among its documents.
    pub fn funded(&self) -> Result<u64> {
        self.fees.checked_add(self.by_validation()?).context("what a model earned exceeds u64")
    }

    /// What is divided by the validation loss: all but its answers' fees.
    pub fn by_validation(&self) -> Result<u64> {
        self.unanswered.checked_add(self.data_share).context("what a model earned exceeds u64")
    }
}

/// Everything that an epoch's division follows from.
pub struct Epoch {
    /// Counted payments in ascending order of request.
    pub payments: Vec<CountedPayment>,
    /// What was paid into the pools beside fees since the cutoff before, oldest first.
    pub funding: Vec<CountedFunding>,
    /// Models in ascending order of address and job. The documents of all, one after the other, are what scores refer to.
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
        let sources = Sources::new(node, proposal.cutoff_slot).await?;
        let (mut payments, mut earned) = (Vec::with_capacity(rows.len()), BTreeMap::<(Pubkey, Pubkey), Earned>::new());
        for row in rows {
            let answer = sources.answer(&row).await?;
            let by_adapter =
                answer.as_ref().map(|a| sources.job_of(&row.model, &a.adapter_hash)).transpose()?.flatten();
            let (answered, model) = (by_adapter.is_some(), row.model.parse().context("a model's address")?);
            let job = by_adapter.map_or_else(|| sources.last_job(&row.model), Ok)?;
            let contributors = row.parts.contributors.0;
            let earned = earned.entry((model, job)).or_default();
            let sum = if answered { &mut earned.fees } else { &mut earned.unanswered };
            *sum = sum.checked_add(contributors).context("a model's fees exceed u64")?;
            earned.answers.extend(answer.filter(|_| answered));
            let (request, validators) = (parse_hash(&row.request)?, row.parts.validators.0);
            payments.push(CountedPayment { request, model, job, answered, contributors, validators });
        }
        // A request that one transaction pays twice is one answer, which weighs what both payments put in.
        earned.values_mut().for_each(|e| e.answers.dedup_by_key(|a| a.request));
        let (funding, data_shares) = funding(node, config.settled_slot, proposal.cutoff_slot).await?;
        for (job, amount) in data_shares {
            let account: Job = node.chain.client.account(&job).await?;
            earned.entry((account.model, job)).or_default().data_share += amount;
        }
        let mut models = Vec::with_capacity(earned.len());
        for ((address, job), earned) in earned {
            models.push(load_model(node, address, job, earned).await?);
        }
        Ok(Self { payments, funding, models })
    }

    /// Documents of all models, in the order that scores refer to.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.models.iter().flat_map(|m| &m.plan.documents)
    }
}

/// What was paid into the pools beside fees after the settled slot and until the cutoff: nothing is left out and nothing
/// counted twice. Beside it, which jobs' data shares are among it.
async fn funding(
    node: &Node,
    settled_slot: u64,
    cutoff_slot: u64,
) -> Result<(Vec<CountedFunding>, Vec<(Pubkey, u64)>)> {
    let mut rows = node.indexer.funding().await?;
    rows.retain(|r| settled_slot < r.slot && r.slot <= cutoff_slot);
    rows.sort_by(|a, b| (a.slot, &a.signature, &a.subject).cmp(&(b.slot, &b.signature, &b.subject)));
    let (mut counted, mut data_shares) = (Vec::with_capacity(rows.len()), Vec::new());
    for r in rows {
        ensure!(POOL_NAMES.contains(&r.pool.as_str()), "the indexer knows of a pool {:?}", r.pool);
        if let Some(job) = r.job.filter(|_| r.pool == POOL_NAMES[Pool::Contributors as usize]) {
            data_shares.push((job.parse().context("a job's address")?, r.amount.0));
        }
        counted.push(CountedFunding {
            pool: r.pool,
            subject: r.subject,
            payer: r.payer,
            amount: r.amount.0.to_string(),
        });
    }
    Ok((counted, data_shares))
}

/// What a job's documents are paid for.
#[derive(Default)]
struct Earned {
    answers: Vec<Answer>,
    fees: u64,
    unanswered: u64,
    data_share: u64,
}

/// Where answers are, and which job's adapter gave them.
struct Sources<'a> {
    node: &'a Node,
    identities: HashMap<Pubkey, Pubkey>,
    /// Jobs with a result at the cutoff, oldest result first.
    jobs: Vec<api::Job>,
}

impl<'a> Sources<'a> {
    async fn new(node: &'a Node, cutoff_slot: u64) -> Result<Self> {
        let mut jobs = node.indexer.jobs().await?;
        // Not the model's account, which a later result may change while members settle.
        jobs.retain(|j| j.adapter_hash.is_some() && j.ended_slot.is_some_and(|slot| slot <= cutoff_slot));
        jobs.sort_by_key(|j| (j.ended_slot, j.number));
        Ok(Self { node, identities: node.identities().await?, jobs })
    }

    /// The answer that was paid for; `None` where there is none, or not the one.
    async fn answer(&self, row: &ReceiptRow) -> Result<Option<Answer>> {
        let answer = match self.node.store.get_answer(&parse_hash(&row.request)?).await {
            Ok(answer) => answer,
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(e @ (StoreError::Content { .. } | StoreError::Hash { .. })) => {
                tracing::warn!(request = row.request, "taken for unanswered: {e}");
                return Ok(None);
            }
            // The others see it perhaps: what this member's store cannot say now must not decide.
            Err(e) => return Err(e).with_context(|| format!("reading the answer to {}", row.request)),
        };
        let operator: Pubkey = row.operator.parse().context("an operator's wallet")?;
        let identity = self.identities.get(&operator).with_context(|| format!("{operator} is not registered"))?;
        if let Err(e) = answer.verify(identity) {
            tracing::warn!(request = row.request, "taken for unanswered: {e}");
            return Ok(None);
        }
        let paid_for = answer.model.to_string() == row.model
            && answer.operator == operator
            && answer.payment_signature == row.signature;
        if !paid_for {
            tracing::warn!(request = row.request, "taken for unanswered: the answer is not the one paid for");
        }
        Ok(Some(answer).filter(|_| paid_for))
    }

    /// The first job of a model whose result is this adapter.
    fn job_of(&self, model: &str, adapter: &Hash32) -> Result<Option<Pubkey>> {
        let adapter = hex::encode(adapter);
        let job = self.jobs.iter().find(|j| j.model == model && j.adapter_hash.as_ref() == Some(&adapter));
        if job.is_none() {
            tracing::warn!(model, adapter, "taken for unanswered: no job was attested with the adapter that answered");
        }
        job.map(|j| j.address.parse().context("a job's address")).transpose()
    }

    /// The job whose adapter a model had at the cutoff.
    fn last_job(&self, model: &str) -> Result<Pubkey> {
        let job = self.jobs.iter().rfind(|j| j.model == model);
        let job = job.with_context(|| format!("model {model} was paid for but has no result"))?;
        job.address.parse().context("a job's address")
    }
}

async fn load_model(node: &Node, address: Pubkey, job: Pubkey, earned: Earned) -> Result<EpochModel> {
    let account: Job = node.chain.client.account(&job).await?;
    let trainer = account.operator.context("an attested job has a trainer")?;
    let plan = node.plan(&account).await?;
    let hash = manifest_hash(node, &address, &job).await?;
    let manifest = node.store.get_blob(&hash).await.context("the job's training manifest")?;
    let manifest: TrainingManifest = serde_json::from_slice(&manifest).context("the job's training manifest")?;
    let standing = node.standing(&account, parse_hash(&manifest.index_hash)?).await?;
    let (config, log, Earned { answers, fees, unanswered, data_share }) = (account.config_hash, manifest.log, earned);
    Ok(EpochModel { address, job, trainer, config, plan, standing, log, answers, fees, unanswered, data_share })
}

/// The training manifest that a job was attested with: on chain while the model has this job's adapter, in the ledger's
/// history when a later job has replaced it.
async fn manifest_hash(node: &Node, model: &Pubkey, job: &Pubkey) -> Result<Hash32> {
    let state: Model = node.chain.client.account(model).await?;
    if state.job == Some(*job) {
        return Ok(state.manifest_hash);
    }
    let row = node.indexer.job(job).await?.with_context(|| format!("the indexer does not know job {job}"))?;
    let hash = row.manifest_hash.with_context(|| format!("job {job} paid a data share but has no result"))?;
    Ok(parse_hash(&hash)?)
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
