//! Records that a job reads a permissioned Datanet. The model program calls it for every such job.

use crate::{error::DatanetError, events::UseRecorded, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `record_use`.
#[event_cpi]
#[derive(Accounts)]
pub struct RecordUse<'info> {
    /// Who holds the grant.
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
    pub fn validate(&self) -> Result<()> {
        require!(self.grant.is_live(Clock::get()?.slot), DatanetError::GrantNotLive);
        Ok(())
    }

    /// Counts the use and tells the ledger.
    pub fn handler(ctx: Context<Self>, job: Pubkey) -> Result<()> {
        let grant = &mut ctx.accounts.grant;
        grant.uses = grant.uses.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
        let event = UseRecorded {
            grant: grant.key(),
            sequence: take(&mut grant.sequence)?,
            datanet: grant.datanet,
            grantee: grant.grantee,
            job,
        };
        emit_cpi!(event);
        Ok(())
    }
}
