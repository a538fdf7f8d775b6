//! `revoke_access`: the owner of a Datanet revokes access or refuses a request.

use crate::{
    error::DatanetError,
    events::{EMITTER, GrantChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Accounts of `revoke_access`.
#[event_cpi]
#[derive(Accounts)]
pub struct RevokeAccess<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The Datanet.
    #[account(
        seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The grant.
    #[account(
        mut, seeds = [seeds::GRANT, datanet.key().as_ref(), grant.grantee.as_ref()], bump = grant.bump,
        has_one = datanet @ DatanetError::WrongGrant,
    )]
    pub grant: Box<Account<'info, Grant>>,
}

impl RevokeAccess<'_> {
    /// Checks that the grant is not revoked already.
    fn validate(&self) -> Result<()> {
        require!(self.grant.status != GrantStatus::Revoked, DatanetError::GrantRevoked);
        Ok(())
    }
}

/// Marks the grant as revoked.
pub(crate) fn handler(ctx: Context<RevokeAccess>) -> Result<()> {
    ctx.accounts.validate()?;
    let grant = &mut ctx.accounts.grant;
    grant.status = GrantStatus::Revoked;
    let event = GrantChanged::of(grant)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
