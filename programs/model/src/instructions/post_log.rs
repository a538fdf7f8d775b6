//! `post_log`: the trainer fixes its training log by posting the log's root. The hashes of later slots draw the
//! segments to verify.

use crate::{
    error::ModelError,
    events::{EMITTER, LogPosted},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `post_log`.
#[event_cpi]
#[derive(Accounts)]
pub struct PostLog<'info> {
    /// The wallet of the operator that took the job.
    pub operator: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The job.
    #[account(
        mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump,
        constraint = job.operator == Some(operator.key()) @ ModelError::NotAssigned,
    )]
    pub job: Box<Account<'info, Job>>,
}

impl PostLog<'_> {
    /// Checks that the job is running, that its deadline has not passed, and that it has no log yet. Returns the slot.
    fn validate(&self, log_root: &[u8; 32]) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(self.job.log_root == ZERO, ModelError::LogPosted);
        require!(*log_root != ZERO, ModelError::ZeroHash);
        require!(slot <= self.job.last_slot(&self.config), ModelError::DeadlinePassed);
        Ok(slot)
    }
}

/// Writes the root and its slot.
pub(crate) fn handler(ctx: Context<PostLog>, log_root: [u8; 32]) -> Result<()> {
    let slot = ctx.accounts.validate(&log_root)?;
    let job = &mut ctx.accounts.job;
    job.log_root = log_root;
    job.log_slot = slot;
    let event = LogPosted { job: job.key(), sequence: sequence::take(&mut job.sequence)?, log_root, slot };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
