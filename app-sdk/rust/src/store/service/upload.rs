//! Stores an artifact by signed requests, a long one in parts.

use super::{
    caller::{Caller, ServiceError, TRIES, pause},
    protocol::{self, OFFSET, PART},
    signing::{self, Wallet},
};
use crate::store::{key::Key, permit::Permit};
use bytes::Bytes;
use openledger_protocol::{Hash32, hash::sha256};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE},
};
use std::sync::Mutex;

/// One artifact on its way.
pub struct Upload<'a> {
    caller: &'a Caller,
    wallet: &'a Wallet,
    key: Key,
    hash: Hash32,
    bytes: Bytes,
    /// One signature serves many parts: the wallet may be a device with a button.
    permit: Mutex<Option<Permit>>,
}

impl<'a> Upload<'a> {
    /// An upload of `bytes` under `key`.
    pub fn new(caller: &'a Caller, wallet: &'a Wallet, key: Key, bytes: Bytes) -> Self {
        Self { caller, wallet, key, hash: sha256(&[&bytes]), bytes, permit: Mutex::default() }
    }

    /// Stores it.
    pub async fn send(&self) -> Result<(), ServiceError> {
        let url = self.caller.url(&protocol::path(&self.key));
        let all = self.bytes.len() as u64;
        if all <= PART {
            let mut tried = 0;
            loop {
                tried += 1;
                match self.caller.once(&url, self.put(&url)?.body(self.bytes.clone())).await {
                    Ok(_) => return Ok(()),
                    Err((error, _)) if tried >= TRIES || !error.is_transient() => return Err(error),
                    Err((_, wait)) => pause(tried, wait).await,
                }
            }
        }
        // Only more than ever before is a success that lets it try anew: a service that loses what it took is given up.
        let (mut held, mut best, mut tried) = (None, None, 0);
        loop {
            let request = match held {
                // What an earlier run or a cut request has brought there is not sent again.
                None => self.put(&url)?.header(CONTENT_RANGE, format!("bytes */{all}")).header(CONTENT_LENGTH, 0),
                Some(first) => {
                    let end = all.min(first + PART);
                    let part = self.bytes.slice(first as usize..end as usize);
                    self.put(&url)?.header(CONTENT_RANGE, format!("bytes {first}-{}/{all}", end - 1)).body(part)
                }
            };
            match self.caller.once(&url, request).await {
                Ok(response) if response.status() == StatusCode::ACCEPTED => {
                    let now = offset(&url, &response, all)?;
                    if best.is_none_or(|best| now > best) {
                        (best, tried) = (Some(now), 0);
                    } else if held.is_some() {
                        tried += 1;
                        if tried >= TRIES {
                            let reason = format!("it takes parts and never holds more than {now} bytes");
                            return Err(ServiceError::Shape { url, reason });
                        }
                        pause(tried, None).await;
                    }
                    held = Some(now);
                }
                Ok(_) => return Ok(()),
                Err((error, wait)) => {
                    // Another upload of the same content, or a part that came twice: ask how far it is.
                    let passes = error.is_transient()
                        || matches!(&error, ServiceError::Refused { status, .. } if *status == StatusCode::CONFLICT);
                    tried += 1;
                    if tried >= TRIES || !passes {
                        return Err(error);
                    }
                    pause(tried, wait).await;
                    held = None;
                }
            }
        }
    }

    fn put(&self, url: &str) -> Result<RequestBuilder, ServiceError> {
        Ok(signing::with(self.caller.request(Method::PUT, url), &self.permit()?))
    }

    fn permit(&self) -> Result<Permit, ServiceError> {
        let mut kept = self.permit.lock().expect("no panic holds this lock");
        if let Some(permit) = kept.as_ref().filter(|permit| signing::lasts(permit)) {
            return Ok(permit.clone());
        }
        let permit = signing::to_store(self.caller, self.wallet, &self.key, self.bytes.len() as u64, self.hash)?;
        Ok(kept.insert(permit).clone())
    }
}

/// How many bytes the service holds by its answer.
fn offset(url: &str, response: &Response, all: u64) -> Result<u64, ServiceError> {
    let value = response.headers().get(OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
    value.filter(|held| *held < all).ok_or_else(|| ServiceError::Shape {
        url: url.into(),
        reason: format!("it took a part and its {OFFSET} does not say where to go on"),
    })
}
