//! Peers: other libraries from their public packages, in a Python environment of their own in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::machine;
use crate::{
    checksum, paths,
    process::{run, run_quietly, succeeds},
};

/// Folder of the drivers.
fn drivers_folder() -> PathBuf {
    paths::root().join("oracle/laboratory/peers")
}

/// A Python interpreter with everything in `requirements.txt`, which is installed if necessary.
fn interpreter() -> Result<PathBuf> {
    let requirements = drivers_folder().join("requirements.txt");
    let venv = paths::cache()?.join("peers-venv");
    let python = venv.join("bin/python");
    let wanted = checksum::sha256(&requirements)?;
    let marker = venv.join("installed");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    if !succeeds(&python.display().to_string(), &["--version"]) {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        run_quietly(make, "making an environment for other libraries", "peers-venv").context(
            "Debian keeps what this needs in the package python3-venv; or measure ours alone with --no-peers",
        )?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "-r"])
        .arg(&requirements);
    run_quietly(pip, "installing other libraries to compare with (several GB, once)", "peers-install")?;
    fs::write(&marker, wanted)?;
    Ok(python)
}

/// Has every library score a task folder with every setting that is tried, into the folder's `scores/`, unless it has
/// done so before. A library that fails is named and left out.
pub fn tune(folder: &Path) -> Result<()> {
    scores(&[folder.to_owned()], &[])
}

/// Has every library score every task folder with its recommended settings, and with those that were best in `judged`,
/// which is what the example `judge` wrote of the folder that was tuned on. bergson's MAGIC scores the first folder
/// alone, because it takes long.
pub fn score(folders: &[PathBuf], judged: &Path) -> Result<()> {
    scores(folders, &["--best-of", &judged.display().to_string(), "--magic"])
}

fn scores(folders: &[PathBuf], more: &[&str]) -> Result<()> {
    let mut command = Command::new(interpreter()?);
    command.arg(drivers_folder().join("score.py")).args(folders).args(more);
    run(with_threads(command, machine::threads()), "scoring with other libraries")
}

/// The command that has one library score a task folder into `out` on so many threads, with further options.
pub fn driver(name: &str, task: &Path, out: &Path, threads: usize, more: &[&str]) -> Result<Command> {
    let mut command = Command::new(interpreter()?);
    command.arg(drivers_folder().join(format!("{name}.py"))).arg(task).arg(out).args(more);
    Ok(with_threads(command, threads))
}

fn with_threads(mut command: Command, threads: usize) -> Command {
    command.args(["--threads", &threads.to_string()]);
    for offline in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"] {
        command.env(offline, "1");
    }
    command
}
