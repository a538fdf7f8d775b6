//! Reads an artifact as a stream that goes on where a connection was cut.

use super::{
    caller::{Caller, ServiceError, TRIES, pause},
    signing,
};
use crate::store::permit::Permit;
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{BoxStream, try_unfold},
};
use object_store::path::Path;
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE},
};
use std::ops::Range;

/// What an answer says about the artifact and the bytes that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The bytes that follow.
    pub range: Range<u64>,
    /// Length of the whole artifact.
    pub all: u64,
    /// The version of the artifact.
    pub etag: Option<String>,
}

impl Extent {
    /// Reads it from the headers of an answer.
    pub fn of(url: &str, response: &Response) -> Result<Self, ServiceError> {
        let shape = |reason: &str| ServiceError::Shape { url: url.into(), reason: reason.into() };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let etag = header(ETAG).map(str::to_owned);
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let (range, all) = header(CONTENT_RANGE)
                .and_then(content_range)
                .ok_or_else(|| shape("a part of an artifact without a readable content-range"))?;
            return Ok(Self { range, all, etag });
        }
        // The body's own length: a HEAD request's answer has none.
        let all = header(CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let all: u64 = all.ok_or_else(|| shape("an artifact without a content-length"))?;
        Ok(Self { range: 0..all, all, etag })
    }
}

/// Reads `bytes <first>-<last>/<all>`.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, all) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, all): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, all.parse().ok()?);
    (first <= last && last < all).then_some((first..last + 1, all))
}

/// The rest of a download.
struct Rest {
    caller: Caller,
    url: String,
    /// What lets the wallet read it, if it is not public.
    permit: Option<Permit>,
    path: Path,
    /// The answer that is being read. `None` after it was cut.
    response: Option<Response>,
    extent: Extent,
    /// How often the connection was cut since the last byte came.
    cuts: u32,
}

/// The bytes that `response` announced in `extent`. Yields exactly those, or ends in an error.
pub fn stream(
    caller: Caller,
    url: String,
    permit: Option<Permit>,
    path: Path,
    response: Response,
    extent: Extent,
) -> BoxStream<'static, object_store::Result<Bytes>> {
    let rest = Rest { caller, url, permit, path, response: Some(response), extent, cuts: 0 };
    try_unfold(rest, |mut rest| async move {
        match rest.next().await {
            Ok(Some(bytes)) => Ok(Some((bytes, rest))),
            Ok(None) => Ok(None),
            Err(error) => Err(error.about(&rest.path)),
        }
    })
    .boxed()
}

impl Rest {
    async fn next(&mut self) -> Result<Option<Bytes>, ServiceError> {
        while !self.extent.range.is_empty() {
            let mut response = match self.response.take() {
                Some(response) => response,
                None => self.again().await?,
            };
            let cut = match response.chunk().await {
                Ok(Some(bytes)) if bytes.is_empty() => None,
                Ok(Some(bytes)) => {
                    let range = &mut self.extent.range;
                    if bytes.len() as u64 > range.end - range.start {
                        let reason = "more bytes than it announced".into();
                        return Err(ServiceError::Shape { url: self.url.clone(), reason });
                    }
                    range.start += bytes.len() as u64;
                    (self.response, self.cuts) = (Some(response), 0);
                    return Ok(Some(bytes));
                }
                Ok(None) => Some(ServiceError::Shape {
                    url: self.url.clone(),
                    reason: format!("{} bytes are missing at the end", self.extent.range.end - self.extent.range.start),
                }),
                Err(source) => Some(ServiceError::Unreachable { url: self.url.clone(), source: source.without_url() }),
            };
            match cut {
                None => self.response = Some(response),
                Some(error) => {
                    self.cuts += 1;
                    if self.cuts >= TRIES {
                        return Err(error);
                    }
                    pause(self.cuts, None).await;
                }
            }
        }
        Ok(None)
    }

    /// Asks for the bytes that did not come, of the same version.
    async fn again(&self) -> Result<Response, ServiceError> {
        let Range { start, end } = self.extent.range;
        let response = self
            .caller
            .send(&self.url, || {
                let request =
                    self.caller.request(Method::GET, &self.url).header(RANGE, format!("bytes={start}-{}", end - 1));
                let request = match &self.extent.etag {
                    Some(etag) => request.header(IF_RANGE, etag),
                    None => request,
                };
                match &self.permit {
                    Some(permit) => signing::with(request, permit),
                    None => request,
                }
            })
            .await?;
        if Extent::of(&self.url, &response)? != self.extent {
            let reason = "the artifact was changed while it was read".into();
            return Err(ServiceError::Shape { url: self.url.clone(), reason });
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_only_if_it_makes_sense() {
        assert_eq!(content_range("bytes 2-4/9"), Some((2..5, 9)));
        for bad in ["bytes */9", "bytes 4-2/9", "bytes 2-9/9", "bytes 0-4", "items 0-1/2", "bytes -1-4/9"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
