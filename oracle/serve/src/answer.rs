//! Generates an answer, and traces it back to the documents that shaped it.

use crate::{catalog::ServedModel, engine::Engine};
use anyhow::Result;
use openledger_lm::{Generation, SamplingConfig, generate};
use openledger_protocol::{
    allocate::PPM,
    weights::{WHOLE, Weights},
};
use openledger_sdk::{
    Store,
    receipt::{Influence, Receipt},
};
use std::{cmp::Reverse, ops::ControlFlow, sync::Arc};
use tokio::sync::mpsc::UnboundedSender;

/// Number of documents that a receipt names.
const TOP: usize = 10;

/// Generates the answer to `prompt`. Sends the text to `pieces` as it becomes complete.
pub async fn generate_answer(
    engine: &Engine,
    model: Arc<ServedModel>,
    prompt: Vec<u32>,
    sampling: SamplingConfig,
    pieces: UnboundedSender<String>,
) -> Result<Generation> {
    let work = move |engine: &Engine| {
        generate(engine.base(), &model.adapter, engine.tokenizer(), &prompt, &sampling, |_, text| {
            // A client that hangs up has still paid. The answer is finished and kept for that client.
            if !text.is_empty() {
                let _ = pieces.send(text.to_string());
            }
            ControlFlow::Continue(())
        })
    };
    Ok(engine.run(work).await?)
}

/// Finds the documents that shaped the answer `output` to `prompt`, and divides `contributors` base units among them. All
/// weights go into the store, and the largest go into the receipt.
pub async fn attribute(
    engine: &Engine,
    store: &Store,
    model: Arc<ServedModel>,
    prompt: &[u32],
    output: &[u32],
    contributors: u64,
) -> Result<Receipt> {
    let settings_hash = model.divider.estimator().settings_hash();
    let method = model.divider.estimator().method().to_string();
    let (asked, prompt, answer) = (model.clone(), prompt.to_vec(), output.to_vec());
    let (weights, spans) = engine
        .run(move |engine| -> Result<_> {
            let spans = match answer.is_empty() {
                true => Vec::new(),
                false => asked.passages.trace(engine.tokenizer(), &answer)?,
            };
            Ok((asked.divider.weights(&prompt, &answer)?, spans))
        })
        .await?;
    let influences = top(&weights, contributors)
        .map(|(position, ppm, amount)| {
            let source = &model.sources[position];
            Influence {
                leaf: source.leaf,
                datanet: source.datanet,
                batch: source.batch,
                title: source.title.clone(),
                owner: source.owner,
                ppm,
                amount: amount.into(),
            }
        })
        .collect();
    let weights = store.put_blob(weights.to_bytes()).await?;
    Ok(Receipt { method, settings_hash, contributors: contributors.into(), influences, weights, spans })
}

/// The documents with the largest weights: position, parts per million and base units, in descending order.
fn top(weights: &Weights, contributors: u64) -> impl Iterator<Item = (usize, u64, u64)> {
    let amounts = weights.divide(contributors);
    let mut order: Vec<usize> = (0..amounts.len()).filter(|i| weights.values()[*i] > 0).collect();
    order.sort_by_key(|i| (Reverse(weights.values()[*i]), *i));
    let named: Vec<_> =
        order.into_iter().take(TOP).map(|i| (i, weights.values()[i] / (WHOLE / PPM), amounts[i])).collect();
    named.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_that_are_paid_most_are_named_with_what_they_are_paid() {
        let mut parts = vec![0, 5, 1, 4];
        let named = |parts: &[u64]| top(&Weights::in_proportion(parts).unwrap(), 1_000).collect::<Vec<_>>();
        assert_eq!(named(&parts), [(1, 500_000, 500), (3, 400_000, 400), (2, 100_000, 100)]);
        parts.extend([1; 20]);
        assert_eq!(named(&parts).len(), TOP);
        assert!(named(&parts).iter().map(|n| n.2).sum::<u64>() <= 1_000);
    }
}
