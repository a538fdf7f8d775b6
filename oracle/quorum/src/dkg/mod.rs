//! Distributed key generation: n members make a FROST key. Each member holds a share of it, and nobody ever holds the
//! whole.
//!
//! The protocol is that of the FROST paper (Komlo and Goldberg 2020, figure 1, "KeyGen"), as the `frost-ed25519` crate
//! computes it. The paper assumes a broadcast channel, private channels and members that are not restarted. Here these
//! are built on HTTP and PostgreSQL:
//!
//! - Members fetch from one another instead of sending. So they may start in any order and restart at any time. A
//!   member makes its packages for a committee once, and stores them before anybody can fetch them.
//! - Broadcast: each round-1 package is signed by itself. Each round-2 answer names the digests of all round-1 packages
//!   that its sender built on. So a member that showed different packages to different members is found out, and both
//!   signed packages are the evidence.
//! - Private channels: a round-2 package is encrypted to the recipient's X25519 key of this session. The recipient's
//!   signed round-1 package carries this key.
//!
//! All n members must take part. The run names a member that breaks the protocol. The committee must then be proposed
//! anew without that member: a committee of exactly the same members, order, threshold and epoch keeps its first
//! packages for ever. Each member confirms on chain which group key it holds. These confirmations show whether all
//! members hold the same key.
//!
//! [`wire`](Round1) has the messages, `run` a member's own steps, and `serve` its answers to the others.

mod run;
pub(crate) mod serve;
mod wire;

pub use run::run;
pub use wire::{EvidenceRequest, Round1, Round2};
