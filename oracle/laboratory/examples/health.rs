//! Measures which cheap number says whether a training run's estimates agree with leaving documents out.
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example health -- \
//!     measure FILE.jsonl [runs=0,1,…] [repeats=1] [n=100] [base=FILE] && … --example health -- report FILE.jsonl [json=FILE]
//! ```
//! It trains the tiny job with learning rates and lengths from too small to too rough. For each run it leaves out `n`
//! single examples and trains again. `truth` is the rank correlation of the real changes of the held-out loss with what
//! an estimate predicts, and `each` is the mean of that over the held-out examples, each with its own estimate. The
//! candidates for a cheap number are printed beside it.

#[path = "support/clock.rs"]
mod clock;
#[path = "support/job.rs"]
mod job;
#[allow(dead_code)] // the tables of other examples have more methods
#[path = "support/methods.rs"]
mod methods;
#[allow(dead_code)] // the linear datamodeling score is measured elsewhere
#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, bail};
use clock::Clock;
use job::Job;
use openledger_attribution::{
    Attributor, LograSettings, Magic, MagicSettings, Preconditioner, ProjectionKind, ProjectionSettings, Query,
    magic::TrainedRun,
};
use openledger_laboratory::evaluate::{
    correlation::{pearson, spearman},
    retrain::{losses_without, query_losses},
    subsets::leave_out,
    transformations,
};
use openledger_lm::{Example, Tokenizer, TrainConfig};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Write, ops::ControlFlow, path::Path, sync::Arc};
use tiny_job::JobOptions;

/// Peak learning rate, passes, and warm-up as a part of all steps, from too small to too rough.
const RUNS: [(f64, usize, f64); 12] = [
    (1e-4, 2, 0.25),
    (3e-4, 2, 0.25),
    (1e-3, 2, 0.25),
    (1e-3, 4, 0.25),
    (2e-3, 4, 0.25),
    (2e-3, 8, 0.25),
    (4e-3, 4, 0.25),
    (4e-3, 8, 0.25),
    (8e-3, 4, 0.25),
    (8e-3, 6, 0.0),
    (1.6e-2, 4, 0.0),
    (3.2e-2, 4, 0.0),
];

/// Training examples of every run.
const EXAMPLES: usize = 200;
/// Held-out examples.
const HELD_OUT: usize = 20;
/// Held-out examples that are walked each by itself.
const WALKED: usize = 4;
/// The estimates, by their names in the table of methods.
const ESTIMATES: [&str; 2] =
    ["logra adapter 32 ekfac 0.1, mean of 6 states", "logra adapter 32 ekfac 0.1, ensemble of 6 states"];

/// What one run gave.
#[derive(Serialize, Deserialize)]
struct Found {
    run: usize,
    learning_rate: f64,
    epochs: usize,
    warmup_steps: u64,
    seed: u64,
    /// Held-out loss without the adapter, and with it.
    loss: [f64; 2],
    left_out: Vec<usize>,
    /// Change of each held-out example's loss without each example left out, left out × held out.
    changes: Vec<Vec<f64>>,
    /// Of each estimate: scores for the held-out loss.
    estimates: Vec<Vec<f64>>,
    /// Of each estimate: scores for each held-out example, held out × examples.
    each: Vec<Vec<Vec<f64>>>,
    /// Scores for the held-out loss at each of the six states.
    states: Vec<Vec<f64>>,
    /// Exact scores for the held-out loss.
    exact: Vec<f64>,
    /// Exact scores for the first few held-out examples, each.
    exact_each: Vec<Vec<f64>>,
    /// ‖∂φ/∂θ‖ before the first step.
    adjoint_at_start: f64,
    wall_seconds: f64,
    cpu_seconds: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["measure", file, rest @ ..] => measure(Path::new(file), rest),
        ["report", file] => report(Path::new(file), None),
        ["report", file, json] => report(Path::new(file), json.strip_prefix("json=").map(Path::new)),
        _ => bail!("usage: health measure FILE.jsonl [key=value …] | health report FILE.jsonl [json=FILE]"),
    }
}

fn measure(file: &Path, rest: &[&str]) -> Result<()> {
    let (mut runs, mut n, mut options): (Vec<usize>, _, _) = ((0..RUNS.len()).collect(), 100, JobOptions::default());
    let mut repeats = 1;
    for argument in rest {
        match argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))? {
            ("runs", value) => runs = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            ("repeats", value) => repeats = value.parse()?,
            ("n", value) => n = value.parse()?,
            (key, value) if options.set(key, value)? => {}
            _ => bail!("`{argument}` is not known"),
        }
    }
    let tokenizer = Arc::new(Tokenizer::bytes());
    let base = tiny_job::base(&options, &tokenizer)?;
    // Every repeat has data, initial adapter and batches of its own.
    for (repeat, run) in (0..repeats).flat_map(|repeat| runs.iter().map(move |run| (repeat, *run))) {
        let seed = 100 * (repeat + 1) + run as u64;
        let examples: Arc<[Example]> =
            transformations::examples(&tokenizer, EXAMPLES, seed, &transformations::ALL, false)?.into();
        let queries = transformations::queries(&tokenizer, HELD_OUT, seed + 1_000_000)?;
        let held_out = mean(&queries)?;
        let clock = Clock::start();
        let (learning_rate, epochs, warmup) = *RUNS.get(run).with_context(|| format!("there is no run {run}"))?;
        let steps = (epochs * EXAMPLES.div_ceil(16)) as f64;
        let warmup_steps = (warmup * steps) as u64;
        let config = TrainConfig { learning_rate, epochs, warmup_steps, ..tiny_job::config(seed) };
        let job = Job::train(base.clone(), tokenizer.clone(), config.clone(), examples.clone())?;
        let losses = |adapter| query_losses(&base, adapter, std::slice::from_ref(&held_out));
        let loss = [losses(None)?[0], losses(Some(&job.adapter))?[0]];

        let scores = |method: &dyn Attributor, query: &Query| -> Result<Vec<f64>> {
            Ok(method.score(query)?.values.into_iter().map(f64::from).collect())
        };
        let (mut estimates, mut each) = (Vec::new(), Vec::new());
        for name in ESTIMATES {
            let method = methods::named(name)?(&job)?;
            estimates.push(scores(method.as_ref(), &held_out)?);
            each.push(queries.iter().map(|q| scores(method.as_ref(), q)).collect::<Result<_>>()?);
        }
        let states = job
            .states
            .iter()
            .map(|state| scores(&methods::member(&job, job.adapter.with_flat(&state.params)?, &settings())?, &held_out))
            .collect::<Result<_>>()?;

        let (logged, cache) = TrainedRun::train(base.clone(), config.clone(), examples.clone(), tempfile::tempdir()?)?;
        let magic = Magic::new(logged, MagicSettings::default())?.with_cache(cache);
        let walked = magic.finish(magic.begin(&held_out)?, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?;
        let exact_each = queries[..WALKED].iter().map(|q| scores(&magic, q)).collect::<Result<_>>()?;

        let mut subsets = leave_out(EXAMPLES, 1.0 / EXAMPLES as f64, n, seed)?;
        subsets.push(Vec::new());
        let mut after = losses_without(&base, &config, &examples, &subsets, &queries)?;
        let whole = after.pop().context("the whole")?;
        subsets.pop();
        let changes = after.iter().map(|a| a.iter().zip(&whole).map(|(a, w)| a - w).collect()).collect();

        let [wall_seconds, cpu_seconds] = clock.seconds();
        let found = Found {
            run,
            learning_rate,
            epochs,
            warmup_steps,
            seed,
            loss,
            left_out: subsets.concat(),
            changes,
            estimates,
            each,
            states,
            exact: walked.scores.values.iter().map(|v| f64::from(*v)).collect(),
            exact_each,
            adjoint_at_start: walked.health.adjoint_at_start,
            wall_seconds,
            cpu_seconds,
        };
        line(&found);
        let mut out = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
        writeln!(out, "{}", serde_json::to_string(&found)?)?;
    }
    Ok(())
}

fn settings() -> LograSettings {
    let projection = ProjectionSettings { kind: ProjectionKind::Adapter, k_in: 64, k_out: 64, ..Default::default() };
    LograSettings { projection, preconditioner: Preconditioner::Ekfac { damping: 0.1 }, unit_norm: false }
}

/// One query for the queries' mean loss.
fn mean(queries: &[Query]) -> Result<Query> {
    let mut items: Vec<_> = queries.iter().flat_map(|q| q.items().to_vec()).collect();
    let count = items.len() as f32;
    items.iter_mut().for_each(|item| item.weight = 1.0 / count);
    Ok(Query::new(items)?)
}

impl Found {
    /// Change of the held-out loss without each example left out.
    fn change(&self) -> Vec<f64> {
        self.changes.iter().map(|c| c.iter().sum::<f64>() / c.len() as f64).collect()
    }

    fn picked(&self, scores: &[f64]) -> Vec<f64> {
        self.left_out.iter().map(|i| scores[*i]).collect()
    }

    /// Rank correlation of these scores with the changes of the held-out loss.
    fn truth(&self, scores: &[f64]) -> f64 {
        spearman(&self.picked(scores), &self.change())
    }

    /// Mean over the held-out examples of the rank correlation of their own scores with their own changes.
    fn each_truth(&self, each: &[Vec<f64>]) -> f64 {
        let of = |(q, scores): (usize, &Vec<f64>)| {
            spearman(&self.picked(scores), &self.changes.iter().map(|c| c[q]).collect::<Vec<_>>())
        };
        each.iter().enumerate().map(of).sum::<f64>() / each.len() as f64
    }

    /// Mean over the walked held-out examples of the rank correlation of their own scores with their own walk.
    fn each_exact(&self, each: &[Vec<f64>]) -> f64 {
        self.exact_each.iter().zip(each).map(|(exact, own)| spearman(own, exact)).sum::<f64>() / WALKED as f64
    }

    /// Mean rank correlation between the scores at two states.
    fn between_states(&self) -> f64 {
        let pairs = (0..self.states.len()).flat_map(|a| (a + 1..self.states.len()).map(move |b| (a, b)));
        let all: Vec<f64> = pairs.map(|(a, b)| spearman(&self.states[a], &self.states[b])).collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// The cheap numbers, by name.
    fn proxies(&self) -> [(&'static str, f64); 8] {
        [
            ("mean with exact walk", spearman(&self.estimates[0], &self.exact)),
            ("ensemble with exact walk", spearman(&self.estimates[1], &self.exact)),
            ("mean with exact walk, each", self.each_exact(&self.each[0])),
            ("ensemble with exact walk, each", self.each_exact(&self.each[1])),
            ("mean with ensemble", spearman(&self.estimates[0], &self.estimates[1])),
            ("between states", self.between_states()),
            ("-log adjoint at start", -self.adjoint_at_start.ln()),
            ("part of loss learned", 1.0 - self.loss[1] / self.loss[0]),
        ]
    }

    /// What the cheap numbers should predict, by name.
    fn truths(&self) -> [(&'static str, f64); 5] {
        [
            ("mean, held-out loss", self.truth(&self.estimates[0])),
            ("ensemble, held-out loss", self.truth(&self.estimates[1])),
            ("mean, each", self.each_truth(&self.each[0])),
            ("ensemble, each", self.each_truth(&self.each[1])),
            ("exact walk, held-out loss", self.truth(&self.exact)),
        ]
    }
}

fn line(found: &Found) {
    let cells = |list: &[(&str, f64)]| list.iter().map(|(_, v)| format!("{v:>7.3}")).collect::<Vec<_>>().join(" ");
    println!(
        "{:>2} {:>8} {:>3} {:>3} | {:.3} → {:.3} | {} | {} | {:.0} s, {:.0} s CPU",
        found.run,
        found.learning_rate,
        found.epochs,
        found.warmup_steps,
        found.loss[0],
        found.loss[1],
        cells(&found.truths()),
        cells(&found.proxies()),
        found.wall_seconds,
        found.cpu_seconds
    );
}

fn report(file: &Path, json: Option<&Path>) -> Result<()> {
    let mut all: Vec<Found> =
        std::fs::read_to_string(file)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    all.sort_by_key(|f| f.run);
    let first = all.first().context("the file has no runs")?;
    let names = |list: &[(&str, f64)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("; ");
    println!(
        "run, peak rate, passes, warm-up | held-out loss | truth: {} | cheap: {} | time",
        names(&first.truths()),
        names(&first.proxies())
    );
    all.iter().for_each(line);
    println!("\nover {} runs, Spearman (Pearson) of the cheap number with the truth", all.len());
    for (p, (proxy, _)) in first.proxies().iter().enumerate() {
        let of: Vec<f64> = all.iter().map(|f| f.proxies()[p].1).collect();
        let cells: Vec<String> = (0..first.truths().len())
            .map(|t| {
                let truth: Vec<f64> = all.iter().map(|f| f.truths()[t].1).collect();
                format!("{:.2} ({:.2})", spearman(&of, &truth), pearson(&of, &truth))
            })
            .collect();
        println!("{proxy:<26} {}", cells.join("   "));
    }
    if let Some(json) = json {
        let pick = |f: fn(&Found) -> f64| all.iter().map(f).collect::<Vec<f64>>();
        let runs = all.iter().map(|f| {
            serde_json::json!({
                "learning_rate": f.learning_rate, "epochs": f.epochs, "warmup_steps": f.warmup_steps, "loss": f.loss,
                "truth": BTreeMap::from(f.truths()), "cheap": BTreeMap::from(f.proxies()),
                "wall_seconds": f.wall_seconds, "cpu_seconds": f.cpu_seconds,
            })
        });
        let value = serde_json::json!({
            "agreement_predicts": spearman(&pick(|f| f.proxies()[0].1), &pick(|f| f.truths()[0].1)),
            "runs": runs.collect::<Vec<_>>(),
        });
        std::fs::write(json, serde_json::to_vec_pretty(&value)?)?;
    }
    Ok(())
}
