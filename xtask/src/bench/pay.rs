//! Measures the scores that pay: how much of the pay is the training seed's, what attackers gain, which runs can be
//! trusted, and the demo's own job. Each has a page, and beside it the figures with the goals that they are held to.

use std::{fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    examples::{build_examples, example, folder},
    goal::{self, Goal},
    machine,
    options::Options,
};
use crate::{documents, model, paths, process, progress::say};

/// What is measured.
#[derive(Clone, Copy)]
pub enum Part {
    /// Agreement between training seeds, and with retraining.
    Reliability,
    /// Questions to oneself, and documents that are made to score.
    Attacks,
    /// Cheap numbers that say whether a run can be trusted.
    Health,
    /// The demo's own job, by retraining.
    DemoJob,
}

/// The estimate that pays by default, by its name in the example `reliability`.
const PAYING: &str = "estimate, mean, outliers held to 1.5";
/// The default rule for outliers, `pay.outlier_limit` 1.5.
const HELD: &str = r#"rule={"kind":"guard","limit":1.5}"#;

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Reliability => "attribution-reliability",
            Self::Attacks => "attribution-attacks",
            Self::Health => "attribution-health",
            Self::DemoJob => "attribution-demo-job",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Reliability => "Reliability of the pay",
            Self::Attacks => "Attackers who optimise",
            Self::Health => "Which runs can be trusted",
            Self::DemoJob => "The demo's own job",
        }
    }

    /// What the page says before its table.
    fn introduction(self) -> &'static str {
        match self {
            Self::Reliability => include_str!("pay/reliability.md"),
            Self::Attacks => include_str!("pay/attacks.md"),
            Self::Health => include_str!("pay/health.md"),
            Self::DemoJob => include_str!("pay/demo_job.md"),
        }
    }

    /// The goals, with what the figures say.
    fn goals(self, figures: &Value) -> Vec<Goal> {
        match self {
            Self::Reliability => {
                let method = |name: &str| figures["methods"].as_array()?.iter().find(|m| m["name"] == name);
                let of = |pointer: &str| method(PAYING)?.pointer(pointer)?.as_f64();
                let agreement = |field: &str| of(&format!("/reliability/0/agreement/{field}"));
                let both = |must, aim| (Some(must), Some(aim));
                vec![
                    Goal::new("pay_lds_1_5", "Spearman", both(0.6, 0.75), of("/lds_own/leave 1.5 %/0")),
                    Goal::new("pay_lds_50", "Spearman", both(0.7, 0.75), of("/lds_own/leave 50 %/0")),
                    Goal::new("pay_reliability_document", "Spearman", both(0.73, 0.9), agreement("net_document_rank")),
                    Goal::new("pay_reliability_owner", "Spearman", both(0.85, 0.95), agreement("net_owner_rank")),
                    Goal::new("pay_answer_variation", "share", both(0.33, 0.2), agreement("answer_variation"))
                        .at_most(),
                ]
            }
            Self::Attacks => {
                let list = |name: &str| figures["default"][name].as_array().into_iter().flatten();
                let isolated = list("wash").filter(|w| w["way"] == "each by itself");
                let returned = isolated.filter_map(|w| w["returned"].as_f64()).reduce(f64::max);
                let merged = list("merged").filter_map(|m| m["over_before"].as_f64()).reduce(f64::max);
                let over_honest = |attack: &str, answers: &str| {
                    list("summary").find(|s| s["attack"] == attack && s["answers"] == answers)?["over_honest"].as_f64()
                };
                let multiple = "multiple of honest documents' pay";
                let [chosen, rewritten] = ["chosen by score", "rewritten letter by letter"];
                let aimed = "aimed at the best-paid owner";
                [
                    ("self_ask_return", "multiple of the contributors' part", returned),
                    ("gaming_chosen", multiple, over_honest(chosen, "same")),
                    ("gaming_chosen_later", multiple, over_honest(chosen, "later")),
                    ("gaming_rewritten", multiple, over_honest(rewritten, "same")),
                    ("gaming_rewritten_later", multiple, over_honest(rewritten, "later")),
                    ("gaming_aimed_later", multiple, over_honest(aimed, "later")),
                    ("gaming_merged", "multiple of the pay before", merged),
                ]
                .map(|(id, unit, measured)| Goal::new(id, unit, (Some(1.0), None), measured).at_most())
                .into()
            }
            Self::Health => {
                let of = |field: &str| figures[field].as_f64();
                vec![Goal::new("health_predicts_leave_outs", "Spearman", (None, None), of("agreement_predicts"))]
            }
            Self::DemoJob => {
                let of = |field: &str| figures[field].as_f64();
                vec![
                    Goal::new("demo_job_rank", "Spearman", (Some(0.3), None), of("rank")),
                    Goal::new("demo_job_rank_of_each", "Spearman", (None, None), of("rank_of_each")),
                    Goal::new("demo_job_agreement", "Spearman", (Some(0.33), None), of("agreement")),
                    Goal::new("demo_job_slope", "actual over predicted", (Some(0.5), Some(1.0)), of("slope")),
                ]
            }
        }
    }
}

/// Measures and prints. With `--record` also writes the page and its figures.
pub fn run(part: Part, options: &Options) -> Result<()> {
    build_examples()?;
    let out = folder(part.name())?;
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let figures = out.join("figures.json");
    let base = format!("base={}", out.join("base.safetensors").display());
    let json_is = format!("json={}", figures.display());
    let seeds = |first: u64, count: u64| (first..first + count).map(|s| s.to_string()).collect::<Vec<_>>().join(",");
    let text = match part {
        Part::Reliability => {
            let (work, quick) = (out.join("seeds").display().to_string(), options.quick);
            let count = if quick { 2 } else { options.seeds.max(10) };
            let small: &[&str] = if quick { &["small=8", "half=8", "queries=10", "walked=4"] } else { &[] };
            let step = |what: &str, more: Vec<String>| -> Result<Command> {
                let own = [what.to_owned(), work.clone(), base.clone()];
                example("reliability", own.into_iter().chain(more).chain(small.iter().map(|s| (*s).to_owned())))
            };
            let seeded = |count| vec![format!("seeds={}", seeds(7, count))];
            process::run(step("measure", seeded(count))?, "scoring with every seed")?;
            process::run(step("truth", seeded(options.seeds.min(count)))?, "training again without subsets")?;
            process::output(example("reliability", ["report", work.as_str(), json_is.as_str()])?, "comparing seeds")?
        }
        Part::Attacks => {
            let count = if options.quick { 1 } else { options.seeds };
            let rounds = if options.quick { 1 } else { 6 };
            let (mut both, mut text) = (serde_json::Map::new(), String::new());
            // As jobs are paid by default, and without the rule against large gradients.
            for (name, more) in [("default", vec![HELD]), ("no_limit", vec![])] {
                let json = out.join(format!("{name}.json"));
                let own = [
                    format!("seeds={}", seeds(7, count)),
                    format!("rounds={rounds}"),
                    base.clone(),
                    format!("json={}", json.display()),
                ];
                let arguments = own.into_iter().chain(more.into_iter().map(String::from));
                let found = process::output(example("attackers", arguments)?, "attacking")?;
                // What comes before the table is of the training.
                let table = found.find("added documents").map_or(found.as_str(), |at| &found[at..]);
                write!(text, "{name}\n{table}\n")?;
                both.insert(name.to_owned(), read(&json)?);
            }
            fs::write(&figures, Value::from(both).to_string())?;
            text
        }
        Part::Health => {
            let runs = out.join("runs.jsonl").display().to_string();
            let _ = fs::remove_file(&runs);
            let size = if options.quick { "n=10" } else { "n=100" };
            let measure = ["measure", &runs, &base, size].map(String::from);
            process::run(example("health", measure)?, "training smoothly and roughly")?;
            process::output(example("health", ["report", runs.as_str(), json_is.as_str()])?, "comparing")?
        }
        Part::DemoJob => {
            let (documents, model) = (documents::fetch()?, model::fetch()?);
            let leave = if options.quick { "leave=3" } else { "leave=24" };
            // The learning rate was chosen on the documents that seed 42 draws.
            let more = ["seed=43", leave].map(String::from);
            let paths = [&model, &documents, &figures].map(|p| p.display().to_string());
            process::output(example("demo_job", paths.into_iter().chain(more))?, "leaving documents out")?
        }
    };
    print!("{text}");
    say(&format!("the figures are in {}", figures.display()));
    if options.record {
        record(part, &read(&figures)?, &text)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no JSON", path.display()))
}

fn record(part: Part, figures: &Value, text: &str) -> Result<()> {
    let mut day = Command::new("date");
    day.args(["-u", "+%F"]);
    let machine = format!("{}, {}", machine::describe(), process::output(day, "reading the date")?.trim());
    let folder = paths::root().join("docs/benchmarks");
    let (name, goals) = (part.name(), part.goals(figures));
    fs::write(folder.join(format!("{name}.md")), page(part, &goals, &machine, text)?)?;
    let value = json!({
        "machine": machine, "command": command(part), "goals": goals, "figures": figures,
    });
    fs::write(folder.join(format!("{name}.json")), format!("{value:#}\n"))?;
    say(&format!("wrote {name}.md and {name}.json in {}", folder.display()));
    Ok(())
}

fn command(part: Part) -> String {
    format!("cargo xtask bench {} --record", part.name())
}

/// The page's text.
fn page(part: Part, goals: &[Goal], machine: &str, text: &str) -> Result<String> {
    let mut page = format!("# {}\n\n`{}`, on {machine}.\n\n", part.title(), command(part));
    write!(page, "{}\n{}\n```text\n{text}```\n", goal::table(goals), part.introduction())?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_take_their_numbers_from_the_paying_method_and_what_is_missing_stays_open() {
        let figures = json!({"methods": [
            {"name": "exact", "reliability": [{"agreement": {"net_document_rank": 0.5}}], "lds_own": {}},
            {"name": PAYING, "reliability": [{"agreement": {"net_document_rank": 0.75}}],
             "lds_own": {"leave 1.5 %": [0.625, 0.5, 0.75]}},
        ]});
        let goals = Part::Reliability.goals(&figures);
        let of = |id: &str| goals.iter().find(|g| g.id == id).unwrap().measured;
        assert_eq!(
            (of("pay_lds_1_5"), of("pay_reliability_document"), of("pay_lds_50")),
            (Some(0.625), Some(0.75), None)
        );
        let page = page(Part::Reliability, &goals, "a machine", "a table\n").unwrap();
        assert!(page.contains("| `pay_lds_1_5` | 0.600 | 0.750 | 0.625 | Spearman |"), "{page}");
        assert!(page.contains("| `pay_lds_50` | 0.700 | 0.750 | – |") && page.ends_with("a table\n```\n"), "{page}");
    }

    #[test]
    fn the_worst_attack_counts() {
        let figures = json!({"default": {
            "wash": [
                {"percent": 1, "way": "each by itself", "returned": 0.25},
                {"percent": 40, "way": "each by itself", "returned": 0.75},
                {"percent": 40, "way": "all together", "returned": 3.0},
            ],
            "summary": [
                {"attack": "chosen by score", "answers": "same", "over_honest": 2.0},
                {"attack": "chosen by score", "answers": "later", "over_honest": 1.5},
            ],
        }});
        let goals = Part::Attacks.goals(&figures);
        assert_eq!((goals[0].id, goals[0].measured, goals[0].higher_is_better), ("self_ask_return", Some(0.75), false));
        let of = |id: &str| goals.iter().find(|g| g.id == id).unwrap().measured;
        assert_eq!((of("gaming_chosen"), of("gaming_chosen_later")), (Some(2.0), Some(1.5)));
        assert_eq!((of("gaming_rewritten"), of("gaming_merged")), (None, None));
    }
}
