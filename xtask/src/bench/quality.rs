//! Measures how well attribution methods predict what really happens: the linear datamodeling score by retraining,
//! DataInf's tasks, false labels, and the gain of attacks on the pay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    examples::{build_examples, example, example_path, folder},
    goal::{self, Goal},
    machine,
    options::Options,
    peers,
    plot::{self, Interval},
};
use crate::{checksum, paths, process, progress::say};

/// A line of the example `judge`.
#[derive(Deserialize, Serialize)]
struct Judged {
    name: String,
    version: String,
    /// Regime → score.
    lds: BTreeMap<String, Interval>,
    behind: BTreeMap<String, Interval>,
    tasks: u64,
    ready_seconds: f64,
    query_seconds: f64,
}

/// A line of the example `detection`: the task, the method and two measures by their names.
#[derive(Deserialize, Serialize)]
struct Detected {
    task: String,
    name: String,
    #[serde(flatten)]
    measures: BTreeMap<String, Option<f64>>,
}

/// A line of the example `qld`.
#[derive(Deserialize, Serialize)]
struct Lost {
    name: String,
    queries: usize,
    #[serde(flatten)]
    rise: Interval,
}

/// The methods whose top examples are left out of a retraining. They are few, because every retraining takes seconds.
const LEFT_OUT: [&str; 9] = [
    "magic",
    "bergson source",
    "bergson ekfac",
    "kronfluence ekfac",
    "dattri trak",
    "logra adapter 16 ekfac 0.1",
    "logra adapter 64 ekfac 0.1, mean of 6 states",
    "bm25",
    "random",
];

/// Parts of the names of the methods in the detection tasks: the best of each kind, and the usual ones.
const DETECTED: &str =
    "magic,bm25,repsim,cosine,datainf,damped inverse 1,adapter 16 ekfac,adapter 64 ekfac,random 32 ekfac";

/// Seed of the task that settings are chosen on.
const TUNED_ON: u64 = 100;
/// The estimate that pays by default.
const PAYING: &str = "logra adapter 64 ekfac 0.1, mean of 6 states, outliers held to 1.5";
const LIBRARIES: [&str; 4] = ["bergson", "dattri", "kronfluence", "torch"];
/// Methods that go back through the training, exactly or in part.
const UNROLLED: [&str; 2] = ["bergson magic", "bergson source"];

/// Everything on the page.
struct Found {
    /// Of each family of methods, the line whose settings were best on another task.
    chosen: Vec<Judged>,
    lds: Vec<Judged>,
    lost: Vec<Lost>,
    detection: Vec<Detected>,
    attacks: String,
    seeds: u64,
    others: u64,
}

/// The files of a measurement.
struct Files {
    chosen: PathBuf,
    lds: PathBuf,
    lost: PathBuf,
    detection: PathBuf,
    attacks: PathBuf,
}

impl Files {
    fn within(out: &Path) -> Self {
        let [chosen, lds, lost, detection, attacks] =
            ["chosen.json", "lds.json", "qld.json", "detection.json", "gaming.txt"].map(|name| out.join(name));
        Self { chosen, lds, lost, detection, attacks }
    }
}

/// Measures and prints. With `--record` also writes the page. With `--kept` it measures nothing and takes what the last run
/// found.
pub fn run(options: &Options) -> Result<()> {
    let out = folder("attribution-quality")?;
    let files = Files::within(&out);
    if !options.kept {
        measure(options, &out, &files)?;
    }
    print!("{}", read_text(&files.attacks)?);
    say(&format!("the figures are in {}", out.display()));
    if !options.record {
        return Ok(());
    }
    let chosen = of_each_family(&read::<Vec<Judged>>(&files.chosen)?, read(&files.lds)?);
    record(&Found {
        chosen,
        lds: read(&files.lds)?,
        lost: read(&files.lost)?,
        detection: read(&files.detection)?,
        attacks: read_text(&files.attacks)?,
        seeds: options.seeds,
        others: options.others,
    })
}

fn measure(options: &Options, out: &Path, files: &Files) -> Result<()> {
    build_examples()?;
    let seeds = if options.quick { 1 } else { options.seeds };
    let mut tasks = Vec::new();
    // The first task only chooses settings. What is reported comes from the others, whose data nobody has seen.
    for seed in std::iter::once(TUNED_ON).chain((7..).take(seeds as usize)) {
        let task = out.join(format!("seed-{seed}"));
        let base = format!("base={}", out.join("base.safetensors").display());
        let mut arguments = vec![format!("seed={seed}"), format!("folder={}", task.display()), base];
        if options.quick {
            arguments.extend(["examples=200", "queries=10", "small=16", "half=10"].map(String::from));
        } else {
            arguments.extend(["queries=50", "small=100", "half=100"].map(String::from));
            arguments.push(format!("others={}", if seed == TUNED_ON { 0 } else { options.others }));
        }
        scored(&task, seed, arguments)?;
        tasks.push(task);
    }
    let json = |path: &Path| format!("json={}", path.display());
    let tuning = tasks.remove(0);
    if !options.no_peers {
        peers::tune(&tuning)?;
    }
    process::run(
        example("judge", [tuning.display().to_string(), json(&files.chosen)])?,
        "judging, to choose settings",
    )?;
    if !options.no_peers {
        peers::score(&tasks, &files.chosen)?;
    }
    let judge = tasks.iter().map(|task| task.display().to_string()).chain([json(&files.lds)]);
    say(&format!("the linear datamodeling score over {seeds} seeds"));
    process::run(example("judge", judge)?, "judging")?;
    say("what is lost with the examples that a method names");
    let pairs = (7..).zip(&tasks).map(|(seed, task): (u64, _)| format!("{seed}={}", task.display()));
    // 51 questions over all seeds.
    let asked = if options.quick { 6 } else { 51_u64.div_ceil(seeds) };
    let chosen = [format!("only={}", LEFT_OUT.join(";")), format!("queries={asked}"), json(&files.lost)];
    once(&files.lost, "qld", pairs.chain(chosen).collect(), |run| process::run(run, "leaving out what is named"))?;
    say("finding the class of an answer, and false labels");
    let few = if options.quick { "bm25,datainf,logra adapter 16 ekfac" } else { DETECTED };
    let chosen = vec![format!("only={few}"), json(&files.detection)];
    once(&files.detection, "detection", chosen, |run| process::run(run, "detecting"))?;
    say("attacks on the pay");
    once(&files.attacks, "gaming", vec![format!("seeds={seeds}")], |run| {
        Ok(fs::write(&files.attacks, process::output(run, "attacking")?)?)
    })
}

/// Has our methods score a task, unless the same program has done so before. So a benchmark of an hour can continue
/// after an interruption.
fn scored(task: &Path, seed: u64, arguments: Vec<String>) -> Result<()> {
    let (stamp, origin) = (task.join("complete"), origin("lds", &arguments)?);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == origin) {
        say(&format!("seed {seed} was scored before"));
        return Ok(());
    }
    // Otherwise old scores of removed methods would be judged too. Retrainings of the same task stay: they are most of
    // the work, and what changed is mostly a method.
    let made = task.join("arguments");
    let of = arguments.iter().filter(|a| !a.starts_with("others=")).cloned().collect::<Vec<_>>().join(" ");
    let stale =
        if fs::read_to_string(&made).is_ok_and(|found| found == of) { task.join("scores") } else { task.into() };
    let _ = fs::remove_dir_all(stale);
    fs::create_dir_all(task).with_context(|| format!("cannot create {}", task.display()))?;
    fs::write(&made, of)?;
    say(&format!("training, retraining and scoring, seed {seed}"));
    process::run(example("lds", arguments)?, "scoring with our methods")?;
    Ok(fs::write(stamp, origin)?)
}

/// A key for everything that a result depends on: the program's hash and its arguments.
fn origin(name: &str, arguments: &[String]) -> Result<String> {
    Ok(format!("{} {}", checksum::sha256(&example_path(name)?)?, arguments.join(" ")))
}

/// Has an example write `output`, unless the same program has written it before for the same arguments.
fn once(output: &Path, name: &str, arguments: Vec<String>, run: impl FnOnce(Command) -> Result<()>) -> Result<()> {
    let (stamp, origin) = (output.with_extension("complete"), origin(name, &arguments)?);
    if output.exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == origin) {
        return Ok(());
    }
    run(example(name, arguments)?)?;
    Ok(fs::write(stamp, origin)?)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what it should be", path.display()))
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn record(found: &Found) -> Result<()> {
    let folder = paths::root().join("docs/benchmarks");
    fs::create_dir_all(&folder)?;
    draw(&folder.join("attribution-quality.svg"), &found.lds)?;
    let page = folder.join("attribution-quality.md");
    let machine = machine::describe();
    fs::write(&page, markdown(found, &machine)?)?;
    let figures = serde_json::json!({
        "machine": machine, "command": command(found), "goals": goals(&found.chosen, &found.lds),
        "figures": { "chosen": found.chosen, "lds": found.lds, "lost": found.lost, "detection": found.detection },
    });
    fs::write(page.with_extension("json"), format!("{figures:#}\n"))?;
    say(&format!("wrote {}", page.display()));
    Ok(())
}

fn command(found: &Found) -> String {
    format!("cargo xtask bench attribution-quality --seeds {} --others {} --record", found.seeds, found.others)
}

/// The page's text.
fn markdown(found: &Found, machine: &str) -> Result<String> {
    let (command, Found { chosen, lds, lost, detection, attacks, .. }) = (command(found), found);
    let mut page = format!(
        "# Attribution quality\n\n`{command}`, on {machine}. \
         The times are of one noisy run: they only compare lines of one table.\n\n## Linear datamodeling \
         score\n\nThe linear datamodeling score (LDS, Park et al. 2023) says how well a method predicts what leaving \
         out examples does. Random subsets of the examples are left out, and the adapter is trained again. The score \
         is the Spearman correlation of two things: how a query's loss really changed, and the sum of the method's \
         scores of the examples that were left out. The table gives its mean over queries and seeds, with 95 % \
         intervals from resampling subsets and queries. \"Behind\" is how far a line's score is below that of the \
         named method.\n\nThe model is a tiny Llama of our own, with LoRA on all linear layers and 400 examples. \
         Every library has the same weights, data and subsets. Methods that name no library are ours. With `--others 0` \
         nothing is compared with other seeds' retrainings, and with `--kept` no library is run again: bergson's MAGIC has \
         no line then.\n\n![LDS by method](attribution-quality.svg)\n\n{}\n`default_over_best_peer` is of the estimate that pays by default, \
         `{PAYING}`, and of the best other library that does not go back through the training ({} do), with the \
         settings that were chosen on another task.\n\n",
        goal::table(&goals(chosen, lds)),
        UNROLLED.join(" and "),
    );
    let regimes: Vec<&String> = lds.first().map(|row| row.lds.keys().collect()).unwrap_or_default();
    // As in the example `judge`: the best method of those that have scores for every task.
    let every = lds.iter().map(|row| row.tasks).max().unwrap_or_default();
    let best = lds.iter().find(|row| row.tasks == every).map_or("", |row| &row.name);
    write!(page, "| method | version | seeds |")?;
    regimes.iter().try_for_each(|regime| write!(page, " {regime} | behind {best} |"))?;
    writeln!(page, " prepare (s) | query (ms) |\n|---|---|---:|{}---:|---:|", "---|---|".repeat(regimes.len()))?;
    for row in lds {
        write!(page, "| {} | {} | {} |", row.name, row.version, row.tasks)?;
        for regime in &regimes {
            write!(page, " {} | {} |", cell(row.lds.get(*regime)), cell(row.behind.get(*regime)))?;
        }
        writeln!(page, " {:.1} | {:.1} |", row.ready_seconds, row.query_seconds * 1e3)?;
    }
    page += "\n## Settings chosen on another task\n\nThe best of many settings on the tasks that are reported flatters a \
             method with many settings. Here each family's settings are those that were best on one more task, with \
             data, subsets and seed of its own, which no other table uses.\n\n";
    let columns: String = regimes.iter().map(|regime| format!(" {regime} |")).collect();
    writeln!(page, "| method |{columns}\n|---|{}", "---|".repeat(regimes.len()))?;
    for row in chosen {
        let cells: String = regimes.iter().map(|regime| format!(" {} |", cell(row.lds.get(*regime)))).collect();
        writeln!(page, "| {} |{cells}", row.name)?;
    }
    page += "\n## What is lost with the examples that a method names\n\nThe 1 % of the examples that have the \
             largest scores for a query are left out, and the adapter is trained again. The table gives the rise of \
             the query's loss: its mean over queries and seeds, with 95 % intervals. The larger the rise, the better \
             the method named what the query rests on.\n\n| method | queries | rise |\n|---|---:|---:|\n";
    for Lost { name, queries, rise } in lost {
        writeln!(page, "| {name} | {queries} | {:.4} [{:.4}, {:.4}] |", rise.mean, rise.low, rise.high)?;
    }
    page += "\n## Finding what taught an answer, and false labels\n\nThe tasks are those of DataInf (Kwon et al. \
             2024), on the tiny model: 900 training examples of ten classes, 100 questions, LoRA of rank 8 with α = \
             32 on q and v. A method finds what taught an answer if it scores the examples of the answer's class \
             highest. In the blind task the prompt does not name the class, so that only the answer does. *AUC* is \
             the chance that an example which should be found scores higher than another one. *recall@90* is the \
             share of them among the 90 highest scores.\n\nIn the last task 20 % of the labels are false, and the \
             adapter is of rank 4 on all layers. False labels are found in two ways: by each example's influence on \
             its own answer (*own*), and by its harm to right ones (*harm*).\n";
    let mut task = "";
    for row in detection {
        if row.task != task {
            task = &row.task;
            let names: Vec<&str> = row.measures.keys().map(String::as_str).collect();
            writeln!(page, "\n| {task} | {} |\n|---|{}", names.join(" | "), "---:|".repeat(names.len()))?;
        }
        let measures: Vec<String> =
            row.measures.values().map(|v| v.map_or("–".into(), |v| format!("{v:.4}"))).collect();
        writeln!(page, "| {} | {} |", row.name, measures.join(" | "))?;
    }
    write!(
        page,
        "\n## What attacks on the pay gain\n\nThe table gives the attacker's pay over its honest pay, where 1.0 is \
         no gain: `total` is of all seeds together, `median` is over seeds. `others` is the same for everybody else. \
         `trained` is where repeated documents are trained on too, and `no rules` where positive scores are paid as \
         they are. `owned` counts the attacker's documents that repeat nothing.\n\n```text\n{attacks}```\n"
    )?;
    Ok(page)
}

fn is_peer(name: &str) -> bool {
    LIBRARIES.iter().any(|library| name.starts_with(library))
}

/// What the default estimate is held to: its score over the best other library's that does not go back through the
/// training, of those whose settings were chosen on the other task.
fn goals(chosen: &[Judged], lds: &[Judged]) -> Vec<Goal> {
    let own = lds.iter().find(|row| row.name == PAYING);
    let peers = chosen.iter().filter(|row| is_peer(&row.name) && !UNROLLED.contains(&family(&row.name)));
    let of = |row: &Judged, regime: &str| row.lds.get(regime).map(|score| score.mean);
    [("default_over_best_peer_1_5", "leave 1.5 %"), ("default_over_best_peer_50", "leave 50 %")]
        .map(|(id, regime)| {
            let best = peers.clone().filter_map(|row| of(row, regime)).reduce(f64::max);
            let over = own.and_then(|own| of(own, regime)).zip(best).map(|(own, best)| own / best);
            Goal::new(id, "LDS over LDS", (Some(1.0), None), over)
        })
        .into()
}

/// The library and the kind of a method: its first word, and for other libraries the second too.
fn family(name: &str) -> &str {
    let words = if is_peer(name) { 2 } else { 1 };
    name.match_indices(' ').nth(words - 1).map_or(name, |(end, _)| &name[..end])
}

/// Of each family the line in `reported` whose settings are the best in `tuned`, which is sorted with the best first.
fn of_each_family(tuned: &[Judged], reported: Vec<Judged>) -> Vec<Judged> {
    let mut seen = BTreeSet::new();
    let best: BTreeSet<&str> =
        tuned.iter().filter(|row| seen.insert(family(&row.name))).map(|row| row.name.as_str()).collect();
    reported.into_iter().filter(|row| best.contains(row.name.as_str())).collect()
}

fn cell(value: Option<&Interval>) -> String {
    value.map_or("–".into(), |v| format!("{:.3} [{:.2}, {:.2}]", v.mean, v.low, v.high))
}

/// Draws a bar for each method and regime, with the best method at the top.
fn draw(path: &Path, rows: &[Judged]) -> Result<()> {
    let bars: Vec<_> = rows.iter().map(|row| plot::Bars { name: &row.name, by_panel: &row.lds }).collect();
    plot::bars(path, "mean Spearman correlation", &bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_line_for_every_method_and_a_table_for_every_task() {
        let lds: Vec<Judged> = serde_json::from_value(serde_json::json!([
            {
                "name": "theirs", "version": "2", "tasks": 1, "ready_seconds": 1.0, "query_seconds": 2.0,
                "lds": {"leave 1.5 %": {"mean": 0.96, "low": 0.9, "high": 0.97, "per_query": [0.96]}},
                "behind": {"leave 1.5 %": {"mean": -0.001, "low": -0.002, "high": 0.0, "per_query": [0.0]}},
            },
            {
                "name": "magic", "version": "1", "tasks": 3, "ready_seconds": 0.5, "query_seconds": 0.25,
                "lds": {"leave 1.5 %": {"mean": 0.95, "low": 0.9, "high": 0.97, "per_query": [0.95]}},
                "behind": {"leave 1.5 %": {"mean": 0.0, "low": 0.0, "high": 0.0, "per_query": [0.0]}},
            },
        ]))
        .unwrap();
        let detection: Vec<Detected> = serde_json::from_value(serde_json::json!([
            {"task": "word problems", "name": "datainf", "AUC": 0.999, "recall@90": 0.5},
            {"task": "false labels", "name": "magic", "AUC, own": null, "AUC, harm": 0.75},
        ]))
        .unwrap();
        let rise = Interval { mean: 0.125, low: 0.0625, high: 0.25 };
        let lost = vec![Lost { name: "magic".into(), queries: 18, rise }];
        let chosen = of_each_family(&lds, Vec::new());
        let found = Found { chosen, lds, lost, detection, attacks: "copy 1.0\n".into(), seeds: 3, others: 3 };
        let page = markdown(&found, "a machine").unwrap();
        for line in [
            "| leave 1.5 % | behind magic |",
            "| magic | 1 | 3 | 0.950 [0.90, 0.97] | 0.000 [0.00, 0.00] | 0.5 | 250.0 |",
            "| magic | 18 | 0.1250 [0.0625, 0.2500] |",
            "| word problems | AUC | recall@90 |",
            "| datainf | 0.9990 | 0.5000 |",
            "| magic | 0.7500 | – |",
            "copy 1.0",
        ] {
            assert!(page.contains(line), "{line} in\n{page}");
        }
    }

    #[test]
    fn settings_that_were_best_on_the_other_task_are_reported_even_if_others_are_better_here() {
        let rows = |names: &[&str]| -> Vec<Judged> {
            let row = |name: &&str| {
                serde_json::json!({
                    "name": name, "version": "1", "tasks": 1, "ready_seconds": 0.0, "query_seconds": 0.0, "lds": {},
                    "behind": {},
                })
            };
            serde_json::from_value(names.iter().map(row).collect()).unwrap()
        };
        let tuned = rows(&["logra b", "bergson ekfac", "logra a", "bergson index", "magic"]);
        let reported = of_each_family(&tuned, rows(&["magic", "logra a", "logra b", "bergson index", "bergson ekfac"]));
        let names: Vec<&str> = reported.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["magic", "logra b", "bergson index", "bergson ekfac"]);
    }

    #[test]
    fn the_default_is_held_to_the_best_library_that_does_not_unroll() {
        let rows: Vec<Judged> = serde_json::from_value(serde_json::json!(
            [(PAYING, 0.6), ("bergson ekfac", 0.5), ("bergson source", 0.9), ("magic", 0.95), ("dattri trak", 0.25)]
                .map(|(name, mean)| serde_json::json!({
                    "name": name, "version": "1", "tasks": 1, "ready_seconds": 0.0, "query_seconds": 0.0,
                    "lds": {"leave 1.5 %": {"mean": mean, "low": 0.0, "high": 1.0, "per_query": []}}, "behind": {},
                }))
        ))
        .unwrap();
        let found = goals(&rows, &rows);
        assert_eq!((found[0].measured, found[1].measured), (Some(1.2), None));
        assert!(found[0].higher_is_better);
    }

    #[test]
    fn every_method_and_regime_is_named_in_the_plot() {
        let rows: Vec<Judged> = serde_json::from_value(serde_json::json!(
            [("magic", 0.9), ("logra adapter 16 ekfac 0.1", 0.4), ("random", -0.01)].map(|(name, mean)| {
                let score = serde_json::json!({"mean": mean, "low": mean - 0.05, "high": mean + 0.04, "per_query": []});
                serde_json::json!({
                    "name": name, "version": "1", "tasks": 1, "ready_seconds": 0.0, "query_seconds": 0.0,
                    "lds": {"leave 1.5 %": score, "leave 50 %": score}, "behind": {},
                })
            })
        ))
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lds.svg");
        draw(&path, &rows).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["magic", "logra adapter 16 ekfac 0.1", "random", "leave 1.5 %", "leave 50 %"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(draw(&folder.path().join("no/such/folder.svg"), &rows).is_err());
    }
}
