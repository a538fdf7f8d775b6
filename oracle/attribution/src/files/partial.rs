//! Files that appear whole: written to `<path>.partial` by one process at a time and renamed when complete.

use crate::error::{AttributionError, Result};
use openledger_lm::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// The unfinished file of `path`.
pub(crate) struct Partial {
    /// The final name.
    target: PathBuf,
    /// The name until then.
    path: PathBuf,
    /// Open for reading and writing, with an exclusive lock.
    pub(crate) file: File,
}

impl Partial {
    /// Creates the unfinished file, or opens the one that an earlier process left; refuses one that another process is
    /// writing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial)
            .map_err(AttributionError::io("open", &partial))?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => AttributionError::Busy { path: partial.clone() },
            TryLockError::Error(source) => AttributionError::io("lock", &partial)(source),
        })?;
        Ok(Self { target: path.into(), path: partial, file })
    }

    /// The unfinished file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What an error of writing becomes.
    pub(crate) fn written<T>(&self, result: std::io::Result<T>) -> Result<T> {
        result.map_err(AttributionError::io("write", &self.path))
    }

    /// SHA-256 of the file from `offset` to its end.
    pub(crate) fn hash_from(&mut self, offset: u64) -> Result<Digest> {
        let mut hash = || {
            self.file.seek(SeekFrom::Start(offset))?;
            let mut hasher = Sha256::new();
            let mut buffer = vec![0; 1 << 20];
            loop {
                let n = self.file.read(&mut buffer)?;
                if n == 0 {
                    return Ok(hasher.finalize().into());
                }
                hasher.update(&buffer[..n]);
            }
        };
        hash().map_err(AttributionError::io("read", &self.path))
    }

    /// Writes the final `front` over the file's beginning, waits for the disk and gives the file its name.
    pub(crate) fn publish(mut self, front: &[u8]) -> Result<()> {
        let done = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(front))
            .and_then(|()| self.file.sync_all());
        self.written(done)?;
        rename_into_place(&self.path, &self.target)
    }
}

/// Gives the finished file at `from` its final name `to`, over an older file if there is one, and waits for the disk.
pub(crate) fn rename_into_place(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(AttributionError::io("rename into place", to))?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The new name, too, must survive a power failure.
    File::open(folder).and_then(|f| f.sync_all()).map_err(AttributionError::io("flush", folder))
}
