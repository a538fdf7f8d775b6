//! Measures what really happens without some of the examples, by training and asking again.

use super::subsets::weights_without;
use openledger_attribution::{Query, QueryItem, Result};
use openledger_lm::{Adapter, BaseModel, Batch, Example, Lanes, TrainConfig, Trainer, forward_losses};
use std::sync::Arc;

/// The adapter that the job trains if the examples in `removed` have weight 0. Start, batches and denominators stay the
/// same, so that only the gradients of these examples are missing.
pub fn train_without(
    base: &Arc<BaseModel>,
    config: &TrainConfig,
    examples: &Arc<[Example]>,
    removed: &[usize],
) -> Result<Adapter> {
    let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?
        .with_example_weights(weights_without(examples.len(), removed))?;
    while !trainer.is_finished() {
        trainer.step()?;
    }
    Ok(trainer.adapter().clone())
}

/// The queries' losses after training without each of the subsets, subsets × queries. Runs of the training go on side by
/// side, which changes none of the numbers.
pub fn losses_without(
    base: &Arc<BaseModel>,
    config: &TrainConfig,
    examples: &Arc<[Example]>,
    subsets: &[Vec<usize>],
    queries: &[Query],
) -> Result<Vec<Vec<f64>>> {
    let without =
        |removed: &Vec<usize>| query_losses(base, Some(&train_without(base, config, examples, removed)?), queries);
    Lanes::new(base.device(), usize::MAX).map(subsets, without).into_iter().collect()
}

/// Σ weight · loss of each query's items.
pub fn query_losses(base: &BaseModel, adapter: Option<&Adapter>, queries: &[Query]) -> Result<Vec<f64>> {
    queries
        .iter()
        .map(|query| {
            let examples: Vec<Example> = query.items().iter().map(QueryItem::example).collect();
            let losses = forward_losses(base, adapter, &Batch::new(base, &examples.iter().collect::<Vec<_>>())?)?;
            Ok(losses.iter().zip(query.items()).map(|(l, i)| f64::from(*l) * f64::from(i.weight)).sum())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};
    use openledger_attribution::QueryItem;

    #[test]
    fn leaving_out_the_example_that_is_asked_for_costs_more_than_leaving_out_nothing() {
        let (base, _) = model();
        let examples: Arc<[Example]> = examples(4).into();
        let config = TrainConfig { epochs: 4, batch_size: 2, ..Default::default() };
        let query = Query::answer(examples[2].tokens.clone(), 1).unwrap();
        let loss = |removed: &[usize]| {
            let adapter = train_without(&base, &config, &examples, removed).unwrap();
            query_losses(&base, Some(&adapter), std::slice::from_ref(&query)).unwrap()[0]
        };
        let whole = loss(&[]);
        assert!(loss(&[2]) > whole);
        assert_eq!(loss(&[]), whole);
    }

    #[test]
    fn runs_side_by_side_give_what_they_give_one_after_the_other() {
        let (base, _) = model();
        let examples: Arc<[Example]> = examples(4).into();
        let config = TrainConfig { batch_size: 2, ..Default::default() };
        let query = Query::answer(examples[2].tokens.clone(), 1).unwrap();
        let subsets = [vec![], vec![0], vec![1, 2]];
        let found = losses_without(&base, &config, &examples, &subsets, std::slice::from_ref(&query)).unwrap();
        for (subset, losses) in subsets.iter().zip(found) {
            let alone = train_without(&base, &config, &examples, subset).unwrap();
            assert_eq!(losses, query_losses(&base, Some(&alone), std::slice::from_ref(&query)).unwrap());
        }
    }

    #[test]
    fn a_querys_loss_is_the_weighted_sum_of_its_items() {
        let (base, adapter) = model();
        let item = |i: usize, weight| QueryItem { tokens: examples(3)[i].tokens.clone(), loss_from: 1, weight };
        let ask = |items| query_losses(&base, Some(&adapter), &[Query::new(items).unwrap()]).unwrap()[0];
        let both = ask(vec![item(0, 2.0), item(1, -0.5)]);
        assert!((both - (2.0 * ask(vec![item(0, 1.0)]) - 0.5 * ask(vec![item(1, 1.0)]))).abs() < 1e-5);
    }
}
