//! What an artifact service and its clients agree on.
//!
//! | request | meaning |
//! |---|---|
//! | `GET /v1/artifacts/<sha256>` | a blob, whole or by `Range` |
//! | `GET /v1/artifacts/<other key>` | another artifact by its [`Key`]: `answers/…`, `audits/…`, `settlements/…` |
//! | `GET /v1/artifacts/<folder>?after=<key>` | a page of a folder's keys: [`Listing`] |
//! | `PUT` of a key | stores an artifact by a [`Permit`](crate::store::Permit) to store |
//!
//! A blob that is not public is read by a permit to read, from a wallet that may. Without one the service answers 401, and
//! 403 to another wallet.
//!
//! A long artifact is stored in parts, each a `PUT` with `Content-Range: bytes <first>-<last>/<all>`. The service answers
//! 202, and [`OFFSET`] says how many bytes it holds: the next part begins there. The same request with
//! `Content-Range: bytes */<all>` and no body only asks. The last part is answered like a whole artifact.

use crate::store::key::Key;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the artifacts are below a service's URL.
pub const ROOT: &str = "v1/artifacts";
/// Name of the header that says how many bytes of an unfinished artifact the service holds.
pub const OFFSET: &str = "upload-offset";
/// The longest artifact that clients send in one request. Longer ones go in parts of this length.
pub const PART: u64 = 4 << 20;

/// The path of an artifact below [`ROOT`].
pub fn path(key: &Key) -> String {
    match key {
        Key::Blob(hash) => hex::encode(hash),
        other => other.to_string(),
    }
}

/// A page of the artifacts in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listing {
    /// The artifacts, in ascending order of their keys.
    pub items: Vec<Listed>,
    /// The last key of this page if there may be more: what the next page comes `after`.
    pub next: Option<String>,
}

/// An artifact of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub bytes: u64,
}
