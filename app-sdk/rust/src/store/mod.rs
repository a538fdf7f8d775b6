//! The artifact store: documents, manifests, configs, adapters and answers by name.
//!
//! | key | content |
//! |---|---|
//! | `blobs/<sha256>` | any bytes, named by their hash |
//! | `answers/<request>.json` | the signed answer to a paid request |
//! | `audits/<epoch>/<operator>.json` | an operator's audit of a settled epoch |
//! | `settlements/<epoch>/<report hash>.json` | the report behind a settlement |
//!
//! [`Store::open`] takes one URL: a folder by default, a bucket of an S3-compatible service, or an artifact service.
//! Anything that implements [`ObjectStore`] works. Blobs are checked against their name at every read, so that the store
//! need not be trusted for them.

mod bucket;
mod connector;
mod error;
mod key;
mod location;
mod open;
mod permit;
mod service;

pub use error::{StoreCause, StoreError};
pub use key::{Key, KeyError};
pub use location::Location;
pub use permit::{Act, Permit, PermitError};
pub use service::Wallet;
pub use service::protocol;

use crate::{artifact::Audit, receipt::Answer};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};
use openledger_protocol::{Hash32, hash::sha256};
use std::sync::Arc;

/// Longest answer that is read, in bytes.
pub const MOST_ANSWER: u64 = 4 << 20;

/// The artifact store. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    /// Whether blobs that are there already are not stored again. An artifact service finds that out itself, and it must
    /// know who wants a blob to stay.
    looks_first: bool,
}

impl Store {
    /// Opens a folder as a store, and makes the folder if it does not exist. Writes are atomic and durable.
    pub fn folder(path: impl AsRef<std::path::Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let open = |reason: String| StoreError::Open { path: path.display().to_string(), reason };
        std::fs::create_dir_all(path).map_err(|e| open(e.to_string()))?;
        let folder = LocalFileSystem::new_with_prefix(path).map_err(|e| open(e.to_string()))?.with_fsync(true);
        Ok(Self::new(Arc::new(folder)))
    }

    /// Makes a store over any other object store.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, looks_first: true }
    }

    /// A store that an artifact service keeps.
    fn service(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, looks_first: false }
    }

    /// The objects behind the store, by the paths of their [`Key`]s.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.inner
    }

    /// Stores bytes under their SHA-256 and returns it. If an intact blob is there already, it does nothing.
    pub async fn put_blob(&self, bytes: impl Into<Bytes>) -> Result<Hash32, StoreError> {
        let bytes = bytes.into();
        let hash = sha256(&[&bytes]);
        let path = Key::Blob(hash).path();
        if self.looks_first && self.exists(&path).await? && self.get_blob(&hash).await.is_ok() {
            return Ok(hash);
        }
        self.put(&path, bytes).await?;
        Ok(hash)
    }

    /// Returns the bytes with this hash. Fails with [`StoreError::Hash`] if the stored bytes have another.
    pub async fn get_blob(&self, hash: &Hash32) -> Result<Bytes, StoreError> {
        self.get_blob_within(hash, u64::MAX).await
    }

    /// Like [`Store::get_blob`], for a blob that somebody else names. Fails with [`StoreError::Size`], and reads nothing,
    /// if it is longer than `most` bytes.
    pub async fn get_blob_within(&self, hash: &Hash32, most: u64) -> Result<Bytes, StoreError> {
        let path = Key::Blob(*hash).path();
        let bytes = self.get_within(&path, most).await?;
        let found = sha256(&[&bytes]);
        if found != *hash {
            return Err(StoreError::Hash { key: path.to_string(), found: hex::encode(found) });
        }
        Ok(bytes)
    }

    /// Whether there is a blob of this name. The content is checked only when it is read.
    pub async fn has_blob(&self, hash: &Hash32) -> Result<bool, StoreError> {
        self.exists(&Key::Blob(*hash).path()).await
    }

    /// Length of the blob of this name, in bytes. `None` if there is none. The content is checked only when it is read.
    pub async fn blob_bytes(&self, hash: &Hash32) -> Result<Option<u64>, StoreError> {
        match self.inner.head(&Key::Blob(*hash).path()).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(StoreError::Backend(e)),
        }
    }

    /// Stores a signed answer under the name of its request.
    pub async fn put_answer(&self, answer: &Answer) -> Result<(), StoreError> {
        let path = Key::Answer(answer.request).path();
        let bytes = serde_json::to_vec(answer)
            .map_err(|e| StoreError::Content { key: path.to_string(), reason: e.to_string() })?;
        self.put(&path, bytes.into()).await
    }

    /// Returns the answer to a request. It does not check the signature: [`Answer::verify`] does.
    pub async fn get_answer(&self, request: &Hash32) -> Result<Answer, StoreError> {
        let path = Key::Answer(*request).path();
        let answer: Answer = serde_json::from_slice(&self.get_within(&path, MOST_ANSWER).await?)
            .map_err(|e| StoreError::Content { key: path.to_string(), reason: e.to_string() })?;
        if answer.request != *request {
            let reason = format!("it answers request {}", hex::encode(answer.request));
            return Err(StoreError::Content { key: path.to_string(), reason });
        }
        Ok(answer)
    }

    /// Returns the requests that have an answer, in ascending order.
    pub async fn answered(&self) -> Result<Vec<Hash32>, StoreError> {
        let listed: Vec<_> =
            self.inner.list(Some(&Path::from("answers"))).try_collect().await.map_err(StoreError::Backend)?;
        let mut requests: Vec<Hash32> = listed
            .iter()
            .filter_map(|m| m.location.filename()?.strip_suffix(".json"))
            .filter_map(|name| crate::text::parse_hash(name).ok())
            .collect();
        requests.sort_unstable();
        Ok(requests)
    }

    /// Stores a settlement's report twice, as a blob and under its epoch, and returns its hash.
    pub async fn put_settlement_report(&self, epoch: u64, report: impl Into<Bytes>) -> Result<Hash32, StoreError> {
        let report = report.into();
        let hash = self.put_blob(report.clone()).await?;
        self.put(&Key::Report { epoch, hash }.path(), report).await?;
        Ok(hash)
    }

    /// Returns the hashes of the reports of an epoch that somebody has stored. At most one of them was posted.
    pub async fn reports(&self, epoch: u64) -> Result<Vec<Hash32>, StoreError> {
        let folder = Path::from(format!("settlements/{epoch}"));
        let listed: Vec<_> = self.inner.list(Some(&folder)).try_collect().await.map_err(StoreError::Backend)?;
        let hash = |key: Key| key.hash();
        Ok(listed.iter().filter_map(|meta| meta.location.as_ref().parse().ok().and_then(hash)).collect())
    }

    /// Stores an operator's audit of an epoch. It replaces the one that is there.
    pub async fn put_audit(&self, audit: &Audit) -> Result<(), StoreError> {
        let path = Key::Audit { epoch: audit.epoch, operator: audit.operator }.path();
        let bytes = serde_json::to_vec(audit)
            .map_err(|e| StoreError::Content { key: path.to_string(), reason: e.to_string() })?;
        self.put(&path, bytes.into()).await
    }

    /// Returns the audits of an epoch that can be read. Their signatures are not checked: [`Audit::is_by`] does that.
    pub async fn audits(&self, epoch: u64) -> Result<Vec<Audit>, StoreError> {
        let folder = Path::from(format!("audits/{epoch}"));
        let listed: Vec<_> = self.inner.list(Some(&folder)).try_collect().await.map_err(StoreError::Backend)?;
        let mut audits = Vec::new();
        for meta in listed {
            audits.extend(serde_json::from_slice::<Audit>(&self.get(&meta.location).await?).ok());
        }
        audits.retain(|a| a.epoch == epoch);
        audits.sort_by_key(|a| a.operator);
        Ok(audits)
    }

    async fn exists(&self, path: &Path) -> Result<bool, StoreError> {
        match self.inner.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(StoreError::Backend(e)),
        }
    }

    async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
        self.inner.put(path, bytes.into()).await.map(|_| ()).map_err(StoreError::Backend)
    }

    async fn get(&self, path: &Path) -> Result<Bytes, StoreError> {
        self.get_within(path, u64::MAX).await
    }

    async fn get_within(&self, path: &Path, most: u64) -> Result<Bytes, StoreError> {
        let result = self.inner.get(path).await.map_err(|e| match e {
            object_store::Error::NotFound { .. } => StoreError::Missing { key: path.to_string() },
            other => StoreError::Backend(other),
        })?;
        if result.meta.size > most {
            return Err(StoreError::Size { key: path.to_string(), found: result.meta.size, most });
        }
        result.bytes().await.map_err(StoreError::Backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blobs_come_back_and_are_named_by_their_hash() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let hash = store.put_blob("a page").await.unwrap();
        assert_eq!(hash, sha256(&[b"a page"]));
        assert_eq!(store.get_blob(&hash).await.unwrap(), "a page");
        assert_eq!(store.put_blob("a page").await.unwrap(), hash);
        assert!(store.has_blob(&hash).await.unwrap());
        assert!(matches!(store.get_blob(&[0; 32]).await, Err(StoreError::Missing { .. })));
    }

    #[tokio::test]
    async fn a_forged_blob_is_noticed_and_mended_by_storing_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let hash = store.put_blob("a page").await.unwrap();
        std::fs::write(folder.path().join("blobs").join(hex::encode(hash)), "another").unwrap();
        assert!(matches!(store.get_blob(&hash).await, Err(StoreError::Hash { .. })));
        store.put_blob("a page").await.unwrap();
        assert_eq!(store.get_blob(&hash).await.unwrap(), "a page");
    }

    #[tokio::test]
    async fn a_blob_that_is_longer_than_its_reader_takes_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let hash = store.put_blob("a page").await.unwrap();
        assert_eq!(store.get_blob_within(&hash, 6).await.unwrap(), "a page");
        assert!(matches!(store.get_blob_within(&hash, 5).await, Err(StoreError::Size { found: 6, most: 5, .. })));
    }

    #[tokio::test]
    async fn reports_are_found_by_hash_and_by_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let hash = store.put_settlement_report(3, "{}").await.unwrap();
        assert_eq!(store.get_blob(&hash).await.unwrap(), "{}");
        assert!(folder.path().join(format!("settlements/3/{}.json", hex::encode(hash))).exists());
        assert_eq!((store.reports(3).await.unwrap(), store.reports(4).await.unwrap()), (vec![hash], vec![]));
    }
}
