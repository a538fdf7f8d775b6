//! A member's check of another's training result, before it signs.
//!
//! Everything cheap is worked out again: examples, shares and hashes. What is expensive is re-executed in part. The
//! verifiers together re-execute every segment of the training log (`dealing.rs` says who which, `duty.rs` what a
//! member may believe), and each some random rows of the index.

use super::{
    band,
    busy::Busy,
    case::Case,
    dealing::Deal,
    draw::draw,
    health, kernel, log,
    words::{Others, OwnWords},
};
use crate::{
    operator::{Board, Chain, Files, LazyEngine},
    plans::{JobPlan, MOST_INDEX, Paying, Plans},
    walks::Tools,
};
use anyhow::{Context, Result, ensure};
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
use openledger_sdk::{
    Store,
    artifact::{LogEntry, TrainingManifest},
};
use openledger_serve::states::states_of;
use solana_pubkey::Pubkey;
use std::{collections::BTreeSet, sync::Arc};

/// Most rows of the influence index that each member recomputes. Two draws may meet the same row.
const ROWS: usize = 2;
/// Most bytes of a training manifest.
const MOST_MANIFEST: u64 = 64 << 20;
/// Bytes of one training weight.
const WEIGHT_BYTES: u64 = 8;
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
    /// The jobs whose logs this member verifies now.
    pub busy: Busy,
}

impl Verification {
    /// Returns `Ok` if this operator agrees that `args` is the result of the job that `message` is about.
    pub async fn check(&self, message: &Message, args: &AttestResultArgs) -> Result<()> {
        let address = Pubkey::new_from_array(message.subject);
        let case = self.open(address, args.manifest_hash).await?;
        let Case { job, trainer, plan, manifest, .. } = &case;
        ensure!(
            message.committee_epoch == job.committee_epoch,
            "the job is pinned to committee {}, and committee {} is to sign",
            job.committee_epoch,
            message.committee_epoch
        );
        ensure!(message.sequence == job.sequence, "the job's next attestation is number {}", job.sequence);
        ensure!(manifest.adapter_hash == args.adapter_hash, "the manifest names another adapter than the result");
        ensure!(
            args.compute == plan.compute_shares(&address, *trainer, &case.wallets())?,
            "the pay for compute is not what the config says"
        );
        let last_slot = job.last_slot(&self.chain.model_config().await?);
        ensure!(args.expiry_slot == last_slot, "the attestation must expire with the job");
        if *trainer == self.chain.wallet() {
            // Whoever trained knows what it did.
            return self.check_outcome(&case).await;
        }
        let _marked = self.busy.mark(address, usize::MAX);
        case.ask_colleagues().await;
        case.verify_log().await?;
        self.check_outcome(&case).await?;
        // Somebody may have disputed a segment meanwhile.
        case.verify_log().await
    }

    /// Verifies the log of a job's published manifest in the background, so that others have this member's word. Fails
    /// if this member has nothing to verify there, or is busy with other jobs.
    pub async fn ask(&self, address: Pubkey, manifest: Hash32) -> Result<()> {
        if self.busy.has(&address) {
            return Ok(());
        }
        let case = self.open(address, manifest).await?;
        ensure!(case.trainer != self.chain.wallet(), "this operator trained the job");
        let Some(marked) = self.busy.mark(address, MOST_ASKED) else {
            ensure!(self.busy.has(&address), "this node verifies {MOST_ASKED} jobs already; ask again later");
            return Ok(());
        };
        tokio::spawn(async move {
            let _marked = marked;
            if let Err(e) = case.verify_log().await {
                tracing::warn!(%address, "the training log that another member asked about is not accepted: {e:#}");
            }
        });
        Ok(())
    }

    /// Does all checks of a job's manifest that need no computing.
    async fn open(&self, address: Pubkey, manifest_hash: Hash32) -> Result<Case> {
        let job: Job = self.chain.client.account(&address).await?;
        ensure!(job.status == JobStatus::Running, "job {address} is not running");
        ensure!(job.log_root != ZERO, "the log of job {address} is not posted yet");
        let trainer = job.operator.context("the job has no trainer")?;
        // The job names its committee. A member's own opinion of which one is active could differ from another's, and
        // then they would deal the segments out differently.
        let committee = self.chain.membership(&self.chain.committee_of(&job).await?).await?;
        let wallet = self.chain.wallet().to_bytes();
        ensure!(committee.members.iter().any(|m| m.wallet == wallet), "this operator is not in the job's committee");
        let writer = committee.members.iter().find(|m| m.wallet == trainer.to_bytes());
        let writer = writer.context("the job's trainer is not in the job's committee")?;
        let engine = self.engine.get().await?;
        ensure!(engine.base().hash() == job.base_hash, "this node has another base model than the job");

        let manifest =
            self.store.get_blob_within(&manifest_hash, MOST_MANIFEST).await.context("the training manifest")?;
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
        let runs = plan.runs() as u64;
        let root = log::root(&manifest.log, &manifest.index_hash, &manifest.weights, manifest.health.as_ref());
        ensure!(root == job.log_root, "the log, or what is made of it, is not the one whose root is on chain");
        log::check(&manifest.log, job.segments, runs, plan.steps(), plan.train.checkpoint_every)?;
        self.check_sizes(&plan, &manifest).await?;
        if manifest.kernel != kernel::class() {
            tracing::info!(%address, there = manifest.kernel, here = kernel::class(), "the job was computed by another class");
        }
        let blockhash = self.chain.blockhash_after(job.log_slot).await?;
        let wallets: Vec<Pubkey> = committee.members.iter().map(|m| Pubkey::new_from_array(m.wallet)).collect();
        let (runs, segments) = (plan.runs(), plan.segments() as usize);
        let deal = Deal::new(&job.log_root, &blockhash, &wallets, &trainer, runs, segments);
        Ok(Case {
            own: self.chain.wallet(),
            address,
            members: committee.members,
            job,
            trainer,
            plan,
            manifest,
            manifest_hash,
            blockhash,
            deal,
            store: self.store.clone(),
            engine: self.engine.clone(),
            words: self.words.clone(),
            others: self.others.clone(),
            status: self.status.clone(),
        })
    }

    /// Fails if something that the manifest names is missing, or longer than the plan makes it. The trainer has named it,
    /// and this node will read it whole.
    async fn check_sizes(&self, plan: &JobPlan, manifest: &TrainingManifest) -> Result<()> {
        log::check_stored(&manifest.log, &self.store, plan.most_state_bytes()).await?;
        let walk = manifest.health.as_ref().map_or(&[][..], |health| &health.walk);
        log::check_stored(walk, &self.store, plan.most_walk_bytes()).await.context("the walk")?;
        log::check_size(&manifest.index_hash, &self.store, MOST_INDEX).await.context("the influence index")?;
        let most = WEIGHT_BYTES * plan.all_documents().count() as u64;
        log::check_size(&manifest.weights, &self.store, most).await.context("the training weights")
    }

    /// Checks what was made from the log's states: the adapter, the influence index and the estimates.
    async fn check_outcome(&self, case: &Case) -> Result<()> {
        let Case { job, plan, manifest, blockhash, .. } = case;
        let seed = sha256(&[&job.log_root, blockhash, self.chain.wallet().as_ref()]);
        // The first run's adapter is served.
        let last = LogEntry::runs(&manifest.log).next().and_then(<[_]>::last).context("the log is empty")?;
        let last = TrainState::from_bytes(&self.store.get_blob(&last.state).await?)?;
        let indexed = states_of(&self.store, &manifest.log, &plan.index.projection).await?;
        // Others need the index too: that this member has it already is not enough.
        log::check_size(&manifest.index_hash, &self.store, MOST_INDEX).await.context("the influence index")?;
        let index_path = self.files.index(&self.store, &manifest.index_hash).await?;
        let above = match &plan.parent {
            Some(parent) => Some(self.files.index(&self.store, &parent.manifest.index_hash).await?),
            None => None,
        };
        // The parent's rows come first. All of them are compared, and some of the job's own are recomputed.
        let inherited = plan.inherited_rows();
        let rows: BTreeSet<usize> =
            (0..ROWS as u8).map(|i| inherited + draw(&[b"row", &[i], &seed], plan.examples.len())).collect();
        let rows: Vec<usize> = rows.into_iter().collect();
        let weights = self.store.get_blob(&manifest.weights).await.context("the training weights")?;
        let weights = Weights::from_bytes(&weights, plan.all_documents().count());
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
                ensure!(adapter.hash()? == adapter_hash, "the adapter is not the last logged state of the first run");
                let (base, settings) = (engine.base().clone(), plan.index.clone());
                let estimator = Estimator::of_runs(base, &plan.train, plan.examples.len(), &indexed, settings)?;
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
                ensure!(own.targets == targets, "the manifest counts other tokens of the examples");
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
        health::check(&self.tools, &case.address, plan, &manifest.log, estimate, published, link).await
    }
}
