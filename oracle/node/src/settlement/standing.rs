//! What the rules of pay need to know of a model's documents besides their scores.

use crate::{node::Node, repeats, training::JobPlan};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{IndexReader, Scores, precondition::Fisher};
use openledger_pay::{self as pay, Clusters, PayInput, Shares};
use openledger_protocol::Hash32;
use std::sync::Arc;

/// A model's documents, as the rules see them. It follows from the job and, where gradients count, from the published
/// index, which the attested manifest names by its hash: every member works out the same, bit for bit.
pub struct Standing {
    /// Which documents repeat others.
    pub clusters: Clusters,
    targets: Vec<u32>,
    self_influence: Option<Vec<f64>>,
}

impl Standing {
    /// Works it out; fetches the index if the job's rules ask for gradients.
    pub async fn load(node: &Node, plan: Arc<JobPlan>, index: Hash32) -> Result<Self> {
        let (guard, compare) = (plan.pay.normalisation.needs_self_influence(), plan.config.pay.near_gradient.is_some());
        let engine = node.engine().await?;
        let path = node.config.data.join("indexes").join(hex::encode(index));
        if guard || compare {
            let bytes = node.store.get_blob(&index).await.context("the influence index")?;
            openledger_serve::files::write_if_absent(&path, &bytes)?;
        }
        let work = move |engine: &openledger_serve::Engine| -> Result<Self> {
            let texts: Vec<String> =
                plan.examples.iter().map(|e| crate::dataset::learned(engine.tokenizer(), e)).collect();
            let targets = plan.examples.iter().map(|e| e.targets() as u32).collect();
            if !guard && !compare {
                let clusters = repeats::clusters(&plan.documents, &texts, None, &plan.pay.clusters)?;
                return Ok(Self { clusters, targets, self_influence: None });
            }
            let index = IndexReader::open(&path)?;
            ensure!(
                index.count() == plan.documents.len(),
                "the influence index has {} rows for {} documents",
                index.count(),
                plan.documents.len()
            );
            let rows = |i: usize| index.gradient(i);
            let rows: Option<&pay::clusters::gradient::Rows> = if compare { Some(&rows) } else { None };
            let clusters = repeats::clusters(&plan.documents, &texts, rows, &plan.pay.clusters)?;
            let self_influence = match guard {
                true => Some(Fisher::fit(&index, plan.config.index.damping)?.self_influence().to_vec()),
                false => None,
            };
            Ok(Self { clusters, targets, self_influence })
        };
        engine.run(work).await
    }

    /// What each document earns by its score.
    pub fn shares(&self, scores: &Scores, plan: &JobPlan) -> Result<Shares> {
        let input = PayInput {
            ids: &scores.ids,
            scores: &scores.values,
            targets: &self.targets,
            self_influence: self.self_influence.as_deref(),
            clusters: &self.clusters,
        };
        Ok(pay::shares(&input, &plan.pay)?)
    }
}
