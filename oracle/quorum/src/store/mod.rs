//! What a member remembers. Each operator has a PostgreSQL schema of its own. Each protocol has its own tables in it.

mod dkg;
mod marker;
mod observe;
mod schema;
mod sign;
mod sweep;

pub use dkg::{DkgSession, KeyShareRow};
pub use observe::ObservationKey;
pub(crate) use observe::{Mark, What};
pub use schema::Store;
pub(crate) use schema::{from_json, to_json};
pub use sign::SignedSubject;
