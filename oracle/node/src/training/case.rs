//! A job's published log before a verifier: who looks at what, what was found, and what the others say.

use super::{
    dealing::Deal,
    log,
    rounds::{self, Bench},
    segment::{Replayed, Run},
    silence::Patience,
    word::{Finding, Said, Word},
    words::{Others, OwnWords},
};
use crate::{
    operator::{Board, LazyEngine},
    plans::JobPlan,
};
use anyhow::Result;
use async_trait::async_trait;
use futures::future::join_all;
use model::state::Job;
use openledger_protocol::Hash32;
use openledger_quorum::Member;
use openledger_sdk::{Store, artifact::TrainingManifest};
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, sync::Arc};

/// A job's published result, with all that is needed to verify it.
pub struct Case {
    /// This member's wallet.
    pub own: Pubkey,
    /// The job's account.
    pub address: Pubkey,
    /// The job.
    pub job: Job,
    /// Wallet of the operator that trained.
    pub trainer: Pubkey,
    /// The committee's members.
    pub members: Vec<Member>,
    /// What the job computes.
    pub plan: Arc<JobPlan>,
    /// What the trainer published. Its log is the one whose root is on chain.
    pub manifest: TrainingManifest,
    /// Hash of the manifest's blob.
    pub manifest_hash: Hash32,
    /// Hash of the first block after the log's root was posted.
    pub blockhash: Hash32,
    /// Who re-executes which segment.
    pub deal: Deal,
    /// Has the log's states.
    pub store: Store,
    /// Re-executes them.
    pub engine: LazyEngine,
    /// What this member has said of the log.
    pub words: OwnWords,
    /// What the others say of it.
    pub others: Others,
    /// Shows disputes that did not hold, and how far segments were from what was logged.
    pub status: Board,
}

impl Case {
    /// The wallets of the committee's members.
    pub fn wallets(&self) -> Vec<Pubkey> {
        self.members.iter().map(|m| Pubkey::new_from_array(m.wallet)).collect()
    }

    /// The other verifiers.
    fn colleagues(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|m| m.wallet != self.own.to_bytes() && m.wallet != self.trainer.to_bytes())
    }

    /// Asks the other verifiers to look too. The trainer may have asked only those that it likes.
    pub async fn ask_colleagues(&self) {
        let ask = |member| async move {
            if let Err(e) = self.others.ask(member, &self.address, &self.manifest_hash).await {
                tracing::debug!(job = %self.address, member = member.name(), "was not asked to verify: {e:#}");
            }
        };
        join_all(self.colleagues().map(ask)).await;
    }

    /// Re-executes this member's part of the log, and whatever the others leave, until every segment holds. Fails as
    /// soon as one does not, or cannot be re-executed.
    pub async fn verify_log(&self) -> Result<()> {
        let job = self.address;
        for (author, segment) in rounds::verify(&self.deal, &self.own, self, Patience::default()).await? {
            tracing::warn!(%job, %author, segment, "a disputed segment holds here");
            let line = format!("{author} disputes segment {segment} of job {job}, which holds here");
            self.status.false_dispute(line);
        }
        Ok(())
    }

    /// What a word says of the log.
    fn said(&self, word: &Word) -> Result<Said> {
        word.said(&log::ends(&self.manifest.log))
    }

    async fn replay(&self, segment: usize) -> Result<Finding> {
        let log = self.manifest.log.clone();
        let log::Segment { run, from, to } = log::segments(&log)[segment];
        let start = self.store.get_blob(&from.state).await?;
        let end = self.store.get_blob(&to.state).await?;
        tracing::info!(job = %self.address, segment, "re-executing a segment of the training log");
        let (config, examples) = (self.plan.run(run), self.plan.examples.clone());
        let engine = self.engine.get().await?;
        let parents = self.plan.start(&self.store, engine.base(), run).await?;
        let replay = engine.run(move |engine| {
            let run = Run { base: engine.base().clone(), config, examples, start: parents };
            run.replay(segment, log::segments(&log)[segment], &start, &end)
        });
        let Replayed { finding, distance_ppb } = replay.await?;
        let equal = finding.reached == finding.expected;
        self.status.compared(|s| &mut s.segments, equal, distance_ppb.filter(|_| finding.within_band));
        if !finding.within_band {
            let (expected, reached) = (hex::encode(finding.expected), hex::encode(finding.reached));
            tracing::warn!(job = %self.address, segment, expected, reached, "a segment does not hold: disputed");
        }
        Ok(finding)
    }
}

#[async_trait]
impl Bench for Case {
    async fn own(&self) -> Result<Said> {
        self.said(&self.words.of(&self.address, &self.job.log_root))
    }

    async fn others(&self) -> BTreeMap<Pubkey, Option<Said>> {
        let heard = self.colleagues().map(|member| async move {
            let word = self.others.word(member, &self.address, &self.job.log_root).await;
            let said = word.and_then(|word| self.said(&word));
            if let Err(e) = &said {
                tracing::debug!(member = member.name(), "says nothing: {e:#}");
            }
            (Pubkey::new_from_array(member.wallet), said.ok())
        });
        join_all(heard).await.into_iter().collect()
    }

    async fn execute(&self, segment: usize) -> Result<()> {
        self.words.add(&self.address, &self.job.log_root, segment, self.replay(segment)).await
    }
}
