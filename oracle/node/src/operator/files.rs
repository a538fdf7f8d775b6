//! The operator's data folder. Everything in it can be rebuilt.

use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::Store;
use solana_pubkey::Pubkey;
use std::path::PathBuf;

/// Where this node keeps which files.
#[derive(Clone, Debug)]
pub struct Files {
    data: PathBuf,
}

impl Files {
    /// Files under `data`. Makes the folder if it does not exist.
    pub fn new(data: impl Into<PathBuf>) -> Result<Self> {
        let data = data.into();
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
        Ok(Self { data })
    }

    /// The folder that holds one folder for each job.
    pub fn jobs(&self) -> PathBuf {
        self.data.join("jobs")
    }

    /// A job's folder. It holds the job's progress, index and gradients.
    pub fn job(&self, job: &Pubkey) -> PathBuf {
        self.jobs().join(job.to_string())
    }

    /// The folder for the files of served models.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// Path of the influence index with this hash. If the file does not exist yet, it is fetched from the store and its
    /// content is checked against the hash.
    pub async fn index(&self, store: &Store, hash: &Hash32) -> Result<PathBuf> {
        let path = self.data.join("indexes").join(hex::encode(hash));
        if !path.exists() {
            let bytes = store.get_blob(hash).await.context("the influence index")?;
            openledger_serve::files::write_if_absent(&path, &bytes)?;
        }
        Ok(path)
    }
}
