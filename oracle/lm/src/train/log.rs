//! The training log: states at regular steps, named by their hashes.

use crate::{
    digest::Digest,
    error::{LmError, Result},
    file::write_atomically,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A logged state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Steps done at this point.
    pub step: u64,
    /// SHA-256 of the state's bytes. It is hex in text formats.
    #[serde(with = "hex")]
    pub state_hash: Digest,
}

/// What a trainer publishes so that others can re-execute any part of its run. It has the state before the first step,
/// the states after every `checkpoint_every` steps, and the state after the last step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingLog {
    /// Entries in the order of their steps.
    pub entries: Vec<LogEntry>,
}

/// Keeps the bytes of logged states under their hashes.
pub trait StateSink {
    /// Stores the bytes durably. Storing the same hash again must succeed.
    fn put(&mut self, hash: Digest, bytes: Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

impl<F> StateSink for F
where
    F: FnMut(Digest, Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
{
    fn put(&mut self, hash: Digest, bytes: Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self(hash, bytes)
    }
}

/// States as files `<hash>.safetensors` in a folder.
#[derive(Clone, Debug)]
pub struct DirectorySink {
    folder: PathBuf,
}

impl DirectorySink {
    /// A sink that uses this folder. Makes the folder if it does not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(LmError::io("create folder", &folder))?;
        Ok(Self { folder })
    }

    /// The file of a state.
    pub fn path(&self, hash: Digest) -> PathBuf {
        self.folder.join(format!("{}.safetensors", hex::encode(hash)))
    }

    /// Reads a state's bytes.
    pub fn get(&self, hash: Digest) -> Result<Vec<u8>> {
        let path = self.path(hash);
        std::fs::read(&path).map_err(LmError::io("read", &path))
    }
}

impl StateSink for DirectorySink {
    fn put(&mut self, hash: Digest, bytes: Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(write_atomically(&self.path(hash), &bytes)?)
    }
}
