//! The artifact service: anybody far away reads artifacts, and whoever has a wallet stores them, without a disk that two
//! parties share.
//!
//! The protocol is [`openledger_sdk::store::protocol`]. Behind the service is a folder or a bucket.
//!
//! - `read` answers requests for artifacts and lists of them, for those who may read (`readers`).
//! - `put` stores: it checks who signed (`admit`), takes the bytes (`receive`, long ones in `parts`), checks what they are
//!   (`content`), and keeps them.
//! - [`sweep`] removes what nothing on the chain names after a while. `names` finds out what it names.
//! - `facts` is what the index knows of wallets, and `table` what the service itself remembers. `owners` are notes in the
//!   store, from which it remembers who stored what if the database is lost.

mod active;
mod admit;
mod class;
mod content;
mod facts;
mod limits;
mod names;
mod owners;
mod parts;
mod put;
mod read;
mod readers;
mod receive;
mod refusal;
mod remembered;
mod routes;
mod seen;
mod service;
pub mod sweep;
mod table;

pub use limits::Limits;
pub use owners::{complete, restore};
pub use routes::routes;
pub use service::Service;
