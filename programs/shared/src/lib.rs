//! Code that the on-chain programs share.
//!
//! - [`SharedError`]: errors that several programs raise, with one code and one message. They need a crate of their
//!   own, because an interface description holds one error enum.
//! - [`checked`]: arithmetic that fails with `SharedError::Overflow`.
//! - [`sequence`] and [`event`]: the numbers of an account's events, and how an event is emitted.
//! - [`pause`] and [`governed`]: when a program is paused, and the changes that its authority makes with the config
//!   alone.
//! - [`text`]: what a text in an account may be.
//! - [`version`]: the version byte that every account begins with.
//! - [`payout`]: a call to a program that the caller cannot depend on.
//!
//! Three things do not belong here. Bytes, hashes and splits that something off chain computes too are in
//! `openledger_protocol`, which does not use Anchor. Accounts, seeds and events belong to one program each. What the
//! other programs read of the stake program, such as its committees and their attestations, is in `stake`.

pub mod checked;
pub mod error;
pub mod event;
pub mod governed;
pub mod pause;
pub mod payout;
pub mod sequence;
pub mod text;
pub mod version;

pub use error::SharedError;
pub use pause::{MAX_PAUSE_SLOTS, slot_unless_paused};
