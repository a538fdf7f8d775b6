//! `record_use`: records that a job reads a permissioned Datanet. The model program calls it for every such job.

use crate::{
    error::DatanetError,
    events::{EMITTER, UseRecorded},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};

/// Accounts of `record_use`.
#[event_cpi]
#[derive(Accounts)]
pub struct RecordUse<'info> {
    /// The wallet that holds the grant.
    pub grantee: Signer<'info>,
    /// The Datanet.
    #[account(seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump)]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The grant.
    #[account(
        mut,
        has_one = grantee @ DatanetError::WrongGrant,
        has_one = datanet @ DatanetError::WrongGrant,
        seeds = [seeds::GRANT, grant.datanet.as_ref(), grant.grantee.as_ref()], bump = grant.bump,
    )]
    pub grant: Box<Account<'info, Grant>>,
}

impl RecordUse<'_> {
    /// Checks that the grant is live.
    fn validate(&self) -> Result<()> {
        require!(self.grant.is_live(Clock::get()?.slot), DatanetError::GrantNotLive);
        Ok(())
    }
}

/// Counts the use and emits the event.
pub(crate) fn handler(ctx: Context<RecordUse>, job: Pubkey) -> Result<()> {
    ctx.accounts.validate()?;
    let grant = &mut ctx.accounts.grant;
    grant.uses = add(grant.uses, 1)?;
    let event = UseRecorded {
        grant: grant.key(),
        sequence: sequence::take(&mut grant.sequence)?,
        datanet: grant.datanet,
        grantee: grant.grantee,
        job,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
