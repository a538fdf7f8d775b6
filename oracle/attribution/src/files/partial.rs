//! Files that appear whole. One process at a time writes to `<path>.partial` and renames the file when it is complete.

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
    /// The name until the file is complete.
    path: PathBuf,
    /// The file, open for reading and writing, with an exclusive lock.
    pub(crate) file: File,
}

impl Partial {
    /// Creates the unfinished file, or opens the one that an earlier process left. Fails if another process is writing
    /// it.
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

    /// Path of the unfinished file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Turns an error of writing into one about this file.
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

    /// Writes the final `front` over the file's beginning, waits for the disk and gives the file its final name.
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

/// Renames the finished file `from` to its final name `to`, over an older file if there is one, and waits for the disk.
pub(crate) fn rename_into_place(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(AttributionError::io("rename into place", to))?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The folder is flushed, so that the new name survives a power failure too.
    File::open(folder).and_then(|f| f.sync_all()).map_err(AttributionError::io("flush", folder))
}
