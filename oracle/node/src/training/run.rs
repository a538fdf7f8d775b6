//! The trainer's part: runs a job with a log, publishes everything, and has the committee sign the result.
//!
//! Every step can be repeated. What is done already is found on chain, in the artifact store or in the job's folder,
//! and training continues from its last logged state.

use super::{folder, health, heartbeat, kernel, log, pace::Pace, progress::Checkpoint};
use crate::{
    operator::{Board, Chain, Files, LazyEngine},
    plans::{JobPlan, KeptGradients, Paying, Plans},
    walks::Tools,
};
use anyhow::{Context, Result, ensure};
use model::{
    instructions::{AttestResultArgs, PostLogArgs},
    state::{Job, JobStatus},
};
use openledger_attribution::{Attributor, Estimator, IndexReader, Scores};
use openledger_lm::{Adapter, AdapterLayout, TrainState, Trainer, train::evaluate};
use openledger_protocol::{Hash32, hash::ZERO};
use openledger_quorum::{Coordinator, Participant};
use openledger_sdk::{
    Store,
    artifact::{Health, LogEntry, Metrics, TrainingManifest},
    attestation, ix, pda,
};
use openledger_serve::states::states_of;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Instant,
};

/// What training uses. Cheap to clone.
#[derive(Clone)]
pub struct Training {
    /// Reads the job, and takes its log's root and its result.
    pub chain: Chain,
    /// Stores everything that is published.
    pub store: Store,
    /// Runs the computations.
    pub engine: LazyEngine,
    /// The plans of jobs.
    pub plans: Plans,
    /// Keeps the gradients of the steps, which a later settlement uses.
    pub gradients: KeptGradients,
    /// Walks back through the training, to measure its health.
    pub tools: Tools,
    /// Learns how fast this node trains.
    pub pace: Pace,
    /// Has the job's folder, where the progress is kept.
    pub files: Files,
    /// Shows the progress.
    pub status: Board,
    /// Signs the result.
    pub quorum: Participant,
    /// This operator's identity key, which signs the manifest.
    pub identity: Arc<Keypair>,
}

impl Training {
    /// Runs `job`, which this operator has taken, until its result is attested.
    ///
    /// This fails as soon as the job is lost: to another operator, or because the committee is succeeded. Then the job is
    /// released. Should this operator take it again for the next committee, nothing is trained anew: the job's folder is
    /// named by the job alone, its last state is the end of the run, and the same seed gives the same log.
    pub async fn run(&self, address: Pubkey, job: &Job) -> Result<()> {
        let engine = self.engine.get().await?;
        ensure!(
            engine.base().hash() == job.base_hash,
            "the job asks for base model {}, this node has {}",
            hex::encode(job.base_hash),
            hex::encode(engine.base().hash())
        );
        let plan = self.plans.of(job).await?;
        let folder = self.files.job(&address);
        folder::of_plan(&folder, &JobPlan::key(job)?)?;
        self.status.training(address, 0, 0, None);
        heartbeat::during(&self.chain, &address, self.work(address, job, &plan, &folder)).await
    }

    async fn work(&self, address: Pubkey, job: &Job, plan: &Arc<JobPlan>, folder: &Path) -> Result<()> {
        // Everything is made before the root is posted, because the root is over all of it.
        let Made { adapter, checkpoint, eval_after, index, log, health } = self.make(address, plan, folder).await?;
        let adapter_hash = self.store.put_blob(adapter.to_bytes()?).await?;
        let log_root = log::root(&log, &index.hash, &index.weights, health.as_ref());
        check_posted(&job.log_root, &log_root)?;
        if job.log_root == ZERO {
            let segments = u16::try_from(log::segments(&log).len()).context("the log has too many segments")?;
            let args = PostLogArgs { log_root, segments };
            self.chain.send(&[ix::model::post_log(&self.chain.wallet(), &address, args)]).await?;
        }
        let mut manifest = TrainingManifest {
            version: TrainingManifest::VERSION,
            job: address,
            model: job.model,
            operator: self.chain.wallet(),
            base_hash: job.base_hash,
            config_hash: job.config_hash,
            seed: job.seed,
            kernel: kernel::class(),
            inherited: plan.inherited_examples(),
            examples: plan.leaves(),
            eval: plan.eval_leaves(),
            log,
            log_root,
            adapter_hash,
            index_hash: index.hash,
            index_settings: index.settings,
            index_seed: plan.index.projection.seed,
            targets: index.paying.targets,
            repeated: index.paying.repeated,
            weights: index.weights,
            health,
            tokens: plan.tokens(),
            metrics: Metrics {
                train_loss: checkpoint.train_loss.clone(),
                eval_loss: [checkpoint.eval_before.unwrap_or_default(), eval_after],
            },
            signature: String::new(),
        };
        manifest.sign(&self.identity)?;
        let manifest_hash = self.store.put_blob(serde_json::to_vec(&manifest)?).await?;
        self.status.attesting(address);
        self.attest(address, plan, adapter_hash, manifest_hash).await
    }

    /// Trains, builds the index of the training's states, and measures the training's health.
    async fn make(&self, address: Pubkey, plan: &Arc<JobPlan>, folder: &Path) -> Result<Made> {
        let (adapter, checkpoint, eval_after) = self.train(address, plan, folder).await?;
        self.status.indexing(address);
        let log = checkpoint.log();
        let index = self.make_index(plan, &log, folder).await?;
        let (progress, status) = (folder.join("walk.json"), self.status.clone());
        let say = move |done, total| status.auditing(address, done, total);
        let (tools, estimate) = (&self.tools, index.estimate.as_ref());
        let health = health::measure(tools, &address, plan, &log, estimate, &progress, say).await?;
        Ok(Made { adapter, checkpoint, eval_after, index, log, health })
    }

    /// Trains every run. Returns the adapter that is served, which is the first run's, with its loss on the held-out
    /// examples.
    async fn train(&self, address: Pubkey, plan: &JobPlan, folder: &Path) -> Result<(Adapter, Checkpoint, f32)> {
        let path = folder.join("progress.json");
        let mut checkpoint = Checkpoint::read(&path);
        for run in 0..plan.runs() {
            checkpoint = self.train_run(address, plan, run, checkpoint, &path).await?;
        }
        let served = checkpoint.last_of(0).context("the job has no training run")?;
        let served = TrainState::from_bytes(&self.store.get_blob(&served.state).await?)?;
        let (lora, batch, eval) = (plan.train.lora.clone(), plan.train.batch_size, plan.eval.clone());
        let measure = move |engine: &openledger_serve::Engine| -> Result<(Adapter, f32)> {
            let base = engine.base();
            let layout = Arc::new(AdapterLayout::new(base.config(), &lora)?);
            let adapter = Adapter::from_flat(layout, &served.params, base.hash(), base.device())?;
            let loss = evaluation(engine, &adapter, &eval, batch)?;
            Ok((adapter, loss))
        };
        let (adapter, eval_after) = self.engine.get().await?.run(measure).await?;
        Ok((adapter, checkpoint, eval_after))
    }

    /// Takes the steps that are left of run number `run`. The runs before it are done.
    async fn train_run(
        &self,
        address: Pubkey,
        plan: &JobPlan,
        run: usize,
        mut checkpoint: Checkpoint,
        path: &Path,
    ) -> Result<Checkpoint> {
        let last = checkpoint.last_of(run);
        if last.as_ref().is_some_and(|last| last.step == plan.steps()) {
            return Ok(checkpoint);
        }
        let resumed = match last {
            Some(last) => Some(TrainState::from_bytes(&self.store.get_blob(&last.state).await?)?),
            None => None,
        };
        let (config, examples, eval) = (plan.run(run), plan.examples.clone(), plan.eval.clone());
        // Only the first run is walked.
        let cache = if run == 0 { self.gradients.of(&address, plan).await? } else { None };
        let parents = plan.start(&self.store, self.engine.get().await?.base(), run).await?;
        let (store, status, path) = (self.store.clone(), self.status.clone(), path.to_owned());
        let (before, total) = (run as u64 * plan.steps(), plan.runs() as u64 * plan.steps());
        let (pace, each) = (self.pace.clone(), plan.tokens() / total.max(1));
        let runtime = tokio::runtime::Handle::current();
        let (waits, awaited) = Awaited::new();
        let done = self
            .engine
            .get()
            .await?
            .run_in_turns(move |engine, turn| -> Result<Checkpoint> {
                let mut trainer = Trainer::new(engine.base().clone(), config.clone(), examples)?;
                if let Some(parents) = &parents {
                    trainer = trainer.with_start(parents)?;
                }
                let start = trainer.adapter().clone();
                if let Some(cache) = cache {
                    trainer = trainer.with_observer(cache.observer());
                }
                if let Some(state) = resumed {
                    trainer = trainer.with_state(state)?;
                }
                if run == 0 && checkpoint.eval_before.is_none() {
                    checkpoint.eval_before = Some(evaluation(engine, &start, &eval, config.batch_size)?);
                }
                let loss = checkpoint.train_loss.last().copied().or(checkpoint.eval_before);
                status.training(address, before + trainer.state().step, total, loss);
                let (first, begun) = (trainer.state().step, Instant::now());
                checkpoint.finish(run, &mut trainer, &path, &mut keep(&store, &runtime), &mut |p| {
                    status.training(address, before + p.step, total, Some(p.loss));
                    // Requests for answers get their turn after every step.
                    turn.pass();
                    awaited.go_on()
                })?;
                pace.note((trainer.state().step - first) * each, begun.elapsed());
                Ok(checkpoint)
            })
            .await;
        drop(waits);
        done
    }

    async fn make_index(&self, plan: &Arc<JobPlan>, log: &[LogEntry], folder: &Path) -> Result<Index> {
        let states = states_of(&self.store, log, &plan.index.projection).await?;
        let path: PathBuf = folder.join("index");
        let above = match &plan.parent {
            Some(parent) => Some(self.files.index(&self.store, &parent.manifest.index_hash).await?),
            None => None,
        };
        let (plan, status, built) = (plan.clone(), self.status.clone(), path.clone());
        let (waits, awaited) = Awaited::new();
        let (settings, paying, estimate) = self
            .engine
            .get()
            .await?
            .run(move |engine| -> Result<_> {
                let (base, settings) = (engine.base().clone(), plan.index.clone());
                let estimator = Estimator::of_runs(base, &plan.train, plan.examples.len(), &states, settings)?;
                let progress = |done: usize, total: usize| {
                    status.index(done as u64, total as u64);
                    awaited.go_on()
                };
                let logra = match above {
                    Some(above) => {
                        let above = IndexReader::open(&above).context("the parent's influence index")?;
                        estimator.build_layered(&built, &above, &plan.examples, progress)?
                    }
                    None => estimator.build(&built, &plan.examples, progress)?,
                };
                let paying = Paying::of(&plan, &logra, engine.tokenizer())?;
                let estimate = health::query(&plan)?.map(|query| Attributor::score(&logra, &query)).transpose()?;
                Ok((logra.settings_hash(), paying, estimate))
            })
            .await?;
        drop(waits);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let hash = self.store.put_blob(bytes).await?;
        let weights = self.store.put_blob(paying.training.to_bytes()).await?;
        Ok(Index { hash, settings, paying, weights, estimate })
    }

    async fn attest(&self, address: Pubkey, plan: &JobPlan, adapter_hash: Hash32, manifest_hash: Hash32) -> Result<()> {
        let job: Job = self.chain.client.account(&address).await?;
        if job.status != JobStatus::Running {
            return Ok(());
        }
        let stake = self.chain.stake_config().await?;
        let committee = self.chain.committee_of(&job).await?;
        let compute = plan.compute_shares(&address, self.chain.wallet(), &committee.members)?;
        // The arguments must be the same when the result is proposed again, because members sign one payload for a
        // sequence.
        let expiry_slot = job.last_slot(&self.chain.model_config().await?);
        let args = AttestResultArgs { adapter_hash, manifest_hash, compute, expiry_slot };
        let message = attestation::training_result(&stake, &address, job.sequence, &args);
        let signed = Coordinator::sign(&self.quorum, &message, &borsh::to_vec(&args)?).await?;
        let verify = attestation::instruction(&signed.group_key, &signed.signature, &message);
        self.make_token_accounts(&job, &stake.open_mint, &args).await?;
        let result = ix::model::attest_result(committee.epoch, &job, &stake.open_mint, args);
        self.chain.send(&[verify, result]).await?;
        tracing::info!(%address, signers = signed.signers.len(), "training result accepted on chain");
        Ok(())
    }

    /// Makes the token accounts that the result pays into and that do not exist. Whoever is paid could close its own and
    /// so keep the others from their pay. They have a transaction of their own, because the result's has no room for them.
    async fn make_token_accounts(&self, job: &Job, mint: &Pubkey, args: &AttestResultArgs) -> Result<()> {
        let own = self.chain.wallet();
        let wallets: Vec<_> = args.compute.iter().map(|share| share.operator).chain([job.requester]).collect();
        let accounts: Vec<_> = wallets.iter().map(|wallet| pda::token_account(wallet, mint)).collect();
        let there = self.chain.client.rpc().get_multiple_accounts(&accounts).await?;
        // At the address of a closed account somebody may have left SOL.
        let missing = wallets.iter().zip(there).filter(|(_, there)| there.as_ref().is_none_or(|a| a.data.is_empty()));
        let makes: Vec<_> = missing.map(|(wallet, _)| ix::token::create_account(&own, wallet, mint)).collect();
        if !makes.is_empty() {
            self.chain.send(&makes).await?;
        }
        Ok(())
    }
}

/// Fails if another root than the `own` one is `posted`. Nobody would sign then: the verifiers compare with what is on
/// chain.
fn check_posted(posted: &Hash32, own: &Hash32) -> Result<()> {
    ensure!(
        *posted == ZERO || posted == own,
        "the log whose root {} is posted was made by other work than what is on disk now, whose root is {}; restore the \
         job's folder as it was when the root was posted, or let the job expire",
        hex::encode(posted),
        hex::encode(own)
    );
    Ok(())
}

fn evaluation(
    engine: &openledger_serve::Engine,
    adapter: &Adapter,
    eval: &[openledger_lm::Example],
    batch: usize,
) -> Result<f32> {
    if eval.is_empty() {
        return Ok(0.0);
    }
    Ok(evaluate(engine.base(), Some(adapter), eval, batch)?)
}

/// Puts logged states into the artifact store. The closure may be called from a computing thread.
fn keep(
    store: &Store,
    runtime: &tokio::runtime::Handle,
) -> impl FnMut(Hash32, Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (store, runtime) = (store.clone(), runtime.clone());
    move |_, bytes| {
        runtime.block_on(store.put_blob(bytes))?;
        Ok(())
    }
}

/// Lets work on another thread know whether somebody still waits for it. Dropping the other half, as a future that is
/// given up does, says that nobody does.
struct Awaited(Weak<()>);

impl Awaited {
    fn new() -> (Arc<()>, Self) {
        let waits = Arc::new(());
        let awaited = Self(Arc::downgrade(&waits));
        (waits, awaited)
    }

    fn go_on(&self) -> ControlFlow<()> {
        if self.0.strong_count() > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Everything that a training makes.
struct Made {
    adapter: Adapter,
    checkpoint: Checkpoint,
    /// Loss on the held-out examples.
    eval_after: f32,
    index: Index,
    log: Vec<LogEntry>,
    health: Option<Health>,
}

/// A finished influence index, and what follows from it.
struct Index {
    hash: Hash32,
    settings: Hash32,
    paying: Paying,
    /// Hash of the training weights.
    weights: Hash32,
    /// The estimate for the loss of the held-out examples.
    estimate: Option<Scores>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trainer_whose_log_is_not_the_posted_one_says_so_instead_of_asking_for_signatures() {
        check_posted(&ZERO, &[1; 32]).unwrap();
        check_posted(&[1; 32], &[1; 32]).unwrap();
        let refused = check_posted(&[2; 32], &[1; 32]).unwrap_err().to_string();
        assert!(refused.contains("is posted was made by other work"), "{refused}");
    }
}
