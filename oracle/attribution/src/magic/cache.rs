//! Keeps the gradients of training steps on disk, so that a later walk through the same run need not compute them
//! again.

use crate::error::{AttributionError, Result};
use openledger_lm::{f32_bytes, f32_values, train::StepObserver, write_whole};
use std::path::PathBuf;

/// A folder of one run. It has one file for each step, with the batch's averaged gradient before clipping in
/// little-endian f32.
///
/// The files are not trusted. The gradients of a segment are replayed through the optimiser and must end, bit for bit,
/// in the state that the run logged. If they do not, they are dropped and computed again. A walk costs as much as two
/// training runs with the cache, and as much as three without it.
#[derive(Clone, Debug)]
pub struct GradientCache {
    folder: PathBuf,
}

impl GradientCache {
    /// A cache in this folder. Makes the folder if it does not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(AttributionError::io("create folder", &folder))?;
        Ok(Self { folder })
    }

    /// Keeps the gradients of a run while it is trained: pass it to
    /// [`Trainer::with_observer`](openledger_lm::Trainer::with_observer). A full disk costs the cache, but not the run.
    pub fn observer(&self) -> StepObserver {
        let cache = self.clone();
        Box::new(move |report| cache.put(report.step, &report.gradient))
    }

    /// Path of a step's file.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("{step:08}.gradient"))
    }

    /// Keeps a step's gradient. A failure is logged and costs nothing but time later. The same holds for a power cut,
    /// because the call does not wait for the disk.
    pub(crate) fn put(&self, step: u64, gradient: &[f32]) {
        let path = self.path(step);
        if let Err(error) = write_whole(&path, &f32_bytes(gradient)) {
            tracing::warn!(path = %path.display(), %error, "a step's gradient is not kept; it will be computed again");
        }
    }

    /// The gradients of steps `from..to`, of `len` values each. `None` if one is missing or has another length.
    pub(crate) fn get(&self, from: u64, to: u64, len: usize) -> Option<Vec<Vec<f32>>> {
        (from..to)
            .map(|step| {
                let bytes = std::fs::read(self.path(step)).ok()?;
                (bytes.len() == 4 * len).then(|| f32_values(&bytes))
            })
            .collect()
    }
}
