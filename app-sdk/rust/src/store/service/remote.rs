//! The service behind the interface of every store.

use super::{
    caller::{Caller, NAME, ServiceError},
    download::{self, Extent},
    protocol::{self, Listing},
    signing::{self, Wallet},
    upload::Upload,
};
use crate::store::{key::Key, permit::Permit};
use async_trait::async_trait;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};
use reqwest::{
    Method, Response, Url,
    header::{CACHE_CONTROL, IF_MATCH, IF_NONE_MATCH, RANGE},
};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

/// An artifact service. Without a wallet it is only read.
pub struct Remote {
    caller: Caller,
    wallet: Option<Wallet>,
    /// Whether what was read last was not public. What is read next is often of the same Datanet, and is asked for with a
    /// permit at once.
    withheld: AtomicBool,
}

impl Remote {
    /// The service at `base`. Nothing is sent yet. `wallet` signs what is stored.
    pub fn new(base: &Url, wallet: Option<Wallet>) -> Self {
        Self { caller: Caller::new(base), wallet, withheld: AtomicBool::new(false) }
    }

    /// The URL of an artifact.
    fn url(&self, path: &Path) -> Result<String> {
        Ok(self.caller.url(&protocol::path(&key(path)?)))
    }
}

/// A page of what is in `folder`.
async fn page(caller: &Caller, folder: &str, after: Option<&str>) -> Result<Listing, ServiceError> {
    let url = caller.url(folder);
    let make = || {
        let request = caller.request(Method::GET, &url);
        match after {
            Some(after) => request.query(&[("after", after)]),
            None => request,
        }
    };
    let response = caller.send(&url, make).await?;
    response.json().await.map_err(|e| ServiceError::Shape { url, reason: e.to_string() })
}

fn key(path: &Path) -> Result<Key> {
    path.as_ref().parse().map_err(|e| Error::Generic { store: NAME, source: Box::new(e) })
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.into(), implementer: NAME.into() }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("base", self.caller.base()).field("signs", &self.wallet.is_some()).finish()
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.caller.base().fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Remote {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if opts.mode != PutMode::Overwrite {
            return Err(unsupported("a conditional put"));
        }
        let url = self.url(location)?;
        let Some(wallet) = &self.wallet else { return Err(ServiceError::Unsigned { url }.about(location)) };
        let upload = Upload::new(&self.caller, wallet, key(location)?, payload.into());
        upload.send().await.map_err(|e| e.about(location))?;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("a multipart upload"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.if_modified_since.is_some() || options.if_unmodified_since.is_some() || options.version.is_some() {
            return Err(unsupported("a get by time or version"));
        }
        let url = self.url(location)?;
        let method = if options.head { Method::HEAD } else { Method::GET };
        let make = |permit: Option<&Permit>| {
            let mut request = self.caller.request(method.clone(), &url);
            if let Some(permit) = permit {
                request = signing::with(request, permit);
            }
            if let Some(range) = &options.range {
                request = request.header(RANGE, range_header(range));
            }
            if let Some(etag) = &options.if_match {
                request = request.header(IF_MATCH, etag);
            }
            if let Some(etag) = &options.if_none_match {
                request = request.header(IF_NONE_MATCH, etag);
            }
            request
        };
        // Most artifacts are public. A wallet signs only for those that are not.
        let sign = |wallet| signing::to_read(&self.caller, wallet, &key(location)?).map_err(|e| e.about(location));
        let mut permit = match &self.wallet {
            Some(wallet) if self.withheld.load(Ordering::Relaxed) => Some(sign(wallet)?),
            _ => None,
        };
        let mut answered = self.caller.send(&url, || make(permit.as_ref())).await;
        if let (Err(error), Some(wallet), None) = (&answered, &self.wallet, &permit)
            && error.asks_for_a_permit()
        {
            permit = Some(sign(wallet)?);
            answered = self.caller.send(&url, || make(permit.as_ref())).await;
        }
        let response = answered.map_err(|e| e.about(location))?;
        self.withheld.store(permit.is_some() && is_private(&response), Ordering::Relaxed);
        let extent = Extent::of(&url, &response).map_err(|e| e.about(location))?;
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size: extent.all,
            e_tag: extent.etag.clone(),
            version: None,
        };
        let range = extent.range.clone();
        let bytes = match options.head {
            true => stream::empty().boxed(),
            false => download::stream(self.caller.clone(), url, permit, location.clone(), response, extent),
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(bytes),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        locations.and_then(|_| async { Err(unsupported("a deletion")) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let Some(folder) = prefix.map(Path::to_string) else {
            return stream::once(async { Err(unsupported("a list of everything")) }).boxed();
        };
        let caller = self.caller.clone();
        // The state is what the next page comes after: nothing at the beginning. It is gone after the last page.
        let pages = stream::try_unfold(Some(None::<String>), move |after| {
            let (caller, folder) = (caller.clone(), folder.clone());
            async move {
                let Some(after) = after else { return Ok::<_, Error>(None) };
                let page = page(&caller, &folder, after.as_deref()).await.map_err(|e| e.about(&Path::from(folder)))?;
                Ok(Some((stream::iter(page.items.into_iter().map(Ok)), page.next.map(Some))))
            }
        });
        pages
            .try_flatten()
            .and_then(|listed| async move {
                Ok(ObjectMeta {
                    location: Path::parse(&listed.key)?,
                    last_modified: Default::default(),
                    size: listed.bytes,
                    e_tag: None,
                    version: None,
                })
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(unsupported("a list of folders"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unsupported("a copy"))
    }
}

/// Whether an answer is for its reader alone.
fn is_private(response: &Response) -> bool {
    let caching = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    caching.is_some_and(|value| value.split(',').any(|directive| directive.trim() == "private"))
}

fn range_header(range: &GetRange) -> String {
    match range {
        GetRange::Bounded(range) => format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
        GetRange::Offset(first) => format!("bytes={first}-"),
        GetRange::Suffix(length) => format!("bytes=-{length}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use openledger_protocol::hash::sha256;
    use solana_keypair::Keypair;
    use std::sync::{Arc, Mutex};
    use warp::{Filter, http::StatusCode};

    #[tokio::test]
    async fn what_follows_a_private_artifact_is_asked_for_with_a_permit_at_once_until_one_is_public() {
        // Whether each request came with a permit.
        let signed = Arc::new(Mutex::new(Vec::new()));
        let seen = signed.clone();
        let route = warp::path!("v1" / "artifacts" / String).and(warp::header::optional(Permit::HEADER)).map(
            move |name: String, permit: Option<String>| {
                seen.lock().unwrap().push(permit.is_some());
                let public = name == hex::encode(sha256(&[b"public"]));
                let (status, caching) = match (public, permit) {
                    (true, _) => (StatusCode::OK, "public, immutable"),
                    (false, Some(_)) => (StatusCode::OK, "private, no-store"),
                    (false, None) => (StatusCode::UNAUTHORIZED, "no-store"),
                };
                let body = warp::reply::with_header("bytes", CACHE_CONTROL, caching);
                warp::reply::with_status(body, status)
            },
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(warp::serve(route).incoming(listener).run());
        let remote = Remote::new(&base, Some(Arc::new(Keypair::new())));
        for (what, expected) in [
            ("public", vec![false]),
            ("one", vec![false, true]),
            ("two", vec![true]),
            ("public", vec![true]),
            ("three", vec![false, true]),
        ] {
            let read = remote.get(&Key::Blob(sha256(&[what.as_bytes()])).path()).await.unwrap().bytes().await.unwrap();
            assert_eq!(read, "bytes");
            assert_eq!(std::mem::take(&mut *signed.lock().unwrap()), expected, "{what}");
        }
    }
}
