//! Texts as people read them: when two are the same ([`normalised`], [`words`]), and how a stranger's text is shown on a
//! terminal and stored ([`printable`]). [`Lines`], [`Beginnings`] and [`Taught`] find the header that texts share.
//!
//! Validators and trainers look for copies by the same [`normalised`] text, so what one of them calls a copy is no news to
//! the other.

mod header;
mod normal;
mod printable;
mod unseen;

pub use header::{Beginnings, Header, LEAST_HEADER, LEAST_OWN, Lines, Taught};
pub use normal::{letters, normalised, words};
pub use printable::{printable, printable_lines};
