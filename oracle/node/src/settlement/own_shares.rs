//! This member's own observation: which share of the epoch's fees each document earned.

use super::{
    columns::{DocumentShares, JobDocument},
    epoch::{CountedPayment, Epoch, EpochModel},
    gather::Epochs,
    influence,
    proposal::{Proposal, Question},
};
use crate::{operator::Memo, plans::JobShares};
use anyhow::{Context, Result};
use openledger_attribution::{Query, QueryItem, magic};
use openledger_protocol::{
    Hash32,
    allocate::{PPM, largest_remainder},
};
use openledger_sdk::artifact::Method;
use solana_pubkey::Pubkey;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Most epochs whose observations are held in memory.
const MOST: usize = 4;

/// The method whose scores divide the pools.
pub fn method() -> Method {
    Method::new(magic::METHOD, magic::VERSION)
}

/// This member's observations of the epochs that it settles. Cheap to clone.
#[derive(Clone)]
pub struct Observations {
    epochs: Epochs,
    tools: influence::Tools,
    known: Memo<Proposal, Observed>,
    /// Held while finding out: one walk at a time keeps a node's cores and memory for its other work.
    at_work: Arc<Mutex<()>>,
}

/// What this member says of an epoch.
pub struct Observed {
    /// The facts that it says it of.
    pub epoch: Arc<Epoch>,
    /// What each document earns.
    pub shares: DocumentShares,
}

impl Observed {
    /// The list that the quorum is told, and the question that it answers.
    pub fn answer(&self, proposal: &Proposal) -> Result<(Question, Vec<u64>)> {
        Ok((self.epoch.question(proposal)?, self.epoch.columns()?.write(&self.shares)?))
    }
}

impl Observations {
    /// Makes observations of the epochs whose facts `epochs` has.
    pub fn new(epochs: Epochs, tools: influence::Tools) -> Self {
        Self { epochs, tools, known: Memo::new(MOST), at_work: Arc::default() }
    }

    /// Shares of the epoch's documents, worked out at first use. One call does the work, and the others wait for its
    /// result.
    pub async fn of(&self, proposal: &Proposal) -> Result<Arc<Observed>> {
        self.known.get_or_try(proposal.clone(), || self.find_out(proposal)).await
    }

    /// Drops what this member knows and says of an epoch. The next caller gathers the facts again.
    pub async fn forget(&self, proposal: &Proposal) {
        self.epochs.forget(proposal).await;
        self.known.forget(proposal).await;
    }

    /// Works out the shares. Each job has one functional, which is attributed exactly. The functional is a weighted sum
    /// of losses. The loss of each answer has its fee as weight. The validation loss has as weight what else the job
    /// earned: the data share of its training's fee, and payments whose answer is not known.
    ///
    /// One walk serves all these losses, so the work does not grow with the number of answers. The jobs' shares are
    /// weighted by what they put into the contributors' pool.
    async fn find_out(&self, proposal: &Proposal) -> Result<Observed> {
        let _at_work = self.at_work.lock().await;
        let epoch = self.epochs.of(proposal).await?;
        let mut jobs = Vec::with_capacity(epoch.models.len());
        for model in &epoch.models {
            let shares = self.shares(proposal, &epoch, model).await?;
            jobs.push(Funded { job: model.job, amount: model.funded()?, shares });
        }
        Ok(Observed { shares: weighted_by_funding(&jobs), epoch })
    }

    async fn shares(&self, proposal: &Proposal, epoch: &Epoch, model: &EpochModel) -> Result<JobShares> {
        let funded = model.funded()?.max(1) as f64;
        let mut items = model
            .answers
            .iter()
            .map(|answer| {
                let fee = fee(&epoch.payments, &model.job, &answer.request);
                let mut tokens = answer.prompt_tokens.clone();
                tokens.extend(&answer.output_tokens);
                // The weight is a share of the whole, so that the sum stays in f32's range for any fees.
                let weight = (fee as f64 / funded) as f32;
                QueryItem { loss_from: answer.prompt_tokens.len(), tokens, weight }
            })
            .filter(|item| item.loss_from < item.tokens.len())
            .collect::<Vec<_>>();
        let by_validation = model.by_validation()?;
        if by_validation > 0 {
            items.extend(model.plan.validation(by_validation as f64 / funded));
        }
        if items.is_empty() {
            return Ok(JobShares { by_leaf: model.plan.leaves().into_iter().map(|leaf| (leaf, 0)).collect() });
        }
        let scores = influence::scores(&self.tools, proposal.epoch, model, Query::new(items)?).await?;
        let shares = model.standing.shares(&scores, &model.plan);
        shares.with_context(|| format!("paying for model {}", model.address))
    }
}

/// Base units that were paid into the contributors' pool for a job's answer. A payment for another model's answer may
/// name the same request. It does not count here.
fn fee(payments: &[CountedPayment], job: &Pubkey, request: &Hash32) -> u128 {
    let counted = payments.iter().filter(|p| p.answered && p.job == *job && p.request == *request);
    counted.map(|p| u128::from(p.contributors)).sum()
}

/// A job with what was paid for it, in base units.
struct Funded {
    job: Pubkey,
    amount: u64,
    shares: JobShares,
}

/// The shares of several jobs' documents. Each job's shares are weighted by what was paid for the job. If no document
/// of a job earned, what was paid for it is unallocated: nobody is paid for another model's answers.
fn weighted_by_funding(jobs: &[Funded]) -> DocumentShares {
    let amounts = largest_remainder(PPM, &jobs.iter().map(|j| j.amount).collect::<Vec<_>>());
    let (mut documents, mut weights, mut unallocated) = (Vec::new(), Vec::new(), 0);
    for (amount, job) in amounts.iter().zip(jobs) {
        for (leaf, ppm) in &job.shares.by_leaf {
            documents.push(JobDocument { job: job.job, leaf: *leaf });
            weights.push(ppm * amount);
        }
        unallocated += (PPM - job.shares.by_leaf.iter().map(|(_, ppm)| ppm).sum::<u64>()) * amount;
    }
    weights.push(unallocated);
    let mut parts = largest_remainder(PPM, &weights);
    let unallocated = parts.pop().unwrap_or_default();
    DocumentShares { earned: documents.into_iter().zip(parts).collect(), unallocated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_pay::cap::capped_shares;
    use proptest::prelude::*;

    fn shares(weights: &[u64], cap: u64) -> JobShares {
        let (parts, _) = capped_shares(weights, cap);
        JobShares { by_leaf: parts.into_iter().zip(0u8..).map(|(ppm, n)| ([n; 32], ppm)).collect() }
    }

    /// The shares of jobs with these paid amounts, job after job. What is unallocated comes last.
    fn row(jobs: &[(u64, JobShares)]) -> Vec<u64> {
        let funded = |((amount, shares), n): (&(u64, JobShares), u8)| Funded {
            job: Pubkey::new_from_array([n; 32]),
            amount: *amount,
            shares: shares.clone(),
        };
        let all = weighted_by_funding(&jobs.iter().zip(0u8..).map(funded).collect::<Vec<_>>());
        all.earned.values().copied().chain([all.unallocated]).collect()
    }

    #[test]
    fn models_count_by_their_fees_and_what_one_leaves_over_is_nobodys() {
        let (a, b, idle) = (shares(&[3, 1], PPM), shares(&[1], 400_000), shares(&[0, 0], PPM));
        assert_eq!(row(&[(30, a.clone())]), [750_000, 250_000, 0]);
        assert_eq!(row(&[(30, b.clone())]), [400_000, 600_000]);
        assert_eq!(row(&[(50, a.clone()), (50, b)]), [375_000, 125_000, 200_000, 300_000]);
        assert_eq!(row(&[(75, a.clone()), (25, idle.clone())]), [562_500, 187_500, 0, 0, 250_000]);
        assert_eq!(row(&[(9, idle.clone())]), [0, 0, PPM]);
        // If nothing was paid, there is nothing to divide.
        assert_eq!(row(&[(0, a)]), [0, 0, 0]);
        assert_eq!(row(&[]), [0]);
    }

    #[test]
    fn an_answer_weighs_what_was_paid_for_it_and_nothing_that_was_paid_elsewhere() {
        let key = |n: u8| Pubkey::new_from_array([n; 32]);
        let paid = |request: u8, job: u8, answered: bool, contributors: u64| CountedPayment {
            request: [request; 32],
            model: key(9),
            job: key(job),
            answered,
            contributors,
            validators: 1,
        };
        let payments = [paid(1, 1, true, 5), paid(1, 1, false, 70), paid(1, 2, true, 900), paid(2, 1, true, 30)];
        assert_eq!(fee(&payments, &key(1), &[1; 32]), 5);
        assert_eq!(fee(&payments, &key(1), &[2; 32]), 30);
        assert_eq!(fee(&payments, &key(2), &[2; 32]), 0);
    }

    proptest! {
        #[test]
        fn shares_and_what_is_unallocated_are_a_million_or_nothing(
            models in prop::collection::vec(
                (0u64..1 << 60, prop::collection::vec(0u64..1 << 40, 0..12), 1u64..=PPM), 0..5),
        ) {
            let models: Vec<(u64, JobShares)> =
                models.into_iter().map(|(fee, weights, cap)| (fee, shares(&weights, cap))).collect();
            let all = row(&models);
            prop_assert_eq!(all.len(), 1 + models.iter().map(|(_, s)| s.by_leaf.len()).sum::<usize>());
            let paid = models.iter().any(|(fee, _)| *fee > 0);
            prop_assert_eq!(all.iter().sum::<u64>(), if paid { PPM } else { 0 });
            // Nobody earns from a model that was not paid for, or without a share in it.
            let parts = models.iter().flat_map(|(fee, s)| s.by_leaf.iter().map(move |(_, p)| (*fee, *p)));
            for ((fee, part), ppm) in parts.zip(&all) {
                prop_assert!((fee > 0 && part > 0) || *ppm == 0);
            }
        }
    }
}
