//! `abandon_committee`: gives up a committee whose key generation failed.

use crate::{error::StakeError, events::CommitteeAbandoned, seeds, sequence, state::*};
use anchor_lang::prelude::*;

/// Accounts of `abandon_committee`.
#[event_cpi]
#[derive(Accounts)]
pub struct AbandonCommittee<'info> {
    /// The config's authority; gets the rent back.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The committee of the epoch after the active one: it is forming or confirming, never active.
    #[account(
        mut,
        close = authority,
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump = committee.bump
    )]
    pub committee: Box<Account<'info, Committee>>,
}

/// Closes the committee; the next one at its address continues its event numbers.
pub(crate) fn handler(ctx: Context<AbandonCommittee>) -> Result<()> {
    let committee = &mut ctx.accounts.committee;
    let event = CommitteeAbandoned {
        committee: committee.key(),
        sequence: sequence::take(&mut committee.sequence)?,
        epoch: committee.epoch,
    };
    ctx.accounts.config.next_committee_sequence = committee.sequence;
    emit_cpi!(event);
    Ok(())
}
