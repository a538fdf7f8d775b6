//! The receipts' estimates beside the exact attribution that the money followed.

use crate::{
    network::Network,
    settle,
    summary::{EstimateSummary, EstimatedDocument},
};
use anyhow::Result;
use openledger_attribution::evaluate::correlation::spearman;
use openledger_protocol::{Hash32, allocate::largest_remainder};
use openledger_sdk::{
    receipt::{Answer, Influence},
    text::parse_hash,
};
use std::collections::HashMap;

/// Documents that the summary shows.
const SHOWN: usize = 8;

/// Sums of receipts.
#[derive(Default)]
pub struct Estimate {
    method: String,
    /// Fee times parts per million, by leaf.
    weights: HashMap<Hash32, u128>,
    titles: HashMap<Hash32, String>,
}

impl Estimate {
    /// Counts an answer's receipt in proportion to its fee.
    pub fn add(&mut self, answer: &Answer) {
        self.method.clone_from(&answer.receipt.method);
        for Influence { leaf, title, ppm, .. } in &answer.receipt.influences {
            *self.weights.entry(*leaf).or_default() += u128::from(answer.fee.0) * u128::from(*ppm);
            self.titles.entry(*leaf).or_insert_with(|| title.clone());
        }
    }

    /// Beside the settlement of `epoch`.
    pub async fn compare(&self, network: &Network, epoch: u64) -> Result<EstimateSummary> {
        let report = settle::report(network, epoch).await?;
        let leaves: Vec<Hash32> = report.documents.iter().map(|d| parse_hash(&d.leaf)).collect::<Result<_, _>>()?;
        let weights: Vec<u128> = leaves.iter().map(|l| self.weights.get(l).copied().unwrap_or(0)).collect();
        let shift = (128 - weights.iter().max().copied().unwrap_or(0).leading_zeros()).saturating_sub(u64::BITS);
        let weights: Vec<u64> = weights.iter().map(|w| (w >> shift) as u64).collect();
        let estimated = largest_remainder(1_000_000, &weights);
        let settled: Vec<u64> = report.documents.iter().map(|d| d.ppm).collect();
        let floats = |values: &[u64]| values.iter().map(|v| *v as f64).collect::<Vec<_>>();
        let mut order: Vec<usize> = (0..leaves.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(settled[*i]));
        let mut top = Vec::new();
        for i in order.into_iter().take(SHOWN) {
            let doc = match self.titles.get(&leaves[i]) {
                Some(title) => title.clone(),
                None => {
                    let found = network.api()?.contribution(&leaves[i]).await?;
                    found.and_then(|c| c.contribution.detail).map(|d| d.title).unwrap_or_default()
                }
            };
            top.push(EstimatedDocument { doc, estimated_ppm: estimated[i], settled_ppm: settled[i] });
        }
        Ok(EstimateSummary {
            estimated_by: self.method.clone(),
            settled_by: report.method,
            rank_correlation: spearman(&floats(&estimated), &floats(&settled)),
            top,
        })
    }
}
