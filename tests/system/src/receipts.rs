//! Checks that every answer was paid for exactly as its receipt says, and shows what documents earned from answers.

use crate::{
    network::Network,
    people::Person,
    settle,
    summary::{PaidDocument, ReceiptsSummary},
};
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, weights::Weights};
use openledger_sdk::artifact::{Divided, SettlementReport, TrainingManifest};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Number of documents in the summary.
const SHOWN: usize = 8;

/// Base units by leaf and the job that was trained on it.
type Earned = BTreeMap<(Pubkey, Hash32), u64>;

/// Adds up the receipts of the settled `epochs` by hand, and compares the sums with what the settlements paid. Fails if a
/// base unit differs. What the summary says of a training is that of the job `main`. `member` of the committee knows the
/// documents' titles.
pub async fn compare(network: &Network, epochs: &[u64], main: &Pubkey, member: &Person) -> Result<ReceiptsSummary> {
    let mut summary = ReceiptsSummary::default();
    let mut by_receipts = Earned::new();
    for epoch in epochs {
        let report = settle::report(network, *epoch).await?;
        let added = add(network, &report, main, &mut summary).await?;
        let paid: Earned = report.documents.iter().map(|d| ((d.job, d.leaf), d.amount.0)).collect();
        ensure!(added == paid, "epoch {epoch} paid other amounts than its receipts and training weights say");
        for (document, amount) in added {
            *by_receipts.entry(document).or_default() += amount;
        }
    }
    let mut order: Vec<_> = by_receipts.into_iter().collect();
    order.sort_by_key(|(document, amount)| (std::cmp::Reverse(*amount), *document));
    for ((_, leaf), amount) in order.into_iter().take(SHOWN) {
        let doc = network.title(&leaf, member).await?;
        summary.top.push(PaidDocument { doc, amount: amount.into() });
    }
    Ok(summary)
}

/// What the documents earn by the receipts and the training weights that a report names.
async fn add(
    network: &Network,
    report: &SettlementReport,
    main: &Pubkey,
    summary: &mut ReceiptsSummary,
) -> Result<Earned> {
    let (store, mut earned) = (network.store()?, Earned::new());
    let mut manifests = BTreeMap::new();
    for model in &report.models {
        let manifest = store.get_blob(&model.manifest).await?;
        let manifest: TrainingManifest = serde_json::from_slice(&manifest)?;
        if model.job == *main {
            summary.method = model.method.to_string();
            summary.paid_by_scores = model.paid_by_scores;
            if let Some(health) = &manifest.health {
                (summary.agreement_ppm, summary.roughness_milli) = (health.agreement_ppm, health.roughness_milli);
            }
        }
        manifests.insert(model.job, manifest);
    }
    let mut pay = |job: &Pubkey, weights: &[u8], amount: u64| -> Result<()> {
        let manifest = manifests.get(job).context("the report pays a job that it does not list")?;
        let documents: Vec<(Pubkey, Hash32)> = manifest.paid().collect();
        let weights = Weights::from_bytes(weights, documents.len()).context("the weights do not sum to the whole")?;
        for (document, part) in documents.into_iter().zip(weights.divide(amount)).filter(|(_, part)| *part > 0) {
            *earned.entry(document).or_default() += part;
        }
        Ok(())
    };
    let mut by_training = Vec::new();
    for counted in &report.answers {
        match &counted.divided {
            Divided::Receipt { weights, distance, .. } => {
                let answer = store.get_answer(&counted.request).await?;
                ensure!(answer.receipt.weights == *weights, "the settlement used other weights than the receipt names");
                pay(&counted.job, &store.get_blob(weights).await?, counted.contributors.0)?;
                summary.exact += 1;
                summary.largest_distance_ppm = summary.largest_distance_ppm.max(*distance);
            }
            Divided::Training { .. } => by_training.push((counted.job, counted.contributors.0)),
            Divided::Held { .. } => summary.held += 1,
        }
    }
    by_training.extend(report.funded.iter().filter(|f| !f.held).filter_map(|f| Some((f.job?, f.amount.0))));
    for (job, amount) in by_training {
        let weights = training_weights(network, report, &manifests, &job).await?;
        pay(&job, &weights, amount)?;
    }
    Ok(earned)
}

/// The bytes of a job's training weights. A job whose scores do not pay divides by the tokens that were learned.
async fn training_weights(
    network: &Network,
    report: &SettlementReport,
    manifests: &BTreeMap<Pubkey, TrainingManifest>,
    job: &Pubkey,
) -> Result<Vec<u8>> {
    let manifest = manifests.get(job).context("the report pays a job that it does not list")?;
    let model = report.models.iter().find(|m| m.job == *job).context("the report pays a job that it does not list")?;
    if model.paid_by_scores {
        return Ok(network.store()?.get_blob(&manifest.weights).await?.to_vec());
    }
    let mut learned = BTreeMap::new();
    for (document, tokens) in manifest.rows().zip(&manifest.targets) {
        *learned.entry(document).or_insert(0) += u64::from(*tokens);
    }
    let mut tokens: Vec<u64> = manifest.paid().map(|document| learned[&document]).collect();
    manifest.repeated.iter().for_each(|r| tokens[r.document as usize] = 0);
    Ok(Weights::in_proportion(&tokens).context("the job has no documents")?.to_bytes())
}
