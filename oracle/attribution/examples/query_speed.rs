//! How long the product of queries with a memory-mapped index takes, besides the backward pass.
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo run -p openledger-attribution --example query_speed -- [layers=14] [k=16] [bytes=400000000]
//! ```
//! Indexes of 10³, 10⁴, … synthetic rows, as far as a file of `bytes` holds them. 14 layers are the tiny Llama's with an
//! adapter on every linear layer, 60 SmolLM2-135M's with one on q and v.

use anyhow::{Context, Result, bail};
use candle_core::Device;
use openledger_attribution::{
    IndexReader, ProjectionSettings,
    index::{header::IndexHeader, product::products, writer::IndexWriter},
    projection::{LayerShape, Projections},
};
use std::time::Instant;

/// Timings of each case; the median is reported, and the best, which other programs disturb least.
const RUNS: usize = 15;

fn main() -> Result<()> {
    let (mut layers, mut k, mut limit) = (14usize, 16usize, 400_000_000u64);
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "layers" => layers = value.parse()?,
            "k" => k = value.parse()?,
            "bytes" => limit = value.parse()?,
            _ => bail!("`{argument}` is not known"),
        }
    }
    let folder = std::env::temp_dir().join(format!("openledger-query-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("{layers} layers of {k} × {k}, {} threads", std::env::var("RAYON_NUM_THREADS").unwrap_or("all".into()));
    println!(
        "{:>9} {:>10} {:>8} {:>12} {:>14} {:>8}",
        "rows", "bytes/row", "queries", "µs/query", "µs/query/10⁴", "GB/s"
    );
    for rows in [1_000u64, 10_000, 100_000, 1_000_000] {
        let bytes = (layers * (4 + 2 * k * k)) as u64;
        if rows * bytes > limit {
            println!("{rows:>12} {bytes:>12} left out: more than {limit} bytes");
            continue;
        }
        let path = folder.join(format!("{rows}.index"));
        let index = synthetic(&path, layers, k, rows)?;
        for count in [1, 4, 16] {
            let queries: Vec<Vec<f64>> =
                (0..count).map(|q| (0..layers * k * k).map(|i| ((i * 7 + q) as f64).sin()).collect()).collect();
            let queries: Vec<&[f64]> = queries.iter().map(Vec::as_slice).collect();
            products(&index, &queries);
            let mut times: Vec<f64> = (0..RUNS)
                .map(|_| {
                    let start = Instant::now();
                    std::hint::black_box(products(&index, &queries));
                    start.elapsed().as_secs_f64()
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let [median, best] = [times[RUNS / 2], times[0]].map(|t| t * 1e6 / count as f64);
            let gigabytes = |micros: f64| (rows * bytes) as f64 / micros / 1e3;
            println!(
                "{rows:>12} {bytes:>12} {count:>12} {median:>12.1} {:>12.1} {:>12.2} {best:>12.1} {:>12.2}",
                median * 1e4 / rows as f64,
                gigabytes(median),
                gigabytes(best),
            );
        }
        drop(index);
        std::fs::remove_file(&path)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// An index of arbitrary values.
fn synthetic(path: &std::path::Path, layers: usize, k: usize, rows: u64) -> Result<IndexReader> {
    let settings = ProjectionSettings { k_in: k, k_out: k, ..Default::default() };
    let shapes: Vec<LayerShape> =
        (0..layers).map(|l| LayerShape { name: format!("layer {l}"), input: k, output: k }).collect();
    let projections = Projections::new(&settings, &shapes, &Device::Cpu)?;
    let header = IndexHeader::unfinished([1; 32], [2; 32], [3; 32], &projections, rows);
    let mut writer = IndexWriter::create_or_resume(path, header, &vec![[0; 32]; rows as usize])?;
    let mut state = 1u64;
    let mut value = || {
        // Knuth's MMIX congruential generator: cheap, and good enough to be multiplied.
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
