//! Makes the audit of an epoch.

use super::draw::drawn;
use crate::{
    operator::{Board, Chain, LazyEngine},
    plans::{FinishedJob, FinishedJobs},
    walks::Together,
};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{Query, agreement::agreement};
use openledger_protocol::Hash32;
use openledger_sdk::{
    Store,
    artifact::{Audit, AuditedAnswer, CountedAnswer, Divided, SettlementReport, TrainingManifest},
};
use payout::state::Settlement;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, sync::Arc};

/// What auditing uses. Cheap to clone.
#[derive(Clone)]
pub struct Auditor {
    /// Knows this operator's wallet, and the block that draws.
    pub chain: Chain,
    /// Has the report and the answers, and takes the audit.
    pub store: Store,
    /// Computes.
    pub engine: LazyEngine,
    /// The jobs whose documents were paid.
    pub jobs: FinishedJobs,
    /// Walks.
    pub walks: Together,
    /// Shows the progress.
    pub status: Board,
    /// Signs the audit.
    pub identity: Arc<Keypair>,
}

impl Auditor {
    /// Audits a settlement with the answers that `block` draws, and publishes the result. Returns `None` if no answer was
    /// paid by its receipt.
    pub async fn audit(&self, settlement: &Settlement, block: Hash32) -> Result<Option<Audit>> {
        let report = self.store.get_blob(&settlement.report_hash).await.context("the settlement's report")?;
        let report = SettlementReport::read(&report).context("the settlement's report")?;
        let mut by_job = BTreeMap::<Pubkey, Vec<&CountedAnswer>>::new();
        for answer in drawn(&report, &block) {
            by_job.entry(answer.job).or_default().push(answer);
        }
        let mut answers = Vec::new();
        for (job, drawn) in by_job {
            let model = report.models.iter().find(|m| m.job == job).context("the report does not list a paid job")?;
            answers.extend(self.of_job(&job, &model.manifest, &drawn).await?);
        }
        if answers.is_empty() {
            return Ok(None);
        }
        let mut audit = Audit {
            version: Audit::VERSION,
            epoch: settlement.epoch,
            report: settlement.report_hash,
            block,
            operator: self.chain.wallet(),
            answers,
            signature: String::new(),
        };
        audit.sign(&self.identity)?;
        self.store.put_audit(&audit).await?;
        Ok(Some(audit))
    }

    async fn of_job(&self, job: &Pubkey, manifest: &Hash32, drawn: &[&CountedAnswer]) -> Result<Vec<AuditedAnswer>> {
        let bytes = self.store.get_blob(manifest).await.context("the training manifest")?;
        let adapter = serde_json::from_slice::<TrainingManifest>(&bytes).context("the training manifest")?.adapter_hash;
        let job = self.jobs.of(job, &adapter, manifest).await?;
        let mut queries = Vec::with_capacity(drawn.len());
        let mut walked = Vec::with_capacity(drawn.len());
        for counted in drawn {
            let Divided::Receipt { answer: paid, .. } = counted.divided else { continue };
            // Whoever stores something else in the place of its answer takes that one out of the audit, and no other.
            let answer = self.store.get_answer(&counted.request).await;
            let answer = answer.context("it cannot be read").and_then(|answer| Ok((answer.hash()?, answer)));
            let answer = match answer {
                Ok((hash, answer)) if hash == paid => answer,
                other => {
                    let why = other.err();
                    tracing::warn!(
                        request = hex::encode(counted.request),
                        ?why,
                        "the answer that was paid is no longer stored"
                    );
                    continue;
                }
            };
            // An empty answer has no loss. It was paid by the training weights.
            if !answer.output_tokens.is_empty() {
                let tokens = [&answer.prompt_tokens[..], &answer.output_tokens].concat();
                queries.push(Query::answer(tokens, answer.prompt_tokens.len())?);
                walked.push(*counted);
            }
        }
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        self.compare(job, queries, &walked).await
    }

    /// Compares the scores of the job's own examples. The walk is through the job's first run, which answered. The
    /// estimate is what paid: the mean over all runs. A walk ends where the job began, so it has none of the documents
    /// that the job inherited.
    async fn compare(
        &self,
        job: Arc<FinishedJob>,
        queries: Vec<Query>,
        drawn: &[&CountedAnswer],
    ) -> Result<Vec<AuditedAnswer>> {
        let status = self.status.clone();
        let say = move |done, total| status.update(|s| s.auditing = Some(format!("step {done} of {total}")));
        let exact = self.walks.scores(&job.address, &job.plan, &job.manifest.log, queries.clone(), say).await;
        self.status.update(|s| s.auditing = None);
        let (exact, estimated) = (exact?, job.clone());
        let estimates = self
            .engine
            .get()
            .await?
            .run(move |_| queries.iter().map(|q| estimated.divider.estimator().score(q)).collect::<Result<Vec<_>, _>>())
            .await?;
        ensure!(exact.len() == drawn.len() && estimates.len() == drawn.len(), "an answer was not walked");
        let audited = drawn.iter().zip(estimates.iter().zip(&exact)).map(|(counted, (estimate, exact))| {
            let found = agreement(&job.plan.own_scores(estimate), exact)?;
            Ok(AuditedAnswer {
                request: counted.request,
                model: counted.model,
                job: counted.job,
                agreement_ppm: (found.spearman * 1e6).floor() as i64,
                variation_ppm: (found.total_variation * 1e6).ceil() as u64,
            })
        });
        audited.collect()
    }
}
