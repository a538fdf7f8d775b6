//! What a committee of oracle operators does together: it makes a FROST key, signs with it, and agrees on values.
//!
//! Each operator runs one [`Participant`]. It holds the operator's identity key and its PostgreSQL [`Store`]. The
//! program around it (the node) gives it two callbacks: the [`Approver`] says what may be signed, and the [`Observer`]
//! computes values. [`routes`] serves the participant to the other members. The node starts the protocols by
//! [`dkg::run`], [`Coordinator::sign`] and [`Round::run`].
//!
//! The crate is built in storeys, and a file imports only from below:
//! - the ground: [`membership`], [`envelope`], [`answer`], [`error`], [`store`], and [`Participant`], the state that
//!   all protocols share;
//! - [`transport`]: signed messages over HTTP, which does not know what they are about, and over it `beat`, the signs of
//!   life;
//! - one room for each protocol: [`dkg`] (key generation), [`sign`] (threshold signatures), [`observe`] (observations
//!   and the agreement over them);
//! - the roof, `dispatch`: it hands each request to its protocol.
//!
//! These rules hold even if members are silent, lie or are killed at any moment:
//! - Every message is signed by the operator's identity key. The signature binds it to committee, session, kind and
//!   recipient.
//! - Whatever must stay the same after a restart is stored before it is sent. A store that was restored from a backup is
//!   found out, if the node gives a file for it ([`Parts::marker`]).
//! - A nonce lives in memory alone and is used for one share. For each (cluster, kind, subject, sequence) an operator
//!   signs one payload, but for its expiry, until the last slot of that is final.
//! - What costs much is done for a well-signed message of a member only, within that member's quota.
//! - For each (committee epoch, subject and context, sequence) an operator signs one observation only.
//! - Fewer than t members can sign nothing. If n − t members are silent or lie, they can stop nothing but key
//!   generation.

pub mod answer;
mod beat;
mod dispatch;
pub mod dkg;
mod encoding;
pub mod envelope;
pub mod error;
mod key_share;
mod marker;
pub mod membership;
mod nonces;
mod numbers;
pub mod observe;
mod participant;
mod pending;
mod presence;
pub mod progress;
mod quota;
pub mod rotation;
mod seal;
mod settings;
pub mod sign;
pub mod store;
pub mod transport;

pub use error::{Error, Result};
pub use key_share::KeyShare;
pub use membership::{Committee, Member};
pub use observe::{Agreement, Round};
pub use participant::{Approver, Observer, Participant, Parts};
pub use progress::{Activity, Phase, Progress};
pub use quota::Quota;
pub use settings::Settings;
pub use sign::{Attestation, Coordinator};
pub use store::Store;
pub use transport::routes;
