//! Distributed key generation: n members make a FROST key of which each holds a share, and nobody ever holds the whole.
//!
//! The protocol is that of the FROST paper (Komlo and Goldberg 2020, figure 1, "KeyGen"), as the `frost-ed25519` crate
//! computes it. The paper takes a broadcast channel, private channels and members that are not restarted as given. Here
//! they are built on HTTP and PostgreSQL:
//!
//! - Members fetch from one another instead of sending, so that any order of start and any restart will do. A member's
//!   packages for a committee are made once and stored before anybody can fetch them.
//! - Broadcast: round-1 packages are signed on their own, and each round-2 answer names the digests of all round-1
//!   packages that its sender built on. A member that showed different packages to different members is found out, with
//!   both signed packages as evidence.
//! - Private channels: round-2 packages are encrypted to the recipient's X25519 key of this session, which its signed
//!   round-1 package carries.
//!
//! All n members must take part. One that breaks the protocol is named, and the committee must then be proposed anew
//! without it: a committee of exactly the same members, order, threshold and epoch keeps its first packages for ever.
//! Each member confirms on chain which group key it holds; this is how it is known that all hold the same.
//!
//! [`wire`](Round1) has the messages, `run` a member's own steps, `serve` what it answers to the others.

mod run;
pub(crate) mod serve;
mod wire;

pub use run::run;
pub use wire::{EvidenceRequest, Round1, Round2};
