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
    process::{run_quietly, succeeds},
    progress::say,
};

/// Drivers that walk through the whole training for every query. They score only one task, because it takes long.
const ONCE: [&str; 1] = ["bergson_magic"];

/// Folder of the drivers.
fn drivers_folder() -> PathBuf {
    paths::root().join("oracle/laboratory/peers")
}

/// The drivers, which are scripts that score a task folder. Modules that they share end in `common.py` and are not
/// listed.
fn drivers() -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(drivers_folder())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".py") && !name.ends_with("common.py")
        })
        .collect();
    found.sort();
    Ok(found)
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

/// A key for everything but the task that a driver's scores depend on: the hashes of its script, of the shared modules
/// and of the file with the libraries' versions.
fn origin(driver: &Path) -> Result<String> {
    let all = fs::read_dir(drivers_folder())?.filter_map(|entry| Some(entry.ok()?.path()));
    let counts = |path: &PathBuf| {
        let name = path.to_string_lossy();
        path == driver || path.is_file() && (name.ends_with("common.py") || !name.ends_with(".py"))
    };
    let files = all.filter(counts);
    let mut hashes = files.map(|path| checksum::sha256(&path)).collect::<Result<Vec<_>>>()?;
    hashes.sort();
    Ok(hashes.concat())
}

/// Has every library score every task folder into the folder's `scores/`, unless it has done so before. A library that
/// fails is named and left out.
pub fn score(folders: &[PathBuf]) -> Result<()> {
    let python = interpreter()?;
    for driver in drivers()? {
        let origin = origin(&driver)?;
        let name = driver.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let count = if ONCE.contains(&name.as_str()) { 1 } else { folders.len() };
        for (i, folder) in folders[..count].iter().enumerate() {
            let scores = folder.join("scores").join(format!("{name}.json"));
            let stamp = folder.join(format!("{name}.complete"));
            if fs::read_to_string(&stamp).is_ok_and(|found| found == origin) {
                continue;
            }
            let run = command(&python, &driver, folder, &scores);
            if let Err(error) = run_quietly(run, &format!("{name}, task {} of {count}", i + 1), &name) {
                say(&format!("{name} did not run and is left out: {error:#}"));
                break;
            }
            fs::write(stamp, &origin)?;
        }
    }
    Ok(())
}

/// The command that has one library score a task folder into `out`, with further options.
pub fn driver(name: &str, task: &Path, out: &Path, more: &[&str]) -> Result<Command> {
    let script = drivers_folder().join(format!("{name}.py"));
    let mut command = command(&interpreter()?, &script, task, out);
    command.args(more);
    Ok(command)
}

fn command(python: &Path, driver: &Path, task: &Path, out: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(driver).arg(task).arg(out).args(["--threads", &machine::threads().to_string()]);
    for offline in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"] {
        command.env(offline, "1");
    }
    command
}
