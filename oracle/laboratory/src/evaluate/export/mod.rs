//! Writes a finished job as a folder of files that other attribution libraries read. They can then be compared with the
//! methods here on the same model, data, batches and subsets.
//!
//! ```text
//! model/              the base model and its tokenizer as Hugging Face's LlamaForCausalLM
//! adapter0/ adapter/  the adapter before and after training, as PEFT's LoRA
//! checkpoints/NN/     logged states: the adapter, and parameters and moments in `state.safetensors`
//! train.jsonl         {"id", "prompt", "completion", "tokens", "loss_from"}: only tokens from `loss_from` on count
//! query.jsonl         the same
//! training.json       every setting, the learning rate and the examples' positions of each step, the checkpoints' steps
//! losses.json         {"base", "adapter"} → {"train", "query"} → mean loss over each example's counted tokens
//! subsets.json        regime → positions that each subset leaves out
//! actual.json         regime → queries × subsets: how much each query's loss rose without the subset
//! ```
//! Adapters name `model` as their base. The name is relative to the task folder, so readers work inside it.

mod adapter;
mod files;
mod model;
mod training;

use super::regime::Regime;
use openledger_attribution::{AttributionError, Query, Result};
use openledger_lm::{Adapter, BaseModel, Batch, Example, Tokenizer, TrainConfig, TrainState, forward_losses};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Number of examples that are evaluated at a time.
const BATCH: usize = 32;

/// A finished job and its queries.
pub struct Task<'a> {
    /// The frozen model.
    pub base: &'a BaseModel,
    /// The byte-level tokenizer. No other tokenizer can be written.
    pub tokenizer: &'a Tokenizer,
    /// The training settings.
    pub config: &'a TrainConfig,
    /// The training examples.
    pub examples: &'a [Example],
    /// The adapter before the first step.
    pub initial: &'a Adapter,
    /// Logged states, in the order of their steps.
    pub states: &'a [TrainState],
    /// The trained adapter.
    pub adapter: &'a Adapter,
    /// The queries. Each has one answer of weight 1.
    pub queries: &'a [Query],
    /// The changes that were measured by training again.
    pub regimes: &'a [Regime],
}

/// Writes the task into `folder`. Makes the folder if it does not exist. Files of the same names are replaced.
pub fn write(folder: &Path, task: &Task) -> Result<()> {
    let queries = task.queries.iter().map(only_answer).collect::<Result<Vec<Example>>>()?;
    model::write(&folder.join("model"), task.base, task.tokenizer)?;
    adapter::write(&folder.join("adapter0"), task.initial)?;
    adapter::write(&folder.join("adapter"), task.adapter)?;
    for (i, state) in task.states.iter().enumerate() {
        let checkpoint = folder.join(training::checkpoint_folder(i));
        adapter::write(&checkpoint, &task.adapter.with_flat(&state.params)?)?;
        files::bytes(&checkpoint.join("state.safetensors"), &state.to_bytes()?)?;
    }
    let id = |i: usize| hex::encode(task.examples[i].id);
    files::lines(&folder.join("train.jsonl"), task.examples.iter().enumerate().map(|(i, e)| line(task, id(i), e)))?;
    files::lines(&folder.join("query.jsonl"), queries.iter().enumerate().map(|(i, e)| line(task, i.to_string(), e)))?;
    files::json(&folder.join("training.json"), &training::describe(task.config, task.examples.len(), task.states)?)?;
    let losses = |adapter| -> Result<serde_json::Value> {
        Ok(json!({
            "train": losses(task.base, adapter, task.examples)?,
            "query": losses(task.base, adapter, &queries)?,
        }))
    };
    files::json(&folder.join("losses.json"), &json!({"base": losses(None)?, "adapter": losses(Some(task.adapter))?}))?;
    let removed: BTreeMap<_, _> = task.regimes.iter().map(|r| (&r.name, &r.removed)).collect();
    let actual: BTreeMap<_, _> = task.regimes.iter().map(|r| (&r.name, &r.actual)).collect();
    files::json(&folder.join("subsets.json"), &json!(removed))?;
    files::json(&folder.join("actual.json"), &json!(actual))
}

/// The query's answer as an example.
fn only_answer(query: &Query) -> Result<Example> {
    match query.items() {
        [item] if item.weight == 1.0 => Ok(item.example()),
        items => Err(AttributionError::Query(format!(
            "only queries of one answer of weight 1 can be exported, this one has {} of weights {:?}",
            items.len(),
            items.iter().map(|i| i.weight).collect::<Vec<_>>()
        ))),
    }
}

fn line(task: &Task, id: String, example: &Example) -> serde_json::Value {
    let (prompt, completion) = example.tokens.split_at(example.loss_from);
    json!({
        "id": id,
        "prompt": task.tokenizer.decode(prompt),
        "completion": task.tokenizer.decode(completion),
        "tokens": example.tokens,
        "loss_from": example.loss_from,
    })
}

fn losses(base: &BaseModel, adapter: Option<&Adapter>, examples: &[Example]) -> Result<Vec<f32>> {
    let mut losses = Vec::with_capacity(examples.len());
    for group in examples.chunks(BATCH) {
        losses.extend(forward_losses(base, adapter, &Batch::new(base, &group.iter().collect::<Vec<_>>())?)?);
    }
    Ok(losses)
}

/// Writes a base model's weights alone, in f32, as `model.safetensors` of a task folder has them.
pub fn write_weights(file: &Path, base: &BaseModel) -> Result<()> {
    model::write_weights(file, base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};
    use openledger_attribution::QueryItem;
    use openledger_lm::Trainer;
    use serde_json::Value;
    use std::sync::Arc;

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn every_file_says_what_the_job_did() {
        let (base, _) = model();
        let config = TrainConfig { epochs: 2, batch_size: 2, ..Default::default() };
        let examples: Arc<[Example]> = examples(5).into();
        let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone()).unwrap();
        let initial = trainer.adapter().clone();
        let mut states = vec![];
        while !trainer.is_finished() {
            trainer.step().unwrap();
            if trainer.state().step.is_multiple_of(3) {
                states.push(trainer.state().clone());
            }
        }
        let query = Query::answer(examples[1].tokens.clone(), 4).unwrap();
        let regime =
            Regime { name: "leave one".into(), removed: vec![vec![1], vec![3]], actual: vec![vec![0.5, -0.25]] };
        let tokenizer = Tokenizer::bytes();
        let task = Task {
            base: &base,
            tokenizer: &tokenizer,
            config: &config,
            examples: &examples,
            initial: &initial,
            states: &states,
            adapter: trainer.adapter(),
            queries: &[query],
            regimes: &[regime],
        };
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(folder.path(), &task).unwrap();

        for (name, expected) in [
            ("adapter0", &initial),
            ("adapter", trainer.adapter()),
            ("checkpoints/00", &initial.with_flat(&states[0].params).unwrap()),
        ] {
            let read = Adapter::load(&at(name).join("adapter_model.safetensors"), &base).unwrap();
            assert_eq!(read.to_flat().unwrap(), expected.to_flat().unwrap(), "{name}");
        }
        let state = TrainState::from_bytes(&std::fs::read(at("checkpoints/01/state.safetensors")).unwrap()).unwrap();
        assert_eq!(&state, trainer.state());

        let train = std::fs::read_to_string(at("train.jsonl")).unwrap();
        assert_eq!(train.lines().count(), 5);
        let line: Value = serde_json::from_str(train.lines().nth(3).unwrap()).unwrap();
        assert_eq!(line["id"], hex::encode(examples[3].id));
        assert_eq!(line["tokens"], json!(examples[3].tokens));
        let whole = format!("{}{}", line["prompt"].as_str().unwrap(), line["completion"].as_str().unwrap());
        assert_eq!(whole, tokenizer.decode(&examples[3].tokens));
        let query: Value = serde_json::from_str(&std::fs::read_to_string(at("query.jsonl")).unwrap()).unwrap();
        assert_eq!((&query["loss_from"], query["prompt"].as_str().unwrap().len()), (&json!(4), 4));

        let losses = read(&at("losses.json"));
        assert_ne!(losses["base"]["train"], losses["adapter"]["train"]);
        assert_eq!(losses["adapter"]["train"].as_array().unwrap().len(), 5);
        assert_eq!(read(&at("subsets.json")), json!({"leave one": [[1], [3]]}));
        assert_eq!(read(&at("actual.json")), json!({"leave one": [[0.5, -0.25]]}));
    }

    #[test]
    fn queries_of_several_answers_are_refused() {
        let item = QueryItem { tokens: vec![1, 2], loss_from: 1, weight: 2.0 };
        for items in [vec![item.clone()], vec![item.clone(), item]] {
            assert!(only_answer(&Query::new(items).unwrap()).unwrap_err().to_string().contains("one answer"));
        }
    }
}
