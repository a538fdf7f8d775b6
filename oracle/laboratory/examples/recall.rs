//! Measures how well influence finds the sources of a real model's answers, and how long each part takes.
//!
//! It trains an adapter of SmolLM2-135M on entries of the Free On-line Dictionary of Computing, asks "What is X?", lets
//! the model answer, and attributes the answer. Usage:
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example recall -- \
//!     MODEL.gguf FOLDER_OF_foldoc.index_AND_foldoc.dict.dz [key=value …]
//! ```
//! with the keys of `Options` below. Debian's package `dict-foldoc` holds both files.

#[path = "support/foldoc.rs"]
mod foldoc;

use anyhow::{Context, Result, bail};
use foldoc::{QUESTION, entries, example, question};
use openledger_attribution::{
    IndexReader, Logra, LograSettings, Preconditioner, ProjectionSettings, Query, build_index, gradient::GradientSource,
};
use openledger_laboratory::recall::Recall;
use openledger_lm::{
    Adapter, BaseModel, ChatMessage, Device, Example, LoraConfig, Role, SamplingConfig, Target, Tokenizer, TrainConfig,
    Trainer, generate, train::evaluate,
};
use openledger_pay::ppm;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// The options of the command line.
struct Options {
    train: TrainConfig,
    entries: usize,
    questions: usize,
    answer_tokens: usize,
    stride: usize,
    /// Number of held-out entries on which the loss is measured.
    held_out: usize,
    /// Question template. `{}` stands for the term. Training uses "What is {}?".
    ask: String,
    /// Values of k to try. The projection is k × k for each.
    k: Vec<usize>,
    /// Adapter file. If it exists it is read instead of training, otherwise it is written.
    reuse: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut train = TrainConfig {
            epochs: 2,
            max_len: 96,
            lora: LoraConfig { rank: 8, alpha: 16.0, targets: vec![Target::Q, Target::V] },
            ..Default::default()
        };
        let (mut entries, mut questions, mut answer_tokens, mut stride, mut held_out) = (100, 20, 32, 3, 24);
        let (mut ask, mut k, mut reuse) = (QUESTION.to_owned(), vec![8, 16], None);
        for argument in arguments {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match key {
                "epochs" => train.epochs = value.parse()?,
                "batch" => train.batch_size = value.parse()?,
                "lr" => train.learning_rate = value.parse()?,
                "warmup" => train.warmup_steps = value.parse()?,
                "tokens" => train.max_len = value.parse()?,
                "rank" => train.lora.rank = value.parse()?,
                "alpha" => train.lora.alpha = value.parse()?,
                "targets" if value == "all" => train.lora.targets = Target::ALL.to_vec(),
                "targets" if value == "qv" => train.lora.targets = vec![Target::Q, Target::V],
                "entries" => entries = value.parse()?,
                "questions" => questions = value.parse()?,
                "answer" => answer_tokens = value.parse()?,
                "stride" => stride = value.parse()?,
                "held_out" => held_out = value.parse()?,
                "ask" => value.clone_into(&mut ask),
                "k" => k = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "adapter" => reuse = Some(value.into()),
                _ => bail!("`{argument}` is not known"),
            }
        }
        Ok(Self { train, entries, questions, answer_tokens, stride, held_out, ask, k, reuse })
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, rest @ ..] = arguments.as_slice() else {
        bail!("usage: recall MODEL.gguf FOLDER [key=value …]")
    };
    let options = Options::parse(rest)?;

    let start = Instant::now();
    let base = Arc::new(BaseModel::load_gguf(Path::new(model), &Device::Cpu)?);
    let tokenizer = Tokenizer::from_gguf(Path::new(model))?;
    println!("model loaded in {:.1?}", start.elapsed());

    let all = entries(Path::new(folder))?;
    let (train, held_out) = all.split_at(options.entries);
    let example = |e| example(&tokenizer, e, options.train.max_len);
    let examples: Arc<[Example]> = train.iter().map(example).collect::<Result<_>>()?;
    let evaluation: Vec<Example> = held_out.iter().take(options.held_out).map(example).collect::<Result<_>>()?;
    let tokens: usize = examples.iter().map(|e| e.tokens.len()).sum();
    println!("{} entries of {} usable, {tokens} tokens", examples.len(), all.len());

    let adapter = match &options.reuse {
        Some(path) if path.exists() => Adapter::load(path, &base)?,
        _ => {
            let adapter = trained(&base, &options.train, &examples, &evaluation)?;
            if let Some(path) = &options.reuse {
                adapter.save(path)?;
            }
            adapter
        }
    };

    // The answers are generated once, and every setting attributes the same answers.
    let start = Instant::now();
    let mut queries = Vec::new();
    let mut generated = 0;
    for q in 0..options.questions {
        let position = (q * options.stride) % train.len();
        let prompt = tokenizer.chat(&[ChatMessage::new(Role::User, question(&options.ask, &train[position].term))])?;
        let config = SamplingConfig { max_tokens: options.answer_tokens, ..Default::default() };
        let answer = generate(&base, &adapter, &tokenizer, &prompt, &config, |_, _| ControlFlow::Continue(()))?;
        generated += answer.tokens.len();
        if q < 4 {
            println!(
                "  {}\n    answer: {}\n    source: {}",
                train[position].term, answer.text, train[position].definition
            );
        }
        let loss_from = prompt.len();
        queries.push((position, Query::answer([prompt, answer.tokens].concat(), loss_from)?));
    }
    println!("{} answers, {generated} tokens in {:.1?}", queries.len(), start.elapsed());

    let scratch = tempdir()?;
    for &k in &options.k {
        let projection = ProjectionSettings { k_in: k, k_out: k, ..Default::default() };
        let source = || GradientSource::new(base.clone(), adapter.clone(), &projection);
        let path = scratch.join(format!("{k}.index"));
        let start = Instant::now();
        let index = build_index(&path, &source()?, &examples, |_, _| ControlFlow::Continue(()))?;
        let megabytes = std::fs::metadata(index.path())?.len() as f64 / 1e6;
        println!("k = {k}: index of {} rows, {megabytes:.1} MB in {:.1?}", index.count(), start.elapsed());
        let with = |preconditioner, unit_norm| -> Result<Logra> {
            let settings = LograSettings { projection: projection.clone(), preconditioner, unit_norm };
            Ok(Logra::new(source()?, IndexReader::open(&path)?, settings)?)
        };
        let start = Instant::now();
        let plain = with(Preconditioner::None, false)?;
        let gradients: Vec<Vec<f64>> =
            queries.iter().map(|(_, q)| plain.query_gradient(q)).collect::<Result<_, _>>()?;
        println!("  backward pass of an answer: {:.2?}", start.elapsed() / queries.len() as u32);
        let fisher = [0.001, 0.01, 0.1, 1.0].map(|damping| Preconditioner::Fisher { damping });
        for preconditioner in [Preconditioner::None].into_iter().chain(fisher) {
            for unit_norm in [false, true] {
                let start = Instant::now();
                let logra = with(preconditioner, unit_norm)?;
                let ready = start.elapsed();
                let start = Instant::now();
                let mut recall = Recall::default();
                let mut share = 0;
                for ((position, _), gradient) in queries.iter().zip(&gradients) {
                    let scores = logra.score_gradient(gradient)?;
                    recall.add(&scores, *position);
                    share += ppm(&scores.ids, &scores.values)?[*position];
                }
                println!(
                    "  {preconditioner:?} unit_norm {unit_norm}: recall@1 {:.2} (chance {:.2}), @5 {:.2} (chance {:.2}), \
                     mean share of the source {} ppm; ready in {ready:.1?}, product {:.1?}",
                    recall.at(1),
                    recall.chance(1),
                    recall.at(5),
                    recall.chance(5),
                    share / queries.len() as u64,
                    start.elapsed() / queries.len() as u32,
                );
            }
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

fn trained(
    base: &Arc<BaseModel>,
    config: &TrainConfig,
    examples: &Arc<[Example]>,
    evaluation: &[Example],
) -> Result<Adapter> {
    let before = evaluate(base, None, evaluation, 4)?;
    let mut last_epoch = Vec::new();
    let start = Instant::now();
    let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone())?;
    while !trainer.is_finished() {
        let report = trainer.step()?;
        if last_epoch.len() == examples.len().div_ceil(config.batch_size) {
            last_epoch.clear();
        }
        last_epoch.push(report.loss);
        if report.step % 10 == 0 {
            println!("  step {}: loss {:.3}, gradient norm {:.3}", report.step, report.loss, report.gradient_norm);
        }
    }
    let elapsed = start.elapsed();
    let adapter = trainer.adapter().clone();
    let after = evaluate(base, Some(&adapter), evaluation, 4)?;
    let trained = last_epoch.iter().sum::<f32>() / last_epoch.len() as f32;
    println!(
        "trained {} epochs at {} in {elapsed:.1?}: mean loss in the last epoch {trained:.3}, held-out {before:.3} → {after:.3}",
        config.epochs, config.learning_rate
    );
    Ok(adapter)
}

/// An empty folder for this process.
fn tempdir() -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("openledger-recall-{}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
