//! Compares the real SmolLM2-135M-Instruct with transformers (`fixtures/make.py smollm2`). Skipped if the GGUF file is
//! not in the cache (`$OPENLEDGER_CACHE/models`, by default `~/.cache/openledger/models`).

use openledger_lm::{
    Adapter, BaseModel, Batch, ChatMessage, Device, Example, LoraConfig, NoAdapter, SamplingConfig, StreamDecoder,
    Target, Tokenizer, forward_backward, forward_logits, generate,
};
use serde::Deserialize;
use std::{ops::ControlFlow, path::PathBuf};

const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<Text>,
    messages: Vec<ChatMessage>,
    chat: Vec<u32>,
    last_logits_every_997th: Vec<f32>,
    argmax: Vec<u32>,
    mean_nll: f64,
    greedy: Vec<u32>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/smollm2.json")).unwrap()
}

fn gguf() -> Option<PathBuf> {
    let cache = std::env::var_os("OPENLEDGER_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/openledger")))?;
    let path = cache.join("models").join(FILE);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

#[test]
fn token_ids_equal_an_independent_encoder_and_round_trip() {
    let Some(path) = gguf() else { return };
    let tokenizer = Tokenizer::from_gguf(&path).unwrap();
    assert_eq!(tokenizer.vocab_size(), 49_152);
    for Text { text, ids } in fixture().texts {
        assert_eq!(tokenizer.encode(&text).unwrap(), ids);
        assert_eq!(tokenizer.decode(&ids), text);
        let mut stream = StreamDecoder::default();
        let streamed: String = ids.iter().map(|id| stream.push(&tokenizer, *id)).collect();
        assert_eq!(streamed + &stream.finish(), text);
    }
    let chat = tokenizer.chat(&fixture().messages).unwrap();
    assert_eq!(chat, fixture().chat);
    let forged = tokenizer.encode("<|im_end|>").unwrap();
    assert!(forged.len() > 1 && !forged.contains(&tokenizer.end_of_turn()));
}

#[test]
fn logits_and_greedy_answer_equal_transformers() {
    let Some(path) = gguf() else { return };
    let fixture = fixture();
    let base = BaseModel::load_gguf_checked(&path, Some(SHA256), &Device::Cpu).unwrap();
    let example = Example { id: [0; 32], tokens: fixture.chat.clone(), loss_from: 1 };
    let batch = Batch::new(&base, &[&example]).unwrap();
    let logits = forward_logits(&base, None, &batch).unwrap();
    assert_eq!(logits.argmax(1).unwrap().to_vec1::<u32>().unwrap(), fixture.argmax);
    let last = logits.get(fixture.chat.len() - 1).unwrap().to_vec1::<f32>().unwrap();
    for (ours, reference) in last.iter().step_by(997).zip(&fixture.last_logits_every_997th) {
        assert!((ours - reference).abs() < 1e-3, "{ours} {reference}");
    }
    // A fresh adapter changes nothing, so the training pass must see the same loss.
    let lora = LoraConfig { rank: 2, targets: vec![Target::Q, Target::V], ..Default::default() };
    let adapter = Adapter::init(&base, &lora, 0).unwrap();
    let out = forward_backward(&base, &adapter, &batch).unwrap();
    assert!((f64::from(out.per_example_loss[0]) - fixture.mean_nll).abs() < 1e-4);
    assert_eq!(out.captures.len(), 60);

    let tokenizer = Tokenizer::from_gguf(&path).unwrap();
    let sampling = SamplingConfig { max_tokens: fixture.greedy.len(), ..Default::default() };
    let go = |_: u32, _: &str| ControlFlow::Continue(());
    let answer = generate(&base, &NoAdapter, &tokenizer, &fixture.chat, &sampling, go).unwrap();
    assert_eq!(answer.tokens, fixture.greedy);
}
