//! `request_access`: requests access to a permissioned Datanet.

use crate::{
    error::DatanetError,
    events::{EMITTER, GrantChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{slot_unless_paused, text::is_plain};

/// Accounts of `request_access`.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestAccess<'info> {
    /// The wallet that requests access. It pays the rent of the grant.
    #[account(mut)]
    pub grantee: Signer<'info>,
    /// The Datanet.
    #[account(seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump)]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The grant. The first request makes it. A request after revocation or expiry reuses it.
    #[account(
        init_if_needed, payer = grantee, space = 8 + Grant::INIT_SPACE,
        seeds = [seeds::GRANT, datanet.key().as_ref(), grantee.key().as_ref()], bump,
    )]
    pub grant: Box<Account<'info, Grant>>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl RequestAccess<'_> {
    /// Checks the purpose, and that no request is pending and no grant is live. So the purpose of a pending request
    /// cannot change while the owner decides.
    fn validate(&self, purpose: &str) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.datanet.access == Access::Permissioned, DatanetError::AccessIsOpen);
        require!(is_plain(purpose, MAX_PURPOSE), DatanetError::BadPurpose);
        if self.grant.version != Version::UNMADE {
            require!(self.grant.status != GrantStatus::Requested, DatanetError::AlreadyRequested);
            require!(!self.grant.is_live(slot), DatanetError::AlreadyGranted);
        }
        Ok(())
    }
}

/// Writes the request. The uses and event numbers of an earlier grant continue.
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
