//! What a finished training says of pay: which documents count, and how the training's own fee is divided.
//!
//! The trainer publishes it in the manifest, and every verifier works it out again.

use super::plan::JobPlan;
use crate::documents::{self, Document};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{Attributor, Logra, Query};
use openledger_lm::{Example, Tokenizer};
use openledger_pay::{Clusters, Windows, clusters::gradient::Rows};
use openledger_protocol::weights::Weights;
use openledger_sdk::artifact::Repetition;
use openledger_serve::Terms;
use std::collections::BTreeMap;

/// What a manifest says of pay. All lists are in index order, what the parent learned first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paying {
    /// Tokens that are learned of each example.
    pub targets: Vec<u32>,
    /// Documents whose gradients repeat an earlier document's.
    pub repeated: Vec<Repetition>,
    /// What each document earns of the training's fee.
    pub training: Weights,
}

impl Paying {
    /// Works it out from the finished index, which `estimate` asks. It takes as many passes as one answer for each
    /// held-out example.
    pub fn of(plan: &JobPlan, estimate: &Logra, tokenizer: &Tokenizer) -> Result<Self> {
        let above = plan.parent.iter().flat_map(|parent| parent.manifest.targets.iter().copied());
        let targets: Vec<u32> = above.chain(plan.examples.iter().map(|e| e.targets() as u32)).collect();
        let repeated = repeated(plan, estimate, tokenizer)?;
        let terms = Terms::new(&plan.config, plan.windows(), targets.clone(), &repeated, estimate.index())?;
        let training = training_weights(plan, estimate, &terms)?;
        Ok(Self { targets, repeated, training })
    }
}

/// The documents whose gradients repeat an earlier document's. A job that compares texts only has those of its parent:
/// what repeats there earns nothing through a child either.
fn repeated(plan: &JobPlan, estimate: &Logra, tokenizer: &Tokenizer) -> Result<Vec<Repetition>> {
    let above = plan.parent.as_ref().map_or(&[][..], |parent| &parent.manifest.repeated);
    if plan.config.pay.near_gradient.is_none() {
        return Ok(above.to_vec());
    }
    let (index, windows) = (estimate.index(), plan.windows());
    let (rows, expected) = (index.count(), windows.examples());
    ensure!(rows == expected, "the influence index has {rows} rows for {expected} examples");
    let texts = plan.texts(tokenizer);
    // A document's gradient is the sum of its windows'.
    let rows = |document: usize| {
        let gradients = windows.of_document(document).map(|example| index.gradient(example));
        let sum = |sum: Vec<f32>, next: Vec<f32>| sum.iter().zip(next).map(|(a, b)| a + b).collect::<Vec<f32>>();
        gradients.reduce(sum).unwrap_or_default()
    };
    let rows: &Rows = &rows;
    let clusters = documents::clusters(&plan.compared(&plan.documents, &texts), Some(rows), &plan.pay.clusters)?;
    Ok(joined(above, &clusters))
}

/// The repetitions `above`, which the parent found, and those that `clusters` has besides. Each names a document that
/// repeats no other.
///
/// Both lead from a document to one before it in the order of layers and registration, so no path of them is a circle.
fn joined(above: &[Repetition], clusters: &Clusters) -> Vec<Repetition> {
    let mut of: BTreeMap<u32, u32> = above.iter().map(|r| (r.document, r.of)).collect();
    for i in (0..clusters.len()).filter(|i| clusters.owner(*i) != *i) {
        of.entry(i as u32).or_insert(clusters.owner(i) as u32);
    }
    let last = |mut at: u32| {
        while let Some(next) = of.get(&at) {
            at = *next;
        }
        at
    };
    of.keys().map(|document| Repetition { document: *document, of: last(*document) }).collect()
}

/// The mean of the held-out examples' weights. Each held-out example divides its part by its own scores alone, as an
/// answer does, and without the documents of its own contributor: nobody is paid for foretelling its own text.
fn training_weights(plan: &JobPlan, estimate: &Logra, terms: &Terms) -> Result<Weights> {
    let by_tokens = terms.by_tokens()?;
    let mut all = Vec::with_capacity(plan.eval.len());
    let documents = Windows::of(plan.eval_leaves());
    for (example, document) in plan.eval.iter().zip(documents.documents_of_examples()) {
        all.push(held_out_weights(plan, estimate, terms, example, &plan.eval_documents[document], &by_tokens)?);
    }
    Ok(Weights::mean(&all).unwrap_or(by_tokens))
}

fn held_out_weights(
    plan: &JobPlan,
    estimate: &Logra,
    terms: &Terms,
    example: &Example,
    document: &Document,
    by_tokens: &Weights,
) -> Result<Weights> {
    let scores = Attributor::score(estimate, &Query::answer(example.tokens.clone(), example.loss_from)?)?;
    let others: Vec<bool> = plan.all_documents().map(|d| d.owner != document.owner).collect();
    let of_examples = terms.windows.documents_of_examples();
    let values: Vec<f32> =
        scores.values.iter().zip(of_examples).map(|(score, of)| if others[of] { *score } else { 0.0 }).collect();
    let tokens: Vec<u64> =
        by_tokens.values().iter().zip(&others).map(|(weight, other)| if *other { *weight } else { 0 }).collect();
    // If all documents are its contributor's, there is nobody else to pay.
    let rest = Weights::in_proportion(&tokens).unwrap_or_else(|| by_tokens.clone());
    terms.weights(&scores.ids, &values, &rest).context("the weights of a held-out example")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_in_the_parent_repeats_in_the_child_and_every_repetition_names_an_owner() {
        let pair = |(document, of)| Repetition { document, of };
        let clusters = Clusters::given(6, [(1, 0), (4, 2), (5, 3)]).unwrap();
        let own = joined(&[], &clusters);
        assert_eq!(own, [(1, 0), (4, 2), (5, 3)].map(pair));
        // The parent found that 2 repeats 1 and that 3 repeats 0.
        let both = joined(&[(2, 1), (3, 0)].map(pair), &clusters);
        assert_eq!(both, [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)].map(pair));
        Clusters::given(6, both.iter().map(|r| (r.document as usize, r.of as usize))).unwrap();
    }
}
