//! Attribution states must not depend on how many threads compute them.

use crate::job::{Job, config, query};
use openledger_attribution::{Magic, MagicSettings, Walks};
use openledger_lm::{BaseModel, LlamaConfig, TrainConfig, sha256};
use std::{ops::ControlFlow, process::Command, sync::Arc};

/// This variable is set in the child process, which prints the state's hash instead of comparing it.
const CHILD: &str = "OPENLEDGER_MAGIC_THREADS_CHILD";

/// Hash of the last states of a walk alone and of two together, for a model wide enough that its matrix products are split among threads.
fn state_hash() -> String {
    let shape = LlamaConfig { hidden: 192, heads: 6, kv_heads: 3, ffn: 512, ..LlamaConfig::tiny() };
    let base = Arc::new(BaseModel::random(&shape, 3).unwrap());
    let job = Job { base, ..Job::new(TrainConfig { epochs: 1, ..config() }) };
    let magic = Magic::new(job.run(), MagicSettings::default()).unwrap();
    let start = magic.begin(&query()).unwrap();
    let outcome = magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap();
    let walks = Walks::new(job.run(), &[query(), query()], MagicSettings::default()).unwrap();
    let mut states = walks.begin();
    while states[0].step > 0 {
        states = walks.segment(&states, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    states.push(outcome.end);
    let hashes: Vec<_> = states.iter().map(|state| state.hash().unwrap()).collect();
    hex::encode(sha256(&hashes.concat()))
}

#[test]
fn states_are_bit_equal_for_one_two_and_four_threads() {
    if std::env::var_os(CHILD).is_some() {
        println!("state={}", state_hash());
        return;
    }
    let hashes: Vec<String> = ["1", "2", "4"]
        .iter()
        .map(|threads| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture", "threads::states_are_bit_equal_for_one_two_and_four_threads"])
                .env(CHILD, "1")
                .env("RAYON_NUM_THREADS", threads)
                .env("CANDLE_NUM_THREADS", "1")
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let at = text.find("state=").unwrap_or_else(|| panic!("no state in {text}")) + 6;
            text[at..at + 64].to_owned()
        })
        .collect();
    assert!(hashes.iter().all(|h| *h == hashes[0]), "{hashes:?}");
}
