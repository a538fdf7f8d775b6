//! Measures the cost of attribution: gradients and index of all examples, a query, and the settlement of an epoch.
//! bergson and plain PyTorch run in turn on the same model, data and threads.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    examples::{build_examples, example, folder, threaded},
    goal::{self, Goal},
    machine,
    options::Options,
    peers,
    plot::{self, Lines, Panel},
    turns::{Player, Round},
};
use crate::{
    paths,
    process::{run, run_quietly},
    progress::say,
};

/// The measurements of one process.
#[derive(Clone, Deserialize)]
struct Measured {
    seconds: Seconds,
    #[serde(default)]
    loaded_rss_bytes: u64,
    #[serde(default)]
    peak_rss_bytes: u64,
    bytes_per_example: Option<u64>,
    /// The place where a peer's output has the same field.
    #[serde(default)]
    settings: serde_json::Value,
}

#[derive(Clone, Copy, Deserialize)]
struct Seconds {
    ready: f64,
    /// Of all threads together. 0 where nobody asks for it.
    #[serde(default)]
    ready_cpu: f64,
    query: f64,
}

/// A row of the tables. Its figures are medians over the rounds.
#[derive(Serialize)]
struct Row {
    /// Name of the library.
    name: String,
    /// Training examples.
    examples: usize,
    /// Threads of everybody.
    threads: usize,
    /// Number of answers in one query.
    answers: usize,
    /// Seconds of preparation: building the index, or the training run before a settlement.
    ready: f64,
    /// The same of all threads together.
    ready_cpu: f64,
    /// Seconds for a query, or for the whole epoch of a settlement.
    query: f64,
    /// Bytes of an example in the index.
    bytes_per_example: u64,
    /// Peak memory in bytes, and the part of it that was added after the model was loaded.
    peak_rss: u64,
    added_rss: u64,
}

impl Row {
    fn new(name: &str, (examples, answers): (usize, usize), threads: usize, rounds: &[Measured]) -> Self {
        let middle = |value: &dyn Fn(&Measured) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let bytes =
            |m: &Measured| m.bytes_per_example.or_else(|| m.settings["bytes_per_example"].as_u64()).unwrap_or(0);
        Self {
            name: name.to_owned(),
            examples,
            threads,
            answers,
            ready: middle(&|m| m.seconds.ready),
            ready_cpu: middle(&|m| m.seconds.ready_cpu),
            query: middle(&|m| m.seconds.query),
            bytes_per_example: rounds.first().map_or(0, bytes),
            peak_rss: middle(&|m| m.peak_rss_bytes as f64) as u64,
            added_rss: middle(&|m| m.peak_rss_bytes.saturating_sub(m.loaded_rss_bytes) as f64) as u64,
        }
    }
}

/// A line of the example `query_speed`.
#[derive(Deserialize, Serialize)]
struct Product {
    /// Rows of the index.
    rows: u64,
    bytes_per_row: usize,
    /// The kind of query.
    what: String,
    /// Milliseconds for a query.
    median: f64,
    best: f64,
}

/// All figures.
#[derive(Serialize)]
struct Figures {
    /// Gradients and index.
    index: Vec<Row>,
    /// Settlements.
    settlement: Vec<Row>,
    /// The product of a query with an index.
    product: Vec<Product>,
    /// PyTorch's product of a query with an index of rows of the same size.
    product_of_pytorch: Vec<PeerProduct>,
}

/// A product that a peer measured.
#[derive(Clone, Deserialize, Serialize)]
struct PeerProduct {
    /// Rows of the index.
    rows: u64,
    /// Milliseconds for a query.
    milliseconds: f64,
}

/// Who builds an index in the default way: the gradients of the adapter's matrices at one state, whose wide sides are
/// projected to 32 columns, as a job's default is.
const OURS: &str = "ours";
const PYTORCH: &str = "PyTorch";
const BERGSON: &str = "bergson index";

/// The peers' options. Batches are the fastest of those that were tried here.
const PYTORCH_OPTIONS: [&str; 8] = ["--kind", "adapter", "--projection", "64", "--batch", "32", "--attention", "eager"];
const BERGSON_OPTIONS: [&str; 4] = ["--projection", "16", "--tokens", "2048"];

/// The folder of a measurement's parts, and the number of its repetitions.
struct Bench {
    out: PathBuf,
    rounds: usize,
    peers: bool,
}

/// Measures, prints, and where asked to writes the page.
pub fn measure(options: &Options) -> Result<()> {
    build_examples()?;
    let bench = Bench {
        out: folder("attribution-speed")?,
        rounds: if options.quick { 1 } else { 5 },
        peers: !options.no_peers,
    };
    fs::create_dir_all(&bench.out)?;
    let all = machine::threads();
    let (sizes, answers): (&[(usize, usize)], &[usize]) =
        if options.quick { (&[(256, all)], &[1]) } else { (&[(256, all), (1024, 1), (1024, all)], &[1, 8, 64]) };
    let index = sizes.iter().map(|(n, threads)| bench.index(*n, *threads)).collect::<Result<Vec<_>>>()?;
    let settlement = answers.iter().map(|n| bench.settlement(*n)).collect::<Result<Vec<_>>>()?;
    let figures = Figures {
        index: index.into_iter().flatten().collect(),
        settlement: settlement.into_iter().flatten().collect(),
        product: bench.product(if options.quick { 100_000_000 } else { 8_000_000_000 })?,
        product_of_pytorch: bench.product_of_pytorch()?,
    };
    let (machine, goals) = (machine::describe(), goals(&figures));
    let page = markdown(&figures, &goals, bench.rounds, &machine)?;
    println!("{page}");
    fs::write(bench.out.join("figures.json"), serde_json::to_vec_pretty(&figures)?)?;
    say(&format!("the figures are in {}", bench.out.display()));
    if options.record {
        let docs = paths::root().join("docs/benchmarks");
        fs::create_dir_all(&docs)?;
        plot::lines(&docs.join("attribution-speed.svg"), &growth(&figures))?;
        fs::write(docs.join("attribution-speed.md"), page)?;
        let value = json!({ "machine": machine, "command": COMMAND, "goals": goals, "figures": figures });
        fs::write(docs.join("attribution-speed.json"), format!("{value:#}\n"))?;
        say(&format!("wrote attribution-speed.md and attribution-speed.json in {}", docs.display()));
    }
    Ok(())
}

const COMMAND: &str = "cargo xtask bench attribution-speed --record";

/// How often ours builds an index while another does it once: the least over the numbers of threads, on the wall and of
/// CPU time, of the most examples.
fn over(figures: &Figures, peer: &str) -> Option<f64> {
    let most = figures.index.iter().map(|row| row.examples).max()?;
    let of = |name: &str, threads: usize| {
        let mut rows = figures.index.iter();
        rows.find(|row| row.name == name && row.threads == threads && row.examples == most)
    };
    let threads = figures.index.iter().map(|row| row.threads);
    let ratios = threads.filter_map(|threads| {
        let (peer, ours) = (of(peer, threads)?, of(OURS, threads)?);
        Some((peer.ready / ours.ready).min(peer.ready_cpu / ours.ready_cpu))
    });
    ratios.reduce(f64::min)
}

/// The goals, with what the figures say.
fn goals(figures: &Figures) -> Vec<Goal> {
    let settlements = figures.settlement.iter().filter(|row| row.name == OURS);
    let runs = settlements.max_by_key(|row| row.answers).map(|row| row.query / row.ready);
    let query = figures.product.iter().find(|line| line.rows == 10_000 && line.what == "all rows, 1 queries");
    let at_least_equal = (Some(1.0), None);
    vec![
        Goal::new("index_over_pytorch", "PyTorch's time over ours", at_least_equal, over(figures, PYTORCH)),
        Goal::new("index_over_bergson", "bergson's time over ours", at_least_equal, over(figures, BERGSON)),
        Goal::new("settlement_runs", "training runs", (None, None), runs).at_most(),
        Goal::new("query_ms_per_10000", "milliseconds, on this machine", (None, None), query.map(|line| line.median))
            .at_most(),
    ]
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what it should be", path.display()))
}

impl Bench {
    fn file(&self, name: &str) -> PathBuf {
        self.out.join(format!("{name}.json"))
    }

    /// The job as a task folder that other libraries read, with `examples` examples and `queries` queries.
    fn task(&self, examples: usize, queries: usize) -> Result<PathBuf> {
        let folder = self.out.join(format!("task-{examples}-{queries}"));
        // A task folder needs retrainings, but this benchmark does not use them.
        let few = ["pretrain=0", "small=2", "half=2", "only=none"].map(String::from);
        let sized =
            [format!("examples={examples}"), format!("queries={queries}"), format!("folder={}", folder.display())];
        let arguments = few.into_iter().chain(sized);
        run_quietly(example("lds", arguments)?, &format!("writing a task of {examples} examples"), "bench-task")?;
        Ok(folder)
    }

    fn ours(&self, what: &str, examples: usize, answers: usize, threads: usize, more: &[&str]) -> Result<Measured> {
        let file = self.file("ours");
        let mut arguments = vec![format!("what={what}"), format!("examples={examples}"), format!("answers={answers}")];
        arguments.extend(more.iter().map(|m| (*m).to_owned()));
        arguments.push(format!("json={}", file.display()));
        run_quietly(
            threaded("attribution_speed", arguments, threads)?,
            &format!("{what} of {examples} examples, {threads} threads"),
            "bench-speed",
        )?;
        read(&file)
    }

    fn peer(&self, name: &str, task: &Path, threads: usize, more: &[&str]) -> Result<Measured> {
        let file = self.file(name);
        run_quietly(
            peers::driver(name, task, &file, threads, more)?,
            &format!("{name} on {}, {threads} threads", task.display()),
            name,
        )?;
        read(&file)
    }

    /// Measures our and the peers' index of `examples` examples in turn. A first round of everybody does not count.
    fn index(&self, examples: usize, threads: usize) -> Result<Vec<Row>> {
        const QUERIES: usize = 16;
        say(&format!("index of {examples} examples, {threads} threads"));
        let file = |name: &str| self.file(&name.replace(' ', "-"));
        let json = format!("json={}", file(OURS).display());
        let (count, answers) = (format!("examples={examples}"), format!("answers={QUERIES}"));
        let arguments = ["what=index", &count, &answers, "kind=adapter", "k=64", "batch=1", "rounds=1", &json];
        let mut players = vec![(OURS, Player::start(OURS, threaded("attribution_speed", arguments, threads)?)?)];
        if self.peers {
            let task = self.task(examples, QUERIES)?;
            for (name, driver, options) in
                [(PYTORCH, "torch_projected", &PYTORCH_OPTIONS[..]), (BERGSON, "bergson_index", &BERGSON_OPTIONS[..])]
            {
                let options = [options, &["--rounds", "1"]].concat();
                let command = peers::driver(driver, &task, &file(name), threads, &options)?;
                players.push((name, Player::start(name, command)?));
            }
        }
        let mut found = BTreeMap::<&str, Vec<Round>>::new();
        for round in 0..=self.rounds {
            for (name, player) in &mut players {
                let took = player.turn()?;
                if round > 0 {
                    found.entry(name).or_default().push(took);
                }
            }
        }
        players.into_iter().try_for_each(|(_, player)| player.finish())?;
        found
            .iter()
            .map(|(name, rounds)| {
                let last: Measured = read(&file(name))?;
                let rounds: Vec<_> = rounds
                    .iter()
                    .map(|round| {
                        let seconds = Seconds { ready: round.ready, ready_cpu: round.ready_cpu, query: round.query };
                        Measured { seconds, ..last.clone() }
                    })
                    .collect();
                Ok(Row::new(name, (examples, QUERIES), threads, &rounds))
            })
            .collect()
    }

    /// Measures training and the walk back through it for an epoch of `answers` answers. bergson's walk is for one
    /// answer.
    fn settlement(&self, answers: usize) -> Result<Vec<Row>> {
        const EXAMPLES: usize = 400;
        let threads = machine::threads();
        let task = if self.peers && answers == 1 { Some(self.task(EXAMPLES, 1)?) } else { None };
        let mut found = BTreeMap::<&str, Vec<Measured>>::new();
        for round in 0..self.rounds {
            found.entry(OURS).or_default().push(self.ours("settlement", EXAMPLES, answers, threads, &[])?);
            // Each run takes minutes, so it runs only once.
            if let Some(task) = task.as_ref().filter(|_| round == 0) {
                let magic = self.peer("bergson_magic", task, threads, &["--queries", "1"])?;
                found.entry("bergson magic").or_default().push(magic);
            }
        }
        Ok(found.iter().map(|(name, rounds)| Row::new(name, (EXAMPLES, answers), threads, rounds)).collect())
    }

    /// PyTorch's product of one query with indexes of 10³, 10⁴ and 10⁵ rows.
    fn product_of_pytorch(&self) -> Result<Vec<PeerProduct>> {
        if !self.peers {
            return Ok(Vec::new());
        }
        let options = [&PYTORCH_OPTIONS[..], &["--rows", "1000,10000,100000"]].concat();
        let found = self.peer("torch_projected", &self.task(256, 16)?, machine::threads(), &options)?;
        serde_json::from_value(found.settings["products"].clone()).context("the products that PyTorch measured")
    }

    fn product(&self, bytes: u64) -> Result<Vec<Product>> {
        let file = self.file("product");
        let arguments = [format!("bytes={bytes}"), "real=0".into(), format!("json={}", file.display())];
        run(example("query_speed", arguments)?, "timing queries")?;
        read(&file)
    }
}

/// The page's text.
fn markdown(figures: &Figures, goals: &[Goal], rounds: usize, machine: &str) -> Result<String> {
    let mut page = format!("# Attribution speed\n\n`{COMMAND}`, on {machine}.\n\n{}\n", goal::table(goals));
    write!(
        page,
        "The figures are medians of {rounds} rounds. In each round everybody has a turn, in a process of its own, with \
         the same model weights, data and threads. The machine is shared: only ratios within a table mean \
         something.\n\n![Growth](attribution-speed.svg)\n\n{}",
        include_str!("speed/index.md")
    )?;
    page += "\n| examples | threads | who | ratio | CPU | query | bytes/example | memory (MiB) | of it added (MiB) |\n\
             |---:|---:|---|---:|---:|---:|---:|---:|---:|\n";
    for row in &figures.index {
        let mut rows = figures.index.iter();
        let ours = rows.find(|r| r.examples == row.examples && r.threads == row.threads && r.name == OURS);
        writeln!(
            page,
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} | {} | {} | {} |",
            row.examples,
            row.threads,
            row.name,
            ours.map_or(f64::NAN, |ours| row.ready / ours.ready),
            ours.map_or(f64::NAN, |ours| row.ready_cpu / ours.ready_cpu),
            ours.map_or(f64::NAN, |ours| row.query / ours.query),
            row.bytes_per_example,
            row.peak_rss >> 20,
            row.added_rss >> 20,
        )?;
    }
    page += "\n## Settlement of an epoch\n\nOne training with a log (150 steps of 16 examples), and one walk back \
             through it for the weighted sum of the epoch's answers. `runs` is the time of the walk over the time of \
             the training in the same process. bergson's MAGIC walks back for one answer, and was run in one round \
             only.\n\n| answers | who | training (s) | settlement (s) | runs | memory (MiB) | of it added (MiB) \
             |\n|---:|---|---:|---:|---:|---:|---:|\n";
    for row in &figures.settlement {
        writeln!(
            page,
            "| {} | {} | {:.2} | {:.2} | {:.2} | {} | {} |",
            row.answers,
            row.name,
            row.ready,
            row.query,
            row.query / row.ready,
            row.peak_rss >> 20,
            row.added_rss >> 20,
        )?;
    }
    page += "\n## A query of a large index\n\nA query costs this besides its backward pass. *All rows* multiplies \
             the query with every row of a memory-mapped index of 14 layers of 16 × 16. *Sketch* scans the index's \
             one-bit sketch, which finds the ten largest. *PyTorch* multiplies the query with f32 rows in memory, which \
             take twice the bytes.\n\n| rows | how | bytes/row | ms a query | ms a query and \
             10⁴ rows |\n|---:|---|---:|---:|---:|\n";
    for line in &figures.product {
        writeln!(
            page,
            "| {} | {} | {} | {:.2} | {:.2} |",
            line.rows,
            line.what,
            line.bytes_per_row,
            line.median,
            line.median * 1e4 / line.rows as f64
        )?;
    }
    for line in &figures.product_of_pytorch {
        let each = line.milliseconds * 1e4 / line.rows as f64;
        writeln!(page, "| {} | PyTorch, 1 query | 14336 | {:.2} | {each:.2} |", line.rows, line.milliseconds)?;
    }
    Ok(page)
}

/// Plots of growing times: of building an index by examples, of a settlement by answers, and of a query by rows.
fn growth(figures: &Figures) -> [Panel; 3] {
    let (mut index, mut settlement, mut product) = (Lines::new(), Lines::new(), Lines::new());
    for row in &figures.index {
        let name = format!("{}, {} threads", row.name, row.threads);
        index.entry(name).or_default().push((row.examples as f64, row.ready));
    }
    for row in &figures.settlement {
        settlement.entry(row.name.clone()).or_default().push((row.answers as f64, row.query));
    }
    for line in &figures.product {
        product.entry(line.what.clone()).or_default().push((line.rows as f64, line.median / 1e3));
    }
    [
        Panel { caption: "index of all examples", counted: "examples", lines: index },
        Panel { caption: "settlement of an epoch", counted: "answers", lines: settlement },
        Panel { caption: "query without backward pass", counted: "rows", lines: product },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ready: f64, query: f64) -> Measured {
        let seconds = Seconds { ready, ready_cpu: 2.0 * ready, query };
        let (loaded_rss_bytes, peak_rss_bytes, bytes_per_example) = (1 << 20, 3 << 20, Some(7224));
        Measured { seconds, loaded_rss_bytes, peak_rss_bytes, bytes_per_example, settings: serde_json::Value::Null }
    }

    /// Example figures.
    fn figures() -> Figures {
        let rounds = [measured(9.0, 0.5), measured(1.0, 0.25), measured(2.0, 0.125)];
        let product = Product { rows: 1000, bytes_per_row: 7224, what: "all rows".into(), median: 0.5, best: 0.25 };
        Figures {
            index: [OURS, PYTORCH, BERGSON]
                .into_iter()
                .zip([1, 2, 4])
                .flat_map(|(name, times)| {
                    let rounds: Vec<_> = [9.0, 1.0, 2.0].map(|t| measured(t * f64::from(times), 0.25)).into();
                    [(256, 1), (512, 1), (512, 2)].map(|(n, threads)| Row::new(name, (n, 16), threads, &rounds))
                })
                .collect(),
            settlement: [1, 16].map(|n| Row::new(OURS, (400, n), 2, &rounds)).into(),
            product: vec![product],
            product_of_pytorch: vec![PeerProduct { rows: 1000, milliseconds: 0.25 }],
        }
    }

    #[test]
    fn the_page_has_the_medians_and_their_ratios() {
        let figures = figures();
        let page = markdown(&figures, &goals(&figures), 3, "a machine").unwrap();
        for line in [
            "| 256 | 1 | ours | 1.00 | 1.00 | 1.00 | 7224 | 3 | 2 |",
            "| 512 | 2 | PyTorch | 2.00 | 2.00 | 1.00 | 7224 | 3 | 2 |",
            "| `index_over_bergson` | 1.000 | – | 4.000 | bergson's time over ours |",
            "| `settlement_runs` | – | – | 0.125 | training runs |",
            "| 1000 | PyTorch, 1 query | 14336 | 0.25 | 2.50 |",
            "| 16 | ours | 2.00 | 0.25 | 0.12 | 3 | 2 |",
            "| 1000 | all rows | 7224 | 0.50 | 5.00 |",
        ] {
            assert!(page.contains(line), "{line} in\n{page}");
        }
    }

    #[test]
    fn growth_names_everybody_and_every_panel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growth.svg");
        plot::lines(&path, &growth(&figures())).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["ours, 1 threads", "PyTorch, 2 threads", "settlement of an epoch", "all rows"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }
}
