//! Writes files whose folders may be missing.

use openledger_attribution::{AttributionError, Result};
use serde_json::Value;
use std::path::Path;

pub(super) fn bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(AttributionError::io("create", folder))?;
    }
    std::fs::write(path, bytes).map_err(AttributionError::io("write", path))
}

pub(super) fn json(path: &Path, value: &Value) -> Result<()> {
    bytes(path, format!("{value:#}\n").as_bytes())
}

/// Writes one value on each line.
pub(super) fn lines(path: &Path, values: impl Iterator<Item = Value>) -> Result<()> {
    bytes(path, values.map(|v| format!("{v}\n")).collect::<String>().as_bytes())
}
