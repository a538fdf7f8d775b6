//! `expire_job`: ends a job that has run out of time. The whole budget returns.

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

/// Accounts of `expire_job`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireJob<'info> {
    /// The config: whether the program is, or lately was, paused. There is only one, so its type identifies it.
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

impl ExpireJob<'_> {
    /// Checks that the job is running and its deadline has passed.
    fn validate(&self) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(slot > self.job.last_slot(&self.config), ModelError::ExpireTooEarly);
        Ok(())
    }
}

/// Returns everything and closes the escrow.
pub(crate) fn handler(ctx: Context<ExpireJob>) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let refunded = a.escrow.amount;
    let escrow = Escrow::new(&a.job, a.escrow.to_account_info());
    escrow.refund(a.requester_token.to_account_info(), a.requester.to_account_info(), refunded)?;
    a.job.status = JobStatus::Expired;
    a.job.refunded = refunded;
    let event = JobEnded { job: a.job.key(), sequence: sequence::take(&mut a.job.sequence)?, expired: true, refunded };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
