//! A job's folder belongs to one plan. What was kept of another one is not continued.
//!
//! The account of a job has the same address on every network, and a job's number is used again when a test network starts
//! anew. Progress, kept gradients and the unfinished index do not name the job's data.

use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use std::{fs, io, path::Path};

/// Name of the file that names the plan.
const PLAN: &str = "plan";
/// What is kept of a training, besides the word on it, which names the log that it is about.
const KEPT: [&str; 4] = ["progress.json", "walk.json", "index", "index.partial"];
/// Folder with the gradients of the training's steps.
const GRADIENTS: &str = "gradients";

/// Makes the folder, and deletes from it what was kept of another plan than the one with this `key`.
pub fn of_plan(folder: &Path, key: &Hash32) -> Result<()> {
    let make = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (path, key) = (folder.join(PLAN), hex::encode(key));
        if fs::read_to_string(&path).is_ok_and(|kept| kept == key) {
            return Ok(());
        }
        for name in KEPT {
            absent_is_fine(fs::remove_file(folder.join(name)))?;
        }
        absent_is_fine(fs::remove_dir_all(folder.join(GRADIENTS)))?;
        // It comes last: whoever is killed before deletes the rest the next time.
        let next = folder.join("plan.tmp");
        fs::write(&next, key)?;
        fs::rename(next, path)
    };
    make().with_context(|| format!("cannot prepare {}", folder.display()))
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_continued_by_its_own_plan_and_discarded_by_another() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("job");
        let kept = || KEPT.iter().all(|name| folder.join(name).exists()) && folder.join(GRADIENTS).join("1").exists();
        of_plan(&folder, &[1; 32]).unwrap();
        for name in KEPT {
            fs::write(folder.join(name), "kept").unwrap();
        }
        fs::create_dir(folder.join(GRADIENTS)).unwrap();
        fs::write(folder.join(GRADIENTS).join("1"), "kept").unwrap();
        fs::write(folder.join("word.json"), "kept").unwrap();
        of_plan(&folder, &[1; 32]).unwrap();
        assert!(kept());
        of_plan(&folder, &[2; 32]).unwrap();
        assert!(KEPT.iter().all(|name| !folder.join(name).exists()) && !folder.join(GRADIENTS).exists());
        assert!(folder.join("word.json").exists());
    }
}
