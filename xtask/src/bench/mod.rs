//! Benchmarks: each prints a table, writes its figures as JSON, and with `--record` a page of `docs/benchmarks`.

mod examples;
mod goal;
mod indexer;
mod machine;
mod options;
mod pay;
mod peers;
mod plot;
mod programs;
mod quality;
mod speed;
mod turns;

use anyhow::Result;

use options::Benchmark;

pub use options::Options;

/// Runs one.
pub fn run(options: &Options) -> Result<()> {
    match options.benchmark {
        Benchmark::AttributionQuality => quality::run(options),
        Benchmark::AttributionReliability => pay::run(pay::Part::Reliability, options),
        Benchmark::AttributionAttacks => pay::run(pay::Part::Attacks, options),
        Benchmark::AttributionHealth => pay::run(pay::Part::Health, options),
        Benchmark::AttributionDemoJob => pay::run(pay::Part::DemoJob, options),
        Benchmark::Programs => programs::run(options),
        Benchmark::AttributionSpeed => speed::measure(options),
        Benchmark::Indexer => indexer::run(options),
    }
}
