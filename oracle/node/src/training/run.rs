//! The trainer's part: run a job with a log, publish everything, and have the committee sign the result.
//!
//! Every step can be repeated: what is done is found on chain, in the artifact store or in the job's folder, and
//! training goes on from its last logged state.

use super::{
    gradients, heartbeat,
    plan::{JobPlan, KERNEL},
    states::states_of,
};
use crate::node::Node;
use anyhow::{Context, Result, ensure};
use model::{
    instructions::AttestResultArgs,
    state::{Job, JobStatus},
};
use openledger_attribution::{Attributor, IndexReader, Logra, Query, QueryItem, build_index, gradient::GradientSource};
use openledger_lm::{
    Adapter, TrainState, Trainer, TrainingLog, f32_bytes,
    train::{LogEntry as StateEntry, evaluate},
};
use openledger_protocol::{
    Hash32,
    hash::{ZERO, sha256},
    mmr,
};
use openledger_quorum::Coordinator;
use openledger_sdk::{
    artifact::{LogEntry, Metrics, TrainingManifest},
    attestation, ix,
    store::Store,
};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// What survives a kill: kept in the job's folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    entries: Vec<StateEntry>,
    train_loss: Vec<f32>,
    eval_before: Option<f32>,
}

impl Checkpoint {
    fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let next = path.with_extension("tmp");
        std::fs::write(&next, serde_json::to_vec(self)?)?;
        std::fs::rename(next, path)
    }
}

/// Where this node keeps a job's files.
pub(super) fn job_folder(data: &Path, job: &Pubkey) -> PathBuf {
    data.join("jobs").join(job.to_string())
}

/// Runs `job`, which this operator has taken, to its attested end.
pub async fn train(node: &Node, address: Pubkey, job: &Job) -> Result<()> {
    let engine = node.engine().await?;
    ensure!(
        engine.base().hash() == job.base_hash,
        "the job asks for base model {}, this node has {}",
        hex::encode(job.base_hash),
        hex::encode(engine.base().hash())
    );
    let plan = node.plan(job).await?;
    let folder = job_folder(&node.config.data, &address);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    node.status.training(address, 0, 0, None);

    let work = run_training(node, address, &plan, &folder);
    let (adapter, checkpoint, eval_after) = heartbeat::during(node, &address, work).await?;
    let adapter_bytes = adapter.to_bytes()?;
    let adapter_hash = node.store.put_blob(adapter_bytes).await?;
    let log_root = mmr::root_of(&checkpoint.entries.iter().map(|e| e.state_hash).collect::<Vec<_>>());
    if job.log_root == ZERO {
        node.chain.send(&[ix::model::post_log(&node.chain.wallet(), &address, log_root)]).await?;
    }
    node.status.indexing(address);
    let index = make_index(node, &plan, &checkpoint, &folder).await?;
    let manifest = TrainingManifest {
        version: 1,
        job: address.to_string(),
        model: job.model.to_string(),
        operator: node.chain.wallet().to_string(),
        base_hash: hex::encode(job.base_hash),
        config_hash: hex::encode(job.config_hash),
        seed: job.seed,
        kernel: KERNEL.into(),
        examples: plan.documents.iter().map(|d| hex::encode(d.leaf)).collect(),
        eval: plan.eval_documents.iter().map(|d| hex::encode(d.leaf)).collect(),
        log: checkpoint
            .entries
            .iter()
            .map(|e| LogEntry { step: e.step as usize, state: hex::encode(e.state_hash) })
            .collect(),
        log_root: hex::encode(log_root),
        adapter_hash: hex::encode(adapter_hash),
        index_hash: hex::encode(index.hash),
        index_settings: hex::encode(index.settings),
        eval_scores: index.eval_scores.map(hex::encode),
        tokens: plan.tokens(),
        metrics: Metrics {
            train_loss: checkpoint.train_loss.clone(),
            eval_loss: [checkpoint.eval_before.unwrap_or_default(), eval_after],
        },
    };
    let manifest_hash = node.store.put_blob(serde_json::to_vec(&manifest)?).await?;
    node.status.attesting(address);
    attest(node, address, &plan, adapter_hash, manifest_hash).await
}

async fn run_training(
    node: &Node,
    address: Pubkey,
    plan: &JobPlan,
    folder: &Path,
) -> Result<(Adapter, Checkpoint, f32)> {
    let path = folder.join("progress.json");
    let mut checkpoint = Checkpoint::read(&path);
    let resumed = match checkpoint.entries.last() {
        Some(e) => Some(TrainState::from_bytes(&node.store.get_blob(&e.state_hash).await?)?),
        None => None,
    };
    let (config, examples, eval) = (plan.train.clone(), plan.examples.clone(), plan.eval.clone());
    let cache = gradients::cache(node, &address, plan).await?;
    let (store, status) = (node.store.clone(), node.status.clone());
    let runtime = tokio::runtime::Handle::current();
    node.engine()
        .await?
        .compute_in_turns(move |engine, turn| -> Result<(Adapter, Checkpoint, f32)> {
            let mut trainer = Trainer::new(engine.base().clone(), config.clone(), examples)?;
            if let Some(cache) = cache {
                trainer = trainer.with_observer(cache.observer());
            }
            if let Some(state) = resumed {
                trainer = trainer.with_state(state)?;
            }
            let total = trainer.plan().total_steps();
            if checkpoint.eval_before.is_none() {
                let start = Adapter::init(engine.base(), &config.lora, config.seed)?;
                checkpoint.eval_before = Some(evaluation(engine, &start, &eval, config.batch_size)?);
            }
            status.training(address, trainer.state().step, total, checkpoint.eval_before);
            // The log grows by segments, so that a kill costs one segment at most.
            while !trainer.is_finished() {
                let until = (trainer.state().step / config.checkpoint_every + 1) * config.checkpoint_every;
                let mut losses = Vec::new();
                let log: TrainingLog = trainer.run(&mut keep(&store, &runtime), &mut |p| {
                    losses.push(p.loss);
                    status.training(address, p.step, total, Some(p.loss));
                    // Answers get their turn after every step.
                    turn.pass();
                    if p.step >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                for entry in log.entries {
                    if checkpoint.entries.last().is_none_or(|last| last.step < entry.step) {
                        checkpoint.entries.push(entry);
                    }
                }
                checkpoint.train_loss.extend(losses);
                checkpoint.write(&path)?;
            }
            let eval_after = evaluation(engine, trainer.adapter(), &eval, config.batch_size)?;
            Ok((trainer.adapter().clone(), checkpoint, eval_after))
        })
        .await
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

/// Puts logged states into the artifact store, from a computing thread.
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

/// A finished influence index.
struct Index {
    hash: Hash32,
    settings: Hash32,
    eval_scores: Option<Hash32>,
}

async fn make_index(node: &Node, plan: &JobPlan, log: &Checkpoint, folder: &Path) -> Result<Index> {
    let logged: Vec<(u64, Hash32)> = log.entries.iter().map(|e| (e.step, e.state_hash)).collect();
    let states = states_of(&node.store, &logged, plan.index.projection.states).await?;
    let train = plan.train.clone();
    let path: PathBuf = folder.join("index");
    let (settings, examples, status) = (plan.index.clone(), plan.examples.clone(), node.status.clone());
    let built = path.clone();
    let validation = plan.validation(1.0);
    let (settings, eval_scores) = node
        .engine()
        .await?
        .compute(move |engine| -> Result<_> {
            let source =
                GradientSource::of_run(engine.base().clone(), &train, examples.len(), &states, &settings.projection)?;
            let index: IndexReader = build_index(&built, &source, &examples, |done, total| {
                status.index(done as u64, total as u64);
                ControlFlow::Continue(())
            })?;
            let logra = Logra::new(source, index, settings)?;
            Ok((logra.settings_hash(), validation_scores(&logra, validation)?))
        })
        .await?;
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let hash = node.store.put_blob(bytes).await?;
    let eval_scores = match eval_scores {
        Some(scores) => Some(node.store.put_blob(scores).await?),
        None => None,
    };
    Ok(Index { hash, settings, eval_scores })
}

/// What the index estimates that each training example did for the validation loss, as bytes; `None` without held-out
/// examples.
pub(super) fn validation_scores(logra: &Logra, validation: Vec<QueryItem>) -> Result<Option<Vec<u8>>> {
    if validation.is_empty() {
        return Ok(None);
    }
    Ok(Some(f32_bytes(&logra.score(&Query::new(validation)?)?.values)))
}

async fn attest(
    node: &Node,
    address: Pubkey,
    plan: &JobPlan,
    adapter_hash: Hash32,
    manifest_hash: Hash32,
) -> Result<()> {
    let job: Job = node.chain.client.account(&address).await?;
    if job.status != JobStatus::Running {
        return Ok(());
    }
    let stake = node.chain.stake_config().await?;
    let committee = node.chain.active_committee().await?;
    let compute = plan.compute(&address, node.chain.wallet(), &committee.members)?;
    // Nothing here may differ when the result is proposed again: members sign one payload for a sequence.
    let expiry_slot = job.last_slot(&node.chain.model_config().await?);
    let args = AttestResultArgs { adapter_hash, manifest_hash, compute, expiry_slot };
    let message = attestation::training_result(&stake, &address, job.sequence, &args);
    let signed = Coordinator::sign(&node.quorum, &message, &borsh::to_vec(&args)?, serde_json::json!({})).await?;
    let verify = attestation::instruction(&signed.group_key, &signed.signature, &message);
    let result = ix::model::attest_result(committee.epoch, &job, &stake.open_mint, args);
    node.chain.send(&[verify, result]).await?;
    tracing::info!(%address, signers = signed.signers.len(), "training result accepted on chain");
    Ok(())
}

/// Where a job's segment drawing starts from: fixed once the log is on chain.
pub(super) fn segment_seed(log_root: &Hash32, blockhash: &Hash32, wallet: &Pubkey) -> Hash32 {
    sha256(&[log_root, blockhash, wallet.as_ref()])
}
