//! Measures training and generation on a GGUF model:
//! `RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-lm --example speed -- MODEL.gguf [BATCH]`

use openledger_lm::{
    Adapter, BaseModel, Batch, Device, Example, LoraConfig, Result, SamplingConfig, Tokenizer, forward_backward,
    forward_losses, generate, lora_grads,
};
use std::{ops::ControlFlow, path::PathBuf, time::Instant};

const TEXT: &str = "The right to make copies of the licensed work is granted to anyone who keeps the notices intact. ";
const TOKENS: usize = 128;

/// Wall-clock and processor seconds since a moment. Processor time shows the cost even on a busy machine.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), Self::processor())
    }
    fn read(&self) -> String {
        format!("{:.3} s (cpu {:.2} s)", self.0.elapsed().as_secs_f64(), Self::processor() - self.1)
    }
    /// User and system time of the process in seconds. It comes from Linux's process table, which counts 100 ticks a
    /// second. 0 on other systems.
    fn processor() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().expect("usage: speed MODEL.gguf [BATCH]"));
    let size: usize = arguments.next().map_or(1, |b| b.parse().expect("BATCH is a number"));
    let started = Instant::now();
    let base = BaseModel::load_gguf(&path, &Device::Cpu)?;
    let tokenizer = Tokenizer::from_gguf(&path)?;
    println!("load {:.2} s", started.elapsed().as_secs_f64());
    let adapter = Adapter::init(&base, &LoraConfig::default(), 0)?;
    let tokens: Vec<u32> = tokenizer.encode(&TEXT.repeat(20))?.into_iter().take(TOKENS).collect();
    for loss_from in [1, TOKENS / 2] {
        let example = Example { id: [0; 32], tokens: tokens.clone(), loss_from };
        let batch = Batch::new(&base, &vec![&example; size])?;
        for _ in 0..3 {
            let clock = Clock::start();
            let out = forward_backward(&base, &adapter, &batch)?;
            lora_grads(&out.captures, &adapter)?;
            let step = clock.read();
            let clock = Clock::start();
            forward_losses(&base, Some(&adapter), &batch)?;
            let forward = clock.read();
            println!(
                "batch {size} × {TOKENS} tokens, {} targets: gradients {step}, losses only {forward}",
                example.targets()
            );
        }
    }
    let sampling = SamplingConfig { max_tokens: 64, ..Default::default() };
    let prompt = &tokens[..32];
    let mut first = None;
    let clock = Clock::start();
    let answer = generate(&base, &adapter, &tokenizer, prompt, &sampling, |_, _| {
        first.get_or_insert_with(Instant::now);
        ControlFlow::Continue(())
    })?;
    if let Some(first) = first {
        let rate = (answer.tokens.len() - 1) as f64 / first.elapsed().as_secs_f64();
        println!("generation with adapter: {rate:.1} tokens/s ({} tokens, {})", answer.tokens.len(), clock.read());
    }
    Ok(())
}
