//! What a finished training says of pay: which documents count, and how the training's own fee is divided.
//!
//! The trainer publishes it in the manifest, and every verifier works it out again.

use super::plan::JobPlan;
use crate::documents::{self, Document};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{Attributor, Logra, Query};
use openledger_lm::{Example, Tokenizer};
use openledger_pay::clusters::gradient::Rows;
use openledger_protocol::weights::Weights;
use openledger_sdk::artifact::RepeatedExample;
use openledger_serve::Terms;

/// What a manifest says of pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paying {
    /// Tokens that are learned of each example, in index order.
    pub targets: Vec<u32>,
    /// Examples whose gradients repeat an earlier example's.
    pub repeated: Vec<RepeatedExample>,
    /// What each example earns of the training's fee.
    pub training: Weights,
}

impl Paying {
    /// Works it out from the finished index, which `estimate` asks. It takes as many passes as one answer for each
    /// held-out example.
    pub fn of(plan: &JobPlan, estimate: &Logra, tokenizer: &Tokenizer) -> Result<Self> {
        let targets: Vec<u32> = plan.examples.iter().map(|e| e.targets() as u32).collect();
        let repeated = repeated(plan, estimate, tokenizer)?;
        let terms = Terms::new(&plan.config, targets.clone(), &repeated, estimate.index())?;
        let training = training_weights(plan, estimate, &terms)?;
        Ok(Self { targets, repeated, training })
    }
}

/// The examples whose gradients repeat an earlier example's. None, if the job compares texts only.
fn repeated(plan: &JobPlan, estimate: &Logra, tokenizer: &Tokenizer) -> Result<Vec<RepeatedExample>> {
    if plan.config.pay.near_gradient.is_none() {
        return Ok(Vec::new());
    }
    let index = estimate.index();
    let (rows, expected) = (index.count(), plan.documents.len());
    ensure!(rows == expected, "the influence index has {rows} rows for {expected} documents");
    let texts: Vec<String> = plan.examples.iter().map(|e| documents::learned(tokenizer, e)).collect();
    let rows = |i: usize| index.gradient(i);
    let rows: &Rows = &rows;
    let clusters = documents::clusters(&plan.documents, &texts, Some(rows), &plan.pay.clusters)?;
    let repeats = (0..clusters.len()).filter(|i| clusters.owner(*i) != *i);
    Ok(repeats.map(|i| RepeatedExample { example: i as u32, of: clusters.owner(i) as u32 }).collect())
}

/// The mean of the held-out examples' weights. Each held-out example divides its part by its own scores alone, as an
/// answer does, and without the documents of its own contributor: nobody is paid for foretelling its own text.
fn training_weights(plan: &JobPlan, estimate: &Logra, terms: &Terms) -> Result<Weights> {
    let by_tokens = terms.by_tokens()?;
    let mut all = Vec::with_capacity(plan.eval.len());
    for (example, document) in plan.eval.iter().zip(&plan.eval_documents) {
        all.push(held_out_weights(plan, estimate, terms, example, document, &by_tokens)?);
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
    let others: Vec<bool> = plan.documents.iter().map(|d| d.owner != document.owner).collect();
    let values: Vec<f32> =
        scores.values.iter().zip(&others).map(|(score, other)| if *other { *score } else { 0.0 }).collect();
    let tokens: Vec<u64> =
        by_tokens.values().iter().zip(&others).map(|(weight, other)| if *other { *weight } else { 0 }).collect();
    // If all documents are its contributor's, there is nobody else to pay.
    let rest = Weights::in_proportion(&tokens).unwrap_or_else(|| by_tokens.clone());
    terms.weights(&scores.ids, &values, &rest).context("the weights of a held-out example")
}
