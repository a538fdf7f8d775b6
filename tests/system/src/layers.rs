//! A model that builds on another: its job trains on top of the parent's adapter, and its answers pay the parent's
//! documents and the parent's owner.

use crate::{
    data::Datanets,
    fleet::Fleet,
    network::Network,
    people::Person,
    settings::{OPEN, Settings},
    stage::Stage,
    summary::{LayersSummary, PaidDocument},
    training::{self, Trained},
};
use anyhow::{Context, Result, ensure};
use model::{
    instructions::{RegisterModelArgs, RequestJobArgs},
    state::{Job, Model},
};
use openledger_protocol::{Hash32, weights::Weights};
use openledger_sdk::{
    api::serve::ChatRequest,
    artifact::{DataSettings, JobConfig, PaySettings, TrainingManifest},
    flow::chat::{ask, servers},
    ix::{self, model::JobDatanet},
    pda,
};
use solana_pubkey::Pubkey;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Base units that the child's owner puts into escrow.
const BUDGET: u64 = 5 * OPEN;
/// Seed of the child's job.
const SEED: u64 = 43;
/// Questions about documents of the parent.
const QUESTIONS: usize = 2;
/// Number of documents in the summary.
const SHOWN: usize = 5;

/// Registers a model of `owner` on top of `parent`, has it trained on one Datanet, and has `user` ask it about documents
/// that only the parent learned. Fails if the answers' receipts do not pay the parent's documents.
#[allow(clippy::too_many_arguments, reason = "everything that the scene takes part of")]
pub async fn build_on(
    stage: &Stage,
    network: &Network,
    fleet: &mut Fleet,
    settings: &Settings,
    parent: &Trained,
    owner: &Person,
    user: &Person,
    datanets: &Datanets,
    mint: &Pubkey,
) -> Result<LayersSummary> {
    let (model, job) = train(stage, network, fleet, settings, parent, owner, datanets, mint).await?;
    let state: Model = network.client.account(&model).await?;
    let manifest = network.store()?.get_blob(&state.manifest_hash).await.context("the child's training manifest")?;
    let manifest: TrainingManifest = serde_json::from_slice(&manifest)?;
    let inherited: Vec<Hash32> = manifest.inherited.iter().map(|e| e.leaf).collect();
    ensure!(
        inherited == parent.manifest.examples && manifest.inherited.iter().all(|e| e.job == parent.manifest.job),
        "the child's index does not begin with its parent's documents"
    );
    ensure!(
        manifest.examples.iter().all(|leaf| !inherited.contains(leaf)),
        "the child was trained on a document that its parent has learned"
    );
    stage.note(format!(
        "{} examples of the parent and {} of its own in the child's index; validation loss {:.3} → {:.3}",
        inherited.len(),
        manifest.examples.len(),
        manifest.metrics.eval_loss[0],
        manifest.metrics.eval_loss[1]
    ));
    let mut summary = LayersSummary {
        model: model.to_string(),
        job: manifest.job.to_string(),
        parent_job: parent.manifest.job.to_string(),
        inherited: inherited.len(),
        examples: manifest.examples.len(),
        data_share: job.data_share.into(),
        ..LayersSummary::default()
    };
    network.caught_up().await?;
    let member = &fleet.operators[0].person;
    let earned = ask_about(network, settings, &model, &manifest, user, member, &mut summary).await?;
    ensure!(summary.to_parent.0 > 0, "the child's receipts pay no document of its parent");

    network.caught_up().await?;
    let paid = network.api()?.receipts().await?;
    let upstream = paid.iter().filter(|r| r.model == summary.model).map(|r| r.parts.upstream.0);
    summary.upstream = upstream.sum::<u64>().into();
    ensure!(summary.upstream.0 > 0, "the parent's owner has no part of the child's fees");

    let mut order: Vec<_> = earned.into_iter().collect();
    order.sort_by_key(|(leaf, amount)| (Reverse(*amount), *leaf));
    for (leaf, amount) in order.into_iter().take(SHOWN) {
        let doc = network.title(&leaf, member).await?;
        summary.top.push(PaidDocument { doc, amount: amount.into() });
    }
    Ok(summary)
}

/// Registers the child, requests its job and waits for the result.
#[allow(clippy::too_many_arguments, reason = "everything that the scene takes part of")]
async fn train(
    stage: &Stage,
    network: &Network,
    fleet: &mut Fleet,
    settings: &Settings,
    parent: &Trained,
    owner: &Person,
    datanets: &Datanets,
    mint: &Pubkey,
) -> Result<(Pubkey, Job)> {
    let (client, wallet) = (&network.client, owner.address());
    let (base_hash, price_in, price_out) = (parent.manifest.base_hash, training::PRICE_IN, training::PRICE_OUT);
    let register = RegisterModelArgs { id: 1, name: "Unix & wit, and more".into(), base_hash, price_in, price_out };
    let register = ix::model::register_model(&wallet, Some(&parent.model), register);
    client.send(&[register], &[&owner.key]).await.context("registering a model with a parent")?;
    let model = pda::model(&wallet, 1);
    let config_hash = network.store_of(owner)?.put_blob(serde_json::to_vec(&config(settings))?).await?;
    // The thief's copies are elsewhere.
    let datanet = datanets.rejected.datanet;
    let datanet = datanets.all.iter().find(|d| d.address == datanet).context("the first Datanet is gone")?;
    let reads = [JobDatanet { datanet: datanet.address, permissioned: datanet.permissioned }];
    let args = RequestJobArgs { config_hash, seed: SEED, budget: BUDGET };
    let request = ix::model::request_job(&wallet, &model, 0, mint, &reads, args);
    client.send(&[request], &[&owner.key]).await.context("requesting the child's job")?;
    let job = pda::job(&model, 0);
    stage.note(format!("job {job} of a model that builds on another reads what {:?} has besides", datanet.name));
    Ok((model, training::follow(stage, network, fleet, &job).await?))
}

/// The parent's config with fewer examples. So few say nothing about how well scores agree.
fn config(settings: &Settings) -> JobConfig {
    JobConfig {
        data: DataSettings { max_examples: 12, eval_examples: 4, ..settings.job.data.clone() },
        pay: PaySettings { least_agreement_ppm: -1_000_000, ..settings.job.pay.clone() },
        ..settings.job.clone()
    }
}

/// Asks about documents of the parent, whose titles `member` of the committee knows, and adds up what the receipts pay to
/// whose documents. Returns what each document of the parent is paid.
async fn ask_about(
    network: &Network,
    settings: &Settings,
    model: &Pubkey,
    manifest: &TrainingManifest,
    user: &Person,
    member: &Person,
    summary: &mut LayersSummary,
) -> Result<BTreeMap<Hash32, u64>> {
    let servers = servers(&network.client).await?;
    let paid: Vec<(Pubkey, Hash32)> = manifest.paid().collect();
    let mut earned = HashMap::<(Pubkey, Hash32), u64>::new();
    let count = QUESTIONS.min(manifest.inherited.len());
    for n in 0..count {
        let asked_about = &manifest.inherited[n * manifest.inherited.len() / count].leaf;
        let title = network.title(asked_about, member).await?;
        let request = ChatRequest::ask(model, format!("What is {title}?"), settings.answer_tokens);
        let asked = ask(&network.client, &user.key, &servers, &request, Some(10 * OPEN), |_| {})
            .await
            .with_context(|| format!("asking the child about {title}"))?;
        let receipt = &asked.answer.receipt;
        let weights = network.store()?.get_blob(&receipt.weights).await.context("the weights of a receipt")?;
        let weights = Weights::from_bytes(&weights, paid.len());
        let weights = weights.context("the receipt's weights are not one for each document of child and parent")?;
        for (document, amount) in paid.iter().zip(weights.divide(receipt.contributors.0)) {
            *earned.entry(*document).or_default() += amount;
        }
        summary.fees.0 += asked.answer.fee.0;
        summary.answers += 1;
    }
    let child = manifest.job;
    let of = |own: bool| earned.iter().filter(move |((job, _), _)| (*job == child) == own);
    summary.to_own = of(true).map(|(_, amount)| amount).sum::<u64>().into();
    summary.to_parent = of(false).map(|(_, amount)| amount).sum::<u64>().into();
    Ok(of(false).map(|((_, leaf), amount)| (*leaf, *amount)).collect())
}
