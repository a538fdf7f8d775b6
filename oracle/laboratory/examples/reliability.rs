//! Measures every method that could pay: how much of its pay is the training seed's, how well it predicts retraining of
//! its own seed and of others, and how far it is from what a document is worth whatever the seed.
//!
//! ```text
//! export RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1
//! cargo run -p openledger-laboratory --example reliability -- measure FOLDER [seeds=7,8,…] [queries=50] [walked=20]
//! cargo run -p openledger-laboratory --example reliability -- truth FOLDER [seeds=7,8,9] [queries=50] [small=100] [half=100]
//! cargo run -p openledger-laboratory --example reliability -- report FOLDER [json=FILE]
//! ```
//! `measure` trains the tiny job with each seed and writes the methods' scores. `truth` trains again without random
//! subsets. `report` reads what is there and prints the tables. What is there already is not measured again.
//!
//! Each answer's fee is divided by its own scores alone. All seeds train on the same documents, because pay by document
//! is compared. 40 owners have ten documents of one class each.

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

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use job::Job;
use openledger_attribution::{
    Attributor, MagicSettings, Query,
    magic::{TrainedRun, Walks},
};
use openledger_laboratory::evaluate::{
    regime::Regime,
    reliability::{Agreement, Pay, Reliability, Scores, against_others, average, signs_by_lot},
    retrain::losses_without,
    subsets::leave_out,
    transformations,
};
use openledger_lm::{Example, Tokenizer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};
use tiny_job::JobOptions;

/// The estimates, by their names in the table of methods and by their names here.
const ESTIMATES: [(&str, &str); 9] = [
    ("logra adapter 64 ekfac 0.1, mean of 6 states", "estimate, mean"),
    ("logra adapter 64 ekfac 0.1, ensemble of 6 states", "estimate, ensemble"),
    ("logra adapter 64 ekfac 0.1, mean of 6 states, outliers held to 1", "estimate, mean, outliers held to 1"),
    ("logra adapter 64 ekfac 0.1, mean of 6 states, outliers held to 1.5", "estimate, mean, outliers held to 1.5"),
    ("logra adapter 64 ekfac 0.1, mean of 6 states, outliers held to 2", "estimate, mean, outliers held to 2"),
    ("logra adapter 64 ekfac 0.1, mean of 6 states, relative", "estimate, mean, relative"),
    ("logra adapter 32 ekfac 0.1, mean of 6 states", "estimate of k 32, mean"),
    ("logra adapter 32 ekfac 0.1, ensemble of 6 states", "estimate of k 32, ensemble"),
    ("logra adapter 32 ekfac 0.1", "estimate of k 32, end only"),
];
/// Name of the exact scores.
const EXACT: &str = "exact";
/// Shares of the examples that are left out, by the regime's name.
const REGIMES: [(&str, f64); 2] = [("leave 1.5 %", 0.015), ("leave 50 %", 0.5)];

/// What one seed gave.
#[derive(Serialize, Deserialize)]
struct Measured {
    seed: u64,
    /// Target tokens of each example.
    targets: Vec<f64>,
    /// Scores by method, answers × documents. The exact ones may be of fewer answers, the first.
    scores: BTreeMap<String, Scores>,
    /// Wall and CPU seconds by method: preparation and all answers.
    seconds: BTreeMap<String, [f64; 2]>,
    /// Wall and CPU seconds of one training run.
    training: [f64; 2],
}

/// What leaving out did under one seed.
#[derive(Serialize, Deserialize)]
struct Truth {
    seed: u64,
    /// Queries × subsets, by regime. All seeds leave out the same subsets.
    changes: BTreeMap<String, Vec<Vec<f64>>>,
    seconds: [f64; 2],
}

struct Options {
    seeds: Vec<u64>,
    queries: usize,
    walked: usize,
    base: JobOptions,
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [what, folder, rest @ ..] = words.as_slice() else {
        bail!("usage: reliability measure|truth|report FOLDER [key=value …]")
    };
    let mut options = Options {
        seeds: if *what == "truth" { vec![7, 8, 9] } else { (7..17).collect() },
        queries: 50,
        walked: 20,
        base: JobOptions { small: 100, half: 100, ..Default::default() },
        json: None,
    };
    for argument in rest {
        match argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))? {
            ("seeds", value) => options.seeds = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            ("queries", value) => options.queries = value.parse()?,
            ("walked", value) => options.walked = value.parse()?,
            ("json", value) => options.json = Some(value.into()),
            (key, value) if options.base.set(key, value)? => {}
            _ => bail!("`{argument}` is not known"),
        }
    }
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    match *what {
        "measure" => measure(folder, &options),
        "truth" => truth(folder, &options),
        "report" => report(folder, &options),
        _ => bail!("`{what}` is not known"),
    }
}

/// Tokenizer, base model, documents and questions, the same for all seeds.
struct Task {
    tokenizer: Arc<Tokenizer>,
    base: Arc<openledger_lm::BaseModel>,
    examples: Arc<[Example]>,
    queries: Vec<Query>,
}

impl Task {
    fn new(options: &Options) -> Result<Self> {
        let tokenizer = Arc::new(Tokenizer::bytes());
        let base = tiny_job::base(&options.base, &tokenizer)?;
        let count = options.base.examples;
        let examples = transformations::examples(&tokenizer, count, 11, &transformations::ALL, false)?.into();
        let queries = transformations::queries(&tokenizer, options.queries, 999)?;
        Ok(Self { tokenizer, base, examples, queries })
    }
}

fn measure(folder: &Path, options: &Options) -> Result<()> {
    let task = Task::new(options)?;
    for seed in &options.seeds {
        let file = folder.join(format!("seed-{seed}.json"));
        let mut measured = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(_) => Measured {
                seed: *seed,
                targets: task.examples.iter().map(|e| e.targets() as f64).collect(),
                scores: BTreeMap::new(),
                seconds: BTreeMap::new(),
                training: [0.0; 2],
            },
        };
        let missing: Vec<_> = ESTIMATES.iter().filter(|(_, name)| !measured.scores.contains_key(*name)).collect();
        if missing.is_empty() && measured.scores.contains_key(EXACT) {
            continue;
        }
        let clock = Clock::start();
        let config = tiny_job::config(*seed);
        let job = Job::train(task.base.clone(), task.tokenizer.clone(), config.clone(), task.examples.clone())?;
        measured.training = clock.seconds();
        for (method, name) in missing {
            let clock = Clock::start();
            let method = methods::named(method)?(&job)?;
            let all = task.queries.iter().map(|q| wide(method.as_ref(), q)).collect::<Result<_>>()?;
            measured.scores.insert((*name).to_owned(), all);
            measured.seconds.insert((*name).to_owned(), clock.seconds());
        }
        if !measured.scores.contains_key(EXACT) {
            let clock = Clock::start();
            let examples = task.examples.clone();
            let (run, cache) = TrainedRun::train(task.base.clone(), config, examples, tempfile::tempdir()?)?;
            let walked = &task.queries[..options.walked.min(task.queries.len())];
            let walks = Walks::new(run, walked, MagicSettings::default())?.with_cache(cache);
            let exact = walks.run_to_end(&mut |_| ControlFlow::Continue(()))?;
            measured.scores.insert(EXACT.to_owned(), exact.into_iter().map(|s| widened(s.values)).collect());
            measured.seconds.insert(EXACT.to_owned(), clock.seconds());
        }
        write(&file, &measured)?;
        println!("seed {seed}: {:.0?} s wall and CPU", clock.seconds());
    }
    Ok(())
}

fn wide(method: &dyn Attributor, query: &Query) -> Result<Vec<f64>> {
    Ok(widened(method.score(query)?.values))
}

fn widened(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

/// Subsets of one regime, with its name.
type Named = (&'static str, Vec<Vec<usize>>);

/// The subsets of each regime. They do not depend on the training seed.
fn subsets(examples: usize, options: &JobOptions) -> Result<Vec<Named>> {
    let counts = [options.small, options.half];
    let drawn = REGIMES.iter().zip(counts);
    drawn.map(|((name, fraction), count)| Ok((*name, leave_out(examples, *fraction, count, 7)?))).collect()
}

fn truth(folder: &Path, options: &Options) -> Result<()> {
    let task = Task::new(options)?;
    let all = subsets(task.examples.len(), &options.base)?;
    write(&folder.join("subsets.json"), &all.iter().cloned().collect::<BTreeMap<_, _>>())?;
    for seed in &options.seeds {
        let file = folder.join(format!("truth-{seed}.json"));
        if file.exists() {
            continue;
        }
        let (clock, config) = (Clock::start(), tiny_job::config(*seed));
        let run = |subsets: &[Vec<usize>]| losses_without(&task.base, &config, &task.examples, subsets, &task.queries);
        let whole = run(&[Vec::new()])?.remove(0);
        let mut changes = BTreeMap::new();
        for (name, removed) in &all {
            let after = run(removed)?;
            let by_query = |q: usize| after.iter().map(|a| a[q] - whole[q]).collect::<Vec<f64>>();
            changes.insert((*name).to_owned(), (0..whole.len()).map(by_query).collect());
        }
        write(&file, &Truth { seed: *seed, changes, seconds: clock.seconds() })?;
        println!("seed {seed}: {:.0?} s wall and CPU", clock.seconds());
    }
    Ok(())
}

fn write(file: &Path, value: &impl Serialize) -> Result<()> {
    // Under another name first, so that an interrupted run leaves no half of a file.
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, serde_json::to_vec(value)?)?;
    Ok(std::fs::rename(unfinished, file)?)
}

fn read<T: DeserializeOwned>(folder: &Path, prefix: &str) -> Result<Vec<T>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|f| {
        f.extension().is_some_and(|e| e == "json")
            && f.file_name().is_some_and(|n| n.to_string_lossy().starts_with(prefix))
    });
    files.sort();
    let read = |f: &PathBuf| serde_json::from_slice(&std::fs::read(f)?).with_context(|| f.display().to_string());
    files.iter().map(read).collect()
}

/// A line of the report.
#[derive(Serialize)]
struct Row {
    name: String,
    seeds: usize,
    answers: usize,
    /// By the number of seeds whose scores are averaged.
    reliability: Vec<Reliability>,
    /// Against the mean exact pay of the other seeds, if that was measured.
    to_others: Option<Agreement>,
    /// Mean, low and high over queries and subsets, by regime: each seed's scores on its own seed's retrainings.
    lds_own: BTreeMap<String, [f64; 3]>,
    /// The same on the mean of the other seeds' retrainings.
    lds_others: BTreeMap<String, [f64; 3]>,
    /// Mean wall and CPU seconds of a seed.
    seconds: [f64; 2],
}

fn report(folder: &Path, options: &Options) -> Result<()> {
    let mut seeds: Vec<Measured> = read(folder, "seed-")?;
    seeds.sort_by_key(|s| s.seed);
    let truths: Vec<Truth> = read(folder, "truth-")?;
    let subsets: BTreeMap<String, Vec<Vec<usize>>> = match std::fs::read(folder.join("subsets.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => BTreeMap::new(),
    };
    ensure!(seeds.len() > 1, "measure at least two seeds first");
    let targets = seeds[0].targets.clone();
    // 40 owners of ten documents, each of one class.
    let owners: Vec<usize> = (0..targets.len()).map(|i| i % 10 * 4 + i / 10 % 4).collect();
    let of = |name: &str| -> Vec<Scores> { seeds.iter().map(|s| s.scores[name].clone()).collect() };
    let exact = of(EXACT);
    let answers = exact[0].len();
    let first = |scores: &[Scores]| -> Vec<Scores> { scores.iter().map(|s| s[..answers].to_vec()).collect() };

    let mut named: Vec<(String, Vec<Scores>)> = vec![(EXACT.to_owned(), exact.clone())];
    named.extend(ESTIMATES.map(|(_, name)| (name.to_owned(), of(name))));
    let lots = |name: &str, scores: &[Scores]| {
        let lot = |(scores, m): (&Scores, &Measured)| signs_by_lot(scores, m.seed);
        (format!("control: {name}, signs by lot"), scores.iter().zip(&seeds).map(lot).collect::<Vec<_>>())
    };
    named.push(lots(EXACT, &exact));
    named.push(lots(ESTIMATES[1].1, &of(ESTIMATES[1].1)));

    let mut rows = Vec::new();
    for (name, all) in &named {
        // All methods are compared on the same answers.
        let scores = first(all);
        let groups = [1, 2, 3, 5].into_iter().filter(|k| scores.len() >= 2 * k);
        let reliability = groups.map(|k| Ok(Reliability::measure(&scores, k, &targets, &owners)?));
        let (mut lds_own, mut lds_others) = (BTreeMap::new(), BTreeMap::new());
        if !name.starts_with("control") {
            (lds_own, lds_others) = lds(all, &seeds, &truths, &subsets)?;
        }
        rows.push(Row {
            name: name.clone(),
            seeds: scores.len(),
            answers,
            reliability: reliability.collect::<Result<_>>()?,
            to_others: Some(against_others(&scores, &exact, &targets, &owners)?),
            lds_own,
            lds_others,
            seconds: mean(seeds.iter().filter_map(|s| s.seconds.get(name))),
        });
    }
    // One functional for all answers, which is how an epoch was divided before.
    for (name, scores) in [(EXACT, &exact), (ESTIMATES[1].1, &first(&of(ESTIMATES[1].1)))] {
        let paid: Vec<Pay> = scores.iter().map(|s| Pay::together(s, &targets)).collect();
        rows.push(Row {
            name: format!("contrast: {name}, all answers together"),
            seeds: paid.len(),
            answers,
            reliability: vec![Reliability::of(&paid, 1, &owners)?],
            to_others: None,
            lds_own: BTreeMap::new(),
            lds_others: BTreeMap::new(),
            seconds: [0.0; 2],
        });
    }
    print(&rows);
    if let Some(file) = &options.json {
        let value = serde_json::json!({
            "seeds": seeds.iter().map(|s| s.seed).collect::<Vec<_>>(),
            "truth_seeds": truths.iter().map(|t| t.seed).collect::<Vec<_>>(),
            "queries": truths.first().map(|t| t.changes.values().next().map(Vec::len)),
            "subsets": subsets.iter().map(|(name, s)| (name.clone(), s.len())).collect::<BTreeMap<_, _>>(),
            "training_seconds": mean(seeds.iter().map(|s| &s.training)),
            "truth_seconds": mean(truths.iter().map(|t| &t.seconds)),
            "methods": rows,
        });
        std::fs::write(file, serde_json::to_vec_pretty(&value)?)?;
    }
    Ok(())
}

fn mean<'a>(all: impl Iterator<Item = &'a [f64; 2]> + Clone) -> [f64; 2] {
    let count = all.clone().count().max(1) as f64;
    [0, 1].map(|i| all.clone().map(|v| v[i]).sum::<f64>() / count)
}

/// Scores by regime: mean, low, high.
type Interval = BTreeMap<String, [f64; 3]>;

/// The linear datamodeling score of each seed that was retrained, on its own retrainings and on the mean of the others',
/// as means over the seeds.
fn lds(
    all: &[Scores],
    seeds: &[Measured],
    truths: &[Truth],
    subsets: &BTreeMap<String, Vec<Vec<usize>>>,
) -> Result<(Interval, Interval)> {
    let (mut own, mut others) = (Interval::new(), Interval::new());
    for (name, removed) in subsets {
        let mut found: [Vec<[f64; 3]>; 2] = Default::default();
        for truth in truths {
            let Some(position) = seeds.iter().position(|s| s.seed == truth.seed) else { continue };
            let narrow: Vec<Vec<f32>> = all[position].iter().map(|s| s.iter().map(|v| *v as f32).collect()).collect();
            let judge = |actual: Vec<Vec<f64>>| -> Result<[f64; 3]> {
                let actual = actual[..narrow.len()].to_vec();
                let lds = Regime { name: name.clone(), removed: removed.clone(), actual }.lds(&narrow, 7)?;
                Ok([lds.mean, lds.low, lds.high])
            };
            found[0].push(judge(truth.changes[name].clone())?);
            let rest: Vec<&Scores> = truths.iter().filter(|t| t.seed != truth.seed).map(|t| &t.changes[name]).collect();
            if !rest.is_empty() {
                found[1].push(judge(average(&rest))?);
            }
        }
        for (into, found) in [&mut own, &mut others].into_iter().zip(found) {
            if !found.is_empty() {
                let n = found.len() as f64;
                into.insert(name.clone(), [0, 1, 2].map(|i| found.iter().map(|f| f[i]).sum::<f64>() / n));
            }
        }
    }
    Ok((own, others))
}

fn print(rows: &[Row]) {
    println!(
        "{:<48} k pairs | doc: rank    TV  noise    net | owner: rank    TV    net | answer TV | to others' exact: doc, \
         owner, answer TV, net doc, net owner | LDS own seed | LDS other seeds | s wall, CPU",
        "method"
    );
    for row in rows {
        for (i, r) in row.reliability.iter().enumerate() {
            let a = r.agreement;
            print!(
                "{:<48} {} {:>5} |     {:.3} {:.3} {:.2}  {:.3} |       {:.3} {:.3} {:.3} |     {:.3} |",
                if i == 0 { row.name.as_str() } else { "" },
                r.group,
                r.pairs,
                a.document_rank,
                a.document_variation,
                r.noise,
                a.net_document_rank,
                a.owner_rank,
                a.owner_variation,
                a.net_owner_rank,
                a.answer_variation
            );
            if i > 0 {
                println!();
                continue;
            }
            if let Some(o) = row.to_others {
                let cells = [
                    o.document_variation,
                    o.owner_variation,
                    o.answer_variation,
                    o.net_document_rank,
                    o.net_owner_rank,
                ];
                print!(" {} |", cells.map(|v| format!("{v:.3}")).join(" "));
            }
            for lds in [&row.lds_own, &row.lds_others] {
                let cell = |v: &[f64; 3]| format!("{:.3} [{:.2}, {:.2}]", v[0], v[1], v[2]);
                print!(" {} |", lds.values().map(cell).collect::<Vec<_>>().join(" / "));
            }
            println!(" {:.0}, {:.0}", row.seconds[0], row.seconds[1]);
        }
    }
}
