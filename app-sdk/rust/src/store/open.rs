//! Opens a store by its URL.

use super::{
    Store, bucket,
    error::StoreError,
    location::Location,
    service::{Remote, Wallet},
};
use std::{ffi::OsString, sync::Arc};

impl Store {
    /// Opens the store at `url`: the path of a folder, `file:///path`, `s3://bucket/prefix`, or the `http://` or
    /// `https://` URL of an artifact service, which is only read. [`Store::open_as`] also writes to a service.
    ///
    /// A folder is made if it does not exist. Address, region and keys of an S3-compatible service are read from the
    /// environment, by the names that the Amazon tools use: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, and `AWS_ALLOW_HTTP=true` for an address without TLS.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, None)
    }

    /// Like [`Store::open`]. What is stored at an artifact service is signed by `wallet`.
    pub fn open_as(url: &str, wallet: Option<Wallet>) -> Result<Self, StoreError> {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::open_in(url, wallet, std::env::vars_os().filter_map(text))
    }

    /// Like [`Store::open_as`], with another `environment` than this process's: pairs of names and values.
    pub fn open_in(
        url: &str,
        wallet: Option<Wallet>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StoreError> {
        match Location::parse(url)? {
            Location::Folder(path) => Self::folder(path),
            Location::Bucket { bucket, prefix } => Ok(Self::new(bucket::open(&bucket, &prefix, environment)?)),
            Location::Service(base) => Ok(Self::service(Arc::new(Remote::new(&base, wallet)))),
        }
    }
}
