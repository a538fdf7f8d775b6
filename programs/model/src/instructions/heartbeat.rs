//! `heartbeat`: the training operator shows that it is still working on the job.

use crate::{
    error::ModelError,
    events::{EMITTER, Heartbeat as Event},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `heartbeat`.
#[event_cpi]
#[derive(Accounts)]
pub struct Heartbeat<'info> {
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

impl Heartbeat<'_> {
    /// Checks that the job is running, that its deadline has not passed, and that its log is not posted. Returns the
    /// slot.
    ///
    /// After the log no heartbeat is accepted. The log itself is a sign of life. A later event would advance the job's
    /// sequence number and invalidate the attestation that the committee is signing.
    fn validate(&self) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(self.job.log_root == ZERO, ModelError::LogPosted);
        require!(slot <= self.job.last_slot(&self.config), ModelError::DeadlinePassed);
        Ok(slot)
    }
}

/// Stores the slot of the heartbeat.
pub(crate) fn handler(ctx: Context<Heartbeat>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let job = &mut ctx.accounts.job;
    job.heartbeat_slot = slot;
    let event = Event { job: job.key(), sequence: sequence::take(&mut job.sequence)?, slot };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
