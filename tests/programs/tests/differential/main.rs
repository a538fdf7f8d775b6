//! Compares the programs with naive models that compute the same histories in a slow and obvious way.
//!
//! This covers D1 (ranges of contributions and batches, and their proofs), M2 (reward trees), M4 (splits) and the
//! circuit breaker's decay, all on the compiled programs.

mod breaker;
mod naive;
mod ranges;
mod rewards;
mod splits;

use proptest::test_runner::{Config, TestRng, TestRunner};

/// A runner that makes the same `cases` in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha))
}
