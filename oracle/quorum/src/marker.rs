//! Finds out that the database was restored: a file beside it knows how much the member has said.
//!
//! A member must not say two things about one sequence, so it stores each before it says it. A database that was
//! restored from a backup, or a replica that was promoted too early, has forgotten the newest of these rows. The member
//! would say something else.
//!
//! So there is a counter in the database and a copy of it in a file outside of the database. Before the member says
//! anything that binds it:
//! 1. it commits the row that keeps it from saying something else;
//! 2. it increases the counter in the database by one, and commits that;
//! 3. it writes the new value to the file, and waits until the file is on the disk.
//!
//! A restored or promoted database has a state that it had before: with a commit it has every commit before that one. So
//! if its counter is c, it has the rows of everything that was said with a counter up to c. The file has the greatest
//! counter with which anything was said. A database whose counter is behind the file's may have forgotten something. A
//! database whose counter is not behind has forgotten nothing. A crash between the steps 2 and 3 leaves the file behind,
//! which is no fault: nothing was said in between.
//!
//! The counter is compared at the start, and again by step 2 each time: the new value must be greater than the file's.
//! So a database that is exchanged while the participant runs is found out before anything is said.
//!
//! A member that has found this out says nothing more in the committees up to the newest that the file names. It stays
//! so until the operator is in a later committee. There, nothing that was forgotten can do harm: an observation names
//! its committee's epoch, and programs accept a signature of the committee that it was made in.
//!
//! What this does not find: a file that was restored together with the database. Keep the file out of the database's
//! backups.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    encoding::hex_bytes,
    error::{Code, Error, Refusal, Result},
    store::Store,
};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Whose file it is.
    #[serde(with = "hex_bytes")]
    wallet: Hash32,
    /// The counter when the member last said something.
    counter: u64,
    /// The newest committee that the member said something in, plus one. 0 if it has said nothing.
    said_before: u64,
    /// The member says nothing in committees of an epoch below this one.
    silent_before: u64,
}

/// The marker of a participant. Without a file it finds nothing and refuses nothing.
pub struct Marker {
    file: Option<Mutex<File>>,
    /// `Record::silent_before`.
    silent_before: AtomicU64,
}

struct File {
    path: PathBuf,
    record: Record,
}

impl Marker {
    /// Opens the file at `path`, makes it if this store has never had one, and compares it with the store.
    ///
    /// Fails if the file is another operator's, cannot be read or written, or is missing although the store has
    /// counted with one.
    pub async fn open(path: Option<PathBuf>, wallet: Hash32, store: &Store) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self { file: None, silent_before: AtomicU64::new(0) });
        };
        let counter = store.marker().await?;
        let record = match read(&path)? {
            Some(record) if record.wallet != wallet => {
                return Err(Error::Setup(format!("{} belongs to another operator", path.display())));
            }
            Some(record) => record,
            None if counter > 0 => return Err(missing(&path)),
            None => Record { wallet, counter: 0, said_before: 0, silent_before: 0 },
        };
        let mut file = File { path, record };
        if counter < file.record.counter {
            file.fall_silent(store).await?;
        }
        file.write().await?;
        let silent_before = AtomicU64::new(file.record.silent_before);
        Ok(Self { file: Some(Mutex::new(file)), silent_before })
    }

    /// Refuses a committee that the member may have forgotten something of.
    pub fn check(&self, epoch: u64) -> Result<(), Refusal> {
        let silent_before = self.silent_before.load(Ordering::SeqCst);
        if epoch >= silent_before {
            return Ok(());
        }
        let text = format!(
            "its database was restored and may have forgotten what was said in committee {epoch}: \
             it takes part again from committee {silent_before} on"
        );
        Err(Refusal::new(Code::Restored, text))
    }

    /// Counts something that was stored for the committee of `epoch` and is about to be said. Say it only after this
    /// has succeeded.
    pub async fn advance(&self, epoch: u64, store: &Store) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().await;
        self.check(epoch)?;
        let counter = store.advance_marker().await?;
        if counter <= file.record.counter {
            file.fall_silent(store).await?;
            self.silent_before.store(file.record.silent_before, Ordering::SeqCst);
            return Ok(self.check(epoch)?);
        }
        let said_before = file.record.said_before.max(epoch.saturating_add(1));
        file.record = Record { counter, said_before, ..file.record.clone() };
        file.write().await
    }
}

impl File {
    /// Falls silent in every committee that the file names, then lets the store's counter go on from the file's. If
    /// this is interrupted, the next comparison does it again.
    async fn fall_silent(&mut self, store: &Store) -> Result<()> {
        self.record.silent_before = self.record.silent_before.max(self.record.said_before);
        tracing::error!(
            file = %self.path.display(),
            committees_below = self.record.silent_before,
            "the database was restored: this member says nothing more in these committees"
        );
        self.write().await?;
        store.raise_marker(self.record.counter).await
    }

    async fn write(&self) -> Result<()> {
        let (path, record) = (self.path.clone(), self.record.clone());
        let written = tokio::task::spawn_blocking(move || write(&path, &record)).await;
        let failed = |e: &dyn std::fmt::Display| Error::Setup(format!("cannot write {}: {e}", self.path.display()));
        written.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
    }
}

fn missing(path: &Path) -> Error {
    Error::Setup(format!(
        "{} is missing, but this database has counted with such a file: bring the file back, or point to where it is. \
         Without it nobody knows whether the database was restored",
        path.display()
    ))
}

fn read(path: &Path) -> Result<Option<Record>> {
    let unreadable = |e: &dyn std::fmt::Display| Error::Setup(format!("cannot read {}: {e}", path.display()));
    match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(&e)),
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| unreadable(&e)),
    }
}

/// Replaces the file in one step. Whenever the machine stops, the old or the new file is there as a whole.
fn write(path: &Path, record: &Record) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(&serde_json::to_vec(record)?)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => std::fs::File::open(".")?.sync_all(),
    }
}
