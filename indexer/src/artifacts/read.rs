//! Answers requests for artifacts and for lists of them.

use super::{readers, refusal::Refusal, service::Service, table};
use futures::StreamExt;
use object_store::{GetOptions, GetRange, ObjectMeta};
use openledger_sdk::store::{
    Key, Permit,
    protocol::{Listed, Listing},
};
use prometheus::IntCounter;
use std::ops::Range;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
            IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
        },
    },
    reply::{Reply, Response},
};

/// Most keys of one page of a list.
const PAGE: usize = 1000;
/// Pieces of an artifact that wait for a slow reader.
const WAITING: usize = 4;

/// Answers `GET`, or `HEAD`, of an artifact.
pub async fn read(service: &Service, key: &Key, asked: &HeaderMap, head: bool) -> Result<Response, Refusal> {
    let permit = asked.get(Permit::HEADER).and_then(|value| value.to_str().ok());
    let public = readers::admit(service, key, permit).await?;
    let meta = service.head(key).await?.ok_or_else(|| Refusal::absent(key))?;
    let etag = etag(key, &meta);
    let header = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if header(IF_MATCH).is_some_and(|given| !matches(given, &etag)) {
        return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, format!("{key} is another version now: {etag}")));
    }
    let mut response = warp::reply().into_response();
    describe(&mut response, key, &etag, public);
    if header(IF_NONE_MATCH).is_some_and(|given| matches(given, &etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    // A part of another version than the one that was begun with is worth nothing: the whole is sent.
    let range = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|begun| begun == etag));
    let range = match range.map(|text| Asked::read(text, meta.size)) {
        Some(Asked::Part(range)) => Some(range),
        Some(Asked::Outside) => {
            let error = format!("{key} has {} bytes, and none of them were asked for", meta.size);
            let mut response = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, error).into_response();
            set(&mut response, CONTENT_RANGE, &format!("bytes */{}", meta.size));
            return Ok(response);
        }
        Some(Asked::Whole) | None => None,
    };
    let bytes = range.clone().unwrap_or(0..meta.size);
    if let Some(range) = &range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size));
    }
    let length = bytes.end - bytes.start;
    if !head && length > 0 {
        let options = GetOptions { range: range.map(GetRange::Bounded), if_match: meta.e_tag, ..Default::default() };
        let found = service.objects().get_opts(&key.path(), options).await?;
        let parts = std::mem::replace(&mut response, streamed(found, service.metrics.sent.clone())).into_parts().0;
        (*response.status_mut(), *response.headers_mut()) = (parts.status, parts.headers);
    }
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    Ok(response)
}

/// Streams an object. A reader that has gone ends it.
fn streamed(found: object_store::GetResult, sent: IntCounter) -> Response {
    let (pieces, waiting) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let mut stream = found.into_stream();
        while let Some(piece) = stream.next().await {
            if let Err(error) = &piece {
                tracing::warn!(%error, "an artifact could not be read to its end");
            }
            let (failed, bytes) = (piece.is_err(), piece.as_ref().map_or(0, |piece| piece.len() as u64));
            if pieces.send(piece).await.is_err() || failed {
                return;
            }
            sent.inc_by(bytes);
        }
    });
    warp::reply::stream(ReceiverStream::new(waiting)).into_response()
}

/// The version of an artifact. Where the name says the content, it is the name.
fn etag(key: &Key, meta: &ObjectMeta) -> String {
    match (key.hash(), &meta.e_tag) {
        (Some(hash), _) => format!("\"{}\"", hex::encode(hash)),
        (None, Some(etag)) => format!("\"{}\"", etag.trim_matches('"')),
        (None, None) => format!("\"{}-{}\"", meta.size, meta.last_modified.timestamp_micros()),
    }
}

/// Whether a list of versions has `etag` or is `*`.
fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

fn describe(response: &mut Response, key: &Key, etag: &str, public: bool) {
    let (media, caching) = match key {
        Key::Blob(_) if !public => ("application/octet-stream", "private, no-store"),
        Key::Blob(_) => ("application/octet-stream", "public, max-age=31536000, immutable"),
        Key::Report { .. } => ("application/json", "public, max-age=31536000, immutable"),
        Key::Answer(_) | Key::Audit { .. } => ("application/json", "no-cache"),
    };
    set(response, ETAG, etag);
    set(response, CONTENT_TYPE, media);
    set(response, CACHE_CONTROL, caching);
    set(response, ACCEPT_RANGES, "bytes");
    // Strangers store what they like: no browser is to take it for a page.
    set(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
}

fn set(response: &mut Response, name: warp::http::header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Part(Range<u64>),
    /// No byte that is there.
    Outside,
    /// It is not understood, or several parts: then it is answered as if it were not there.
    Whole,
}

impl Asked {
    fn read(text: &str, size: u64) -> Self {
        let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Self::Whole;
        };
        let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
            (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
            (Err(_), Ok(length)) if first.trim().is_empty() => size.saturating_sub(length)..size,
            _ => return Self::Whole,
        };
        if range.start < range.end { Self::Part(range) } else { Self::Outside }
    }
}

/// Answers with a page of the artifacts in `folder` whose keys come after `after`.
pub async fn list(service: &Service, folder: &str, after: Option<&str>) -> Result<Response, Refusal> {
    let mut found = table::statements(&service.db, folder, after, PAGE + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let items: Vec<Listed> = found.into_iter().map(|(key, bytes)| Listed { key, bytes }).collect();
    let next = items.last().filter(|_| more).map(|last| last.key.clone());
    Ok(warp::reply::json(&Listing { items, next }).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        let read = |text: &str| Asked::read(text, 10);
        assert_eq!(read("bytes=0-0"), Asked::Part(0..1));
        assert_eq!(read("bytes=4-"), Asked::Part(4..10));
        assert_eq!(read("bytes=4-99"), Asked::Part(4..10));
        assert_eq!(read("bytes=-3"), Asked::Part(7..10));
        assert_eq!(read("bytes=-99"), Asked::Part(0..10));
        for outside in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(read(outside), Asked::Outside, "{outside}");
        }
        for other in ["bytes=5-2", "bytes=0-1,4-5", "items=0-1", "bytes=a-b", "bytes=-", "bytes"] {
            assert_eq!(read(other), Asked::Whole, "{other}");
        }
        assert_eq!(Asked::read("bytes=0-", 0), Asked::Outside);
    }
}
