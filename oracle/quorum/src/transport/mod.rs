//! The transport between members. It carries signed requests and signed answers and does not know what they are about.
//!
//! A request is a `POST /quorum/v1/<kind>`. The HTTP header `openledger-envelope` has the signed
//! [`Header`](crate::envelope::Header) as JSON, and the body is the message's body. An answer has the same form.
//!
//! A member reads the body only after the header has passed every check: it is from a member of a committee that is
//! known here, for this member, of the kind in the URL, no longer than its kind may be, new, well signed, and within its
//! sender's quota. So whoever is not a member can cost this one a header and a signature check, and nothing more.
//!
//! The status is 200 if the answer is ready, 202 if the member is still working and should be asked again, 409 if it
//! refuses, and 429 (with `Retry-After`) if the sender has used up its quota. If the sender of a request is not known,
//! there is no member to answer. The response is then an unsigned `{"error": {"code", "message"}}` with 400, 403, 404,
//! 408, 409 or 413. The caller treats it like silence, because anybody on the way could have written it.
//!
//! A member's requests to itself do not go over the network. They go to the handler of its own participant.

mod client;
mod limits;
mod server;

pub(crate) use client::{Question, connections};
pub use server::routes;
