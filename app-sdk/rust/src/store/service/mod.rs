//! An artifact service as a store: everything that a folder does, over HTTP.
//!
//! `protocol` holds what both sides agree on, `caller` sends requests, `download` and `upload` go on where a connection
//! was cut.

mod caller;
mod download;
pub mod protocol;
mod remote;
mod signing;
mod upload;

pub use caller::ServiceError;
pub use remote::Remote;
pub use signing::Wallet;
