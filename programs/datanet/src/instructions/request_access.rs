//! `request_access`: asks for access to a permissioned Datanet.

use crate::{
    error::DatanetError,
    events::{EMITTER, GrantChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::running;

/// Accounts of `request_access`.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestAccess<'info> {
    /// Asks, and pays the rent of the grant.
    #[account(mut)]
    pub grantee: Signer<'info>,
    /// The Datanet.
    #[account(seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump)]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is paused. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// The grant: made by the first request, reused by one after revocation or expiry.
    #[account(
        init_if_needed, payer = grantee, space = 8 + Grant::INIT_SPACE,
        seeds = [seeds::GRANT, datanet.key().as_ref(), grantee.key().as_ref()], bump,
    )]
    pub grant: Box<Account<'info, Grant>>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl RequestAccess<'_> {
    /// Checks the purpose, and that nothing is pending or live. A pending purpose cannot be exchanged under the
    /// owner's hand.
    fn validate(&self, purpose: &str) -> Result<()> {
        let slot = running(self.config.paused_until)?;
        require!(self.datanet.access == Access::Permissioned, DatanetError::AccessIsOpen);
        require!((1..=MAX_PURPOSE).contains(&purpose.len()), DatanetError::BadPurpose);
        if self.grant.version != Version::UNMADE {
            require!(self.grant.status != GrantStatus::Requested, DatanetError::AlreadyRequested);
            require!(!self.grant.is_live(slot), DatanetError::AlreadyGranted);
        }
        Ok(())
    }
}

/// Writes the request. Uses and event numbers of an earlier grant go on.
pub(crate) fn handler(ctx: Context<RequestAccess>, purpose: String) -> Result<()> {
    ctx.accounts.validate(&purpose)?;
    let a = &mut *ctx.accounts;
    let grant = &mut a.grant;
    grant.version = Version::CURRENT;
    grant.bump = ctx.bumps.grant;
    grant.datanet = a.datanet.key();
    grant.grantee = a.grantee.key();
    grant.purpose = purpose;
    grant.status = GrantStatus::Requested;
    grant.expiry_slot = 0;
    let event = GrantChanged::of(grant)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
