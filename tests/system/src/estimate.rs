//! Compares the estimates made at once (with the answers, and when the training ended) with the exact attribution that
//! decided the payments.

use crate::{
    network::Network,
    settle,
    summary::{EstimateSummary, EstimatedDocument},
};
use anyhow::{Context, Result, ensure};
use openledger_laboratory::evaluate::correlation::spearman;
use openledger_lm::f32_values;
use openledger_protocol::{Hash32, hash::ZERO};
use openledger_sdk::{
    artifact::{ModelReport, SettlementReport, TrainingManifest},
    text::parse_hash,
};
use std::collections::HashMap;

/// Number of documents in the summary.
const SHOWN: usize = 8;

/// Estimates and settlement of `epoch`, document by document.
pub async fn compare(network: &Network, epoch: u64) -> Result<EstimateSummary> {
    let report = settle::report(network, epoch).await?;
    let (mut sums, mut method) = (HashMap::<Hash32, f64>::new(), String::new());
    for model in &report.models {
        method = add(network, &report, model, &mut sums).await?;
    }
    let leaves: Vec<Hash32> = report.documents.iter().map(|d| d.leaf).collect();
    // Negative influence counts as zero, as it does in the payments.
    let weights: Vec<f64> = leaves.iter().map(|l| sums.get(l).copied().unwrap_or(0.0).max(0.0)).collect();
    let total: f64 = weights.iter().sum();
    let settled: Vec<f64> = report.documents.iter().map(|d| d.ppm as f64).collect();
    let mut order: Vec<usize> = (0..leaves.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(report.documents[*i].ppm));
    let mut top = Vec::new();
    for i in order.into_iter().take(SHOWN) {
        let found = network.api()?.contribution(&leaves[i]).await?;
        let doc = found.and_then(|c| c.contribution.detail).map(|d| d.title).unwrap_or_default();
        let estimated_ppm = if total > 0.0 { (weights[i] / total * 1e6).round() as u64 } else { 0 };
        top.push(EstimatedDocument { doc, estimated_ppm, settled_ppm: report.documents[i].ppm });
    }
    Ok(EstimateSummary {
        estimated_by: method,
        settled_by: report.method.to_string(),
        rank_correlation: spearman(&weights, &settled),
        top,
    })
}

/// Adds the estimates for a model's answers, each weighted by the base units that it earned. Returns the method.
async fn add(
    network: &Network,
    report: &SettlementReport,
    model: &ModelReport,
    sums: &mut HashMap<Hash32, f64>,
) -> Result<String> {
    let job = network.api()?.job(&model.job).await?.context("the report's job is not indexed")?;
    let manifest = parse_hash(&job.manifest_hash.context("the report's job has no result")?)?;
    let manifest: TrainingManifest = serde_json::from_slice(&network.store.get_blob(&manifest).await?)?;
    let mut method = String::new();
    let mut estimates = Vec::new();
    for counted in report.answers.iter().filter(|a| a.answered && a.job == model.job) {
        let answer = network.store.get_answer(&counted.request).await?;
        if answer.receipt.scores != ZERO {
            estimates.push((counted.contributors.0, answer.receipt.scores));
        }
        method = answer.receipt.method;
    }
    if let Some(scores) = manifest.eval_scores {
        estimates.push((model.unanswered.0 + model.data_share.0, scores));
    }
    let examples = &manifest.examples;
    for (weight, scores) in estimates {
        let scores = f32_values(&network.store.get_blob(&scores).await?);
        ensure!(scores.len() == examples.len(), "{} scores for {} training examples", scores.len(), examples.len());
        for (leaf, score) in examples.iter().zip(scores) {
            *sums.entry(*leaf).or_default() += weight as f64 * f64::from(score);
        }
    }
    Ok(method)
}
