//! Gathers the facts of an epoch from the ledger, once for each proposal.

use super::{
    facts::{Facts, Payment, Previous},
    proposal::Proposal,
};
use crate::{
    ledger::{self, Ledger},
    operator::{Chain, Memo},
};
use anyhow::{Context, Result, ensure};
use openledger_sdk::{
    Store,
    artifact::{CountedFunding, Divided, PoolName, SettlementReport},
    pda,
};
use payout::{
    events::Funded,
    state::{Config, Pool, Settlement},
};
use solana_pubkey::Pubkey;
use std::{cmp::Reverse, collections::HashMap, sync::Arc};

/// Most epochs whose facts are held in memory.
const MOST: usize = 4;

/// The facts of the epochs that this member settles. Cheap to clone.
#[derive(Clone)]
pub struct Epochs {
    chain: Chain,
    store: Store,
    ledger: Ledger,
    known: Memo<Proposal, Facts>,
}

impl Epochs {
    /// Reads the facts of epochs from the ledger and from the reports in the store.
    pub fn new(chain: Chain, store: Store, ledger: Ledger) -> Self {
        Self { chain, store, ledger, known: Memo::new(MOST) }
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
        let config = self.ledger.payout_config().await?;
        ensure!(config.active_epoch + 1 == proposal.epoch, "epoch {} is not the one to settle", proposal.epoch);
        let previous = self.previous(&config).await?;
        let mut last_jobs = LastJobs { ledger: &self.ledger, cutoff: proposal.cutoff_slot, known: HashMap::new() };
        let (mut payments, mut funding) = held_over(previous.as_ref(), &mut last_jobs).await?;
        // Payments are selected by slot, not by the epoch that their receipt names. A payment after a cutoff and before
        // the posting of its settlement belongs to the next settlement.
        for ledger::Payment { slot, signature, paid, .. } in
            self.ledger.payments(config.settled_slot, proposal.cutoff_slot).await?
        {
            payments.push(Payment {
                request: paid.request,
                model: paid.model,
                operator: paid.operator,
                transaction: signature,
                slot,
                last_job: last_jobs.of(&paid.model).await?,
                contributors: paid.contributors,
                validators: paid.validators,
                held: 0,
            });
        }
        let order = |p: &Payment| {
            let amount = u128::from(p.contributors) + u128::from(p.validators);
            (Reverse(amount), p.request, p.transaction.clone(), p.model)
        };
        payments.sort_by_cached_key(order);
        funding.extend(self.funding(config.settled_slot, proposal.cutoff_slot).await?);
        Ok(Facts { payments, funding, previous })
    }

    /// Payments into the pools that are not fees for answers, after the slot `settled` and up to the slot `cutoff`.
    async fn funding(&self, settled: u64, cutoff: u64) -> Result<Vec<CountedFunding>> {
        let counted = |f: ledger::Funding| {
            let pool = match f.funded.pool {
                Pool::Contributors => PoolName::Contributors,
                Pool::Validators => PoolName::Validators,
            };
            let Funded { subject, payer, amount, .. } = f.funded;
            CountedFunding { pool, subject, payer, amount: amount.into(), job: f.job, held: false }
        };
        Ok(self.ledger.funding(settled, cutoff).await?.into_iter().map(counted).collect())
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
}

/// What the previous settlement held over: payments and data shares.
async fn held_over(
    previous: Option<&Previous>,
    last_jobs: &mut LastJobs<'_>,
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
            slot: answer.slot,
            last_job: last_jobs.of(&answer.model).await?,
            contributors: answer.contributors.0,
            validators: answer.validators.0,
            held: times,
        });
    }
    let shares = report.funded.iter().filter(|f| f.held);
    Ok((payments, shares.map(|f| CountedFunding { held: false, ..f.clone() }).collect()))
}

/// The jobs whose adapters models had at a cutoff, each read once.
struct LastJobs<'a> {
    ledger: &'a Ledger,
    cutoff: u64,
    known: HashMap<Pubkey, Pubkey>,
}

impl LastJobs<'_> {
    /// Fails if the model had no result by the cutoff. The program takes no payment for such a model.
    async fn of(&mut self, model: &Pubkey) -> Result<Pubkey> {
        if let Some(job) = self.known.get(model) {
            return Ok(*job);
        }
        let results = self.ledger.job_results(model, self.cutoff).await?;
        let last = results.last().with_context(|| format!("model {model} was paid for but has no result"))?;
        self.known.insert(*model, last.job);
        Ok(last.job)
    }
}
