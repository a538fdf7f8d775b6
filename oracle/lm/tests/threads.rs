//! Training states must not depend on how many threads compute them.

use openledger_lm::{
    BaseModel, Example, LlamaConfig, LoraConfig, Tokenizer,
    train::{TrainConfig, Trainer},
};
use std::{process::Command, sync::Arc};

/// This variable is set in the child process, which prints the state's hash instead of comparing it.
const CHILD: &str = "OPENLEDGER_LM_THREADS_CHILD";

/// Hash of the state after a training that is large enough for its matrix products to be split among threads.
fn state_hash() -> String {
    let shape = LlamaConfig { hidden: 192, heads: 6, kv_heads: 3, ffn: 512, ..LlamaConfig::tiny() };
    let base = Arc::new(BaseModel::random(&shape, 3).unwrap());
    let tokenizer = Tokenizer::bytes();
    let examples: Arc<[Example]> = (0..4u8)
        .map(|i| {
            Example::text(&tokenizer, [i; 32], &format!("{i} {}", "a longer text ".repeat(5 + i as usize))).unwrap()
        })
        .collect();
    let config = TrainConfig { epochs: 2, lora: LoraConfig { rank: 4, ..Default::default() }, ..Default::default() };
    let mut trainer = Trainer::new(base, config, examples).unwrap();
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    hex::encode(trainer.state().hash().unwrap())
}

#[test]
fn states_are_bit_equal_for_one_two_and_four_threads() {
    if std::env::var_os(CHILD).is_some() {
        println!("state={}", state_hash());
        return;
    }
    let hashes: Vec<String> = [("1", "1"), ("2", "1"), ("2", "2"), ("4", "1")]
        .iter()
        .map(|(rayon, candle)| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture", "states_are_bit_equal_for_one_two_and_four_threads"])
                .env(CHILD, "1")
                .env("RAYON_NUM_THREADS", rayon)
                .env("CANDLE_NUM_THREADS", candle)
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let at = text.find("state=").unwrap_or_else(|| panic!("no state in {text}")) + 6;
            text[at..at + 64].to_owned()
        })
        .collect();
    assert!(hashes.iter().all(|h| *h == hashes[0]), "{hashes:?}");
}
