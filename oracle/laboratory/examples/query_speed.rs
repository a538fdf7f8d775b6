//! Measures how long a query of a memory-mapped index takes, besides the backward pass. It times the product with all
//! rows, and the scan of the index's sketch.
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo run -p openledger-laboratory --example query_speed -- \
//!     [layers=14] [k=16] [bytes=400000000] [real=10000] [json=FILE]
//! ```
//! The first indexes have 10³, 10⁴, … synthetic rows, as many as a file of `bytes` holds. 14 layers are those of the
//! tiny Llama with an adapter on every linear layer. 60 are those of SmolLM2-135M with an adapter on q and v. The last
//! index has `real` examples of text transformations at a tiny Llama that has learned some of them. It is asked for the
//! ten highest scores through the sketch, and the table says how many of the true ten these are.

use anyhow::{Context, Result, bail};
use candle_core::Device;
use openledger_attribution::{
    IndexReader, Logra, LograSettings, Preconditioner, ProjectionKind, ProjectionSettings, Sketch, SketchSettings,
    build_index,
    gradient::GradientSource,
    index::{header::IndexHeader, product::products, writer::IndexWriter},
    projection::{LayerShape, Projections},
};
use openledger_laboratory::evaluate::transformations;
use openledger_lm::{BaseModel, LlamaConfig, LoraConfig, Target, Tokenizer, TrainConfig, Trainer};
use serde::Serialize;
use std::{
    hint::black_box,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// Number of timings of each case. The median is reported, and the best, which other programs disturb least.
const RUNS: usize = 15;
/// Number of scores that an answer's receipt names.
const TOP: usize = 10;

fn main() -> Result<()> {
    let (mut layers, mut k, mut limit, mut real) = (14usize, 16usize, 400_000_000u64, 10_000usize);
    let mut output = None::<PathBuf>;
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "layers" => layers = value.parse()?,
            "k" => k = value.parse()?,
            "bytes" => limit = value.parse()?,
            "real" => real = value.parse()?,
            "json" => output = Some(value.into()),
            _ => bail!("`{argument}` is not known"),
        }
    }
    let folder = tempfile::tempdir()?;
    println!("{} threads", std::env::var("RAYON_NUM_THREADS").unwrap_or("all".into()));
    let lines = synthetic(folder.path(), layers, k, limit)?;
    if let Some(path) = output {
        std::fs::write(path, serde_json::to_vec_pretty(&lines)?)?;
    }
    if real > 0 {
        recall(folder.path(), real)?;
    }
    Ok(())
}

/// Median and best time of `work` in milliseconds.
fn timed<T>(mut work: impl FnMut() -> T) -> (f64, f64) {
    black_box(work());
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[RUNS / 2], times[0])
}

/// A line of the table of synthetic rows.
#[derive(Serialize)]
struct Line {
    rows: u64,
    bytes_per_row: usize,
    what: String,
    /// Milliseconds of a query over all rows: the median.
    median: f64,
    best: f64,
}

fn synthetic(folder: &Path, layers: usize, k: usize, limit: u64) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    println!("{layers} layers of {k} × {k}; milliseconds a query and 10⁴ rows, median and best");
    println!("{:>9} {:>10} {:>28} {:>10} {:>8} {:>8}", "rows", "bytes/row", "", "median", "best", "GB/s");
    for rows in [1_000u64, 10_000, 100_000, 1_000_000] {
        let bytes = layers * (4 + 2 * k * k);
        if rows * bytes as u64 > limit {
            println!("{rows:>9} {bytes:>10} left out: more than {limit} bytes");
            continue;
        }
        let index = synthetic_index(&folder.join(format!("{rows}.index")), layers, k, rows)?;
        let queries: Vec<Vec<f64>> =
            (0..16).map(|q| (0..layers * k * k).map(|i| ((i * 7 + q) as f64).sin()).collect()).collect();
        let queries: Vec<&[f64]> = queries.iter().map(Vec::as_slice).collect();
        let mut line = |what: &str, bytes: usize, (median, best): (f64, f64), queries: usize| {
            let of = |ms: f64| ms / queries as f64 * 1e4 / rows as f64;
            let rate = rows as f64 * bytes as f64 / median / 1e6;
            println!("{rows:>9} {bytes:>10} {what:>28} {:>10.2} {:>8.2} {rate:>8.1}", of(median), of(best));
            let (median, best) = (median / queries as f64, best / queries as f64);
            lines.push(Line { rows, bytes_per_row: bytes, what: what.to_owned(), median, best });
        };
        for count in [1, 4, 16] {
            line(
                &format!("all rows, {count} queries"),
                bytes,
                timed(|| products(&index, 0..index.count(), &queries[..count])),
                count,
            );
        }
        let path = folder.join(format!("{rows}.sketch"));
        let sketch = Sketch::open_or_build(&path, &index, (Preconditioner::None, None), SketchSettings::default())?;
        line("sketch, 1 query", sketch.row_bytes(), timed(|| sketch.estimates(queries[0])), 1);
    }
    Ok(lines)
}

/// An index of arbitrary values.
fn synthetic_index(path: &Path, layers: usize, k: usize, rows: u64) -> Result<IndexReader> {
    let settings = ProjectionSettings { k_in: k, k_out: k, ..Default::default() };
    let shapes: Vec<LayerShape> =
        (0..layers).map(|l| LayerShape { name: format!("layer {l}"), input: k, output: k }).collect();
    let projections = Projections::new(&settings, &shapes, &Device::Cpu)?;
    let header = IndexHeader::unfinished([1; 32], [2; 32], [3; 32], &projections, rows);
    let mut writer = IndexWriter::create_or_resume(path, header, &vec![[0; 32]; rows as usize])?;
    let mut state = 1u64;
    let mut value = || {
        // Knuth's MMIX congruential generator. It is cheap, and good enough for values that are only multiplied.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    let mut left = rows as usize;
    while left > 0 {
        let batch = left.min(1000);
        let values: Vec<Vec<f32>> = (0..batch).map(|_| (0..layers * k * k).map(|_| value()).collect()).collect();
        writer.append(&values)?;
        left -= batch;
    }
    writer.finish()?;
    Ok(IndexReader::open(path)?)
}

fn recall(folder: &Path, count: usize) -> Result<()> {
    let tokenizer = Tokenizer::bytes();
    let examples = transformations::examples(&tokenizer, count, 11, &transformations::ALL, false)?;
    let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 1)?);
    let config = TrainConfig {
        epochs: 4,
        batch_size: 16,
        learning_rate: 5e-3,
        lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let mut trainer = Trainer::new(base.clone(), config, examples[..400.min(count)].into())?;
    while !trainer.is_finished() {
        trainer.step()?;
    }
    let queries = transformations::queries(&tokenizer, 20, 999)?;
    println!("{count} real rows, milliseconds a query and 10⁴ rows, best of {RUNS}");
    println!(
        "{:>40} {:>10} {:>8} {:>8} {:>10} {:>10} {:>10}",
        "", "bytes/row", "sketch", "all", "sketch", "of it scan", "recall@10"
    );
    for kind in [ProjectionKind::Random, ProjectionKind::Adapter] {
        let projection = ProjectionSettings { kind, batch: 16, ..Default::default() };
        let path = folder.join(format!("{kind:?}.index"));
        let source = || GradientSource::new(base.clone(), trainer.adapter().clone(), &projection);
        build_index(&path, &source()?, &examples, |_, _| ControlFlow::Continue(()))?;
        for preconditioner in [Preconditioner::Fisher { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }] {
            for unit_norm in [true, false] {
                let settings = LograSettings { projection: projection.clone(), preconditioner, unit_norm };
                let logra = Logra::new(source()?, IndexReader::open(&path)?, settings)?;
                let sketch = folder.join(format!("{kind:?} {preconditioner:?}.sketch"));
                let logra = logra.with_sketch(&sketch, SketchSettings::default())?;
                let sketch = logra.sketch().context("it has just been given one")?;
                let (mut found, mut whole, mut short, mut scan) = (0, f64::MAX, f64::MAX, f64::MAX);
                for query in &queries {
                    let gradient = logra.query_gradient(query)?;
                    let expected = logra.score_gradient(&gradient)?.top_k(TOP);
                    let top = logra.top_gradient(&gradient, TOP)?;
                    found += expected.iter().filter(|e| top.iter().any(|t| t.position == e.position)).count();
                    whole = whole.min(timed(|| logra.score_gradient(&gradient)).1);
                    short = short.min(timed(|| logra.top_gradient(&gradient, TOP)).1);
                    scan = scan.min(timed(|| sketch.estimates(&gradient)).1);
                }
                let [whole, short, scan] = [whole, short, scan].map(|ms| ms * 1e4 / count as f64);
                println!(
                    "{:>40} {:>10} {:>8} {whole:>8.2} {short:>10.2} {scan:>10.2} {:>10.3}",
                    format!("{kind:?} {preconditioner:?}{}", if unit_norm { ", unit" } else { "" }),
                    logra.index().header().row_bytes(),
                    sketch.row_bytes(),
                    found as f64 / (TOP * queries.len()) as f64
                );
            }
        }
    }
    Ok(())
}
