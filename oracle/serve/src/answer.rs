//! Generates an answer, and traces it back to the documents that shaped it.

use crate::{catalog::ServedModel, engine::Engine};
use anyhow::Result;
use openledger_attribution::{Attributor, Query};
use openledger_lm::{Generation, SamplingConfig, f32_bytes, generate};
use openledger_pay::ppm;
use openledger_protocol::hash::ZERO;
use openledger_sdk::{
    Store,
    receipt::{Influence, Receipt},
};
use std::{ops::ControlFlow, sync::Arc};
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

/// Finds the documents that shaped the answer `output` to `prompt`. All scores go into the store, and the largest go
/// into the receipt.
pub async fn attribute(
    engine: &Engine,
    store: &Store,
    model: Arc<ServedModel>,
    prompt: &[u32],
    output: &[u32],
) -> Result<Receipt> {
    let settings_hash = model.attributor.settings_hash();
    let method = model.attributor.method().to_string();
    if output.is_empty() {
        return Ok(Receipt { method, settings_hash, influences: Vec::new(), scores: ZERO, spans: Vec::new() });
    }
    let query = Query::answer([prompt, output].concat(), prompt.len())?;
    let asked = model.clone();
    let answer = output.to_vec();
    let (top, ppm, scores, spans) = engine
        .run(move |engine| -> Result<_> {
            let scores = asked.attributor.score(&query)?;
            let spans = asked.passages.trace(engine.tokenizer(), &answer)?;
            Ok((scores.top_k(TOP), ppm(&scores.ids, &scores.values)?, f32_bytes(&scores.values), spans))
        })
        .await?;
    let scores = store.put_blob(scores).await?;
    let influences = top
        .into_iter()
        .filter(|r| ppm[r.position] > 0)
        .map(|r| {
            let source = &model.sources[r.position];
            Influence {
                leaf: source.leaf,
                datanet: source.datanet,
                batch: source.batch,
                title: source.title.clone(),
                owner: source.owner,
                ppm: ppm[r.position],
            }
        })
        .collect();
    Ok(Receipt { method, settings_hash, influences, scores, spans })
}
