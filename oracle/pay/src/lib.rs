//! From scores to pay: what each training document earns of what was paid, in whole parts per million.
//!
//! The rules need no model and no machine learning. They read documents, scores and, where the settings ask for it,
//! gradients as plain numbers.
//!
//! ```text
//! clusters          which documents are someone's own, and which repeat earlier ones      text, gradients
//! normalise         a score for each whole example, without reward for being an outlier   floats
//! floor             what noise alone would earn is taken off each example; positive part  floats
//! windows           the sum of a document's examples                                      floats
//! integer_weights   as integers by an exact power of two                                  floats → integers
//! cap               a document's largest share; largest remainder                         integers
//! ```
//! [`Clusters`] come first, then [`shares`] applies the other rules in this order. Scores are measurements, not money:
//! they stay floats until [`integer_weights`]. Only operations that IEEE 754 rounds correctly (+ − × ÷ √) touch them, so
//! operators with the same scores have the same integers on every machine. From [`integer_weights`] on everything is
//! an integer and sums exactly.
//!
//! # What the rules are for
//! Whoever adds to the training data changes both the scores and how they are paid. Each rule closes one way to gain:
//!
//! - **Only the earliest document of a cluster earns, and it earns by its own score.** Two other rules were possible.
//!   Paying the *sum* over a cluster would make up for the marginal influence that copies take from each other. But it
//!   would pay an owner for copying itself if influence has not saturated. Paying the *largest* score would give every
//!   variant another chance at a high score. Paying the owner's own score gives nobody anything for adding a document:
//!   if the other scores stay, a later duplicate of any score changes no share at all. The rule has a price: if copies
//!   are *trained on*, they share in what their original teaches. Then the original's own score may fall and everybody
//!   else's share rise. Copies of a text are known before training. Leaving them out there ([`Clusters::owners`] of
//!   [`Clusters::by_text`]) avoids that loss too.
//! - **A document's standing depends on earlier documents alone.** A document belongs to the earliest owner that it
//!   resembles itself. Transitive clusters (union–find over the pairs) would let a late document that resembles two
//!   others join them, and a chain of documents join any two, and so take one owner's pay. See [`clusters`].
//! - **A document is paid for its content, not for being one document.** Training counts each example's *mean* loss, so
//!   k pieces weigh k times as much as the whole. Scores are therefore multiplied by the number of target tokens, which
//!   makes them additive over pieces. See [`normalise`].
//! - **A long document is paid for all of its windows.** Each window is an example with a score of its own, in which the
//!   guard against outliers sees one example among others of about its length. A document earns the sum of what each
//!   window has above the floor. So it earns the same if somebody cuts it there before it is cut here.
//! - **A text is paid for what is new in it.** A text put together from others, or cut out of one, repeats them.
//! - **Noise earns little.** The positive part of a score that is noise around zero is positive on average. Without a
//!   floor, junk would earn in proportion to its amount. See [`floor`].
//! - **An outlier's score stops growing.** See [`normalise`].
//!
//! The last two rules are for estimates. Exact scores have the right signs. See [`PaySettings::exact`].
//!
//! What the rules cannot do: a paraphrase that shares neither words nor gradient with its original is a document of its
//! own, and it earns if it teaches the model. Junk and outliers change what the model learns, and with it what every
//! document earns, their owner's among them. `openledger_laboratory::gaming` measures how much each attack still gains.
//! A cap that binds is evaded by splitting. See [`cap`].

pub mod cap;
pub mod clusters;
pub mod error;
pub mod floor;
pub mod integer_weights;
pub mod normalise;
mod quantile;
mod settings;
mod shares;
mod windows;

pub use clusters::{ClusterSettings, Clusters, Document};
pub use error::{PayError, Result};
pub use integer_weights::ppm;
pub use normalise::Normalisation;
pub use settings::{PaySettings, VERSION};
pub use shares::{PayInput, Shares, by_tokens, shares, weights};
pub use windows::Windows;
