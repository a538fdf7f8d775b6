//! How members talk to one another. The transport carries signed requests and signed answers and does not know what
//! they are about.
//!
//! A request is a `POST /quorum/v1/<kind>` of an [`Envelope`](crate::envelope::Envelope), and so is its answer. The
//! status is 200 if the answer is ready, 202 if the member is still working and should be asked again, and 409 if it
//! refuses. As long as the sender of a request is not known, there is no member to answer: the response is then an
//! unsigned `{"error": {"code", "message"}}` with 400, 403, 404 or 413. The caller treats it like silence, because
//! anybody on the way could have written it.
//!
//! A member's requests to itself do not go over the network: they go to the handler that its participant was made with.

mod client;
mod server;

pub(crate) use client::{Question, connections};
pub use server::routes;
