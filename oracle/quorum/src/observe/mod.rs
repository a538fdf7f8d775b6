//! Observations: each member computes the same vector by itself. The elementwise lower median of enough members' vectors
//! is what they agree on.
//!
//! # The protocol
//!
//! 1. *Commit.* A member computes its values, stores and signs them, and tells every member a salted hash of them. It
//!    asks every member to do the same. So nobody can copy, and nobody depends on a coordinator to be asked or heard.
//! 2. *Seal.* The coordinator shows all commitments that it has heard. A member seals exactly the set that it has heard
//!    itself, and only once it waits for nobody. It waits for each member that shows signs of life and has not
//!    committed, for at most `commit_window` after it has heard t commitments. Two different commitments of one member
//!    prove a lie, and exclude it.
//! 3. *Reveal.* A member that is shown a set with t seals seals no other set from then on. It passes the sealed set on,
//!    waits until the living members have it, and then tells every member its values.
//! 4. *Close.* The coordinator shows all reveals that it has heard. A member closes them as it sealed the commitments:
//!    only if nobody that it has heard is left out, and nobody in the set that lives is awaited within `reveal_window`.
//! 5. *Publish.* The sealed set, the reveals and t closings go to all members. Each checks all of it and takes the
//!    median.
//!
//! Everything is stored before it is sent, so a member that is killed shows the same again. Any member may coordinate at
//! any time, and two that do so do no harm.
//!
//! # Why nobody's absence can be chosen
//!
//! Let up to t − 1 of n members lie, and let n − t others be silent. A set that counts has t seals and t closings. At
//! least one of each is by an honest member, because liars are fewer than t. That member has heard every honest member
//! that could reach it within the window, and it endorses no set without them. So a living honest member is in every
//! agreement, whatever the coordinator and the liars do. They can only be absent themselves, or cost the length of a
//! window.
//!
//! The median lies within the honest members' values, in each element, if the liars among the reveals are fewer than the
//! honest: with r reveals it needs at most ⌊(r − 1) / 2⌋ liars, and all living honest members are among the r. A fixed
//! count such as max(2f + 1, n − f) with f = ⌊(n − 1) / 3⌋ is weaker. Of five members it takes four, and two liars among
//! four choose the median. So a member waits for all that live and not for a count. It needs no count either: when two
//! of five are dead, three go on at once.
//!
//! If the liars are not fewer than the living honest members, then the median can be theirs. Nothing is lost by that. A
//! payload that is built on the median needs t signatures, and one of the signers is honest. It signs only what agrees
//! with the values that it computed itself ([`Agreement::own`]).
//!
//! # Why there may be two agreements
//!
//! A liar that reveals late can have two sets of reveals closed, one without its own and one with it, and publish each to
//! other members. Both hold every living honest member. To let each member close one set only would not prevent it: of
//! five, two could close one set, two the other, and the liar both. Four closings could not be had twice, but then two
//! silent members would stop everything. So both agreements count. A payload names one of them, and whoever proposes the
//! payload publishes that agreement first ([`publish`]).
//!
//! # Why nobody gains by committing late
//!
//! An honest member reveals only when all living members know the sealed set. From then on none of them seals a set with
//! a later commitment. So whoever commits after it has seen a reveal gets fewer than t seals. Two cases are left:
//! - Members that are cut off from each other for longer than `silent_after` may seal different sets. Both agreements
//!   are valid, with different roots. A payload names one root, and its proposer publishes that agreement first.
//! - A sealed set *fails* if fewer than t of its members reveal within the window, because they died after they had
//!   committed, or lie. Then it would stand for ever and stop the observation. Members let it fall, and seal a set with
//!   the later commitments too. A copy can be in that set. Its author gains a fee, but it cannot move the median away
//!   from what it copied. While t honest members of the set live, no set fails.
//!
//! # Who waits how long
//!
//! Signs of life are answers to signed beats. A member that answers none for `silent_after` is awaited by nobody, and
//! loses its turns to coordinate. It takes part again as soon as it answers. A liar that shows signs of life and does
//! nothing costs one window in each phase.
//!
//! Turns follow the clock of [`crate::Observer::clock`]: a node may give time by slots, and by default it is the
//! system's time. A turn needs no common start and no vote. If clocks differ, then two members coordinate at once or
//! nobody does for a while, but each member has its turn once in n, by its own clock.
//!
//! # Files
//!
//! `observation` and `sets` have the signed bytes, [`agree`] the agreement, `heard` the rule for a set, [`wire`](Tell)
//! the messages, `memory` what a member knows of a round, `member`, `sealing`, `revealing` and `closing` the side that
//! answers, `tell` the way to all others, `coordinator` the side that asks, and `round` the run that every member's
//! node starts.

pub mod agree;
pub(crate) mod closing;
mod coordinator;
mod error;
mod heard;
pub(crate) mod member;
mod memory;
mod observation;
pub(crate) mod revealing;
mod round;
pub(crate) mod sealing;
mod sets;
mod tell;
mod wire;

pub use agree::Agreement;
pub use error::AgreeError;
pub use observation::{Commitment, MAX_VALUES, Observation, Reveal, bound_subject, content_hash, context_hash};
pub use round::{Round, agreement, publish};
pub use sets::{CommitmentSet, Endorsement, SealedSet, closing_digest};
pub use wire::{About, CloseRequest, CommitRequest, EndorseAnswer, Published, RevealRequest, SealRequest, Tell, Told};
