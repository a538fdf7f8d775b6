//! A member's check of another's training result, before it signs.
//!
//! Everything cheap is worked out again: examples, shares and hashes. What is expensive is sampled: one random segment
//! of the training and some random rows of the index are re-executed.
//!
//! The draw depends on a block that did not exist when the log was posted, and on the member's own wallet. Each member
//! catches a trainer that cheated in one of n segments with probability 1/n. The trainer cannot know which member draws
//! that segment.

use super::{draw::draw, estimate::validation_scores, states::states_of};
use crate::{
    operator::{Chain, Files, LazyEngine},
    plans::{KERNEL, Plans},
};
use anyhow::{Context, Result, ensure};
use model::{
    instructions::AttestResultArgs,
    state::{Job, JobStatus},
};
use openledger_attribution::{Attributor, IndexReader, Logra, gradient::GradientSource, verify as index};
use openledger_lm::{Adapter, AdapterLayout, TrainState, train::replay_segment};
use openledger_protocol::{Hash32, attest::Message, hash::sha256, mmr};
use openledger_sdk::{Store, artifact::TrainingManifest};
use solana_pubkey::Pubkey;
use std::{collections::BTreeSet, sync::Arc};

/// Most rows of the influence index that each member recomputes. Two draws may meet the same row.
const ROWS: usize = 2;

/// What verifying uses. Cheap to clone.
#[derive(Clone)]
pub struct Verification {
    /// Reads the job, the root of its log, and the block that seeds the draw.
    pub chain: Chain,
    /// Has everything that the trainer published.
    pub store: Store,
    /// Runs the computations again.
    pub engine: LazyEngine,
    /// The plans of jobs.
    pub plans: Plans,
    /// Has the data folder, where the influence index is kept.
    pub files: Files,
}

impl Verification {
    /// Returns `Ok` if this operator agrees that `args` is the result of the job that `message` is about.
    pub async fn check(&self, message: &Message, args: &AttestResultArgs) -> Result<()> {
        let address = Pubkey::new_from_array(message.subject);
        let job: Job = self.chain.client.account(&address).await?;
        ensure!(job.status == JobStatus::Running, "job {address} is not running");
        ensure!(message.sequence == job.sequence, "the job's next attestation is number {}", job.sequence);
        let trainer = job.operator.context("the job has no trainer")?;
        let engine = self.engine.get().await?;
        ensure!(engine.base().hash() == job.base_hash, "this node has another base model than the job");

        let manifest = self.store.get_blob(&args.manifest_hash).await.context("the training manifest")?;
        let manifest: TrainingManifest =
            serde_json::from_slice(&manifest).context("the training manifest is not valid")?;
        let plan = self.plans.of(&job).await?;
        ensure!(manifest.kernel == KERNEL, "trained with {:?}, this node computes with {KERNEL:?}", manifest.kernel);
        ensure!(
            manifest.job == address
                && manifest.model == job.model
                && manifest.base_hash == job.base_hash
                && manifest.config_hash == job.config_hash
                && manifest.seed == job.seed
                && manifest.tokens == plan.tokens()
                && manifest.adapter_hash == args.adapter_hash,
            "the manifest is not of this job and result"
        );
        ensure!(manifest.examples == plan.leaves(), "the manifest names other training documents");
        ensure!(manifest.eval == plan.eval_leaves(), "the manifest names other held-out documents");
        let committee = self.chain.active_committee().await?;
        ensure!(
            args.compute == plan.compute_shares(&address, trainer, &committee.members)?,
            "the pay for compute is not what the config says"
        );

        let states: Vec<Hash32> = manifest.log.iter().map(|e| e.state).collect();
        ensure!(mmr::root_of(&states) == job.log_root, "the log is not the one whose root is on chain");
        ensure!(
            states.len() as u64 == plan.segments() + 1,
            "the log has {} states instead of {}",
            states.len(),
            plan.segments() + 1
        );
        let steps: Vec<u64> = manifest.log.iter().map(|e| e.step).collect();
        let due = (0..=plan.segments()).map(|i| (i * plan.train.checkpoint_every).min(plan.steps()));
        ensure!(steps.iter().copied().eq(due), "the log's steps are not those of the config");

        let last_slot = job.last_slot(&self.chain.model_config().await?);
        ensure!(args.expiry_slot == last_slot, "the attestation must expire with the job");
        let blockhash = self.chain.blockhash_after(job.log_slot).await?;
        let seed = segment_seed(&job.log_root, &blockhash, &self.chain.wallet());
        let segment = draw(&[b"segment", &seed], states.len() - 1);
        let start = TrainState::from_bytes(&self.store.get_blob(&states[segment]).await?)?;
        ensure!(start.step == steps[segment], "a logged state is of step {} instead of {}", start.step, steps[segment]);
        let last = TrainState::from_bytes(&self.store.get_blob(&states[states.len() - 1]).await?)?;
        let logged: Vec<(u64, Hash32)> = steps.iter().copied().zip(states.iter().copied()).collect();
        let indexed = states_of(&self.store, &logged, plan.index.projection.states).await?;
        // Others need it too: that this member has it already is not enough.
        ensure!(self.store.has_blob(&manifest.index_hash).await?, "the influence index is not in the artifact store");
        let index_path = self.files.index(&self.store, &manifest.index_hash).await?;
        let rows: BTreeSet<usize> =
            (0..ROWS as u8).map(|i| draw(&[b"row", &[i], &seed], plan.examples.len())).collect();
        let rows: Vec<usize> = rows.into_iter().collect();
        let (first_hash, end_hash, to) = (states[0], states[segment + 1], steps[segment + 1]);
        let (adapter_hash, index_settings) = (args.adapter_hash, manifest.index_settings);
        let eval_scores = manifest.eval_scores;
        tracing::info!(%address, segment, from = start.step, to, ?rows, "re-executing a segment of the training log");
        engine
            .run(move |engine| -> Result<()> {
                let init = Adapter::init(engine.base(), &plan.train.lora, plan.train.seed)?;
                let initial = TrainState::new(init.to_flat()?);
                ensure!(initial.hash()? == first_hash, "the log does not start from the seed's initial adapter");
                let reached = replay_segment(engine.base().clone(), &plan.train, plan.examples.clone(), start, to)?;
                ensure!(
                    reached.hash()? == end_hash,
                    "re-executing steps up to {to} ends in state {} instead of the logged {}",
                    hex::encode(reached.hash()?),
                    hex::encode(end_hash)
                );
                let layout = Arc::new(AdapterLayout::new(engine.base().config(), &plan.train.lora)?);
                let device = engine.base().device();
                let adapter = Adapter::from_flat(layout, &last.params, engine.base().hash(), device)?;
                ensure!(adapter.hash()? == adapter_hash, "the adapter is not the log's last state");
                let (base, projection) = (engine.base().clone(), &plan.index.projection);
                let source = GradientSource::of_run(base, &plan.train, plan.examples.len(), &indexed, projection)?;
                let reader = IndexReader::open(&index_path)?;
                let checks = index::verify_rows(&reader, &source, &plan.examples, &rows)?;
                ensure!(checks.iter().all(|c| c.identical), "the influence index differs in rows {rows:?}: {checks:?}");
                let logra = Logra::new(source, reader, plan.index.clone())?;
                ensure!(logra.settings_hash() == index_settings, "the index has other settings than the manifest says");
                let scores = validation_scores(&logra, plan.validation(1.0))?.map(|bytes| sha256(&[&bytes]));
                ensure!(scores == eval_scores, "the estimates for the validation loss differ from the published ones");
                Ok(())
            })
            .await
    }
}

/// Seed of all draws for a job and a member. It is fixed when the log is on chain and the next block exists.
fn segment_seed(log_root: &Hash32, blockhash: &Hash32, wallet: &Pubkey) -> Hash32 {
    sha256(&[log_root, blockhash, wallet.as_ref()])
}
