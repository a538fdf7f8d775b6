//! Threshold signatures: FROST with Ed25519 (RFC 9591), by any t of n members, in the manner of ROAST.
//!
//! A coordinator asks all members to check the message and to commit to nonces. As soon as t members have committed,
//! they form a signing round. If a member keeps its round waiting, the others of that round do not wait for it: they
//! commit again and start another round with other members that are ready. So up to n − t silent or lying members cost
//! a few delays and nothing else (ROAST, Ruffing et al. 2022). The result is one plain Ed25519 signature under the
//! group key. The coordinator checks it before it returns it.
//!
//! [`wire`](CommitRequest) has the messages, `coordinator` the side that asks, and `member` the side that signs.

mod coordinator;
pub(crate) mod member;
mod message;
mod wire;

pub use coordinator::{Attestation, Coordinator};
pub use member::is_bound;
pub use message::parse_message;
pub use wire::{CommitAnswer, CommitRequest, Committed, ShareAnswer, ShareRequest};
