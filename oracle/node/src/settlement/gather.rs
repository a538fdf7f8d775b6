//! Gathers the facts of an epoch from the ledger, once for each proposal.

use super::{
    facts::{Facts, Payment, Previous, is_data_share},
    proposal::Proposal,
    results::Results,
};
use crate::operator::{Chain, Memo};
use anyhow::{Context, Result, bail, ensure};
use openledger_sdk::{
    Store,
    api::IndexerClient,
    artifact::{CountedFunding, Divided, PoolName, SettlementReport},
    pda,
    text::{parse_hash, parse_key},
};
use payout::state::{Config, Settlement};
use std::{sync::Arc, time::Duration};

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
    known: Memo<Proposal, Facts>,
}

impl Epochs {
    /// Reads the facts of epochs from chain, indexer and the reports in the store.
    pub fn new(chain: Chain, store: Store, indexer: IndexerClient) -> Self {
        Self { chain, store, indexer, known: Memo::new(MOST) }
    }

    /// The facts up to the proposal's cutoff. They are gathered at first use.
    pub async fn of(&self, proposal: &Proposal) -> Result<Arc<Facts>> {
        self.known.get_or_try(proposal.clone(), || self.gather(proposal)).await
    }

    /// Drops the facts of an epoch, so that the next caller gathers them again.
    pub async fn forget(&self, proposal: &Proposal) {
        self.known.forget(proposal).await;
    }

    async fn gather(&self, proposal: &Proposal) -> Result<Facts> {
        self.wait_for_indexer(proposal.cutoff_slot).await?;
        let config = self.chain.payout_config().await?;
        ensure!(config.active_epoch + 1 == proposal.epoch, "epoch {} is not the one to settle", proposal.epoch);
        let previous = self.previous(&config).await?;
        let mut results = Results::new(&self.indexer, proposal.cutoff_slot);
        let (mut payments, mut funding) = held_over(previous.as_ref(), &mut results).await?;
        // Payments are selected by slot, not by the epoch that their receipt names. A payment after a cutoff and before
        // the posting of its settlement belongs to the next settlement.
        for row in self.indexer.receipts_between(config.settled_slot, proposal.cutoff_slot).await? {
            let model = parse_key(&row.model)?;
            payments.push(Payment {
                request: parse_hash(&row.request)?,
                model,
                operator: parse_key(&row.operator)?,
                transaction: row.signature,
                last_job: results.last_job(&model).await?,
                contributors: row.parts.contributors.0,
                validators: row.parts.validators.0,
                held: 0,
            });
        }
        payments.sort_by(|a, b| (a.request, &a.transaction, a.model).cmp(&(b.request, &b.transaction, b.model)));
        funding.extend(self.funding(config.settled_slot, proposal.cutoff_slot).await?);
        Ok(Facts { payments, funding, previous })
    }

    /// Payments into the pools that are not fees for answers, after the slot `settled` and up to the slot `cutoff`.
    async fn funding(&self, settled: u64, cutoff: u64) -> Result<Vec<CountedFunding>> {
        let mut rows = self.indexer.funding_between(settled, cutoff).await?;
        rows.sort_by(|a, b| (a.slot, &a.signature, &a.subject).cmp(&(b.slot, &b.signature, &b.subject)));
        let counted = rows.into_iter().map(|r| {
            let pool = PoolName::ALL.into_iter().find(|p| p.name() == r.pool);
            let pool = pool.with_context(|| format!("the indexer knows of a pool {:?}", r.pool))?;
            let (subject, payer) = (parse_key(&r.subject)?, parse_key(&r.payer)?);
            Ok(CountedFunding { pool, subject, payer, amount: r.amount, held: false })
        });
        counted.collect()
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

/// What the previous settlement held over: payments and data shares.
async fn held_over(
    previous: Option<&Previous>,
    results: &mut Results<'_>,
) -> Result<(Vec<Payment>, Vec<CountedFunding>)> {
    let Some(Previous { report, .. }) = previous else { return Ok(Default::default()) };
    let mut payments = Vec::new();
    for answer in &report.answers {
        let Divided::Held { times } = answer.divided else { continue };
        payments.push(Payment {
            request: answer.request,
            model: answer.model,
            operator: answer.operator,
            transaction: answer.transaction.clone(),
            last_job: results.last_job(&answer.model).await?,
            contributors: answer.contributors.0,
            validators: answer.validators.0,
            held: times,
        });
    }
    let shares = report.funded.iter().filter(|f| f.held && is_data_share(f));
    Ok((payments, shares.map(|f| CountedFunding { held: false, ..f.clone() }).collect()))
}
