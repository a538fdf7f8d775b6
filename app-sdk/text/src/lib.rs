//! Texts as people read them: when two are the same ([`normalised`], [`words`]), and how a stranger's text is shown on a
//! terminal ([`for_terminal`]).
//!
//! Validators and trainers look for copies by the same [`normalised`] text, so what one of them calls a copy is no news to
//! the other.

mod normal;
mod terminal;

pub use normal::{letters, normalised, words};
pub use terminal::{for_terminal, on_one_line};
