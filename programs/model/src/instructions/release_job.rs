//! `release_job`: takes a job from an operator that has been silent for too long, so that another can take it.

use crate::{
    error::ModelError,
    events::{EMITTER, JobReleased},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `release_job`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct ReleaseJob<'info> {
    /// The config: whether the program is, or lately was, paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The job.
    #[account(mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump)]
    pub job: Box<Account<'info, Job>>,
}

impl ReleaseJob<'_> {
    /// Checks that the job is running, that its log is not posted, and that its operator has been silent for too long.
    /// Returns that operator and the slot. A job whose deadline has passed cannot be released, because its requester
    /// has waited long enough. It can only expire.
    fn validate(&self) -> Result<(Pubkey, u64)> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(self.job.log_root == ZERO, ModelError::LogPosted);
        require!(slot > self.job.silent_after(&self.config), ModelError::OperatorAlive);
        require!(slot <= self.job.last_slot(&self.config), ModelError::DeadlinePassed);
        Ok((self.job.operator.ok_or(ModelError::JobNotRunning)?, slot))
    }
}

/// Sets the job back to waiting for an operator, and restarts that waiting time. Nothing leaves the escrow.
pub(crate) fn handler(ctx: Context<ReleaseJob>) -> Result<()> {
    let (operator, slot) = ctx.accounts.validate()?;
    let job = &mut ctx.accounts.job;
    job.operator = None;
    job.status = JobStatus::Requested;
    job.requested_slot = slot;
    job.deadline_slot = 0;
    job.heartbeat_slot = 0;
    let event = JobReleased { job: job.key(), sequence: sequence::take(&mut job.sequence)?, operator };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
