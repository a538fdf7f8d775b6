//! What the authority of every program can do with its config alone: hand itself on, and pause the program.
//!
//! Each program names its own accounts, errors and events, because an interface description holds only those of its own
//! crate. What is done is done here.

use crate::{pause::pause_until, sequence};
use anchor_lang::{Event, prelude::*};

/// The fields of a [`Governed`] config that are changed here.
pub struct Fields<'a> {
    /// The authority.
    pub authority: &'a mut Pubkey,
    /// Named to take over; must accept.
    pub pending_authority: &'a mut Option<Pubkey>,
    /// First slot in which the program runs again.
    pub paused_until: &'a mut u64,
    /// Number of the config's next event.
    pub sequence: &'a mut u64,
}

/// A program's config, whose authority is governance in the end.
pub trait Governed: AccountSerialize + AccountDeserialize + Clone {
    /// The program's event of a config that was made or changed.
    type Changed: Event;
    /// The program's event of a pause.
    type Paused: Event;

    /// The fields that every program's config has.
    fn fields(&mut self) -> Fields<'_>;

    /// The event with this number of the config as it is now; `config` is its address.
    fn changed(&self, config: Pubkey, sequence: u64) -> Self::Changed;

    /// The event with this number of a pause that lasts until `paused_until`; `config` is the config's address.
    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Self::Paused;
}

/// The next event of the config as it is now.
pub fn changed<C: Governed>(config: &mut Account<C>) -> Result<C::Changed> {
    let sequence = sequence::take(config.fields().sequence)?;
    Ok(config.changed(config.key(), sequence))
}

/// Names who may take the authority over; a later proposal replaces it. The authority keeps its power until the other
/// accepts.
pub fn propose_authority<C: Governed>(config: &mut Account<C>, new: Pubkey) -> Result<C::Changed> {
    *config.fields().pending_authority = Some(new);
    changed(config)
}

/// Makes `new` the authority. That it was proposed and has signed, the instruction's accounts have checked.
pub fn accept_authority<C: Governed>(config: &mut Account<C>, new: Pubkey) -> Result<C::Changed> {
    let fields = config.fields();
    *fields.authority = new;
    *fields.pending_authority = None;
    changed(config)
}

/// Pauses the program until `until_slot`; a later call replaces it, a slot that is past ends the pause.
pub fn pause<C: Governed>(config: &mut Account<C>, until_slot: u64) -> Result<C::Paused> {
    let fields = config.fields();
    let paused_until = pause_until(until_slot, Clock::get()?.slot)?;
    *fields.paused_until = paused_until;
    let sequence = sequence::take(fields.sequence)?;
    Ok(C::paused(config.key(), sequence, paused_until))
}
