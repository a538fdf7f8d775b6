//! The files of a world's folder: who has it, whether it began, and what is where.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Name of the file that says that the first start is complete.
pub const BEGUN: &str = "begun.json";
/// Name of the file that says what is where, while the world runs.
pub const SERVICES: &str = "world.json";
/// Name of the log of the world's own process, which whoever starts it may write.
const LOG: &str = "world.log";
/// Name of the file whose lock the world's process holds.
const LOCK: &str = "lock";

/// What is where. It is in `world.json` in the world's folder while the world runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Services {
    /// The process that runs the world.
    pub pid: u32,
    /// JSON-RPC of the Solana node.
    pub rpc: String,
    /// Its WebSocket.
    pub ws: String,
    /// The indexer's API.
    pub api: String,
    /// The OpenAI-compatible API of the operator that serves.
    pub openai: String,
    /// The artifact service.
    pub store: String,
    /// PostgreSQL. The databases are `indexer` and each operator's.
    pub database: String,
    /// The operators.
    pub operators: Vec<String>,
    /// Key file of a user with SOL and OPEN.
    pub keypair: PathBuf,
    /// The mint of OPEN.
    pub mint: String,
    /// Settings of the command line for all this.
    pub config: PathBuf,
    /// Logs of all processes.
    pub logs: PathBuf,
}

/// What the first start leaves behind, once it is complete.
#[derive(Serialize, Deserialize)]
pub struct Begun {
    /// The mint of OPEN.
    pub mint: String,
}

/// What the first start left behind. `None` if there was none, or if it was interrupted.
pub fn begun(folder: &Path) -> Result<Option<Begun>> {
    let path = folder.join(BEGUN);
    match std::fs::read(&path) {
        Ok(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Removes what an interrupted first start left: half a world cannot go on.
pub fn forget(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.file_name().and_then(|n| n.to_str()) {
            Some(LOCK | LOG) => Ok(()),
            _ if path.is_dir() => std::fs::remove_dir_all(&path),
            _ => std::fs::remove_file(&path),
        }
        .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Takes the world's folder, and notes in the lock's file which process has it. Fails if another process has it, or if the
/// folder holds something else: an interrupted start has all of it removed.
pub fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    // The lock of a world has a process's number in it, but for a moment, and one of an earlier version has none.
    let held = std::fs::read(&path).unwrap_or_default();
    let numbered = !held.is_empty() && held.len() < 16 && held.iter().all(u8::is_ascii_digit);
    let ours = numbered || path.exists() && held.is_empty() && folder.join(BEGUN).exists();
    if !ours {
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            ensure!(
                name == LOG || name == LOCK && held.is_empty(),
                "{} holds {name:?}, and is no world's: name an empty folder",
                folder.display()
            );
        }
    }
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    // Whoever asks whether a world runs holds it for a moment.
    let until = Instant::now() + Duration::from_secs(1);
    while matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    match file.try_lock() {
        Ok(()) => {
            // What a killed world left is not this one's: neither its number, nor its list.
            file.set_len(0).with_context(|| format!("cannot write {}", path.display()))?;
            remove(&folder.join(SERVICES))?;
            write!(file, "{}", std::process::id()).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("the world in {} runs already; `cargo xtask down` ends it", folder.display())
        }
        Err(std::fs::TryLockError::Error(e)) => Err(e).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Settings of the command line.
pub fn settings_file(services: &Services) -> Result<String> {
    let mut table = toml::Table::new();
    for (key, value) in [
        ("rpc", services.rpc.clone()),
        ("ws", services.ws.clone()),
        ("api", services.api.clone()),
        ("store", services.store.clone()),
        ("keypair", services.keypair.display().to_string()),
    ] {
        table.insert(key.into(), value.into());
    }
    Ok(toml::to_string(&table)?)
}

/// Writes a file at once: whoever reads it reads all of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("partial");
    std::fs::write(&draft, bytes)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a file, if there is one.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_is_not_taken_and_the_lock_names_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("thesis.md");
        std::fs::write(&theirs, "years of work").unwrap();
        let error = lock(folder.path()).unwrap_err().to_string();
        assert!(error.contains("thesis.md"), "{error}");
        std::fs::remove_file(theirs).unwrap();
        std::fs::write(folder.path().join(LOG), "").unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(lock(folder.path()).unwrap_err().to_string().contains("runs already"));
        let process = std::fs::read_to_string(folder.path().join(LOCK)).unwrap();
        assert_eq!(process, std::process::id().to_string());
        drop(held);
        drop(lock(folder.path()).unwrap());
        // A kill may come between the emptying of the lock and its number.
        std::fs::write(folder.path().join(LOCK), "").unwrap();
        std::fs::write(folder.path().join(BEGUN), "{}").unwrap();
        lock(folder.path()).unwrap();
    }
}
