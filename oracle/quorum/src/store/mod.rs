//! What a member remembers. Each operator has a PostgreSQL schema of its own. Each protocol has its own tables in it.

mod dkg;
mod observe;
mod schema;
mod sign;

pub use dkg::{DkgSession, KeyShareRow};
pub use observe::ObservationKey;
pub(crate) use observe::What;
pub use schema::Store;
pub(crate) use schema::{from_json, to_json};
pub use sign::{NonceRow, SignedSubject};
pub(crate) use sign::{lock_nonces, sign_subject, use_nonces};
