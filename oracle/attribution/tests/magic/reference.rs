//! Compares scores with double backward in f64 (`fixtures/magic_reference.py`).

use crate::job::{Job, base, clipped, config, examples, query, relative_error};
use openledger_attribution::{Magic, MagicSettings, gradient::examples_hash, magic::functional};
use openledger_laboratory::evaluate::correlation::spearman;
use openledger_lm::{Target, TrainConfig, sha256, train::Schedule};
use serde_json::{Value, json};
use std::{collections::HashMap, ops::ControlFlow, path::PathBuf};

fn cases() -> [(&'static str, TrainConfig); 3] {
    [
        ("plain", config()),
        ("clipped", clipped()),
        (
            "steep",
            TrainConfig {
                learning_rate: 6e-3,
                warmup_steps: 2,
                schedule: Schedule::Linear,
                weight_decay: 0.2,
                eps_root: 1e-8,
                clip_norm: Some(2.0),
                seed: 5,
                ..config()
            },
        ),
    ]
}

/// A text that changes whenever an input of the reference changes, also the seed of the adapter.
fn inputs() -> String {
    let configs: Vec<_> = cases().iter().map(|(_, c)| c.clone()).collect();
    let mut bytes = base().hash().to_vec();
    bytes.extend(examples_hash(&examples()));
    bytes.extend(functional::query_hash(&query()));
    bytes.extend(serde_json::to_vec(&configs).unwrap());
    hex::encode(sha256(&bytes))
}

#[test]
fn scores_equal_double_backward_in_f64() {
    let path = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("fixtures/magic_reference.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(reference["inputs"], inputs(), "run fixtures/magic_reference.py again");
    let references = reference["cases"].as_array().unwrap();
    assert_eq!(references.len(), cases().len());
    for ((name, config), reference) in cases().into_iter().zip(references) {
        assert_eq!(reference["name"], name);
        let clipped = reference["clipped_steps"].as_u64().unwrap();
        assert!((name == "plain") == (clipped == 0) && clipped < 24, "{name}: {clipped} steps are clipped");
        let magic = Magic::new(Job::new(config).run(), MagicSettings::default()).unwrap();
        let run = magic.run();
        let phi = functional::value(run.base(), &run.adapter().unwrap(), &query(), 4).unwrap();
        let wanted = reference["phi"].as_f64().unwrap();
        assert!((phi - wanted).abs() < 1e-4 * wanted.abs(), "{name}: φ is {phi}, not {wanted}");

        let start = magic.begin(&query()).unwrap();
        let end = magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap().end;
        let wanted: Vec<f64> = serde_json::from_value(reference["derivatives"].clone()).unwrap();
        let (error, rank) = (relative_error(&end.derivatives, &wanted), spearman(&end.derivatives, &wanted));
        println!("{name}: relative error {error:.2e}, spearman {rank:.6}, {clipped} steps clipped");
        assert!(error < 2e-3 && rank >= 0.999, "{name}: relative error {error}, spearman {rank}");
    }
}

#[test]
#[ignore = "writes the inputs of fixtures/magic_reference.py to the folder MAGIC_EXPORT"]
fn export() {
    let folder = PathBuf::from(std::env::var_os("MAGIC_EXPORT").expect("MAGIC_EXPORT names a folder"));
    std::fs::create_dir_all(&folder).unwrap();
    let base = base();
    let mut tensors = HashMap::from([
        ("model.embed_tokens.weight".to_owned(), base.embedding().clone()),
        ("model.norm.weight".to_owned(), base.final_norm().clone()),
    ]);
    if !base.config().tied {
        tensors.insert("lm_head.weight".into(), base.head().clone());
    }
    let mut cases_json = Vec::new();
    for (layer, block) in base.blocks().iter().enumerate() {
        let prefix = format!("model.layers.{layer}");
        tensors.insert(format!("{prefix}.input_layernorm.weight"), block.attention_norm.clone());
        tensors.insert(format!("{prefix}.post_attention_layernorm.weight"), block.ffn_norm.clone());
        for target in Target::ALL {
            tensors.insert(format!("{prefix}.{}.weight", target.module()), block.linear(target).clone());
        }
    }
    for (name, config) in cases() {
        let trainer = Job::new(config.clone()).trainer();
        let steps = 0..trainer.plan().total_steps();
        cases_json.push(json!({
            "name": name, "config": config,
            "batches": steps.clone().map(|s| trainer.plan().batch(s)).collect::<Vec<_>>(),
            "learning_rates": steps.map(|s| trainer.learning_rate(s)).collect::<Vec<_>>(),
        }));
        for (slot, pair) in trainer.adapter().pairs() {
            for (matrix, tensor) in [("A", &pair.a), ("B", &pair.b)] {
                tensors.insert(format!("{name}.{}.{matrix}", slot.name()), tensor.clone());
            }
        }
    }
    candle_core::safetensors::save(&tensors, folder.join("weights.safetensors")).unwrap();
    let examples: Vec<_> = examples().iter().map(|e| json!({"tokens": e.tokens, "loss_from": e.loss_from})).collect();
    let query: Vec<_> = query()
        .items()
        .iter()
        .map(|i| json!({"tokens": i.tokens, "loss_from": i.loss_from, "weight": i.weight}))
        .collect();
    let description = json!({
        "inputs": inputs(), "shape": base.config(), "examples": examples, "query": query, "cases": cases_json,
    });
    std::fs::write(folder.join("cases.json"), serde_json::to_vec(&description).unwrap()).unwrap();
}
