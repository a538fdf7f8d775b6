//! Whether the exact attribution of a real model's answers can be trusted: predicted against actual change of their loss
//! when examples are left out and the model is really trained again.
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-attribution --example exactness -- \
//!     MODEL.gguf FOLDER_OF_foldoc.index_AND_foldoc.dict.dz [key=value …]
//! ```
//! Keys: entries, tokens, epochs, batch, lr, warmup, questions, answer, leave (share left out), n (retrainings).

#[path = "support/foldoc.rs"]
mod foldoc;

use anyhow::{Context, Result, bail};
use foldoc::{QUESTION, entries, example, question};
use openledger_attribution::{
    GradientCache, Magic, MagicSettings, Query, QueryItem,
    magic::{TrainedRun, leave_outs},
};
use openledger_lm::{
    BaseModel, ChatMessage, Device, Example, LoraConfig, Role, SamplingConfig, Target, Tokenizer, TrainConfig, Trainer,
    generate,
    train::{DirectorySink, evaluate},
};
use std::{ops::ControlFlow, path::Path, sync::Arc, time::Instant};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, rest @ ..] = arguments.as_slice() else {
        bail!("usage: exactness MODEL.gguf FOLDER [key=value …]")
    };
    let mut config = TrainConfig {
        epochs: 4,
        max_len: 48,
        learning_rate: 2e-3,
        warmup_steps: 12,
        checkpoint_every: 4,
        lora: LoraConfig { rank: 8, alpha: 16.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let (mut count, mut questions, mut answer_tokens, mut share, mut n) = (48, 10, 24, 0.1, 8);
    for argument in rest {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "entries" => count = value.parse()?,
            "tokens" => config.max_len = value.parse()?,
            "epochs" => config.epochs = value.parse()?,
            "batch" => config.batch_size = value.parse()?,
            "lr" => config.learning_rate = value.parse()?,
            "warmup" => config.warmup_steps = value.parse()?,
            "questions" => questions = value.parse()?,
            "answer" => answer_tokens = value.parse()?,
            "leave" => share = value.parse()?,
            "n" => n = value.parse()?,
            _ => bail!("`{argument}` is not known"),
        }
    }
    let base = Arc::new(BaseModel::load_gguf(Path::new(model), &Device::Cpu)?);
    let tokenizer = Tokenizer::from_gguf(Path::new(model))?;
    let all = entries(Path::new(folder))?;
    let (train, held_out) = all.split_at(count);
    let examples: Arc<[Example]> =
        train.iter().map(|e| example(&tokenizer, e, config.max_len)).collect::<Result<_>>()?;
    let evaluation: Vec<Example> =
        held_out.iter().take(16).map(|e| example(&tokenizer, e, config.max_len)).collect::<Result<_>>()?;

    let scratch = tempfile::tempdir()?;
    let states = DirectorySink::new(scratch.path().join("states"))?;
    let cache = GradientCache::new(scratch.path().join("gradients"))?;
    let before = evaluate(&base, None, &evaluation, 4)?;
    let start = Instant::now();
    let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?.with_observer(cache.observer());
    let log = trainer.run(&mut states.clone(), &mut |_| ControlFlow::Continue(()))?;
    let trained = start.elapsed();
    let adapter = trainer.adapter().clone();
    let after = evaluate(&base, Some(&adapter), &evaluation, 4)?;
    println!("trained {} steps in {trained:.1?}, held-out loss {before:.3} → {after:.3}", trainer.state().step);

    let mut items = Vec::new();
    for q in 0..questions {
        let asked = question(QUESTION, &train[q * count / questions].term);
        let prompt = tokenizer.chat(&[ChatMessage::new(Role::User, asked)])?;
        let sampling = SamplingConfig { max_tokens: answer_tokens, ..Default::default() };
        let answer = generate(&base, &adapter, &tokenizer, &prompt, &sampling, |_, _| ControlFlow::Continue(()))?;
        let (loss_from, weight) = (prompt.len(), 1.0 / questions as f32);
        items.push(QueryItem { tokens: [prompt, answer.tokens].concat(), loss_from, weight });
    }
    let query = Query::new(items)?;
    let start = Instant::now();
    let run = TrainedRun::new(base.clone(), config, examples, log, Arc::new(states))?;
    let magic = Magic::new(run, MagicSettings::default())?.with_cache(cache);
    let outcome = magic.finish(magic.begin(&query)?, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?;
    let walked = start.elapsed();
    println!(
        "walked back in {walked:.1?}: {:.2} training runs; ‖∂φ/∂θ‖ before the first step {:.2}",
        walked.as_secs_f64() / trained.as_secs_f64(),
        outcome.health.adjoint_at_start
    );
    let measured = leave_outs(magic.run(), &query, &outcome.end.derivatives, (n, share, 1), |done, total| {
        eprintln!("retraining {done} of {total}");
        ControlFlow::Continue(())
    })?;
    for (predicted, actual) in measured.predicted.iter().zip(&measured.actual) {
        println!("  predicted {predicted:+.5}  actual {actual:+.5}");
    }
    println!(
        "{n} retrainings without {:.0} % each: slope {:.2}, Pearson {:.3}, Spearman {:.3}",
        100.0 * share,
        measured.slope,
        measured.pearson,
        measured.spearman
    );
    match outcome.health.with_leave_outs(measured).trust().warning() {
        None => println!("sound"),
        Some(warning) => println!("{warning}"),
    }
    Ok(())
}
