//! Benchmarks: each prints a table, writes its figures as JSON, and with `--record` a page of `docs/benchmarks`.

mod examples;
mod machine;
mod options;
mod peers;
mod plot;
mod programs;
mod quality;
mod speed;

use anyhow::Result;

use options::Benchmark;

pub use options::Options;

/// Runs one.
pub fn run(options: &Options) -> Result<()> {
    match options.benchmark {
        Benchmark::AttributionQuality => quality::run(options),
        Benchmark::Programs => programs::run(options),
        Benchmark::AttributionSpeed => speed::measure(options),
    }
}
