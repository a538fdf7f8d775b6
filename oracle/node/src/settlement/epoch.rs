//! The facts of an epoch: payments from the chain, answers from the artifact store, documents behind the models.

use super::{Standing, report::POOL_NAMES};
use crate::{dataset::Document, node::Node, settlement::Proposal, training::JobPlan};
use anyhow::{Context, Result, bail, ensure};
use model::state::{Job, Model};
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{CountedFunding, LogEntry, TrainingManifest},
    receipt::Answer,
    text::parse_hash,
};
use payout::state::Pool;
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
    /// What the job itself put there: the data share of its fee.
    pub data_share: u64,
}

impl EpochModel {
    /// What is divided among its documents.
    pub fn funded(&self) -> Result<u64> {
        self.fees.checked_add(self.data_share).context("what a model earned exceeds u64")
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
        let (funding, data_shares) = funding(node, config.settled_slot, proposal.cutoff_slot).await?;
        let mut earned = BTreeMap::<(Pubkey, Pubkey), Earned>::new();
        for (address, mut answers) in by_model {
            let state: Model = node.chain.client.account(&address).await?;
            let job = state.job.with_context(|| format!("model {address} has answers but no job"))?;
            if let Some(other) = answers.iter().find(|a| a.adapter_hash != state.adapter_hash) {
                bail!(
                    "answer {} came from another adapter than the attested one of {address}",
                    hex::encode(other.request)
                );
            }
            // A request paid twice is one answer: what the second payment put in is divided with the first.
            answers.dedup_by_key(|a| a.request);
            let paid = payments.iter().filter(|p| p.model == address).map(|p| p.contributors);
            let fees = paid.into_iter().try_fold(0u64, u64::checked_add).context("a model's fees exceed u64")?;
            earned.insert((address, job), Earned { answers, fees, data_share: 0 });
        }
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
    data_share: u64,
}

async fn load_model(node: &Node, address: Pubkey, job: Pubkey, earned: Earned) -> Result<EpochModel> {
    let account: Job = node.chain.client.account(&job).await?;
    let trainer = account.operator.context("an attested job has a trainer")?;
    let plan = node.plan(&account).await?;
    let hash = manifest_hash(node, &address, &job).await?;
    let manifest = node.store.get_blob(&hash).await.context("the job's training manifest")?;
    let manifest: TrainingManifest = serde_json::from_slice(&manifest).context("the job's training manifest")?;
    let standing = node.standing(&account, parse_hash(&manifest.index_hash)?).await?;
    let (config, log, Earned { answers, fees, data_share }) = (account.config_hash, manifest.log, earned);
    Ok(EpochModel { address, job, trainer, config, plan, standing, log, answers, fees, data_share })
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
