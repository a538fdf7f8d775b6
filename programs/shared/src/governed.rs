//! Changes that the authority of every program can make with the config alone: hand the authority over, and pause the
//! program.
//!
//! Each program defines its own accounts, errors and events, because an interface description holds only those of its
//! own crate. The code that they share is here.

use crate::{pause::pause_until, sequence};
use anchor_lang::{Event, prelude::*};

/// The fields of a [`Governed`] config that are changed here.
pub struct Fields<'a> {
    /// The authority.
    pub authority: &'a mut Pubkey,
    /// The key that was proposed as the next authority. It must accept to take over.
    pub pending_authority: &'a mut Option<Pubkey>,
    /// First slot in which the program runs again.
    pub paused_until: &'a mut u64,
    /// Number of the config's next event.
    pub sequence: &'a mut u64,
}

/// A program's config. Its authority is governance after the hand-over.
pub trait Governed: AccountSerialize + AccountDeserialize + Clone {
    /// The program's event for a config that was made or changed.
    type Changed: Event;
    /// The program's event for a pause.
    type Paused: Event;

    /// The fields that every program's config has.
    fn fields(&mut self) -> Fields<'_>;

    /// The event for the config as it is now. `config` is its address, and `sequence` the event's number.
    fn changed(&self, config: Pubkey, sequence: u64) -> Self::Changed;

    /// The event for a pause until `paused_until`. `config` is the config's address, and `sequence` the event's number.
    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Self::Paused;
}

/// Takes the next event number and returns the event for the config as it is now.
pub fn changed<C: Governed>(config: &mut Account<C>) -> Result<C::Changed> {
    let sequence = sequence::take(config.fields().sequence)?;
    Ok(config.changed(config.key(), sequence))
}

/// Proposes the key that may take the authority over. A later proposal replaces it. The authority keeps its power until
/// the proposed key accepts.
pub fn propose_authority<C: Governed>(config: &mut Account<C>, new: Pubkey) -> Result<C::Changed> {
    *config.fields().pending_authority = Some(new);
    changed(config)
}

/// Makes `new` the authority. The instruction's accounts must have checked that `new` was proposed and has signed.
pub fn accept_authority<C: Governed>(config: &mut Account<C>, new: Pubkey) -> Result<C::Changed> {
    let fields = config.fields();
    *fields.authority = new;
    *fields.pending_authority = None;
    changed(config)
}

/// Pauses the program until `until_slot`. A later call replaces the pause. A past slot ends it. Fails with
/// `PauseTooLong` beyond `MAX_PAUSE_SLOTS`.
pub fn pause<C: Governed>(config: &mut Account<C>, until_slot: u64) -> Result<C::Paused> {
    let fields = config.fields();
    let paused_until = pause_until(until_slot, Clock::get()?.slot)?;
    *fields.paused_until = paused_until;
    let sequence = sequence::take(fields.sequence)?;
    Ok(C::paused(config.key(), sequence, paused_until))
}
