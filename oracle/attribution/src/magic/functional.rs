//! φ: the weighted sum of a query's losses as a function of the adapter.

use crate::{
    attributor::{Query, QueryItem},
    error::{AttributionError, Result},
};
use openledger_lm::{Adapter, BaseModel, Batch, Digest, Example, Lanes, forward_backward, forward_losses, lora_grads};
use sha2::{Digest as _, Sha256};

/// φ = Σ weight · loss at the adapter, by forward passes only. A pass has `per_pass` items.
pub fn value(base: &BaseModel, adapter: &Adapter, query: &Query, per_pass: usize) -> Result<f64> {
    let mut sum = 0.0;
    let pass = |batch: Batch, weights: &[f32], first: usize| {
        let losses = forward_losses(base, Some(adapter), &batch)?;
        check(&losses, first)?;
        Ok(losses.iter().zip(weights).map(|(l, w)| f64::from(*l) * f64::from(*w)).sum::<f64>())
    };
    each_pass(base, query, per_pass, pass, |part| sum += part)?;
    Ok(sum)
}

/// ∇φ at the adapter, flat in the order of its layout. It takes one backward pass for every `per_pass` items.
pub fn gradient(base: &BaseModel, adapter: &Adapter, query: &Query, per_pass: usize) -> Result<Vec<f32>> {
    let mut sum = vec![0f64; adapter.layout().len()];
    let pass = |batch: Batch, weights: &[f32], first: usize| {
        let out = forward_backward(base, adapter, &batch.with_weights(weights)?)?;
        check(&out.per_example_loss, first)?;
        Ok(lora_grads(&out.captures, adapter)?)
    };
    each_pass(base, query, per_pass, pass, |part| {
        sum.iter_mut().zip(part).for_each(|(sum, g)| *sum += f64::from(g));
    })?;
    Ok(sum.into_iter().map(|v| v as f32).collect())
}

/// SHA-256 of a query's items.
pub fn query_hash(query: &Query) -> Digest {
    let mut hasher = Sha256::new();
    for item in query.items() {
        hasher.update(item.weight.to_le_bytes());
        hasher.update((item.loss_from as u64).to_le_bytes());
        hasher.update((item.tokens.len() as u64).to_le_bytes());
        for token in &item.tokens {
            hasher.update(token.to_le_bytes());
        }
    }
    hasher.finalize().into()
}

/// Calls `f` for each pass with its batch, the weights of its items and the number of its first item. `take` gets the
/// results in the order of the passes.
fn each_pass<T: Send>(
    base: &BaseModel,
    query: &Query,
    per_pass: usize,
    f: impl Fn(Batch, &[f32], usize) -> Result<T> + Sync,
    mut take: impl FnMut(T),
) -> Result<()> {
    let per_pass = per_pass.max(1);
    let pass = |(pass, items): (usize, &[QueryItem])| {
        let examples: Vec<Example> = items.iter().map(QueryItem::example).collect();
        let weights: Vec<f32> = items.iter().map(|i| i.weight).collect();
        f(Batch::new(base, &examples.iter().collect::<Vec<_>>())?, &weights, pass * per_pass)
    };
    let lanes = Lanes::new(base.device(), usize::MAX);
    lanes.try_for_each(query.items().chunks(per_pass).enumerate(), pass, |part| {
        take(part);
        Ok(())
    })
}

fn check(losses: &[f32], first: usize) -> Result<()> {
    match losses.iter().position(|l| !l.is_finite()) {
        None => Ok(()),
        Some(i) => Err(AttributionError::Query(format!(
            "the loss of item {} is {}; the adapter or the base model is damaged",
            first + i,
            losses[i]
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attributor::QueryItem, testing};

    #[test]
    fn value_and_gradient_do_not_depend_on_how_items_are_grouped() -> Result<()> {
        let (base, adapter) = testing::model();
        let items = testing::examples(5).into_iter().enumerate().map(|(i, e)| QueryItem {
            tokens: e.tokens,
            loss_from: e.loss_from,
            weight: i as f32 - 1.0,
        });
        let query = Query::new(items.collect())?;
        let (whole, single) = (gradient(&base, &adapter, &query, 9)?, gradient(&base, &adapter, &query, 1)?);
        let scale = whole.iter().fold(0f32, |m, g| m.max(g.abs()));
        assert!(scale > 0.0);
        assert!(whole.iter().zip(&single).all(|(a, b)| (a - b).abs() < 1e-4 * scale));
        let (whole, pairs) = (value(&base, &adapter, &query, 9)?, value(&base, &adapter, &query, 2)?);
        assert!((whole - pairs).abs() < 1e-5 * whole.abs(), "{whole} {pairs}");
        Ok(())
    }

    #[test]
    fn a_query_longer_than_the_context_or_without_a_finite_loss_is_refused() {
        let (base, adapter) = testing::model();
        let long = Query::answer(vec![1; 500], 1).unwrap();
        assert!(matches!(
            gradient(&base, &adapter, &long, 4),
            Err(AttributionError::Lm(openledger_lm::LmError::TooLong { length: 500, .. }))
        ));
        let broken = adapter.with_flat(&vec![f32::NAN; adapter.layout().len()]).unwrap();
        let query = Query::answer(vec![1, 2, 3], 1).unwrap();
        assert!(matches!(value(&base, &broken, &query, 4), Err(AttributionError::Query(_))));
    }
}
