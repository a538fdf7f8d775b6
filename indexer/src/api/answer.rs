//! Answers in the form of HTTP: with a name for their content, compressed where that is asked for.

use super::error::Refusal;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use openledger_protocol::hash::sha256;
use serde::Serialize;
use std::io::Write;
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

/// Smaller answers are not compressed.
const COMPRESSED_FROM: usize = 1_024;

/// An answer to a request that was not refused.
pub enum Answer {
    /// A whole text of this media type.
    Whole(&'static str, Vec<u8>),
    /// A stream that has no end.
    Stream(Response),
}

impl Answer {
    /// Answers with `value` as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(value).map_err(|e| Refusal::unavailable(e.to_string()))?;
        Ok(Self::Whole("application/json", body))
    }

    /// Makes the response to a request with `headers`. Its `ETag` names the content. A request that says that it has that
    /// content already gets only the status 304.
    pub fn into_response(self, headers: &HeaderMap) -> Response {
        let (media, body) = match self {
            Self::Stream(response) => return response,
            Self::Whole(media, body) => (media, body),
        };
        // It is weak, because the content has the same name whether it is compressed or not.
        let tag = format!("W/\"{}\"", hex::encode(&sha256(&[&body])[..16]));
        let mut response = Response::default();
        if has(headers, header::IF_NONE_MATCH, |known| known == "*" || same(known, &tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let (body, compressed) = match compressible(&body, headers).then(|| compress(&body)) {
                Some(Ok(smaller)) => (smaller, true),
                _ => (body, false),
            };
            let out = response.headers_mut();
            out.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
            out.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            if compressed {
                out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            *response.body_mut() = Bytes::from(body).into();
        }
        let out = response.headers_mut();
        // The tag is hexadecimal between quotes, which any header may hold.
        out.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding, origin"));
        response
    }
}

/// Whether the two tags name the same content, be they weak or strong.
fn same(a: &str, b: &str) -> bool {
    let value = |tag: &str| tag.trim_start_matches("W/").to_owned();
    value(a) == value(b)
}

fn compressible(body: &[u8], headers: &HeaderMap) -> bool {
    let wants = |offer: &str| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    };
    body.len() >= COMPRESSED_FROM && has(headers, header::ACCEPT_ENCODING, wants)
}

/// Whether one of the items of the list in header `name` is such.
fn has(headers: &HeaderMap, name: header::HeaderName, such: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|item| such(item.trim()))
}

fn compress(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_who_asks_for_gzip_gets_it() {
        let large = vec![b'x'; COMPRESSED_FROM];
        for (accepts, gets) in [("gzip", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false)] {
            assert_eq!(compressible(&large, &headers(&[(header::ACCEPT_ENCODING, accepts)])), gets, "{accepts}");
        }
        assert!(!compressible(&large, &HeaderMap::new()));
        assert!(!compressible(b"x", &headers(&[(header::ACCEPT_ENCODING, "gzip")])));
    }

    #[test]
    fn tags_compare_weakly() {
        assert!(same("W/\"a\"", "\"a\"") && !same("\"a\"", "\"b\""));
    }
}
