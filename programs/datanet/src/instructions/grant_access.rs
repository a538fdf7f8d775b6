//! `grant_access`: the owner of a Datanet grants access or extends it.

use crate::{
    error::DatanetError,
    events::{EMITTER, GrantChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::slot_unless_paused;

/// Accounts of `grant_access`.
#[event_cpi]
#[derive(Accounts)]
pub struct GrantAccess<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The Datanet.
    #[account(
        seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The grant asked for.
    #[account(
        mut, seeds = [seeds::GRANT, datanet.key().as_ref(), grant.grantee.as_ref()], bump = grant.bump,
        has_one = datanet @ DatanetError::WrongGrant,
    )]
    pub grant: Box<Account<'info, Grant>>,
}

impl GrantAccess<'_> {
    /// Checks that the grant is not revoked and that the expiry slot is later than the present slot.
    fn validate(&self, expiry_slot: u64) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.grant.status != GrantStatus::Revoked, DatanetError::GrantRevoked);
        require!(expiry_slot > slot, DatanetError::BadExpiry);
        Ok(())
    }
}

/// Writes the grant.
pub(crate) fn handler(ctx: Context<GrantAccess>, expiry_slot: u64) -> Result<()> {
    ctx.accounts.validate(expiry_slot)?;
    let grant = &mut ctx.accounts.grant;
    grant.status = GrantStatus::Granted;
    grant.expiry_slot = expiry_slot;
    let event = GrantChanged::of(grant)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
