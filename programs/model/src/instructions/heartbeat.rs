//! The operator that trains says that it is at work.

use crate::{error::ModelError, events::Heartbeat as Event, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use stake::sequence::take;

/// Accounts of `heartbeat`.
#[event_cpi]
#[derive(Accounts)]
pub struct Heartbeat<'info> {
    /// The wallet of the operator that took the job.
    pub operator: Signer<'info>,
    /// The config: whether the program is paused. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// The job.
    #[account(
        mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump,
        constraint = job.operator == Some(operator.key()) @ ModelError::NotAssigned,
    )]
    pub job: Box<Account<'info, Job>>,
}

impl Heartbeat<'_> {
    /// Checks that the job runs, has time, and that its log is still to come: the log itself is a sign of life, and an
    /// event after it would make the attestation that the committee is signing worthless.
    pub fn validate(&self) -> Result<()> {
        let slot = self.config.running()?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(self.job.log_root == ZERO, ModelError::LogPosted);
        require!(slot <= self.job.last_slot(&self.config), ModelError::DeadlinePassed);
        Ok(())
    }

    /// Notes the slot.
    pub fn handler(ctx: Context<Self>) -> Result<()> {
        let job = &mut ctx.accounts.job;
        job.heartbeat_slot = Clock::get()?.slot;
        let event = Event { job: job.key(), sequence: take(&mut job.sequence)?, slot: job.heartbeat_slot };
        emit_cpi!(event);
        Ok(())
    }
}
