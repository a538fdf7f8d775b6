//! How a benchmark is run.

use clap::{Args, ValueEnum};

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub enum Benchmark {
    /// How well each attribution method predicts what really happens without the data
    AttributionQuality,
    /// How much of the pay is the training seed's, and how well it predicts retraining
    AttributionReliability,
    /// What owners gain who ask themselves, or make documents that score
    AttributionAttacks,
    /// Which cheap number says that a training run's scores can be trusted
    AttributionHealth,
    /// Whether the demo's own job passes, by retraining
    AttributionDemoJob,
    /// What every instruction of the programs costs, and a million contributions and payments
    Programs,
    /// What gradients, queries and settlements cost
    AttributionSpeed,
    /// How fast the index answers, follows the chain, and reads a ledger, over a million payments
    Indexer,
}

/// How a benchmark is run.
#[derive(Args)]
pub struct Options {
    /// What to measure
    pub benchmark: Benchmark,
    /// Independent repetitions
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    pub seeds: u64,
    /// Training seeds besides a task's own whose retrainings attribution-quality judges by too
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=10))]
    pub others: u64,
    /// Measure ours alone; nothing is installed
    #[arg(long)]
    pub no_peers: bool,
    /// A small version, in minutes, whose figures mean little
    #[arg(long)]
    pub quick: bool,
    /// Measure nothing, and take what the last run of attribution-quality or indexer found
    #[arg(long, conflicts_with = "quick")]
    pub kept: bool,
    /// Also write the page and the plots in docs/benchmarks
    #[arg(long, conflicts_with = "quick")]
    pub record: bool,
}
