//! Gradients of training steps on disk, so that a later walk through the same run need not compute them again.

use crate::error::{AttributionError, Result};
use openledger_lm::{f32_bytes, f32_values, train::StepObserver, write_whole};
use std::path::PathBuf;

/// A folder of one run with one file for each step: the batch's averaged gradient before clipping, f32, little-endian.
///
/// The files are not trusted. The gradients of a segment are replayed through the optimiser and must end, bit for bit, in
/// the state that the run logged. If they do not, they are dropped and computed again. With the cache a walk costs as
/// much as two training runs, without it as much as three.
#[derive(Clone, Debug)]
pub struct GradientCache {
    folder: PathBuf,
}

impl GradientCache {
    /// Uses (and creates) a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(AttributionError::io("create folder", &folder))?;
        Ok(Self { folder })
    }

    /// Keeps the gradients of a run while it is trained: give it to
    /// [`Trainer::with_observer`](openledger_lm::Trainer::with_observer). A full disk costs the cache, not the run.
    pub fn observer(&self) -> StepObserver {
        let cache = self.clone();
        Box::new(move |report| cache.put(report.step, &report.gradient))
    }

    /// The file of a step.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("{step:08}.gradient"))
    }

    /// Keeps a step's gradient; a failure is logged and costs nothing but time later, and so does a power cut: the disk
    /// is not waited for.
    pub(crate) fn put(&self, step: u64, gradient: &[f32]) {
        let path = self.path(step);
        if let Err(error) = write_whole(&path, &f32_bytes(gradient)) {
            tracing::warn!(path = %path.display(), %error, "a step's gradient is not kept; it will be computed again");
        }
    }

    /// The gradients of steps `from..to` of `len` values each; `None` where one is missing or of another length.
    pub(crate) fn get(&self, from: u64, to: u64, len: usize) -> Option<Vec<Vec<f32>>> {
        (from..to)
            .map(|step| {
                let bytes = std::fs::read(self.path(step)).ok()?;
                (bytes.len() == 4 * len).then(|| f32_values(&bytes))
            })
            .collect()
    }
}
