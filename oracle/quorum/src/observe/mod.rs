//! Observations: each member scores the same thing for itself, and the median of what enough of them saw decides.
//!
//! Members commit before they reveal, so that nobody can copy. Each member stores its scores, signs them and shows a
//! salted hash of them. It reveals the scores only when it is shown a set of at least t such commitments. The
//! coordinator hands the reveals of that set to everybody. Every member checks each reveal against its commitment and
//! its author's signature, and takes the median of that same set. So all come to the same integers, even where their
//! floats differ a little.
//!
//! A coordinator can only delay:
//! - One that crashes is followed by the next. Every member shows it the same commitment and the same reveal as before.
//! - One that publishes different sets to different members makes several agreements with different roots. A payload
//!   names one root, and of all payloads for a sequence only one can be signed by t members.
//!
//! A member that first commits after a former coordinator's reveals could have copied them. It can gain its fee by
//! that, but it cannot move the median away from what was copied.
//!
//! [`wire`](CommitRequest) has the messages, `observation` what is signed, [`agree`] the agreement, `round` the run
//! that every member's node starts, `coordinator` the side that asks, `member` the side that answers.

pub mod agree;
mod coordinator;
pub(crate) mod member;
mod observation;
mod round;
mod wire;

pub use agree::Agreement;
pub use observation::{Commitment, Observation, Reveal, context_hash};
pub use round::{Round, agreement};
pub use wire::{About, CommitRequest, Published, RevealRequest};
