//! Measures whether the exact attribution of a real model's answers can be trusted. It compares the predicted with the
//! actual change of their loss when examples are left out and the model is really trained again.
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example exactness -- \
//!     MODEL.gguf FOLDER_OF_foldoc.index_AND_foldoc.dict.dz [key=value …]
//! ```
//! Keys: entries, tokens, epochs, batch, lr, warmup, questions, answer, leave (share left out), n (retrainings, or 0).
//! It also prints how well estimates that are available at once rank the documents in the order of the exact scores.

#[path = "support/foldoc.rs"]
mod foldoc;

use anyhow::{Context, Result, bail};
use foldoc::{QUESTION, entries, example, question};
use openledger_attribution::{
    IndexReader, Logra, LograSettings, Magic, MagicSettings, Preconditioner, ProjectionKind, ProjectionSettings, Query,
    QueryItem, build_index, gradient::GradientSource, magic::TrainedRun,
};
use openledger_laboratory::{
    evaluate::{correlation::spearman, leave_outs::leave_outs},
    recall::Recall,
};
use openledger_lm::{
    BaseModel, ChatMessage, Device, Example, LoraConfig, Role, SamplingConfig, Target, Tokenizer, TrainConfig,
    generate, train::evaluate,
};
use openledger_pay::ppm;
use std::{ops::ControlFlow, path::Path, sync::Arc, time::Instant};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, rest @ ..] = arguments.as_slice() else {
        bail!("usage: exactness MODEL.gguf FOLDER [key=value …]")
    };
    let mut config = TrainConfig {
        epochs: 4,
        max_len: 48,
        learning_rate: 5e-4,
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

    let before = evaluate(&base, None, &evaluation, 4)?;
    let start = Instant::now();
    let (run, cache) = TrainedRun::train(base.clone(), config, examples.clone(), tempfile::tempdir()?)?;
    let trained = start.elapsed();
    let adapter = run.adapter()?;
    let after = evaluate(&base, Some(&adapter), &evaluation, 4)?;
    println!("trained {} steps in {trained:.1?}, held-out loss {before:.3} → {after:.3}", run.total_steps());

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
    let magic = Magic::new(run, MagicSettings::default())?.with_cache(cache);
    let outcome = magic.finish(magic.begin(&query)?, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?;
    let walked = start.elapsed();
    println!(
        "walked back in {walked:.1?}: {:.2} training runs; ‖∂φ/∂θ‖ before the first step {:.2}",
        walked.as_secs_f64() / trained.as_secs_f64(),
        outcome.health.adjoint_at_start
    );
    estimates(magic.run(), &examples, &query, &outcome.scores.values)?;
    if n == 0 {
        return Ok(());
    }
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
    match measured.trust(&outcome.health).warning() {
        None => println!("sound"),
        Some(warning) => println!("{warning}"),
    }
    Ok(())
}

/// The LoGra settings to compare: the projection, its width, the number of logged states, and whether each row has unit
/// norm.
const ESTIMATES: [(ProjectionKind, usize, usize, bool); 7] = [
    (ProjectionKind::Random, 16, 1, false),
    (ProjectionKind::Adapter, 16, 1, false),
    (ProjectionKind::Adapter, 16, 1, true),
    (ProjectionKind::Adapter, 16, 3, false),
    (ProjectionKind::Adapter, 16, 6, false),
    (ProjectionKind::Adapter, 32, 1, false),
    (ProjectionKind::Adapter, 32, 6, false),
];

/// Compares the sum of every answer's estimates with the exact scores. Prints three rank correlations: of the sums
/// themselves, of what would be paid (nothing below zero), and of the sums of the shares that receipts name. Also
/// prints how often the document that a question asks about ranks first, and how often among the first five.
fn estimates(run: &TrainedRun, examples: &[Example], query: &Query, exact: &[f32]) -> Result<()> {
    let exact: Vec<f64> = exact.iter().map(|s| f64::from(*s)).collect();
    let paid = |scores: &[f64]| scores.iter().map(|s| s.max(0.0)).collect::<Vec<_>>();
    let (scratch, count, adapter) = (tempfile::tempdir()?, query.items().len(), run.adapter()?);
    println!(
        "{:<40} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "rank correlation with the exact", "scores", "paid", "receipts", "first", "of five"
    );
    for (kind, k, states, unit_norm) in ESTIMATES {
        let projection = ProjectionSettings { kind, k_in: k, k_out: k, states, ..Default::default() };
        let of_run = GradientSource::of_run(
            run.base().clone(),
            run.config(),
            examples.len(),
            &run.spaced_states(states)?,
            &projection,
        )?;
        let path = scratch.path().join(format!("{kind:?} {k} {states}"));
        build_index(&path, &of_run, examples, |_, _| ControlFlow::Continue(()))?;
        for preconditioner in [Preconditioner::Fisher { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }] {
            let settings = LograSettings { projection: projection.clone(), preconditioner, unit_norm };
            let end = GradientSource::new(run.base().clone(), adapter.clone(), &projection)?;
            let logra = Logra::new(end, IndexReader::open(&path)?, settings)?;
            let (mut sums, mut shares) = (vec![0.0; exact.len()], vec![0.0; exact.len()]);
            let mut recall = Recall::default();
            for (q, item) in query.items().iter().enumerate() {
                let query = Query::answer(item.tokens.clone(), item.loss_from)?;
                let scores = logra.score_gradient(&logra.query_gradient(&query)?)?;
                recall.add(&scores, q * exact.len() / count);
                sums.iter_mut().zip(&scores.values).for_each(|(sum, v)| *sum += f64::from(*v));
                let parts = ppm(&scores.ids, &scores.values)?;
                scores.top_k(10).iter().for_each(|top| shares[top.position] += parts[top.position] as f64);
            }
            let name =
                format!("{kind:?} {k} {preconditioner:?}, {states} states{}", if unit_norm { ", unit" } else { "" });
            println!(
                "{name:<40} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
                spearman(&sums, &exact),
                spearman(&paid(&sums), &paid(&exact)),
                spearman(&shares, &paid(&exact)),
                recall.at(1),
                recall.at(5)
            );
        }
    }
    Ok(())
}
