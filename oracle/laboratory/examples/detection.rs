//! DataInf's tasks (Kwon et al. 2024, arXiv:2310.00902) on the tiny model. Two things are measured: whether a method's
//! scores for an answer find the training examples of the same class, and whether self-influence finds false labels.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example detection -- [key=value …]
//! ```
//! There are 900 training examples of ten classes and 100 questions. The LoRA adapter has rank 8 and α = 32, on q and
//! v. For false labels it has rank 4, on all layers. In the blind task the prompt does not name the class.
//! `only=logra,random` keeps the methods whose names contain one of these. `json=FILE` writes the table there too.

#[path = "support/job.rs"]
mod job;
#[path = "support/methods.rs"]
mod methods;

use anyhow::{Context, Result, bail};
use job::Job;
use openledger_attribution::{Query, QueryItem};
use openledger_laboratory::evaluate::{
    detection::{auc, recall_at},
    subsets::leave_out,
    tiny, transformations, word_problems,
};
use openledger_lm::{Example, LoraConfig, Target, Tokenizer, TrainConfig};
use std::sync::Arc;

/// Number of training examples, ninety of each class.
const TRAIN: usize = 900;
/// Number of questions, ten of each class.
const QUESTIONS: usize = 100;
/// Share of the labels that are made false.
const FALSE: f64 = 0.2;

struct Options {
    seed: u64,
    only: String,
    pretrain: usize,
    json: Option<std::path::PathBuf>,
}

impl Options {
    fn parse() -> Result<Self> {
        let mut options = Self { seed: 0, only: String::new(), pretrain: tiny::EPOCHS, json: None };
        for argument in std::env::args().skip(1) {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match key {
                "seed" => options.seed = value.parse()?,
                "only" => value.clone_into(&mut options.only),
                "pretrain" => options.pretrain = value.parse()?,
                "json" => options.json = Some(value.into()),
                _ => bail!("`{argument}` is not known"),
            }
        }
        Ok(options)
    }
}

/// Settings for false labels. All layers are adapted, so that right answers are learned.
fn wide(seed: u64) -> TrainConfig {
    let lora = LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() };
    TrainConfig { learning_rate: 5e-3, lora, ..narrow(seed) }
}

/// DataInf's own settings: q and v.
fn narrow(seed: u64) -> TrainConfig {
    TrainConfig {
        epochs: 10,
        batch_size: 16,
        max_len: 96,
        learning_rate: 1e-3,
        warmup_steps: 57,
        seed,
        lora: LoraConfig { rank: 8, alpha: 32.0, targets: vec![Target::Q, Target::V] },
        ..Default::default()
    }
}

/// A line of the table: what a method found.
struct Row {
    name: String,
    first: f64,
    second: f64,
}

/// AUC of finding the training examples of the question's class, and recall among the ninety largest scores. Both are
/// means over questions.
fn classes(job: &Job, questions: &[Example], options: &Options) -> Result<Vec<Row>> {
    let queries: Vec<Query> =
        questions.iter().map(|q| Query::answer(q.tokens.clone(), q.loss_from)).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (name, build) in methods::chosen(&options.only) {
        // Exact scores of many questions go back through the training together, which costs less than half.
        let all = if name == "magic" {
            methods::walked(job, &queries)?
        } else {
            let method = build(job).with_context(|| name.clone())?;
            queries.iter().map(|query| Ok(method.score(query)?.values)).collect::<Result<Vec<_>>>()?
        };
        let (mut area, mut recall) = (0.0, 0.0);
        for (i, scores) in all.into_iter().enumerate() {
            let same: Vec<bool> =
                (0..scores.len()).map(|j| j % transformations::COUNT == i % transformations::COUNT).collect();
            area += auc(&scores, &same)? / queries.len() as f64;
            // Scores count by size, without their sign, as in DataInf's own code.
            let sizes: Vec<f32> = scores.iter().map(|s| s.abs()).collect();
            recall += recall_at(&sizes, &same, TRAIN / transformations::COUNT)? / queries.len() as f64;
        }
        rows.push(Row { name, first: area, second: recall });
    }
    Ok(rows)
}

/// AUC of finding false labels in two ways: by what each example contributes to its own answer, and by how little it
/// helps answers that are right.
fn false_labels(job: &Job, wrong: &[usize], right: &[Example], options: &Options) -> Result<Vec<Row>> {
    let is_wrong: Vec<bool> = (0..job.examples.len()).map(|i| wrong.contains(&i)).collect();
    let validation = Query::new(
        right
            .iter()
            .map(|e| QueryItem { tokens: e.tokens.clone(), loss_from: e.loss_from, weight: 1.0 / right.len() as f32 })
            .collect(),
    )?;
    let mut rows = Vec::new();
    for (name, build) in methods::chosen(&options.only) {
        let method = build(job).with_context(|| name.clone())?;
        let harm: Vec<f32> = method.score(&validation)?.values.into_iter().map(|v| -v).collect();
        // The exact method needs one walk through the training for each query. A walk for every example's own answer is
        // too expensive.
        let own = if name.starts_with("magic") {
            f64::NAN
        } else {
            let own: Vec<f32> = job
                .examples
                .iter()
                .enumerate()
                .map(|(i, e)| Ok(method.score(&Query::answer(e.tokens.clone(), e.loss_from)?)?.values[i]))
                .collect::<Result<_>>()?;
            auc(&own, &is_wrong)?
        };
        rows.push(Row { name, first: own, second: auc(&harm, &is_wrong)? });
    }
    Ok(rows)
}

fn print(task: &str, columns: [&str; 2], rows: &[Row]) {
    println!("{task}\n{:<44} {:>14} {:>14}", "  method", columns[0], columns[1]);
    for row in rows {
        println!("  {:<42} {:>14.4} {:>14.4}", row.name, row.first, row.second);
    }
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    let tokenizer = Arc::new(Tokenizer::bytes());
    let base = Arc::new(tiny::base_model(&tokenizer, options.pretrain, |_, _| ())?);
    let n = TRAIN + QUESTIONS;
    let seed = options.seed + 100;
    let tasks = [
        ("transformations", transformations::instructed(&tokenizer, n, seed)?),
        ("transformations, blind", transformations::blind(&tokenizer, n, seed)?),
        ("word problems", word_problems::examples(&tokenizer, n, seed)?),
    ];
    let mut report = Vec::new();
    let mut record = |task: &str, columns: [&str; 2], rows: Vec<Row>| {
        print(task, columns, &rows);
        for row in rows {
            report.push(serde_json::json!({
                "task": task, "name": row.name, columns[0]: row.first, columns[1]: row.second,
            }));
        }
    };
    for (task, examples) in &tasks {
        let (train, questions) = examples.split_at(TRAIN);
        let job = Job::train(base.clone(), tokenizer.clone(), narrow(options.seed), train.into())?;
        record(task, ["AUC", "recall@90"], classes(&job, questions, &options)?);
    }
    let wrong = leave_out(TRAIN, FALSE, 1, seed)?.remove(0);
    let examples = transformations::mislabelled(&tokenizer, TRAIN, seed, &wrong)?;
    let right = transformations::mislabelled(&tokenizer, QUESTIONS, seed + 1, &[])?;
    let job = Job::train(base, tokenizer, wide(options.seed), examples.into())?;
    record("false labels", ["AUC, own", "AUC, harm"], false_labels(&job, &wrong, &right, &options)?);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}
