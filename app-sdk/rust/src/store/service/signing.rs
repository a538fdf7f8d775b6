//! Signs permits for as long as they may last.

use super::caller::{Caller, ServiceError};
use crate::store::{key::Key, permit::Permit};
use openledger_protocol::Hash32;
use reqwest::RequestBuilder;
use solana_signer::Signer;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// For how long a permit is signed. What is left of [`Permit::LONGEST`] is for clocks that differ.
const LASTS: Duration = Duration::from_secs(600);
/// What must be left of a permit so that it is used for another request.
const LEFT: Duration = Duration::from_secs(120);

/// The wallet that signs permits.
pub type Wallet = Arc<dyn Signer + Send + Sync>;

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether the permit lasts long enough for another request.
pub fn lasts(permit: &Permit) -> bool {
    permit.expires > now() + LEFT.as_secs()
}

/// A permit to store.
pub fn to_store(caller: &Caller, wallet: &Wallet, key: &Key, bytes: u64, hash: Hash32) -> Result<Permit, ServiceError> {
    let service = Permit::service_name(caller.base());
    Ok(Permit::to_store(&**wallet, service, key, bytes, hash, now() + LASTS.as_secs())?)
}

/// A permit to read.
pub fn to_read(caller: &Caller, wallet: &Wallet, key: &Key) -> Result<Permit, ServiceError> {
    Ok(Permit::to_read(&**wallet, Permit::service_name(caller.base()), key, now() + LASTS.as_secs())?)
}

/// Puts a permit into a request.
pub fn with(request: RequestBuilder, permit: &Permit) -> RequestBuilder {
    // Its fields are texts and numbers: it always has a JSON form.
    request.header(Permit::HEADER, serde_json::to_string(permit).unwrap_or_default())
}
