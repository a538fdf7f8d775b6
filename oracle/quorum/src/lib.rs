//! FROST key generation and signing, observations and agreement among oracle operators.
//!
//! Each operator runs one [`Context`]: its identity, its PostgreSQL [`Store`], and two callbacks given by the node, the
//! [`Approver`] (may this be signed?) and the [`Observer`] (what do I score?). [`routes`] serves it to the other
//! members; [`dkg::run`], [`sign::Coordinator`] and [`observe::Round`] are what the node calls.
//!
//! What holds, whoever is silent, lies or is killed at any moment:
//! - every message is signed by the operator's identity key and bound to committee, session, kind and recipient;
//! - whatever must not differ after a restart is stored before it is sent;
//! - a nonce is used for one share, and one payload is ever signed for a (cluster, kind, subject, sequence);
//! - one observation is ever signed for a (committee epoch, subject, sequence);
//! - fewer than t members can sign nothing, n − t silent or lying ones can stop nothing but key generation.

pub mod agree;
mod context;
pub mod dkg;
mod encoding;
pub mod envelope;
pub mod error;
pub mod membership;
pub mod observe;
mod pending;
pub mod progress;
pub mod rotation;
mod seal;
mod settings;
pub mod sign;
pub mod store;
pub mod transport;

pub use context::{Context, Parts};
pub use dkg::KeyShare;
pub use error::{Error, Result};
pub use membership::{Committee, Member};
pub use observe::{Agreement, Observer, Round};
pub use progress::{Activity, Phase, Progress};
pub use settings::Settings;
pub use sign::{Approver, Attestation, Coordinator};
pub use store::Store;
pub use transport::server::routes;
