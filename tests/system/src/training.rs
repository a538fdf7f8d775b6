//! The fine-tuning job: access to the permissioned Datanet, escrow, training by the fleet, the attested result.

use crate::{
    data::Datanets,
    fleet::Fleet,
    network::{Network, wait},
    people::Person,
    settings::{OPEN, Settings},
    stage::Stage,
    summary::{JobSummary, Refusal},
};
use anyhow::{Context, Result, bail, ensure};
use model::{
    instructions::{RegisterModelArgs, RequestJobArgs},
    state::{Job, JobStatus, Model},
};
use openledger_sdk::{
    SdkError,
    artifact::TrainingManifest,
    ix::{self, model::JobDatanet},
    pda,
};
use solana_pubkey::Pubkey;
use std::time::Duration;

/// Base units that the developer puts into escrow.
const BUDGET: u64 = 25 * OPEN;
/// Price of 1,000 prompt tokens in base units.
pub const PRICE_IN: u64 = OPEN;
/// Price of 1,000 completion tokens in base units.
pub const PRICE_OUT: u64 = 4 * OPEN;
/// The demo's job seed.
const SEED: u64 = 42;

/// A finished job.
pub struct Trained {
    /// The model's account.
    pub model: Pubkey,
    /// The manifest that the trainer published.
    pub manifest: TrainingManifest,
    /// The job's part of the summary.
    pub summary: JobSummary,
    /// The refused request of a job without a grant.
    pub refused: Refusal,
}

/// Registers a model, gets the grant, requests the job and waits for its result.
pub async fn train(
    stage: &Stage,
    network: &Network,
    fleet: &mut Fleet,
    settings: &Settings,
    developer: &Person,
    datanets: &Datanets,
    mint: &Pubkey,
) -> Result<Trained> {
    let (client, owner) = (&network.client, developer.address());
    let base_hash = base_hash(settings).await?;
    let register =
        RegisterModelArgs { id: 1, name: "Unix & wit".into(), base_hash, price_in: PRICE_IN, price_out: PRICE_OUT };
    client.send(&[ix::model::register_model(&owner, None, register)], &[&developer.key]).await?;
    let model = pda::model(&owner, 1);
    let config_hash = network.store_of(developer)?.put_blob(serde_json::to_vec(&settings.job)?).await?;
    let args = RequestJobArgs { config_hash, seed: SEED, budget: BUDGET };
    let reads: Vec<JobDatanet> =
        datanets.all.iter().map(|d| JobDatanet { datanet: d.address, permissioned: d.permissioned }).collect();
    let request = || ix::model::request_job(&owner, &model, 0, mint, &reads, args);

    let refused = match client.send(&[request()], &[&developer.key]).await {
        Ok(_) => bail!("a job read a permissioned Datanet without a grant"),
        Err(e) => refusal("train on a permissioned Datanet without a grant", &e),
    };
    for datanet in datanets.all.iter().filter(|d| d.permissioned) {
        let purpose = "fine-tuning a small assistant".to_string();
        let ask = ix::datanet::request_access(&owner, &datanet.address, purpose);
        client.send(&[ask], &[&developer.key]).await?;
        let until = client.slot().await? + 100_000;
        let grant = ix::datanet::grant_access(&datanet.owner.address(), &datanet.address, &owner, until);
        client.send(&[grant], &[&datanet.owner.key]).await?;
        stage.note(format!("{} granted access to {:?}", datanet.owner.name, datanet.name));
    }
    client.send(&[request()], &[&developer.key]).await.context("requesting the job")?;
    let job_address = pda::job(&model, 0);
    stage.note(format!("job {job_address}: {} OPEN in escrow", BUDGET / OPEN));

    let job = follow(stage, network, fleet, &job_address).await?;
    let state: Model = client.account(&model).await?;
    let manifest = network.store()?.get_blob(&state.manifest_hash).await?;
    let manifest: TrainingManifest = serde_json::from_slice(&manifest)?;
    ensure!(
        job.paid + job.data_paid + job.refunded == job.budget && job.data_paid == job.data_share,
        "the escrow did not end as pay, data share and refund"
    );
    let losses = &manifest.metrics.train_loss;
    let summary = JobSummary {
        id: job_address.to_string(),
        base_sha256: hex::encode(manifest.base_hash),
        adapter_sha256: hex::encode(manifest.adapter_hash),
        examples: manifest.examples.len(),
        steps: losses.len(),
        train_loss: [losses.first().copied().unwrap_or_default(), losses.last().copied().unwrap_or_default()],
        eval_loss: manifest.metrics.eval_loss,
        escrow: job.budget.into(),
        paid: job.paid.into(),
        data_share: job.data_share.into(),
        refunded: job.refunded.into(),
    };
    Ok(Trained { model, manifest, summary, refused })
}

/// Waits until a job has its result and has paid its data share. Shows the progress.
pub async fn follow(stage: &Stage, network: &Network, fleet: &mut Fleet, address: &Pubkey) -> Result<Job> {
    let bar = stage.bar(1, "");
    let mut said = String::new();
    let job = wait("the job's result", Duration::from_secs(1_500), async || {
        fleet.check()?;
        for n in 1..=fleet.operators.len() {
            let Some(training) = fleet.status(n).await.and_then(|s| s.training) else { continue };
            let what = match (training.phase.as_str(), training.loss) {
                ("training", Some(loss)) => format!("training steps by operator {n}, loss {loss:.3}"),
                ("training", None) => format!("training steps by operator {n}"),
                ("indexing", _) => "documents in the influence index".into(),
                _ => "waiting for the other operators to re-execute its segments and sign".into(),
            };
            if training.phase != said {
                said.clone_from(&training.phase);
                stage.note(format!("operator {n}: {}", training.phase));
            }
            bar.set_length(training.total.max(1));
            bar.set_position(training.done);
            bar.set_message(what);
        }
        let job: Job = network.client.account(address).await?;
        match job.status {
            JobStatus::Attested if job.data_paid > 0 => Ok(Some(job)),
            // The trainer still has to pay the data share.
            JobStatus::Attested | JobStatus::Requested | JobStatus::Running => Ok(None),
            ended => bail!("the job ended as {ended:?}"),
        }
    })
    .await?;
    bar.finish_and_clear();
    Ok(job)
}

/// SHA-256 of the base model of these settings.
pub async fn base_hash(settings: &Settings) -> Result<[u8; 32]> {
    use openledger_lm::{BaseModel, Device, ModelSource, sha256_file};
    let source = settings.model.clone();
    tokio::task::spawn_blocking(move || match source {
        ModelSource::Gguf { path, .. } => Ok(sha256_file(&path)?),
        random => Ok(BaseModel::load(&random, &Device::Cpu)?.0.hash()),
    })
    .await?
}

/// An error as a refusal with the program's own message.
pub fn refusal(attempt: &str, error: &SdkError) -> Refusal {
    Refusal { attempt: attempt.into(), error: error.to_string() }
}
