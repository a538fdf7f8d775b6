//! `guardian_pause`: the guardian pauses one of the four other programs for a time, or ends its own pause.
//!
//! The call is built here from the slot alone. So the guardian can make the authority sign `pause` and no other
//! instruction.

use crate::{
    error::GovernanceError,
    events::{EMITTER, GuardianPaused},
    seeds,
    state::*,
};
use anchor_lang::{
    InstructionData,
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed},
};
use openledger_shared::{MAX_PAUSE_SLOTS, checked::add, sequence};

/// Accounts of `guardian_pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct GuardianPause<'info> {
    /// The guardian.
    pub guardian: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = guardian @ GovernanceError::NotGuardian)]
    pub config: Box<Account<'info, Config>>,
    /// The authority, which signs the call.
    /// CHECK: the seeds check the address; the account holds no data.
    #[account(seeds = [seeds::AUTHORITY], bump = config.authority_bump)]
    pub governance_authority: UncheckedAccount<'info>,
    /// The program to pause: stake, datanet, model or payout.
    /// CHECK: `validate` checks the address.
    pub target: UncheckedAccount<'info>,
    /// That program's config.
    /// CHECK: that program checks it.
    #[account(mut)]
    pub target_config: UncheckedAccount<'info>,
    /// That program's event authority.
    /// CHECK: that program checks it.
    pub target_event_authority: UncheckedAccount<'info>,
}

impl GuardianPause<'_> {
    /// Checks that the guardian may pause the program now, or end its own pause. Returns the program's index in
    /// [`PAUSABLE`], and the first slot in which the guardian may pause it again.
    fn validate(&self, until_slot: u64) -> Result<(usize, u64)> {
        let slot = Clock::get()?.slot;
        let place = PAUSABLE.iter().position(|p| p == self.target.key).ok_or(GovernanceError::NotPausable)?;
        let again_from = self.config.pause_again_from[place];
        if until_slot > slot {
            // The gap after a pause is as long as the longest pause. So the guardian cannot join pauses and freeze a
            // program.
            require!(slot >= again_from, GovernanceError::PausedLately);
            return Ok((place, add(until_slot, MAX_PAUSE_SLOTS)?));
        }
        require!(add(slot, MAX_PAUSE_SLOTS)? < again_from, GovernanceError::NoPauseToEnd);
        Ok((place, again_from))
    }
}

/// Stores when the guardian may pause the program again, and calls the program's `pause`.
pub(crate) fn handler(ctx: Context<GuardianPause>, until_slot: u64) -> Result<()> {
    let (place, again_from) = ctx.accounts.validate(until_slot)?;
    let a = &mut *ctx.accounts;
    a.config.pause_again_from[place] = again_from;
    let call = Instruction {
        program_id: a.target.key(),
        accounts: vec![
            AccountMeta::new_readonly(a.governance_authority.key(), true),
            AccountMeta::new(a.target_config.key(), false),
            AccountMeta::new_readonly(a.target_event_authority.key(), false),
            AccountMeta::new_readonly(a.target.key(), false),
        ],
        // All four programs have the same instruction data for `pause`.
        data: stake::instruction::Pause { until_slot }.data(),
    };
    let infos = [
        a.governance_authority.to_account_info(),
        a.target_config.to_account_info(),
        a.target_event_authority.to_account_info(),
        a.target.to_account_info(),
    ];
    invoke_signed(&call, &infos, &[&[seeds::AUTHORITY, &[a.config.authority_bump]]])?;
    let event = GuardianPaused {
        config: a.config.key(),
        sequence: sequence::take(&mut a.config.sequence)?,
        program: a.target.key(),
        until_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
