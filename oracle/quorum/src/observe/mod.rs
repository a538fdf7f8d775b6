//! Observations: each member scores the same thing by itself. The median of the scores of enough members decides.
//!
//! Members commit before they reveal, so that nobody can copy. Each member stores its scores, signs them and shows a
//! salted hash of them. It reveals the scores only when it is shown a set of at least t such commitments. The
//! coordinator sends the reveals of that set to all members. Every member checks each reveal against its commitment and
//! its author's signature, and takes the median of that same set. So all members come to the same integers, even if
//! their floats differ a little.
//!
//! A coordinator can only delay:
//! - If a coordinator crashes, the next one takes over. Every member shows it the same commitment and the same reveal
//!   as before.
//! - If a coordinator publishes different sets to different members, there are several agreements with different roots.
//!   A payload names one root. Of all payloads for a sequence, only one can be signed by t members.
//!
//! A member that first commits after a former coordinator's reveals could have copied them. It can gain its fee that
//! way, but it cannot move the median away from the copied scores.
//!
//! [`wire`](CommitRequest) has the messages, `observation` the signed bytes, [`agree`] the agreement, `round` the run
//! that every member's node starts, `coordinator` the side that asks, and `member` the side that answers.

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
