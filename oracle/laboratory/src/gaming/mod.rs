//! Measures the gain from attacks on the pay, by real training and real scores.
//!
//! A [`Corpus`] of honest documents is trained on, attributed and paid. Then the same is done with an [`Attack`] by one
//! of its contributors. The attacker's *multiplier* is its total pay in the second run divided by that in the first.
//! Above 1, the attack pays. Three ways are compared (see [`Outcome`]): the rules of [`openledger_pay`] with duplicates
//! of the text left out of training, the same rules with duplicates in the training, and no rules at all.
//!
//! [`wash`] says what an owner of documents gets back that asks itself questions.
//!
//! Any method of attribution can be attacked. A [`Scorer`] trains and scores for it.

mod attack;
mod combine;
mod corpus;
mod error;
mod logra;
mod magic;
mod suite;
pub mod wash;

pub use attack::Attack;
pub use corpus::{Contribution, Corpus, Question};
pub use error::{GamingError, Result};
pub use logra::TinyLogra;
pub use magic::TinyMagic;
pub use suite::{Outcome, Scored, Scorer, Settle, Suite};
