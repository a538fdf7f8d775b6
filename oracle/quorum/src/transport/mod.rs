//! The transport between members. It carries signed requests and signed answers and does not know what they are about.
//!
//! A request is a `POST /quorum/v1/<kind>` of an [`Envelope`](crate::envelope::Envelope), and its answer is an envelope
//! too. The status is 200 if the answer is ready, 202 if the member is still working and should be asked again, and 409
//! if it refuses. If the sender of a request is not known, there is no member to answer. The response is then an
//! unsigned `{"error": {"code", "message"}}` with 400, 403, 404, 411 or 413. The caller treats it like silence, because
//! anybody on the way could have written it.
//!
//! A member's requests to itself do not go over the network. They go to the handler of its own participant.

mod client;
mod server;

pub(crate) use client::{Question, connections};
pub use server::routes;
