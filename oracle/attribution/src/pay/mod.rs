//! From scores to pay: what each training document earns of what was paid, in whole parts per million.
//!
//! ```text
//! clusters    which documents are someone's own, and which repeat earlier ones          text, gradients
//! normalise   a score for the whole document, without reward for being an outlier       floats
//! floor       what noise alone would earn is taken off                                  floats
//! positive    positive part, as integers by an exact power of two                       floats → integers
//! cap         a document's largest share; largest remainder                             integers
//! ```
//! [`shares`] runs them all, [`Clusters`] first. Scores are measurements, not money: they stay floats until
//! [`positive`], and only operations that IEEE 754 rounds correctly (+ − × ÷ √) touch them, so that operators with the
//! same scores have the same integers on every machine. From there everything is integers and sums exactly.
//!
//! # What the rules are for
//! Whoever adds to the training data changes both the scores and how they are paid. Each rule closes one way to gain:
//!
//! - **Only the earliest of a cluster earns, by its own score.** Taking the *sum* over a cluster would undo the loss of
//!   marginal influence that copies cause each other, but pays an owner for copying itself wherever influence has not
//!   saturated; taking the *largest* would sell a lottery ticket with every variant. The owner's own score gives nothing
//!   to anyone for adding anything: with the other scores held, a later duplicate changes no share at all, whatever
//!   score it has. What it gives up: if copies are *trained on*, they share in what their original teaches, so that the
//!   original's own score may fall and everybody else's share rise. Copies of the text are known before training: leave
//!   them out there ([`Clusters::owners`] of [`Clusters::by_text`]), and that loss is gone too.
//! - **A document's standing depends on earlier documents alone.** The owner of a document is the earliest owner that it
//!   resembles itself. Transitive clusters (union–find over the pairs) would let a late document that resembles two
//!   others join them, or a chain of them join any two, and so take one owner's pay; see [`clusters`].
//! - **A document is paid for its content, not for being one document.** Training counts each example's *mean* loss, so
//!   that k pieces weigh k times as much as the whole. Scores are therefore multiplied by the number of target tokens,
//!   which makes them additive over pieces; see [`normalise`].
//! - **A text is paid for what is new in it.** One put together from others, or cut out of one, repeats them.
//! - **Noise earns little.** The positive part of a score that is noise around zero is positive on average: without a
//!   floor, junk earns in proportion to its amount, and a document cut into pieces drops those that do harm; see
//!   [`floor`].
//! - **An outlier's score stops growing.** See [`normalise`].
//!
//! The last two are for estimates: where scores are exact, their signs are right; see [`PaySettings::exact`].
//!
//! What they cannot do: a paraphrase that neither shares its words nor its gradient with the original is a document of
//! its own, and if it teaches the model, it earns. Junk and outliers change what the model learns and with it what every
//! document earns, their owner's among them. [`crate::gaming`] measures how much each attack still gains. A cap that binds
//! is evaded by splitting; see [`cap`].

pub mod cap;
pub mod clusters;
mod combine;
pub mod floor;
pub mod normalise;
pub mod positive;
mod quantile;
mod settings;
mod shares;

pub use clusters::{ClusterSettings, Clusters, Document};
pub use combine::combine;
pub use normalise::Normalisation;
pub use positive::ppm;
pub use settings::{PaySettings, VERSION};
pub use shares::{PayInput, Shares, shares};
