//! Stores artifacts.

use super::{
    admit::{Admitted, admit, may_begin, within_quota},
    content, names, owners,
    parts::WHOLE,
    readers,
    receive::{Progress, Sink, drain},
    refusal::Refusal,
    service::Service,
    table,
};
use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use object_store::{ObjectMeta, ObjectStoreExt, WriteMultipart};
use openledger_protocol::Hash32;
use openledger_sdk::store::{
    Key,
    protocol::{OFFSET, PART},
};
use sha2::{Digest, Sha256};
use std::{path::Path, time::Duration};
use tokio::{fs::File, io::AsyncReadExt, time::timeout};
use warp::{
    http::{HeaderValue, StatusCode, header::ETAG},
    reply::{Reply, Response},
};

/// The body of a request.
pub type Body = BoxStream<'static, Result<Bytes, warp::Error>>;

/// What a `PUT` says in its headers.
#[derive(Debug, Default)]
pub struct Head {
    /// The wallet's permit.
    pub permit: Option<String>,
    /// Which part of the artifact the body is.
    pub content_range: Option<String>,
    /// Length of the body.
    pub content_length: Option<u64>,
}

/// What a request brings of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// All of it.
    Whole,
    /// Nothing: it asks how much is here.
    Question,
    /// The bytes from `first` to `last`.
    Part { first: u64, last: u64 },
}

impl Piece {
    /// Reads `content-range` of an artifact of `all` bytes.
    fn read(header: Option<&str>, all: u64) -> Result<Self, Refusal> {
        let Some(text) = header else { return Ok(Self::Whole) };
        let wrong = || {
            let form = format!("bytes FIRST-LAST/{all}, or bytes */{all} to ask how much is here");
            Refusal::bad(format!("content-range {text:?} is no part of {all} bytes: write {form}"))
        };
        let (range, total) = text.strip_prefix("bytes ").and_then(|t| t.split_once('/')).ok_or_else(wrong)?;
        if all == 0 || total.parse() != Ok(all) {
            return Err(wrong());
        }
        if range == "*" {
            return Ok(Self::Question);
        }
        let (first, last) = range.split_once('-').ok_or_else(wrong)?;
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last && last < all => Ok(Self::Part { first, last }),
            _ => Err(wrong()),
        }
    }
}

/// How long the rest of a refused body is read, so that its sender sees the answer.
const DRAINED_WITHIN: Duration = Duration::from_secs(20);

/// Answers a `PUT` of `key`.
pub async fn put(service: &Service, key: Key, head: Head, mut body: Body) -> Result<Response, Refusal> {
    let result = store(service, key, head, &mut body).await;
    // A client that is still sending would not see the answer. Whoever was too slow is not waited for again.
    if !matches!(&result, Err(refusal) if refusal.status == StatusCode::REQUEST_TIMEOUT) {
        let _ = timeout(DRAINED_WITHIN, drain(&mut body, PART, &service.limits)).await;
    }
    result
}

async fn store(service: &Service, key: Key, head: Head, body: &mut Body) -> Result<Response, Refusal> {
    let admitted = admit(service, key, head.permit.as_deref()).await?;
    let (permit, limits) = (&admitted.permit, &service.limits);
    let piece = Piece::read(head.content_range.as_deref(), permit.bytes)?;
    if is_stored(service, &admitted).await? {
        return Ok(done(StatusCode::OK, permit.hash));
    }
    let (first, last) = match piece {
        Piece::Whole => {
            if head.content_length.is_some_and(|length| length != permit.bytes) {
                let error = format!("the permit is for {} bytes, and the body has another length", permit.bytes);
                return Err(Refusal::bad(error));
            }
            within_quota(service, &admitted).await?;
            // It is removed when it is dropped.
            let file = tempfile::Builder::new().prefix(WHOLE).tempfile_in(service.uploads())?;
            let mut sink = Sink::open(file.path(), Progress::default()).await?;
            sink.take(body, permit.bytes, limits).await?;
            service.metrics.received.inc_by(permit.bytes);
            let hash = sink.into_progress().unwrap_or_default().hash();
            keep(service, &admitted, file.path(), hash).await?;
            return Ok(done(StatusCode::CREATED, permit.hash));
        }
        Piece::Question => (None, 0),
        Piece::Part { first, last } => (Some(first), last),
    };
    let held = service.parts.hold(permit, admitted.class).await?;
    let mut held = held.ok_or_else(|| {
        Refusal::later(StatusCode::CONFLICT, 1, "another request is bringing a part of it: ask again how much is here")
    })?;
    let mut progress = held.progress();
    if let Some(first) = first {
        let here = progress.length();
        if first != here {
            return Err(Refusal::offset(here, format!("the next part begins at byte {here}, not at {first}")));
        }
        within_quota(service, &admitted).await?;
        if here == 0 {
            may_begin(service, &admitted)?;
        }
        let mut sink = Sink::open(held.path(), progress).await?;
        let taken = sink.take(body, last - first + 1, limits).await;
        let now = sink.into_progress();
        held.note(now.clone());
        taken?;
        service.metrics.received.inc_by(last - first + 1);
        progress = now.unwrap_or_default();
    }
    let here = progress.length();
    if here < permit.bytes {
        let mut response = warp::reply().into_response();
        *response.status_mut() = StatusCode::ACCEPTED;
        response.headers_mut().insert(OFFSET, here.into());
        return Ok(response);
    }
    let kept = keep(service, &admitted, held.path(), progress.hash()).await;
    // What is wrong is not there any more when it is sent again. What could not be kept just now is.
    if !matches!(&kept, Err(refusal) if refusal.status.is_server_error()) {
        service.parts.end(held)?;
    }
    kept?;
    Ok(done(StatusCode::CREATED, permit.hash))
}

fn done(status: StatusCode, hash: Hash32) -> Response {
    let mut response = warp::reply().into_response();
    *response.status_mut() = status;
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", hex::encode(hash))) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Keeps a whole artifact, if it is what the wallet has signed and what its name says.
async fn keep(service: &Service, admitted: &Admitted, file: &Path, hash: Hash32) -> Result<(), Refusal> {
    let (key, permit) = (&admitted.key, &admitted.permit);
    if hash != permit.hash {
        let (found, signed) = (hex::encode(hash), hex::encode(permit.hash));
        return Err(Refusal::content(format!("the content has hash {found}, and the permit is for {signed}")));
    }
    let shown = content::check(key, file, admitted.identity.as_ref()).await?;
    if key.hash().is_none() && !table::replace(&service.db, &permit.key, &hash, permit.expires).await? {
        let error = format!("{key} was stored by a later permit: sign a new one");
        return Err(Refusal::new(StatusCode::CONFLICT, error));
    }
    let _keeping = service.keeping.read().await;
    if matches!(key, Key::Blob(_)) {
        // First its row: a blob without one would never be swept.
        note(service, admitted).await?;
        copy(service, key, file).await?;
    } else {
        // First the artifact: lists are made of the rows.
        copy(service, key, file).await?;
        note(service, admitted).await?;
    }
    if let Some(shown) = shown {
        table::show(&service.db, &shown, &permit.wallet).await?;
    }
    Ok(names::stored(&service.db, &permit.hash).await?)
}

/// Notes who stored an artifact.
async fn note(service: &Service, admitted: &Admitted) -> Result<(), Refusal> {
    let permit = &admitted.permit;
    if !matches!(admitted.key, Key::Blob(_)) {
        return Ok(table::stated(&service.db, &permit.key, permit.bytes, &permit.wallet).await?);
    }
    table::stored(&service.db, &permit.hash, permit.bytes, &permit.wallet, admitted.class).await?;
    owners::note(service, &permit.hash, &permit.wallet, admitted.class.is_operator()).await
}

/// Copies a file into the store. Readers see all of it or nothing.
async fn copy(service: &Service, key: &Key, file: &Path) -> Result<(), Refusal> {
    let (objects, path) = (service.objects(), key.path());
    let mut file = File::open(file).await?;
    if file.metadata().await?.len() <= PART {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await?;
        objects.put(&path, bytes.into()).await?;
        return Ok(());
    }
    let mut writer = WriteMultipart::new(objects.put_multipart(&path).await?);
    let mut chunk = vec![0; 1 << 20];
    loop {
        let read = match file.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                writer.abort().await?;
                return Err(error.into());
            }
        };
        writer.wait_for_capacity(4).await?;
        writer.write(&chunk[..read]);
    }
    writer.finish().await?;
    Ok(())
}

/// Whether the artifact is here already, so that its bytes need not come.
///
/// A blob that the wallet could not read must come whole: whoever has stored a blob may read it, so a hash alone must not
/// make a wallet one of those. Such a wallet does not even learn that the blob is here. So must a blob that is swept soon
/// ([`table::stays`]).
///
/// A public blob that the chain names gets no further owner: everybody may read it, and it stays without one.
async fn is_stored(service: &Service, admitted: &Admitted) -> Result<bool, Refusal> {
    let (db, permit) = (&service.db, &admitted.permit);
    let Key::Blob(hash) = &admitted.key else {
        // The others may be replaced, but for reports. Those are noted anew.
        let there = admitted.key.hash().is_some() && is_intact(service, admitted).await?;
        if there {
            note(service, admitted).await?;
        }
        return Ok(there);
    };
    let owned = table::has_stored(db, hash, &permit.wallet).await?;
    let may = match owned {
        true => table::stays(db, hash, &permit.wallet, service.limits.kept(admitted.class)).await?,
        false => readers::is_public(service, hash).await?,
    };
    // It may be long: the sweep and other uploads do not wait until it is read.
    if !may || !is_intact(service, admitted).await? {
        return Ok(false);
    }
    // The sweep must not remove it between the look and the note.
    let _keeping = service.keeping.read().await;
    if is_here(service, admitted).await?.is_none() {
        return Ok(false);
    }
    if !owned && !table::is_named(db, hash).await? {
        within_quota(service, admitted).await?;
        note(service, admitted).await?;
    }
    Ok(true)
}

/// What is in the store under its name and has its length.
async fn is_here(service: &Service, admitted: &Admitted) -> Result<Option<ObjectMeta>, Refusal> {
    Ok(service.head(&admitted.key).await?.filter(|found| found.size == admitted.permit.bytes))
}

/// Whether the artifact is in the store and has not been damaged. A damaged one is replaced. What was found to be whole lately
/// is not read again, unless it has changed.
async fn is_intact(service: &Service, admitted: &Admitted) -> Result<bool, Refusal> {
    let hash = admitted.permit.hash;
    let Some(meta) = is_here(service, admitted).await? else { return Ok(false) };
    let version = (hash, meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339()));
    if service.whole.has(&version) {
        return Ok(true);
    }
    // Whoever asks meanwhile for the same finds it remembered.
    let _reading = service.reading.acquire().await.map_err(|_| Refusal::bad("the service ends"))?;
    if service.whole.has(&version) {
        return Ok(true);
    }
    let found = match service.objects().get(&admitted.key.path()).await {
        Ok(found) => found.into_stream(),
        Err(object_store::Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let read = found.try_fold(Sha256::new(), async |hash, bytes| Ok(hash.chain_update(&bytes))).await?;
    let whole = Hash32::from(read.finalize()) == hash;
    if whole {
        service.whole.note(version);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_only_if_it_is_a_part_of_what_is_signed() {
        let read = |text: &str| Piece::read(Some(text), 9).ok();
        assert_eq!(Piece::read(None, 9).ok(), Some(Piece::Whole));
        assert_eq!(read("bytes */9"), Some(Piece::Question));
        assert_eq!(read("bytes 0-8/9"), Some(Piece::Part { first: 0, last: 8 }));
        for bad in ["bytes 0-9/9", "bytes 5-4/9", "bytes 0-4/8", "bytes 0-4/*", "items 0-4/9", "bytes -4/9", "0-4/9"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
