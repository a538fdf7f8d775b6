//! This operator's own view: what share of the epoch's fees each document earned.

use super::{Epoch, EpochModel, Proposal, epoch::CountedPayment, influence};
use crate::node::Node;
use anyhow::{Context, Result};
use openledger_attribution::{Query, QueryItem, magic};
use openledger_pay::Shares;
use openledger_protocol::{
    Hash32,
    allocate::{PPM, largest_remainder},
};
use solana_pubkey::Pubkey;

/// Name and version of the method that divides the money.
pub fn method() -> String {
    format!("{} {}", magic::METHOD, magic::VERSION)
}

/// Shares of the epoch's documents in parts per million, and last what none of them earned: together a million, or all
/// zero where nothing was paid.
///
/// For each model one functional is attributed, exactly: its answers' losses, each by its fee, and its validation loss by
/// what else it earned (the data share of its training's fee, and payments whose answer is not known). One walk serves
/// both, and the work does not grow with the number of answers. The models' shares are weighted by what they put into the
/// contributors' pool. One call at a time in a node: a second finds what the first did.
pub async fn observe(node: &Node, proposal: &Proposal) -> Result<Vec<u64>> {
    let mut known = node.observations.lock().await;
    if let Some(observed) = known.get(proposal) {
        return Ok(observed.clone());
    }
    let epoch = Epoch::load(node, proposal).await?;
    let mut models = Vec::with_capacity(epoch.models.len());
    for model in &epoch.models {
        models.push((model.funded()?, shares(node, proposal, &epoch, model).await?));
    }
    let observed = together(&models);
    known.retain(|other, _| other.epoch >= proposal.epoch);
    known.insert(proposal.clone(), observed.clone());
    Ok(observed)
}

async fn shares(node: &Node, proposal: &Proposal, epoch: &Epoch, model: &EpochModel) -> Result<Shares> {
    let funded = model.funded()?.max(1) as f64;
    let mut items = model
        .answers
        .iter()
        .map(|answer| {
            let fee = fee(&epoch.payments, &model.job, &answer.request);
            let mut tokens = answer.prompt_tokens.clone();
            tokens.extend(&answer.output_tokens);
            // A share of the whole, so that the sum stays in f32's range whatever the fees.
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
        return Ok(Shares { per_example: vec![0; model.plan.documents.len()], unallocated: 0 });
    }
    let scores = influence::scores(node, proposal.epoch, model, Query::new(items)?).await?;
    model.standing.shares(&scores, &model.plan).with_context(|| format!("paying for model {}", model.address))
}

/// What was paid into the contributors' pool for a job's answer: another model's payment under the same name is none of
/// its business.
fn fee(payments: &[CountedPayment], job: &Pubkey, request: &Hash32) -> u128 {
    let counted = payments.iter().filter(|p| p.answered && p.job == *job && p.request == *request);
    counted.map(|p| u128::from(p.contributors)).sum()
}

/// The shares of several models' documents as one list, each model's weighted by its fees, with what is unallocated
/// last. What was paid for a model none of whose documents earned is unallocated too: nobody is paid for another model's
/// answers.
fn together(models: &[(u64, Shares)]) -> Vec<u64> {
    let fees = largest_remainder(PPM, &models.iter().map(|(fee, _)| *fee).collect::<Vec<_>>());
    let (mut weights, mut unallocated) = (Vec::new(), 0);
    for (fee, (_, shares)) in fees.iter().zip(models) {
        weights.extend(shares.per_example.iter().map(|ppm| ppm * fee));
        unallocated += (PPM - shares.per_example.iter().sum::<u64>()) * fee;
    }
    weights.push(unallocated);
    largest_remainder(PPM, &weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_pay::cap::capped_shares;
    use proptest::prelude::*;

    fn shares(weights: &[u64], cap: u64) -> Shares {
        let (per_example, unallocated) = capped_shares(weights, cap);
        Shares { per_example, unallocated }
    }

    #[test]
    fn models_count_by_their_fees_and_what_one_leaves_over_is_nobodys() {
        let (a, b, idle) = (shares(&[3, 1], PPM), shares(&[1], 400_000), shares(&[0, 0], PPM));
        assert_eq!(together(&[(30, a.clone())]), [750_000, 250_000, 0]);
        assert_eq!(together(&[(30, b.clone())]), [400_000, 600_000]);
        assert_eq!(together(&[(50, a.clone()), (50, b)]), [375_000, 125_000, 200_000, 300_000]);
        assert_eq!(together(&[(75, a.clone()), (25, idle.clone())]), [562_500, 187_500, 0, 0, 250_000]);
        assert_eq!(together(&[(9, idle.clone())]), [0, 0, PPM]);
        // Nothing was paid: there is nothing to divide.
        assert_eq!(together(&[(0, a)]), [0, 0, 0]);
        assert_eq!(together(&[]), [0]);
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
            let models: Vec<(u64, Shares)> =
                models.into_iter().map(|(fee, weights, cap)| (fee, shares(&weights, cap))).collect();
            let all = together(&models);
            prop_assert_eq!(all.len(), 1 + models.iter().map(|(_, s)| s.per_example.len()).sum::<usize>());
            let paid = models.iter().any(|(fee, _)| *fee > 0);
            prop_assert_eq!(all.iter().sum::<u64>(), if paid { PPM } else { 0 });
            // Nobody earns of a model that was not paid for, nor without a share in it.
            let parts = models.iter().flat_map(|(fee, s)| s.per_example.iter().map(move |p| (*fee, *p)));
            for ((fee, part), ppm) in parts.zip(&all) {
                prop_assert!((fee > 0 && part > 0) || *ppm == 0);
            }
        }
    }
}
