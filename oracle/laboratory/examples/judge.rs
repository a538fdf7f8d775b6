//! Judges the scores of any library's methods on the task folders of the example `lds`. It prints the linear
//! datamodeling score over all folders. The JSON file also says how far each method is behind the best one.
//!
//! ```text
//! cargo run -p openledger-laboratory --example judge -- FOLDER… [json=FILE]
//! ```
//! A method is judged on the folders that have its scores. It is compared with the best method on the same folders.

#[allow(dead_code)] // other examples use the rest
#[path = "support/scores.rs"]
mod scores;

use anyhow::{Context, Result, ensure};
use openledger_laboratory::evaluate::{
    lds::{Judged, Lds, lds, lds_difference},
    regime::Regime,
};
use scores::ScoreFile;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// A job's ground truth, and all methods' scores of the job.
struct Task {
    regimes: Vec<Regime>,
    scores: BTreeMap<String, ScoreFile>,
}

impl Task {
    fn read(folder: &Path) -> Result<Self> {
        Ok(Self { regimes: scores::regimes(folder)?, scores: scores::read(folder)? })
    }
}

#[derive(Serialize)]
struct Row {
    name: String,
    version: String,
    settings: serde_json::Value,
    /// Number of the tasks that it has scores of.
    tasks: usize,
    /// The method's score by regime.
    lds: BTreeMap<String, Lds>,
    /// By regime, the difference by which the best method is ahead.
    behind: BTreeMap<String, Lds>,
    ready_seconds: f64,
    query_seconds: f64,
    peak_rss_bytes: Option<u64>,
}

/// Predictions by regime and task: queries × subsets.
type Predictions = BTreeMap<String, Vec<Vec<Vec<f64>>>>;

fn predictions(tasks: &[&Task], name: &str) -> Result<Predictions> {
    let mut all = Predictions::new();
    for task in tasks {
        let file = &task.scores[name];
        for regime in &task.regimes {
            let (queries, examples) = (regime.actual.len(), regime.removed.iter().flatten().max().map_or(0, |m| m + 1));
            ensure!(
                file.scores.len() == queries && file.scores.iter().all(|s| s.len() >= examples),
                "the scores of `{name}` are not of {queries} queries and all examples"
            );
            all.entry(regime.name.clone()).or_default().push(regime.predicted(&file.scores));
        }
    }
    Ok(all)
}

fn judged<'a>(tasks: &[&'a Task], regime: &str, predicted: &'a [Vec<Vec<f64>>]) -> Vec<Judged<'a>> {
    let of = |task: &&'a Task| task.regimes.iter().find(|r| r.name == regime);
    tasks
        .iter()
        .zip(predicted)
        .filter_map(|(task, predicted)| Some(Judged { predicted, actual: &of(task)?.actual }))
        .collect()
}

fn row(tasks: &[&Task], name: &str) -> Result<Row> {
    let found = predictions(tasks, name)?
        .iter()
        .map(|(regime, predicted)| Ok((regime.clone(), lds(&judged(tasks, regime, predicted), 0)?)))
        .collect::<Result<_>>()?;
    let average = |value: &dyn Fn(&ScoreFile) -> f64| {
        tasks.iter().map(|task| value(&task.scores[name])).sum::<f64>() / tasks.len() as f64
    };
    let file = &tasks[0].scores[name];
    Ok(Row {
        name: name.to_owned(),
        version: file.version.clone(),
        settings: file.settings.clone(),
        tasks: tasks.len(),
        lds: found,
        behind: BTreeMap::new(),
        ready_seconds: average(&|f| f.seconds.ready),
        query_seconds: average(&|f| f.seconds.query),
        peak_rss_bytes: tasks.iter().filter_map(|task| task.scores[name].peak_rss_bytes).max(),
    })
}

/// The difference by which the method is behind the best one, on the tasks that both have scores of.
fn behind(tasks: &[&Task], best: &str, name: &str) -> Result<BTreeMap<String, Lds>> {
    let both: Vec<&Task> = tasks.iter().copied().filter(|task| task.scores.contains_key(best)).collect();
    if both.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (ahead, own) = (predictions(&both, best)?, predictions(&both, name)?);
    ahead
        .iter()
        .map(|(regime, ahead)| {
            let difference = lds_difference(&judged(&both, regime, ahead), &judged(&both, regime, &own[regime]), 0)?;
            Ok((regime.clone(), difference))
        })
        .collect()
}

fn mean(row: &Row) -> f64 {
    row.lds.values().map(|l| l.mean).sum::<f64>() / row.lds.len() as f64
}

fn main() -> Result<()> {
    let (mut folders, mut output) = (Vec::new(), None::<PathBuf>);
    for argument in std::env::args().skip(1) {
        match argument.strip_prefix("json=") {
            Some(file) => output = Some(file.into()),
            None => folders.push(PathBuf::from(argument)),
        }
    }
    ensure!(!folders.is_empty(), "give the task folders to judge");
    let tasks: Vec<Task> = folders.iter().map(|f| Task::read(f)).collect::<Result<_>>()?;
    let names: BTreeSet<&String> = tasks.iter().flat_map(|task| task.scores.keys()).collect();
    let with = |name: &str| -> Vec<&Task> { tasks.iter().filter(|task| task.scores.contains_key(name)).collect() };
    let mut rows = names.into_iter().map(|name| row(&with(name), name)).collect::<Result<Vec<_>>>()?;
    // The best method is one that was judged on every task.
    rows.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    let best = rows.iter().find(|row| row.tasks == tasks.len()).map(|row| row.name.clone());
    let best = best.context("no method has scores in every folder")?;
    for row in &mut rows {
        row.behind = behind(&with(&row.name), &best, &row.name)?;
    }
    let regimes: Vec<&String> = rows[0].lds.keys().collect();
    println!(
        "{:<44} {:>5} {:>22} {:>22} {:>9} {:>9}",
        "method",
        "tasks",
        regimes[0],
        regimes[regimes.len() - 1],
        "ready",
        "query"
    );
    for row in &rows {
        let cells: Vec<String> =
            row.lds.values().map(|l| format!("{:.3} [{:.2}, {:.2}]", l.mean, l.low, l.high)).collect();
        println!(
            "{:<44} {:>5} {:>22} {:>22} {:>8.1}s {:>7.1}ms",
            row.name,
            row.tasks,
            cells[0],
            cells[cells.len() - 1],
            row.ready_seconds,
            row.query_seconds * 1e3
        );
    }
    if let Some(path) = output {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
}
