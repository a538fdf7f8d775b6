//! `cancel_job`: cancels a job that no operator has, and that is kept for none. The whole budget returns.

use crate::{
    error::ModelError,
    escrow::Escrow,
    events::{EMITTER, JobEnded},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `cancel_job`.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelJob<'info> {
    /// The requester, or any wallet once the job has waited `config.assign_slots` or cannot be taken any more.
    pub canceller: Signer<'info>,
    /// The config: how long a job waits.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The job.
    #[account(
        mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump,
        has_one = requester @ ModelError::WrongRequester,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The escrow, which is emptied and closed here.
    #[account(mut, seeds = [seeds::ESCROW, job.key().as_ref()], bump = job.escrow_bump)]
    pub escrow: Box<Account<'info, TokenAccount>>,
    /// CHECK: the job's requester by address: the escrow's rent returns to it.
    #[account(mut)]
    pub requester: UncheckedAccount<'info>,
    /// The requester's OPEN: the budget returns here.
    #[account(
        mut,
        constraint = requester_token.mint == escrow.mint @ ModelError::WrongMint,
        constraint = requester_token.owner == requester.key() @ ModelError::WrongTokenOwner,
    )]
    pub requester_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl CancelJob<'_> {
    /// Checks that no operator has the job and that the signer may cancel it now.
    fn validate(&self) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Requested, ModelError::JobNotRequested);
        // A finished training would be had for nothing: the log of the operator that it is kept for is public.
        require!(self.job.kept_for(&self.config, slot).is_none(), ModelError::JobKept);
        let waited = slot.saturating_sub(self.job.waiting_slot);
        let own = self.canceller.key() == self.job.requester;
        let vain = waited > self.config.assign_slots || slot > self.job.last_taking(&self.config);
        require!(own || vain, ModelError::CancelTooEarly);
        Ok(())
    }
}

/// Returns everything and closes the escrow.
pub(crate) fn handler(ctx: Context<CancelJob>) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let refunded = a.escrow.amount;
    let escrow = Escrow::new(&a.job, a.escrow.to_account_info());
    escrow.refund(a.requester_token.to_account_info(), a.requester.to_account_info(), refunded)?;
    a.job.status = JobStatus::Cancelled;
    a.job.refunded = refunded;
    let event = JobEnded { job: a.job.key(), sequence: sequence::take(&mut a.job.sequence)?, expired: false, refunded };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
