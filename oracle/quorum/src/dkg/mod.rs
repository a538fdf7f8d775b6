//! Distributed key generation: n members make a FROST key. Each member holds a share of it, and nobody ever holds the
//! whole.
//!
//! The protocol is that of the FROST paper (Komlo and Goldberg 2020, figure 1, "KeyGen"), as the `frost-ed25519` crate
//! computes it. The paper assumes a broadcast channel, private channels and members that are not restarted. Here these
//! are built on HTTP and PostgreSQL:
//!
//! - Members fetch from one another instead of sending. So they may start in any order and restart at any time. A
//!   member makes its packages for an attempt once, and stores them before anybody can fetch them. It stores what it
//!   fetched after it has verified it.
//! - Broadcast: each round-1 package is signed by itself. Each round-2 package names the digests of all round-1 packages
//!   that its sender built on. So a member that showed different packages to different members is found out.
//! - Private channels: a round-2 package is encrypted to the recipient's X25519 key of this attempt. The recipient's
//!   signed round-1 package carries this key.
//!
//! # Attempts
//!
//! All n members must take part. Whoever breaks the protocol is named with [`Evidence`]: packages that it has signed, so
//! that everybody can check them. Evidence ends the attempt, and the members try again with fresh secrets. All members
//! agree on the attempt without a vote: it is the lowest one that nobody has refuted. Each request for a later attempt
//! carries the evidence against those before it, and a request for an attempt that is over is answered with the evidence
//! against it. After [`ATTEMPTS`] attempts a member gives up and names the culprit of the last one. The committee must
//! then be proposed anew without that member.
//!
//! A member returns from [`run`] only when all n members have said that they hold a share of the same key. Until then no
//! honest member confirms the key on chain, and the attempt can still be ended:
//! - An honest member that has said so has verified everything. It never refutes the attempt by itself.
//! - A member that refutes an attempt has thrown its secrets away before it shows the evidence, and confirms another
//!   key. The chain takes only a key that all members confirm. So the session key that it lays open serves nobody.
//! - Two members together can have one member finish an attempt and another one give it up. Then the committee gets no
//!   key. One member can do the same by keeping silent: key generation needs all n.
//!
//! [`packages`](Round1) has what members sign, [`wire`](Asked) the messages, `run` a member's own steps, `serve` its answers to the others, and `attempts` which
//! attempt counts.

mod attempts;
mod evidence;
mod packages;
mod run;
pub(crate) mod serve;
mod wire;

pub use attempts::ATTEMPTS;
pub use evidence::Evidence;
pub use packages::{Round1, Round2, attempt_id};
pub use run::run;
pub use wire::{Asked, Done, EvidenceRequest, Reply};
