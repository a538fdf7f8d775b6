//! Uploads that come in parts. Each is a file, so that a restart of the service loses none.

use super::{class::Class, limits::counted, receive::Progress};
use openledger_protocol::hash::sha256;
use openledger_sdk::store::{Key, Permit};
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// First part of the names of files with a whole upload. They are worth nothing after a restart.
pub const WHOLE: &str = "whole-";
/// First part of the names of files with parts.
const PARTS: &str = "parts-";
/// First parts of the names of those that are operators', and of those of wallets with something at stake.
const OPERATOR: &str = "parts-operator-";
const KNOWN: &str = "parts-known-";
/// Last part of the names of those that are an answer, an audit or a report.
const STATEMENT: &str = "-statement";

/// What has come of an upload. `None` if it must be read from the file.
type Unfinished = Arc<AsyncMutex<Option<Progress>>>;

/// The unfinished uploads.
pub struct Parts {
    folder: PathBuf,
    known: Mutex<HashMap<PathBuf, Unfinished>>,
}

/// One unfinished upload, which nobody else writes to meanwhile.
pub struct Held {
    path: PathBuf,
    progress: OwnedMutexGuard<Option<Progress>>,
}

/// How much of the disk unfinished uploads take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of a wallet's.
    pub own: usize,
    /// What a wallet's count in a quota.
    pub own_bytes: u64,
    /// What a wallet's answers, audits and reports count among them.
    pub own_statements: u64,
    /// Number of its class's.
    pub all: usize,
    /// What these count.
    pub all_bytes: u64,
}

impl Parts {
    /// The unfinished uploads in `folder`, which is made if it does not exist.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for file in files(folder, WHOLE)? {
            fs::remove_file(file)?;
        }
        Ok(Self { folder: folder.to_path_buf(), known: Mutex::default() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The upload that `permit` is about, of a wallet of this class. `None` while another request writes to it.
    pub async fn hold(&self, permit: &Permit, class: Class) -> io::Result<Option<Held>> {
        let name = hex::encode(sha256(&[permit.key.as_bytes(), &permit.hash, &permit.bytes.to_le_bytes()]));
        let last = if matches!(permit.key.parse::<Key>(), Ok(Key::Blob(_))) { "" } else { STATEMENT };
        let of = |class| self.folder.join(format!("{}{name}{last}", of(&permit.wallet, class)));
        // The wallet may have been of another class when it began.
        let path = Class::ALL.into_iter().map(of).find(|path| path.exists()).unwrap_or_else(|| of(class));
        let unfinished = self.known.lock().expect("no panic holds this lock").entry(path.clone()).or_default().clone();
        let Ok(mut progress) = unfinished.try_lock_owned() else { return Ok(None) };
        if progress.is_none() {
            *progress = Some(Progress::read(&path).await?);
        }
        Ok(Some(Held { path, progress }))
    }

    /// Ends an upload: what has come is removed.
    pub fn end(&self, mut held: Held) -> io::Result<()> {
        let mut known = self.known.lock().expect("no panic holds this lock");
        *held.progress = None;
        known.remove(&held.path);
        fs::remove_file(&held.path)
    }

    /// How much of the disk the unfinished uploads take, of `wallet` and of all of its class. A wallet's own count also if
    /// it began them in another class.
    pub fn usage(&self, wallet: &Pubkey, class: Class) -> io::Result<Usage> {
        let mut usage = Usage::default();
        let own = Class::ALL.map(|class| of(wallet, class));
        for path in files(&self.folder, PARTS)? {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { continue };
            // A file may end meanwhile.
            let Ok(meta) = fs::metadata(&path) else { continue };
            let bytes = counted(meta.len());
            if class_of(&name) == class {
                usage.all += 1;
                usage.all_bytes += bytes;
            }
            if own.iter().any(|own| name.starts_with(own)) {
                usage.own += 1;
                usage.own_bytes += bytes;
                usage.own_statements += if name.ends_with(STATEMENT) { bytes } else { 0 };
            }
        }
        Ok(usage)
    }

    /// Removes the uploads of which no part came for `kept`, and those that began longer ago than `oldest`: somebody who
    /// brings a byte a day must not keep a place for ever.
    pub fn sweep(&self, kept: Duration, oldest: Duration) -> io::Result<usize> {
        let (mut swept, now) = (0, SystemTime::now());
        for path in files(&self.folder, PARTS)? {
            let Ok(meta) = fs::metadata(&path) else { continue };
            let age = |time: io::Result<SystemTime>| time.ok().and_then(|time| now.duration_since(time).ok());
            // Some file systems do not say when a file was made.
            let begun = age(meta.created()).unwrap_or_default();
            if age(meta.modified()).unwrap_or_default() < kept && begun < oldest {
                continue;
            }
            let mut known = self.known.lock().expect("no panic holds this lock");
            // Whoever is writing just now holds it.
            if known.get(&path).is_some_and(|unfinished| unfinished.try_lock().is_err()) {
                continue;
            }
            known.remove(&path);
            fs::remove_file(&path)?;
            swept += 1;
        }
        // Requests that only asked have left no file.
        let mut known = self.known.lock().expect("no panic holds this lock");
        known.retain(|path, unfinished| unfinished.try_lock().is_err() || path.exists());
        Ok(swept)
    }
}

impl Held {
    /// The file with what has come.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has come.
    pub fn progress(&self) -> Progress {
        self.progress.clone().unwrap_or_default()
    }

    /// Notes what has come. `None` if that must be read from the file.
    pub fn note(&mut self, progress: Option<Progress>) {
        *self.progress = progress;
    }
}

/// First part of the names of a wallet's files.
fn of(wallet: &Pubkey, class: Class) -> String {
    format!("{}{wallet}-", prefix(class))
}

fn prefix(class: Class) -> &'static str {
    match class {
        Class::Operator => OPERATOR,
        Class::Known => KNOWN,
        Class::Stranger => PARTS,
    }
}

/// Whose file it is. Those that have no class in their names are strangers'.
fn class_of(name: &str) -> Class {
    let named = |class: &Class| *class != Class::Stranger && name.starts_with(prefix(*class));
    Class::ALL.into_iter().find(named).unwrap_or(Class::Stranger)
}

fn files(folder: &Path, prefix: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wallet_began_in_another_class_counts_for_it_and_for_that_class() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::open(folder.path()).expect("opens");
        let (wallet, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        let file = |class, wallet, last: &str| {
            fs::write(folder.path().join(format!("{}name{last}", of(wallet, class))), [0; 10_000]).expect("written");
        };
        file(Class::Stranger, &wallet, "");
        file(Class::Known, &wallet, STATEMENT);
        file(Class::Operator, &other, "");
        let bytes = counted(10_000);
        let usage = |class| parts.usage(&wallet, class).expect("read");
        let own = Usage { own: 2, own_bytes: 2 * bytes, own_statements: bytes, ..Usage::default() };
        for class in Class::ALL {
            assert_eq!(usage(class), Usage { all: 1, all_bytes: bytes, ..own }, "{class:?}");
        }
    }
}
