//! Gathers the facts of an epoch from the chain, the indexer and the artifact store, once for each proposal.

use super::{
    answers::Answers,
    epoch::{CountedPayment, Epoch, EpochModel, Previous},
    proposal::Proposal,
};
use crate::{
    operator::{Chain, Memo},
    plans::{Plans, Standings},
};
use anyhow::{Context, Result, bail, ensure};
use model::state::{Job, Model};
use openledger_protocol::Hash32;
use openledger_sdk::{
    Store,
    api::IndexerClient,
    artifact::{CountedFunding, PoolName, SettlementReport, TrainingManifest},
    pda,
    receipt::Answer,
    text::{parse_hash, parse_key},
};
use payout::state::{Config, Settlement};
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long to wait for the indexer to reach the cutoff.
const INDEXER_PATIENCE: Duration = Duration::from_secs(30);

/// Most epochs whose facts are held in memory.
const MOST: usize = 4;

/// The facts of the epochs that this member settles. Cheap to clone.
#[derive(Clone)]
pub struct Epochs {
    chain: Chain,
    store: Store,
    indexer: IndexerClient,
    plans: Plans,
    standings: Standings,
    known: Memo<Proposal, Epoch>,
}

impl Epochs {
    /// Reads the facts of epochs from chain, store and indexer.
    pub fn new(chain: Chain, store: Store, indexer: IndexerClient, plans: Plans, standings: Standings) -> Self {
        Self { chain, store, indexer, plans, standings, known: Memo::new(MOST) }
    }

    /// The facts up to the proposal's cutoff. They are gathered at first use.
    pub async fn of(&self, proposal: &Proposal) -> Result<Arc<Epoch>> {
        self.known.get_or_try(proposal.clone(), || self.gather(proposal)).await
    }

    /// Drops the facts of an epoch, so that the next caller gathers them again. Members that do not agree may have
    /// gathered the facts before an answer reached the store.
    pub async fn forget(&self, proposal: &Proposal) {
        self.known.forget(proposal).await;
    }

    async fn gather(&self, proposal: &Proposal) -> Result<Epoch> {
        self.wait_for_indexer(proposal.cutoff_slot).await?;
        let config = self.chain.payout_config().await?;
        ensure!(config.active_epoch + 1 == proposal.epoch, "epoch {} is not the one to settle", proposal.epoch);
        // Payments are selected by slot, not by the epoch that their receipt names. A payment after a cutoff and before
        // the posting of its settlement belongs to the next settlement.
        let mut rows = self.indexer.receipts_between(config.settled_slot, proposal.cutoff_slot).await?;
        rows.sort_by(|a, b| a.request.cmp(&b.request));
        let mut answers = Answers::new(&self.chain, &self.store, &self.indexer, proposal.cutoff_slot).await?;
        let (mut payments, mut earned) = (Vec::with_capacity(rows.len()), BTreeMap::<(Pubkey, Pubkey), Earned>::new());
        for row in rows {
            let model = parse_key(&row.model)?;
            let answer = answers.paid_by(&row).await?;
            let by_adapter = match &answer {
                Some(answer) => answers.job_of(&model, &answer.adapter_hash).await?,
                None => None,
            };
            let answered = by_adapter.is_some();
            let job = match by_adapter {
                Some(job) => job,
                None => answers.last_job(&model).await?,
            };
            let contributors = row.parts.contributors.0;
            let earned = earned.entry((model, job)).or_default();
            let sum = if answered { &mut earned.fees } else { &mut earned.unanswered };
            *sum = sum.checked_add(contributors).context("a model's fees exceed u64")?;
            earned.answers.extend(answer.filter(|_| answered));
            let (request, validators) = (parse_hash(&row.request)?, row.parts.validators.0);
            payments.push(CountedPayment { request, model, job, answered, contributors, validators });
        }
        // If one transaction pays a request twice, there is one answer. It weighs the sum of both payments.
        earned.values_mut().for_each(|e| e.answers.dedup_by_key(|a| a.request));
        let (funding, data_shares) = self.funding(config.settled_slot, proposal.cutoff_slot).await?;
        for (job, amount) in data_shares {
            let account: Job = self.chain.client.account(&job).await?;
            let sum = &mut earned.entry((account.model, job)).or_default().data_share;
            *sum = sum.checked_add(amount).context("a job's data shares exceed u64")?;
        }
        let mut models = Vec::with_capacity(earned.len());
        for ((address, job), earned) in earned {
            models.push(self.model(address, job, earned).await?);
        }
        Ok(Epoch { payments, funding, models, previous: self.previous(&config).await? })
    }

    /// Payments into the pools that are not fees for answers, after the slot `settled` and up to the slot `cutoff`. No
    /// payment is left out or counted twice. The second list gives the data shares among them: jobs with amounts.
    async fn funding(&self, settled: u64, cutoff: u64) -> Result<(Vec<CountedFunding>, Vec<(Pubkey, u64)>)> {
        let mut rows = self.indexer.funding_between(settled, cutoff).await?;
        rows.sort_by(|a, b| (a.slot, &a.signature, &a.subject).cmp(&(b.slot, &b.signature, &b.subject)));
        let (mut counted, mut data_shares) = (Vec::with_capacity(rows.len()), Vec::new());
        for r in rows {
            let pool = PoolName::ALL.into_iter().find(|p| p.name() == r.pool);
            let pool = pool.with_context(|| format!("the indexer knows of a pool {:?}", r.pool))?;
            if let Some(job) = r.job.filter(|_| pool == PoolName::Contributors) {
                data_shares.push((parse_key(&job)?, r.amount.0));
            }
            let (subject, payer) = (parse_key(&r.subject)?, parse_key(&r.payer)?);
            counted.push(CountedFunding { pool, subject, payer, amount: r.amount });
        }
        Ok((counted, data_shares))
    }

    async fn model(&self, address: Pubkey, job: Pubkey, earned: Earned) -> Result<EpochModel> {
        let account: Job = self.chain.client.account(&job).await?;
        let trainer = account.operator.context("an attested job has a trainer")?;
        let plan = self.plans.of(&account).await?;
        let manifest = self.store.get_blob(&self.manifest_hash(&address, &job).await?).await;
        let manifest: TrainingManifest = serde_json::from_slice(&manifest.context("the job's training manifest")?)
            .context("the job's training manifest")?;
        let standing = self.standings.of(&account, manifest.index_hash).await?;
        let (config, log, Earned { answers, fees, unanswered, data_share }) =
            (account.config_hash, manifest.log, earned);
        Ok(EpochModel { address, job, trainer, config, plan, standing, log, answers, fees, unanswered, data_share })
    }

    /// Hash of the training manifest that a job was attested with. It comes from the chain while the model has this
    /// job's adapter. It comes from the indexer's history after a later job has replaced the adapter.
    async fn manifest_hash(&self, model: &Pubkey, job: &Pubkey) -> Result<Hash32> {
        let state: Model = self.chain.client.account(model).await?;
        if state.job == Some(*job) {
            return Ok(state.manifest_hash);
        }
        let row = self.indexer.job(job).await?.with_context(|| format!("the indexer does not know job {job}"))?;
        let hash = row.manifest_hash.with_context(|| format!("job {job} paid a data share but has no result"))?;
        Ok(parse_hash(&hash)?)
    }

    /// The previous settlement with its report, whose roots are checked against those on chain. `None` if no settlement
    /// is active yet.
    async fn previous(&self, config: &Config) -> Result<Option<Previous>> {
        if config.active_epoch == 0 {
            return Ok(None);
        }
        let settlement: Settlement = self.chain.client.account(&pda::settlement(config.active_epoch)).await?;
        let hash = settlement.report_hash;
        let bytes = self.store.get_blob(&hash).await.context("the previous settlement's report")?;
        let report = SettlementReport::read(&bytes).context("the previous settlement's report")?;
        for (name, posted) in PoolName::ALL.into_iter().zip(&config.posted) {
            let pool = report.pool(name).with_context(|| format!("the previous report lacks the {name}' pool"))?;
            ensure!(pool.root == posted.root, "the previous report's root is not the one on chain");
        }
        Ok(Some(Previous { hash, report }))
    }

    async fn wait_for_indexer(&self, slot: u64) -> Result<()> {
        let until = tokio::time::Instant::now() + INDEXER_PATIENCE;
        loop {
            let status = self.indexer.status().await?;
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
}

/// What a job's documents are paid for.
#[derive(Default)]
struct Earned {
    answers: Vec<Answer>,
    fees: u64,
    unanswered: u64,
    data_share: u64,
}
