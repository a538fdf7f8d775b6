//! Where a store is: what a setting's text means.

use super::error::StoreError;
use reqwest::Url;
use std::{fmt, path::PathBuf};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of an S3-compatible service.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// What stands before the names of all artifacts. It may be empty.
        prefix: String,
    },
    /// An artifact service.
    Service(Url),
}

impl Location {
    /// Reads a folder's path, `file:///path`, `s3://bucket/prefix`, or the `http://` or `https://` URL of an artifact
    /// service.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let fail = |reason: &str| StoreError::Open { path: text.into(), reason: reason.into() };
        if text.is_empty() {
            return Err(fail("it has no name: give a folder, s3://bucket/prefix, or the URL of an artifact service"));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some((scheme @ ("file" | "s3" | "http" | "https"), _)) => {
                    Err(fail(&format!("write {scheme}:// for a URL, and ./{scheme}: for a folder of that name")))
                }
                _ => Ok(Self::Folder(text.into())),
            };
        };
        let parsed = Url::parse(text).map_err(|e| fail(&format!("it is not a URL: {e}")));
        match scheme {
            "file" => {
                let path = parsed?.to_file_path();
                path.map(Self::Folder)
                    .map_err(|()| fail("write file:/// and the folder's whole path: file:///srv/store"))
            }
            "s3" => {
                let url = checked(parsed?).map_err(&fail)?;
                let bucket = url.host_str().filter(|host| !host.is_empty());
                let bucket = bucket.ok_or_else(|| fail("it names no bucket: write s3://bucket/prefix"))?;
                if url.port().is_some() {
                    return Err(fail("a bucket has no port: the service's address is in AWS_ENDPOINT_URL"));
                }
                Ok(Self::Bucket { bucket: bucket.into(), prefix: url.path().trim_matches('/').into() })
            }
            "http" | "https" => Ok(Self::Service(checked(parsed?).map_err(&fail)?)),
            other => Err(fail(&format!(
                "there is no kind of store {other:?}: give a folder, file://, s3://, http:// or https://"
            ))),
        }
    }
}

/// Refuses what has no place in the URL of a store.
fn checked(url: Url) -> Result<Url, &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a name or password: keys of S3 are read from the environment, and an artifact service \
                    knows wallets by their signatures");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("leave out everything from `?` or `#` on");
    }
    Ok(url)
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Service(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_url_is_told_by_its_scheme() {
        let folder = |path: &str| Location::Folder(path.into());
        assert_eq!(Location::parse("store").unwrap(), folder("store"));
        assert_eq!(Location::parse("./a:b").unwrap(), folder("./a:b"));
        assert_eq!(Location::parse("file:///srv/my%20store").unwrap(), folder("/srv/my store"));
        let bucket = |prefix: &str| Location::Bucket { bucket: "open-ledger".into(), prefix: prefix.into() };
        assert_eq!(Location::parse("s3://open-ledger").unwrap(), bucket(""));
        assert_eq!(Location::parse("s3://open-ledger/a/b/").unwrap(), bucket("a/b"));
        let Location::Service(url) = Location::parse("https://artifacts.example.org/v").unwrap() else { panic!() };
        assert_eq!(url.as_str(), "https://artifacts.example.org/v");
    }

    #[test]
    fn a_bad_url_is_named_with_what_to_write_instead() {
        for (text, hint) in [
            ("", "give a folder"),
            ("s3:/bucket", "write s3://"),
            ("s3://", "names no bucket"),
            ("s3://key:secret@bucket", "environment"),
            ("s3://bucket:9000/x", "AWS_ENDPOINT_URL"),
            ("file://store", "file:///"),
            ("gs://bucket", "no kind of store"),
            ("http://", "not a URL"),
            ("https://h/?a=b", "leave out"),
        ] {
            let error = Location::parse(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
