//! A member's check of another's training result, before it signs.
//!
//! Everything cheap is worked out again: examples, shares and hashes. What is expensive is re-executed in part. The
//! verifiers together re-execute every segment of the training log (`dealing.rs` says who which, `duty.rs` what a
//! member may believe), and each some random rows of the index.

use super::{
    band,
    dealing::Deal,
    draw::draw,
    health, kernel, log,
    rounds::{self, Bench},
    segment::Run,
    silence::Patience,
    word::{Finding, Said, Word},
    words::{Others, OwnWords},
};
use crate::{
    operator::{Board, Chain, Files, LazyEngine},
    plans::{JobPlan, Paying, Plans, check_segments},
    walks::Tools,
};
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use futures::future::join_all;
use model::{
    instructions::AttestResultArgs,
    state::{Job, JobStatus},
};
use openledger_attribution::{Attributor, Estimator, IndexReader, Scores, verify as index};
use openledger_lm::{Adapter, AdapterLayout, TrainState};
use openledger_protocol::{
    Hash32,
    attest::Message,
    hash::{ZERO, sha256},
    weights::Weights,
};
use openledger_quorum::Member;
use openledger_sdk::{Store, artifact::TrainingManifest};
use openledger_serve::states::states_of;
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex},
};

/// Most rows of the influence index that each member recomputes. Two draws may meet the same row.
const ROWS: usize = 2;
/// Most jobs that this node verifies at once because others asked it to.
const MOST_ASKED: usize = 4;

/// What verifying uses. Cheap to clone.
#[derive(Clone)]
pub struct Verification {
    /// Reads the job, the root of its log, and the block that the segments are dealt by.
    pub chain: Chain,
    /// Has everything that the trainer published.
    pub store: Store,
    /// Runs the computations again.
    pub engine: LazyEngine,
    /// The plans of jobs.
    pub plans: Plans,
    /// Has the data folder, where the influence index is kept.
    pub files: Files,
    /// Re-executes parts of the walk that measured the training's health.
    pub tools: Tools,
    /// What this member has said of logs.
    pub words: OwnWords,
    /// What other members say of them.
    pub others: Others,
    /// Shows disputes that did not hold.
    pub status: Board,
    /// The jobs that are verified because others asked for it.
    pub asked: Arc<Mutex<HashSet<Pubkey>>>,
}

impl Verification {
    /// Returns `Ok` if this operator agrees that `args` is the result of the job that `message` is about.
    pub async fn check(&self, message: &Message, args: &AttestResultArgs) -> Result<()> {
        let address = Pubkey::new_from_array(message.subject);
        let case = self.open(address, args.manifest_hash).await?;
        let Case { job, trainer, plan, manifest, .. } = &case;
        ensure!(message.sequence == job.sequence, "the job's next attestation is number {}", job.sequence);
        ensure!(manifest.adapter_hash == args.adapter_hash, "the manifest names another adapter than the result");
        ensure!(
            args.compute == plan.compute_shares(&address, *trainer, &case.wallets())?,
            "the pay for compute is not what the config says"
        );
        let last_slot = job.last_slot(&self.chain.model_config().await?);
        ensure!(args.expiry_slot == last_slot, "the attestation must expire with the job");
        // Whoever trained knows what it did.
        if *trainer != self.chain.wallet() {
            case.verify_log().await?;
        }
        self.check_outcome(case).await
    }

    /// Verifies the log of a job's published manifest in the background, so that others have this member's word. Fails
    /// if this member has nothing to verify there.
    pub async fn ask(&self, address: Pubkey, manifest: Hash32) -> Result<()> {
        let case = self.open(address, manifest).await?;
        ensure!(case.trainer != self.chain.wallet(), "this operator trained the job");
        {
            let mut asked = self.asked.lock().expect("no panic holds this lock");
            ensure!(
                asked.len() < MOST_ASKED || asked.contains(&address),
                "this node verifies {MOST_ASKED} jobs already"
            );
            if !asked.insert(address) {
                return Ok(());
            }
        }
        let own = self.clone();
        tokio::spawn(async move {
            if let Err(e) = case.verify_log().await {
                tracing::warn!(%address, "a training log that another member asked about does not hold: {e:#}");
            }
            own.asked.lock().expect("no panic holds this lock").remove(&address);
        });
        Ok(())
    }

    /// Does all checks of a job's manifest that need no computing.
    async fn open(&self, address: Pubkey, manifest_hash: Hash32) -> Result<Case> {
        let job: Job = self.chain.client.account(&address).await?;
        ensure!(job.status == JobStatus::Running, "job {address} is not running");
        ensure!(job.log_root != ZERO, "the log of job {address} is not posted yet");
        let trainer = job.operator.context("the job has no trainer")?;
        // A job's account does not name the committee that it was assigned in, so it is the active one that counts.
        let committee = self.chain.membership(&self.chain.active_committee().await?).await?;
        let wallet = self.chain.wallet().to_bytes();
        ensure!(committee.members.iter().any(|m| m.wallet == wallet), "this operator is not in the active committee");
        let writer = committee.members.iter().find(|m| m.wallet == trainer.to_bytes());
        let writer = writer.context("the job's trainer is not in the active committee")?;
        let engine = self.engine.get().await?;
        ensure!(engine.base().hash() == job.base_hash, "this node has another base model than the job");

        let manifest = self.store.get_blob(&manifest_hash).await.context("the training manifest")?;
        let manifest: TrainingManifest =
            serde_json::from_slice(&manifest).context("the training manifest is not valid")?;
        manifest.verify(&Pubkey::new_from_array(writer.identity))?;
        ensure!(
            manifest.job == address
                && manifest.operator == trainer
                && manifest.model == job.model
                && manifest.base_hash == job.base_hash
                && manifest.config_hash == job.config_hash
                && manifest.seed == job.seed,
            "the manifest is not of this job"
        );
        let plan = self.plans.of(&job).await?;
        ensure!(manifest.tokens == plan.tokens(), "the manifest counts other tokens than the plan");
        ensure!(plan.is_of(&manifest), "the manifest names other training documents, or another seed of the index");
        ensure!(manifest.eval == plan.eval_leaves(), "the manifest names other held-out documents");
        check_segments(plan.steps(), plan.train.checkpoint_every)?;
        log::check(&manifest.log, &job.log_root, plan.steps(), plan.train.checkpoint_every)?;
        log::check_stored(&manifest.log, &self.store).await?;
        if manifest.kernel != kernel::class() {
            tracing::info!(%address, there = manifest.kernel, here = kernel::class(), "the job was computed by another class");
        }
        let blockhash = self.chain.blockhash_after(job.log_slot).await?;
        let wallets: Vec<Pubkey> = committee.members.iter().map(|m| Pubkey::new_from_array(m.wallet)).collect();
        let deal = Deal::new(&job.log_root, &blockhash, &wallets, &trainer, manifest.log.len() - 1);
        Ok(Case {
            office: self.clone(),
            address,
            members: committee.members,
            job,
            trainer,
            plan,
            manifest,
            manifest_hash,
            blockhash,
            deal,
        })
    }

    /// Checks what was made from the log's states: the adapter, the influence index and the estimates.
    async fn check_outcome(&self, case: Case) -> Result<()> {
        let Case { job, plan, manifest, blockhash, .. } = &case;
        let seed = sha256(&[&job.log_root, blockhash, self.chain.wallet().as_ref()]);
        let last = manifest.log.last().context("the log is empty")?;
        let last = TrainState::from_bytes(&self.store.get_blob(&last.state).await?)?;
        let logged: Vec<(u64, Hash32)> = manifest.log.iter().map(|e| (e.step, e.state)).collect();
        let indexed = states_of(&self.store, &logged, plan.index.projection.states).await?;
        // Others need it too: that this member has it already is not enough.
        ensure!(self.store.has_blob(&manifest.index_hash).await?, "the influence index is not in the artifact store");
        let index_path = self.files.index(&self.store, &manifest.index_hash).await?;
        let above = match &plan.parent {
            Some(parent) => Some(self.files.index(&self.store, &parent.manifest.index_hash).await?),
            None => None,
        };
        // The parent's rows come first. All of them are compared, and some of the job's own are recomputed.
        let inherited = plan.inherited().len();
        let rows: BTreeSet<usize> =
            (0..ROWS as u8).map(|i| inherited + draw(&[b"row", &[i], &seed], plan.examples.len())).collect();
        let rows: Vec<usize> = rows.into_iter().collect();
        let weights = self.store.get_blob(&manifest.weights).await.context("the training weights")?;
        let weights = Weights::from_bytes(&weights, inherited + plan.examples.len());
        let published = weights.context("the training weights are not one for each document that sum to the whole")?;
        let (adapter_hash, index_settings) = (manifest.adapter_hash, manifest.index_settings);
        let (targets, repeated) = (manifest.targets.clone(), manifest.repeated.clone());
        let checked = plan.clone();
        let estimate = self
            .engine
            .get()
            .await?
            .run(move |engine| -> Result<Option<Scores>> {
                let plan = checked;
                let layout = Arc::new(AdapterLayout::new(engine.base().config(), &plan.train.lora)?);
                let device = engine.base().device();
                let adapter = Adapter::from_flat(layout, &last.params, engine.base().hash(), device)?;
                ensure!(adapter.hash()? == adapter_hash, "the adapter is not the log's last state");
                let (base, settings) = (engine.base().clone(), plan.index.clone());
                let estimator = Estimator::new(base, &plan.train, plan.examples.len(), &indexed, settings)?;
                let rows_of = IndexReader::open(&index_path)?;
                if let Some(above) = above {
                    let above = IndexReader::open(&above).context("the parent's influence index")?;
                    index::verify_parent(&rows_of, &above)?;
                }
                let checks = estimator.verify_rows(&rows_of, &plan.examples, &rows)?;
                ensure!(
                    index::accepted(&checks, index::DEFAULT_TOLERANCE),
                    "the influence index differs in rows {rows:?}: {checks:?}"
                );
                let logra = estimator.open(&index_path)?;
                ensure!(logra.settings_hash() == index_settings, "the index has other settings than the manifest says");
                let own = Paying::of(&plan, &logra, engine.tokenizer())?;
                ensure!(own.targets == targets, "the manifest counts other tokens of the documents");
                ensure!(own.repeated == repeated, "the manifest names other documents that repeat others");
                ensure!(
                    band::weights_hold(&own.training, &published),
                    "the training weights differ from those that follow from the index"
                );
                Ok(health::query(&plan)?.map(|query| Attributor::score(&logra, &query)).transpose()?)
            })
            .await?;
        let link = draw(&[b"walk", &seed], usize::MAX);
        let (published, estimate) = (manifest.health.as_ref(), estimate.as_ref());
        health::check(&self.tools, &case.address, &plan, &manifest.log, estimate, published, link).await
    }
}

/// A job's published result, with all that is needed to verify it.
struct Case {
    office: Verification,
    address: Pubkey,
    job: Job,
    trainer: Pubkey,
    members: Vec<Member>,
    plan: Arc<JobPlan>,
    manifest: TrainingManifest,
    manifest_hash: Hash32,
    blockhash: Hash32,
    deal: Deal,
}

impl Case {
    fn wallets(&self) -> Vec<Pubkey> {
        self.members.iter().map(|m| Pubkey::new_from_array(m.wallet)).collect()
    }

    /// The other verifiers.
    fn colleagues(&self) -> impl Iterator<Item = &Member> {
        let own = self.office.chain.wallet();
        self.members.iter().filter(move |m| m.wallet != own.to_bytes() && m.wallet != self.trainer.to_bytes())
    }

    /// Re-executes this member's part of the log, and whatever the others leave, until every segment holds.
    async fn verify_log(&self) -> Result<()> {
        let address = self.address;
        let asked = |member: &Member| {
            let member = member.clone();
            async move {
                if let Err(e) = self.office.others.ask(&member, &address, &self.manifest_hash).await {
                    tracing::debug!(%address, member = member.name(), "was not asked to verify: {e:#}");
                }
            }
        };
        join_all(self.colleagues().map(asked)).await;
        let own = self.office.chain.wallet();
        for (author, segment) in rounds::verify(&self.deal, &own, self, Patience::default()).await? {
            tracing::warn!(%address, %author, segment, "a disputed segment holds here");
            let line = format!("{author} disputes segment {segment} of job {address}, which holds here");
            self.office.status.update(|s| _ = s.false_disputes.insert(line));
        }
        Ok(())
    }

    fn said(&self, word: &Word) -> Result<Said> {
        word.said(&log::hashes(&self.manifest.log))
    }

    async fn replay(&self, segment: usize) -> Result<Finding> {
        let office = &self.office;
        let log = self.manifest.log.clone();
        let start = office.store.get_blob(&log[segment].state).await?;
        let end = office.store.get_blob(&log[segment + 1].state).await?;
        tracing::info!(job = %self.address, segment, "re-executing a segment of the training log");
        let (config, examples) = (self.plan.train.clone(), self.plan.examples.clone());
        let engine = office.engine.get().await?;
        let parents = self.plan.start(&office.store, engine.base()).await?;
        let replay = engine.run(move |engine| {
            let run = Run { base: engine.base().clone(), config, examples, start: parents };
            run.replay(&log, segment, &start, &end)
        });
        let finding = replay.await?;
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
        self.said(&self.office.words.of(&self.address, &self.job.log_root))
    }

    async fn others(&self) -> BTreeMap<Pubkey, Option<Said>> {
        let heard = self.colleagues().map(|member| async move {
            let word = self.office.others.word(member, &self.address, &self.job.log_root).await;
            let said = word.and_then(|word| self.said(&word));
            if let Err(e) = &said {
                tracing::debug!(member = member.name(), "says nothing: {e:#}");
            }
            (Pubkey::new_from_array(member.wallet), said.ok())
        });
        join_all(heard).await.into_iter().collect()
    }

    async fn execute(&self, segment: usize) -> Result<()> {
        self.office.words.add(&self.address, &self.job.log_root, segment, self.replay(segment)).await
    }
}
