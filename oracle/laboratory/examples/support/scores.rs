//! Reads the scores of any library's methods from a task folder. Each file `scores/NAME.json` has the form `{"name"?,
//! "method", "version", "settings", "seconds": {"ready", "query"}, "peak_rss_bytes"?, "scores": queries × examples}`. A
//! score is positive if the example helps.

use anyhow::{Context, Result};
use openledger_laboratory::evaluate::regime::Regime;
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::Path};

/// The times that a method took, in seconds.
#[derive(Deserialize)]
pub struct Seconds {
    /// Preparation before the first query.
    pub ready: f64,
    /// One query.
    pub query: f64,
}

/// A method's scores and their cost.
#[derive(Deserialize)]
pub struct ScoreFile {
    pub name: Option<String>,
    pub method: String,
    pub version: String,
    pub settings: serde_json::Value,
    pub seconds: Seconds,
    pub peak_rss_bytes: Option<u64>,
    /// The scores, queries × examples.
    pub scores: Vec<Vec<f32>>,
}

/// All scores of a task folder, by their methods' names.
pub fn read(folder: &Path) -> Result<BTreeMap<String, ScoreFile>> {
    let mut scores = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("scores"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "json") {
            let file: ScoreFile = json(&path)?;
            scores.insert(file.name.clone().unwrap_or_else(|| file.method.clone()), file);
        }
    }
    Ok(scores)
}

/// A JSON file's content.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what it should be", path.display()))
}

/// The retrainings of a task folder.
pub fn regimes(folder: &Path) -> Result<Vec<Regime>> {
    let removed: BTreeMap<String, Vec<Vec<usize>>> = json(&folder.join("subsets.json"))?;
    let mut actual: BTreeMap<String, Vec<Vec<f64>>> = json(&folder.join("actual.json"))?;
    removed
        .into_iter()
        .map(|(name, removed)| {
            let actual = actual.remove(&name).with_context(|| format!("actual.json lacks `{name}`"))?;
            Ok(Regime { name, removed, actual })
        })
        .collect()
}
