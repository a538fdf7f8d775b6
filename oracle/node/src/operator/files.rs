//! The operator's data folder. Everything in it but the quorum's marker can be rebuilt.

use anyhow::{Context, Result};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::Store;
use solana_pubkey::Pubkey;
use std::path::{Path, PathBuf};

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

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.data
    }

    /// The folder that holds one folder for each job.
    pub fn jobs(&self) -> PathBuf {
        self.data.join("jobs")
    }

    /// A job's folder. It holds the job's progress, index and gradients.
    pub fn job(&self, job: &Pubkey) -> PathBuf {
        self.jobs().join(job.to_string())
    }

    /// The file by which the quorum finds out that the database was restored from a backup. Unlike everything else here it
    /// cannot be rebuilt. It must not be in the database's backups.
    pub fn marker(&self) -> PathBuf {
        self.data.join("quorum.marker")
    }

    /// The file that remembers how fast this node trains.
    pub fn pace(&self) -> PathBuf {
        self.data.join("pace.json")
    }

    /// The folder for the files of served models.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// Path of the influence index with this hash. If the file does not exist yet, or is damaged, it is fetched from the
    /// store.
    pub async fn index(&self, store: &Store, hash: &Hash32) -> Result<PathBuf> {
        let path = self.data.join("indexes").join(hex::encode(hash));
        if std::fs::read(&path).is_ok_and(|bytes| sha256(&[&bytes]) == *hash) {
            return Ok(path);
        }
        let bytes = store.get_blob(hash).await.context("the influence index")?;
        if path.exists() {
            tracing::warn!(path = %path.display(), "the influence index on disk is damaged: fetched again");
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        openledger_serve::files::write_if_absent(&path, &bytes)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_index_is_fetched_once_and_again_where_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path().join("store")).unwrap();
        let hash = store.put_blob("rows").await.unwrap();
        let files = Files::new(folder.path().join("data")).unwrap();
        let path = files.index(&store, &hash).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"rows");
        std::fs::write(&path, "rots").unwrap();
        assert_eq!(files.index(&store, &hash).await.unwrap(), path);
        assert_eq!(std::fs::read(&path).unwrap(), b"rows");
        let empty = Store::folder(folder.path().join("empty")).unwrap();
        files.index(&empty, &hash).await.unwrap();
        assert!(files.index(&empty, &[9; 32]).await.is_err());
    }
}
