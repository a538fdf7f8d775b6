//! Compares the tiny model with PyTorch, transformers and PEFT (`fixtures/make.py tiny`, computed in f64).

use openledger_lm::{
    Adapter, AdapterLayout, BaseModel, Batch, Device, Example, LlamaConfig, LoraConfig, Slot, Target, Tensor,
    forward_backward, forward_logits, forward_losses, lora_grads,
    train::{Schedule, TrainConfig, Trainer},
};
use serde::Deserialize;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

#[derive(Deserialize)]
struct Fixture {
    model: LlamaConfig,
    lora: LoraConfig,
    examples: Vec<RawExample>,
    train: RawTrain,
    losses: Vec<f64>,
    gradient_norms: Vec<f64>,
    losses_after: Vec<f64>,
    #[serde(skip)]
    tensors: HashMap<String, Tensor>,
}

#[derive(Deserialize)]
struct RawExample {
    tokens: Vec<u32>,
    loss_from: usize,
}

#[derive(Deserialize)]
struct RawTrain {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
    clip_norm: f64,
}

impl Fixture {
    fn load() -> Self {
        let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("fixtures");
        let json = std::fs::read_to_string(folder.join("tiny.json")).unwrap();
        let mut fixture: Fixture = serde_json::from_str(&json).unwrap();
        fixture.tensors = candle_core::safetensors::load(folder.join("tiny.safetensors"), &Device::Cpu).unwrap();
        fixture
    }

    /// Tensors whose name begins with `prefix`. The prefix is cut off.
    fn group(&self, prefix: &str) -> HashMap<String, Tensor> {
        let cut = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
        self.tensors.iter().filter_map(|(name, t)| Some((cut(name)?, t.clone()))).collect()
    }

    fn base(&self) -> BaseModel {
        BaseModel::from_tensors(&self.model, self.group("base."), &Device::Cpu).unwrap()
    }

    /// Adapter-shaped tensors under PEFT's names, flat in the layout's order.
    fn flat(&self, prefix: &str, layout: &AdapterLayout) -> Vec<f32> {
        let tensors = self.group(prefix);
        assert_eq!(tensors.len(), 2 * layout.spans().len());
        let mut flat = vec![0f32; layout.len()];
        for span in layout.spans() {
            for (matrix, range) in [("A", &span.a), ("B", &span.b)] {
                let name = format!("base_model.model.{}.lora_{matrix}.weight", span.slot.name());
                flat[range.clone()].copy_from_slice(&values(&tensors[&name]));
            }
        }
        flat
    }

    fn adapter(&self, base: &BaseModel) -> Adapter {
        let layout = Arc::new(AdapterLayout::new(&self.model, &self.lora).unwrap());
        let flat = self.flat("lora.", &layout);
        Adapter::from_flat(layout, &flat, base.hash(), &Device::Cpu).unwrap()
    }

    fn examples(&self) -> Arc<[Example]> {
        (0..)
            .zip(&self.examples)
            .map(|(i, e)| Example { id: [i; 32], tokens: e.tokens.clone(), loss_from: e.loss_from })
            .collect()
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference relative to the largest reference value.
fn error(ours: &[f32], reference: &[f32]) -> f32 {
    assert_eq!(ours.len(), reference.len());
    let scale = reference.iter().fold(0f32, |m, v| m.max(v.abs()));
    ours.iter().zip(reference).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / scale
}

#[test]
fn logits_losses_and_lora_gradients_equal_pytorch() {
    let fixture = Fixture::load();
    let base = fixture.base();
    let adapter = fixture.adapter(&base);
    let examples = fixture.examples();
    for (i, example) in examples.iter().enumerate() {
        let batch = Batch::new(&base, &[example]).unwrap();
        let logits = values(&forward_logits(&base, Some(&adapter), &batch).unwrap());
        assert!(error(&logits, &values(&fixture.tensors[&format!("logits.{i}")])) < 3e-6);
    }
    let batch = Batch::new(&base, &examples.iter().collect::<Vec<_>>()).unwrap();
    let out = forward_backward(&base, &adapter, &batch).unwrap();
    for (ours, reference) in out.per_example_loss.iter().zip(&fixture.losses) {
        assert!((f64::from(*ours) - reference).abs() < 3e-6, "{ours} {reference}");
    }
    let gradient = lora_grads(&out.captures, &adapter).unwrap();
    let layout = adapter.layout();
    let reference = fixture.flat("grad.", layout);
    // The comparison goes layer by layer, so that small gradients are compared at their own scale.
    for span in layout.spans() {
        for range in [&span.a, &span.b] {
            let e = error(&gradient[range.clone()], &reference[range.clone()]);
            assert!(e < 1e-5, "{}: {e}", span.slot.name());
        }
    }
}

#[test]
fn two_clipped_adamw_steps_equal_pytorch() {
    let fixture = Fixture::load();
    let base = Arc::new(fixture.base());
    let adapter = fixture.adapter(&base);
    let config = TrainConfig {
        epochs: 2,
        batch_size: 2,
        max_len: 32,
        learning_rate: fixture.train.learning_rate,
        warmup_steps: 0,
        schedule: Schedule::Constant,
        beta1: fixture.train.beta1,
        beta2: fixture.train.beta2,
        eps: fixture.train.eps,
        eps_root: 0.0,
        weight_decay: fixture.train.weight_decay,
        clip_norm: Some(fixture.train.clip_norm),
        lora: fixture.lora.clone(),
        ..Default::default()
    };
    let mut trainer = Trainer::new(base.clone(), config, fixture.examples()).unwrap().with_start(&adapter).unwrap();
    for norm in &fixture.gradient_norms {
        let report = trainer.step().unwrap();
        assert!((report.gradient_norm / norm - 1.0).abs() < 1e-5, "{} {norm}", report.gradient_norm);
        assert!((f64::from(report.clip_scale) - fixture.train.clip_norm / norm).abs() < 1e-5);
    }
    assert!(trainer.is_finished());
    let reference = fixture.flat("after.", adapter.layout());
    // One update moves a parameter by up to 0.01. The tolerance is a thousandth of that.
    let moved = trainer.state().params.iter().zip(&reference).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
    assert!(moved < 1e-5, "{moved}");
    for (i, example) in fixture.examples().iter().enumerate() {
        let batch = Batch::new(&base, &[example]).unwrap();
        let loss = forward_losses(&base, Some(trainer.adapter()), &batch).unwrap()[0];
        assert!((f64::from(loss) - fixture.losses_after[i]).abs() < 1e-4);
    }
}

#[test]
fn the_fixture_exercises_what_it_claims_to() {
    let fixture = Fixture::load();
    assert_eq!(fixture.lora.targets, Target::ALL);
    assert!(!fixture.model.tied && fixture.model.heads > fixture.model.kv_heads);
    assert_ne!(fixture.examples[0].tokens.len(), fixture.examples[1].tokens.len());
    assert!(fixture.gradient_norms.iter().all(|n| *n > fixture.train.clip_norm));
    let adapter = fixture.adapter(&fixture.base());
    let pair = adapter.pair(Slot { layer: 1, target: Target::Down }).unwrap();
    assert!(values(&pair.b).iter().all(|v| *v != 0.0));
}
