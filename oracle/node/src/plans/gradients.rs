//! Keeps the gradients of training steps for exact attribution, within a bound on disk space.
//!
//! Without kept gradients a walk back through a training costs three runs of that training instead of two. Nothing else
//! depends on them. The gradients that were used longest ago are deleted to make room.

use super::plan::JobPlan;
use crate::operator::{Files, LazyEngine};
use anyhow::{Context, Result};
use openledger_attribution::GradientCache;
use openledger_lm::AdapterLayout;
use solana_pubkey::Pubkey;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Name of the folder within a job's folder.
const FOLDER: &str = "gradients";

/// The gradients that this node keeps. Cheap to clone.
#[derive(Clone)]
pub struct KeptGradients {
    engine: LazyEngine,
    files: Files,
    limit_mib: u64,
}

impl KeptGradients {
    /// Keeps gradients in the jobs' folders, at most `limit_mib` MiB in all.
    pub fn new(engine: LazyEngine, files: Files, limit_mib: u64) -> Self {
        Self { engine, files, limit_mib }
    }

    /// The cache for the gradients of the steps of a job's first run, the only one that is walked. `None` if they do not fit into the space that the operator allows.
    pub async fn of(&self, job: &Pubkey, plan: &JobPlan) -> Result<Option<GradientCache>> {
        let engine = self.engine.get().await?;
        let parameters = AdapterLayout::new(engine.base().config(), &plan.train.lora)?.len() as u64;
        let need = plan.steps().saturating_mul(4 * parameters);
        let limit = self.limit_mib.saturating_mul(1 << 20);
        let (jobs, folder) = (self.files.jobs(), self.files.job(job).join(FOLDER));
        let (own, place) = (folder.clone(), jobs.display().to_string());
        let fits = tokio::task::spawn_blocking(move || make_room(&jobs, &own, need, limit)).await?;
        if !fits.with_context(|| format!("making room in {place}"))? {
            tracing::warn!(%job, need_mib = need >> 20, "gradients are not kept: raise `gradient_cache_mib` for faster settlements");
            return Ok(None);
        }
        Ok(Some(GradientCache::new(folder)?))
    }
}

/// Makes room for `need` bytes in `own` within `limit` bytes for all jobs.
///
/// Deletes the gradient folders of other jobs, the one used longest ago first, until the rest and `need` are within
/// `limit`. Then marks `own` as used last and returns true. If `need` alone exceeds `limit`, deletes `own` and returns
/// false.
fn make_room(jobs: &Path, own: &Path, need: u64, limit: u64) -> io::Result<bool> {
    let fits = need <= limit;
    let mut others = Vec::new();
    for job in read(jobs)? {
        let folder = job.join(FOLDER);
        if folder != own && folder.is_dir() {
            others.push((fs::metadata(&folder)?.modified()?, size(&folder)?, folder));
        }
    }
    others.sort();
    let mut total = others.iter().map(|o| o.1).sum::<u64>() + if fits { need } else { 0 };
    for (_, bytes, folder) in others {
        if total <= limit {
            break;
        }
        tracing::info!(folder = %folder.display(), bytes, "deleting kept gradients to make room");
        fs::remove_dir_all(&folder)?;
        total -= bytes;
    }
    if fits {
        fs::create_dir_all(own)?;
        fs::File::open(own)?.set_modified(SystemTime::now())?;
    } else if own.is_dir() {
        fs::remove_dir_all(own)?;
    }
    Ok(fits)
}

/// The entries of a folder. Empty if the folder does not exist.
fn read(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| Ok(e?.path())).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn size(folder: &Path) -> io::Result<u64> {
    read(folder)?.iter().map(|file| Ok(fs::metadata(file)?.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Makes a gradient folder for each job name, with that many bytes, used one after the other.
    fn kept(jobs: &Path, all: &[(&str, usize)]) {
        for (i, (job, bytes)) in all.iter().enumerate() {
            let folder = jobs.join(job).join(FOLDER);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("a"), vec![0; bytes / 2]).unwrap();
            fs::write(folder.join("b"), vec![0; bytes - bytes / 2]).unwrap();
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + i as u64);
            fs::File::open(folder).unwrap().set_modified(used).unwrap();
        }
    }

    fn left(jobs: &Path) -> Vec<String> {
        let mut left: Vec<String> = read(jobs)
            .unwrap()
            .into_iter()
            .filter(|job| job.join(FOLDER).is_dir())
            .map(|job| job.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        left.sort();
        left
    }

    #[test]
    fn those_used_longest_ago_are_deleted_until_the_rest_fits() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = dir.path().join("jobs");
        let own = |job: &str| jobs.join(job).join(FOLDER);
        assert!(make_room(&jobs, &own("first"), 10, 10).unwrap(), "there is no folder at all yet");
        fs::remove_dir_all(&jobs).unwrap();
        kept(&jobs, &[("old", 40), ("middle", 30), ("new", 20)]);
        fs::write(jobs.join("old").join("progress.json"), "{}").unwrap();
        assert!(make_room(&jobs, &own("next"), 10, 100).unwrap());
        assert_eq!(left(&jobs), ["middle", "new", "next", "old"]);
        // 90 bytes are there, and 50 of them may stay beside the 50 that come. Only gradients are deleted.
        assert!(make_room(&jobs, &own("next"), 50, 100).unwrap());
        assert_eq!(left(&jobs), ["middle", "new", "next"]);
        assert!(jobs.join("old").join("progress.json").exists());
        // A folder that is used again is no longer the oldest.
        assert!(make_room(&jobs, &own("middle"), 30, 60).unwrap());
        assert!(make_room(&jobs, &own("another"), 31, 61).unwrap());
        assert_eq!(left(&jobs), ["another", "middle", "next"]);
    }

    #[test]
    fn a_job_that_does_not_fit_alone_keeps_nothing_and_costs_the_others_nothing() {
        let dir = tempfile::tempdir().unwrap();
        kept(dir.path(), &[("old", 40), ("own", 30)]);
        assert!(!make_room(dir.path(), &dir.path().join("own").join(FOLDER), 101, 100).unwrap());
        assert_eq!(left(dir.path()), ["old"]);
        assert!(!make_room(dir.path(), &dir.path().join("own").join(FOLDER), 11, 10).unwrap());
        assert!(left(dir.path()).is_empty(), "the bound was lowered");
    }
}
