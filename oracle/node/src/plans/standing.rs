//! What the rules of pay need to know of a job's documents besides their scores.

use super::{
    known::{MOST, Plans},
    plan::JobPlan,
};
use crate::{
    documents,
    operator::{Files, LazyEngine, Memo},
};
use anyhow::{Result, ensure};
use model::state::Job;
use openledger_attribution::{IndexReader, Scores, precondition::Fisher};
use openledger_pay::{self as pay, Clusters, PayInput};
use openledger_protocol::Hash32;
use openledger_sdk::Store;
use std::{path::PathBuf, sync::Arc};

/// A job's documents as the rules of pay see them.
///
/// The standing follows from the job. If gradients count, it also follows from the published index, which the attested
/// manifest names by its hash. So it is equal bit for bit at every member.
pub struct DocumentStanding {
    /// Which documents repeat others.
    pub clusters: Clusters,
    targets: Vec<u32>,
    self_influence: Option<Vec<f64>>,
}

/// The shares that a job's documents earn of what was paid for the job, in parts per million.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobShares {
    /// Every document's leaf with its share, in index order. The rest of a million belongs to nobody.
    pub by_leaf: Vec<(Hash32, u64)>,
}

impl DocumentStanding {
    /// The shares that follow from the documents' scores.
    pub fn shares(&self, scores: &Scores, plan: &JobPlan) -> Result<JobShares> {
        let input = PayInput {
            ids: &scores.ids,
            scores: &scores.values,
            targets: &self.targets,
            self_influence: self.self_influence.as_deref(),
            clusters: &self.clusters,
        };
        let shares = pay::shares(&input, &plan.pay)?;
        // The scores name their examples by leaf. From here on each share is bound to its leaf.
        Ok(JobShares { by_leaf: scores.ids.iter().copied().zip(shares.per_example).collect() })
    }
}

/// The standings of finished jobs' documents, each worked out at first use. Cheap to clone.
#[derive(Clone)]
pub struct Standings {
    store: Store,
    engine: LazyEngine,
    files: Files,
    plans: Plans,
    /// By the plan's key and the hash of the influence index.
    known: Memo<(Hash32, Hash32), DocumentStanding>,
}

impl Standings {
    /// Works standings out for the jobs that `plans` has plans of.
    pub fn new(store: Store, engine: LazyEngine, files: Files, plans: Plans) -> Self {
        Self { store, engine, files, plans, known: Memo::new(MOST) }
    }

    /// The standing of `job`'s documents. `index` is the hash of the job's influence index.
    pub async fn of(&self, job: &Job, index: Hash32) -> Result<Arc<DocumentStanding>> {
        let work = || async { self.work_out(self.plans.of(job).await?, index).await };
        self.known.get_or_try((JobPlan::key(job)?, index), work).await
    }

    async fn work_out(&self, plan: Arc<JobPlan>, index: Hash32) -> Result<DocumentStanding> {
        let guard = plan.pay.normalisation.needs_self_influence();
        let compare = plan.config.pay.near_gradient.is_some();
        let index: Option<PathBuf> = match guard || compare {
            true => Some(self.files.index(&self.store, &index).await?),
            false => None,
        };
        let work = move |engine: &openledger_serve::Engine| -> Result<DocumentStanding> {
            let texts: Vec<String> = plan.examples.iter().map(|e| documents::learned(engine.tokenizer(), e)).collect();
            let targets = plan.examples.iter().map(|e| e.targets() as u32).collect();
            let Some(path) = index else {
                let clusters = documents::clusters(&plan.documents, &texts, None, &plan.pay.clusters)?;
                return Ok(DocumentStanding { clusters, targets, self_influence: None });
            };
            let index = IndexReader::open(&path)?;
            let (rows, expected) = (index.count(), plan.documents.len());
            ensure!(rows == expected, "the influence index has {rows} rows for {expected} documents");
            let rows = |i: usize| index.gradient(i);
            let rows: Option<&pay::clusters::gradient::Rows> = if compare { Some(&rows) } else { None };
            let clusters = documents::clusters(&plan.documents, &texts, rows, &plan.pay.clusters)?;
            let self_influence = match guard {
                true => Some(Fisher::fit(&index, plan.config.index.damping)?.self_influence().to_vec()),
                false => None,
            };
            Ok(DocumentStanding { clusters, targets, self_influence })
        };
        self.engine.get().await?.run(work).await
    }
}
