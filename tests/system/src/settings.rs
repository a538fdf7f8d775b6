//! Settings of the two demos: the real one, and a tiny one that runs the same loop in two to three minutes.

use crate::process::THREADS;
use openledger_lm::{LlamaConfig, ModelSource};
use openledger_sdk::artifact::{DataSettings, IndexSettings, JobConfig, LoraSettings, PaySettings, TrainSettings};
use std::path::Path;

/// Operators.
pub const SIZE: usize = 5;
/// One OPEN in base units.
pub const OPEN: u64 = 1_000_000_000;

/// The settings that differ between the demos.
pub struct Settings {
    /// The base model.
    pub model: ModelSource,
    /// Manual-page authors.
    pub authors: usize,
    /// Pages of each.
    pub pages: usize,
    /// Terms of each computing dictionary.
    pub terms: usize,
    /// Satirical definitions.
    pub satire: usize,
    /// Slots in which a panel reads a batch and commits to its verdicts. All batches come at about the same time.
    pub commit_slots: u64,
    /// The job.
    pub job: JobConfig,
    /// Questions asked.
    pub questions: usize,
    /// Longest answer in tokens.
    pub answer_tokens: usize,
    /// Whether a second model builds on the first.
    pub layers: bool,
    /// Computing threads of each operator's node.
    pub threads: [usize; SIZE],
}

impl Settings {
    /// SmolLM2-135M on over 300 documents.
    pub fn full(model: &Path) -> Self {
        Self {
            model: ModelSource::Gguf { path: model.to_path_buf(), sha256: Some(MODEL_SHA256.into()) },
            authors: 12,
            pages: 6,
            terms: 85,
            satire: 70,
            commit_slots: 500,
            // The beginnings of some documents: five members check what is made of them on one small machine.
            job: JobConfig {
                data: DataSettings { max_examples: 24, eval_examples: 8, max_tokens: 40, max_windows: Some(1) },
                ..Default::default()
            },
            questions: 20,
            answer_tokens: 24,
            layers: true,
            threads: [THREADS; SIZE],
        }
    }

    /// SmolLM2-135M on about as many documents as a job learns, so that a world begins soon.
    pub fn full_world(model: &Path) -> Self {
        Self { authors: 6, pages: 4, terms: 20, satire: 16, commit_slots: 120, ..Self::full(model) }
    }

    /// A random model of two layers for a world, wide enough for the settings that jobs have by default.
    pub fn tiny_world() -> Self {
        let config = LlamaConfig { hidden: 128, ffn: 256, ..LlamaConfig::tiny() };
        Self { model: ModelSource::Random { config, seed: 7 }, ..Self::tiny() }
    }

    /// A random model of two layers.
    pub fn tiny() -> Self {
        Self {
            model: ModelSource::Random { config: LlamaConfig::tiny(), seed: 7 },
            authors: 4,
            pages: 3,
            terms: 4,
            satire: 4,
            commit_slots: 120,
            job: JobConfig {
                data: DataSettings { max_examples: 16, eval_examples: 4, max_tokens: 96, max_windows: Some(2) },
                // So small that every product with the adapter takes the kernels in which `gemm` sums across a register.
                // In them the classes of arithmetic round differently. In larger products of so few numbers they do not,
                // and a mixed fleet would prove nothing.
                train: TrainSettings {
                    batch_size: 1,
                    lora: LoraSettings { rank: 2, alpha: 8.0, ..Default::default() },
                    ..Default::default()
                },
                index: IndexSettings { k: 8, ..Default::default() },
                // Sixteen documents of a random model say nothing about how well scores agree.
                pay: PaySettings {
                    least_agreement_ppm: -1_000_000,
                    most_roughness_milli: u64::MAX,
                    ..Default::default()
                },
                ..Default::default()
            },
            questions: 4,
            answer_tokens: 8,
            layers: true,
            // With each build of the node: one of the two that have it there, and one of the three.
            threads: [THREADS, THREADS, 1, 1, THREADS],
        }
    }
}

/// Hash of the demo's model, as `cargo xtask fetch` checks it too.
const MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
