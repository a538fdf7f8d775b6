//! What the on-chain programs do alike, so that each of them does it the same way.
//!
//! - [`SharedError`]: errors that several programs raise, with one code and one message. A crate of its own is needed for
//!   it, because an interface description holds one error enum.
//! - [`checked`]: arithmetic that fails with the one overflow error.
//! - [`sequence`] and [`event`]: the numbers of an account's events, and how an event is emitted.
//! - [`pause`] and [`governed`]: when a program is paused, and what its authority does with its config alone.
//! - [`version`]: the version byte that every account begins with.
//! - [`payout`]: a call to a program that the caller cannot depend on.
//!
//! What does not belong here: bytes, hashes and splits that something off chain computes too (`openledger_protocol`, which
//! knows nothing of Anchor); accounts, seeds and events, which are one program's own; what the other programs read of the
//! stake program, such as its committees and their attestations (`stake`).

pub mod checked;
pub mod error;
pub mod event;
pub mod governed;
pub mod pause;
pub mod payout;
pub mod sequence;
pub mod version;

pub use error::SharedError;
pub use pause::{MAX_PAUSE_SLOTS, running};
