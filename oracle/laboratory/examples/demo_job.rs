//! Checks the demo's own job by training it again: do its estimates say what leaving documents out really does?
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example demo_job -- \
//!     MODEL.gguf DOCUMENTS FILE.json [leave=20] [minutes=…] [key=value …]
//! ```
//! `MODEL.gguf` and `DOCUMENTS` are what `cargo xtask fetch` puts into the cache. The job has the demo's config: the default
//! one, but for 24 documents, 8 held out, and 40 tokens of each. Keys that change it: examples, held_out, tokens, epochs,
//! batch, lr, warmup, rank, damping, k, states, seed. The documents are drawn as a job draws them, but by another shuffle,
//! because the chain gives the demo's documents their order. `leave` single documents are left out, each in a training of
//! its own, but no further ones after `minutes`. Everything found is written to `FILE.json`.

#[allow(dead_code, unused_imports)] // the demo uses the rest
#[path = "../../../tests/system/src/documents/mod.rs"]
mod documents;

use anyhow::{Context, Result, bail, ensure};
use openledger_laboratory::evaluate::{
    job_check::{Job, JobCheck, estimate_settings},
    subsets::leave_out,
};
use openledger_lm::{BaseModel, Device, Example, LoraConfig, LossReduction, Target, Tokenizer, TrainConfig};
use std::{ops::ControlFlow, path::Path, sync::Arc, time::Instant};

/// The seed of the job, of its draw of documents, and of what is left out.
const SEED: u64 = 42;
/// What the demo's Datanets hold: authors, pages of each, terms of each dictionary, satirical definitions.
const DOCUMENTS: [usize; 4] = [12, 6, 85, 70];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, output, rest @ ..] = arguments.as_slice() else {
        bail!("usage: demo_job MODEL.gguf DOCUMENTS FILE.json [key=value …]")
    };
    // The config of the demo's job.
    let (mut count, mut held, mut damping) = (24, 8, 0.1);
    let mut config = TrainConfig {
        epochs: 4,
        batch_size: 2,
        max_len: 40,
        learning_rate: 5e-4,
        warmup_steps: 16,
        checkpoint_every: 8,
        loss: LossReduction::Sum { denominator: 32 },
        lora: LoraConfig { rank: 8, alpha: 16.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let (mut leave, mut k, mut states, mut minutes, mut seed) = (20, 64, 6, u64::MAX, SEED);
    for argument in rest {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "leave" => leave = value.parse()?,
            "examples" => count = value.parse()?,
            "held_out" => held = value.parse()?,
            "tokens" => config.max_len = value.parse()?,
            "epochs" => config.epochs = value.parse()?,
            "batch" => config.batch_size = value.parse()?,
            "lr" => config.learning_rate = value.parse()?,
            "warmup" => config.warmup_steps = value.parse()?,
            "rank" => (config.lora.rank, config.lora.alpha) = (value.parse()?, 2.0 * value.parse::<f64>()?),
            "damping" => damping = value.parse()?,
            "minutes" => minutes = value.parse()?,
            "k" => k = value.parse()?,
            "seed" => seed = value.parse()?,
            "states" => states = value.parse()?,
            _ => bail!("`{argument}` is not known"),
        }
    }
    config.seed = seed;
    let (base, tokenizer) =
        (Arc::new(BaseModel::load_gguf(Path::new(model), &Device::Cpu)?), Tokenizer::from_gguf(Path::new(model))?);
    let [authors, pages, terms, satire] = DOCUMENTS;
    let collections = documents::collections(Path::new(folder), authors, pages, terms, satire)?;
    let all: Vec<_> = collections.into_iter().flat_map(|c| c.documents).collect();
    let wanted = count + held;
    ensure!(wanted < all.len(), "the job wants {wanted} documents, there are {}", all.len());
    let mut examples = Vec::new();
    // One more than wanted, so that rounding takes none away. The draw is sorted, so every part of it is mixed again.
    let drawn = leave_out(all.len(), (wanted as f64 + 0.5) / all.len() as f64, 1, seed)?.remove(0);
    for position in drawn {
        let document = &all[position];
        let id = openledger_lm::sha256(&(position as u64).to_le_bytes());
        let question = format!("What is {}?", document.title);
        examples.push(Example::answer(&tokenizer, id, &question, &document.text)?.truncated(config.max_len));
    }
    let apart = leave_out(wanted, (held as f64 + 0.5) / wanted as f64, 1, seed)?.remove(0);
    let mut held_out = Vec::new();
    for position in apart.into_iter().rev() {
        held_out.push(examples.remove(position));
    }
    let examples: Arc<[Example]> = examples.into();

    let (start, scratch) = (Instant::now(), tempfile::tempdir()?);
    let estimate = estimate_settings(k, states, damping);
    let job = Job { base: &base, config: &config, examples: &examples, held_out: &held_out, estimate: &estimate };
    let check = JobCheck::measure(&job, (leave, seed), scratch.path(), |done, total| {
        eprintln!("{done} of {total} retrainings after {:.0?}", start.elapsed());
        if start.elapsed().as_secs() / 60 < minutes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    println!(
        "{} documents, {} held out; held-out loss {:.3} → {:.3}; {} single documents left out in {:.0?}\n\
         rank correlation with the changes of the held-out loss: estimate {:.3}, exact walk {:.3}; of each held-out \
         example: estimate {:.3}\n\
         slope of the changes on the exact scores: {:.3}\n\
         cheap: estimate with exact walk {:.3}; a change of the first parameters is amplified {:.2} times",
        examples.len(),
        held_out.len(),
        check.loss[0],
        check.loss[1],
        check.left_out.len(),
        start.elapsed(),
        check.rank(&check.estimate),
        check.rank(&check.exact),
        check.rank_of_each(&check.each),
        check.slope(&check.exact),
        check.agreement(),
        check.adjoint_at_start
    );
    let value = serde_json::json!({
        "config": config, "estimate": estimate, "documents": all.len(), "held_out": held, "seconds": start.elapsed().as_secs_f64(),
        "rank": check.rank(&check.estimate), "rank_exact": check.rank(&check.exact),
        "rank_of_each": check.rank_of_each(&check.each), "slope": check.slope(&check.exact),
        "agreement": check.agreement(), "check": check,
    });
    Ok(std::fs::write(output, serde_json::to_vec_pretty(&value)?)?)
}
