//! `release_job`: takes a job from an operator that has been silent for too long, or whose committee is no longer the
//! active one, so that another can take it.

use crate::{
    error::ModelError,
    events::{EMITTER, JobReleased},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused};
use stake::state::Config as StakeConfig;

/// Accounts of `release_job`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct ReleaseJob<'info> {
    /// The config: whether the program is, or lately was, paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config: which committee is active.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// The job.
    #[account(mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump)]
    pub job: Box<Account<'info, Job>>,
}

/// A release that is allowed.
struct Release {
    /// The operator that loses the job.
    operator: Pubkey,
    /// The present slot.
    slot: u64,
    /// Whether the job's committee is no longer the active one.
    committee_replaced: bool,
}

impl ReleaseJob<'_> {
    /// Checks that the job is running and may be released.
    ///
    /// If its committee is no longer the active one, nobody can attest its result, so that it may be released at once,
    /// with or without a log. Else its operator must have been silent for too long, and its log must not be posted: a
    /// release would invalidate the attestation that the committee is signing.
    ///
    /// A job whose deadline has passed cannot be released, because its requester has waited long enough. It can only
    /// expire.
    fn validate(&self) -> Result<Release> {
        let (job, slot) = (&self.job, slot_unless_paused(self.config.paused_until)?);
        require!(job.status == JobStatus::Running, ModelError::JobNotRunning);
        let committee_replaced = job.committee_epoch != self.stake_config.committee_epoch;
        if !committee_replaced {
            require!(job.log_root == ZERO, ModelError::LogPosted);
            require!(slot > job.silent_after(&self.config), ModelError::OperatorAlive);
        }
        require!(slot <= job.last_slot(&self.config), ModelError::DeadlinePassed);
        let operator = job.operator.ok_or(ModelError::JobNotRunning)?;
        Ok(Release { operator, slot, committee_replaced })
    }
}

/// Sets the job back to waiting for an operator, without committee and log, and restarts that waiting time. Nothing
/// leaves the escrow. `requested_slot` and `taking_slot` stay: what the job computes, and how long its budget may be
/// held, are the same for whoever takes it next.
///
/// An operator that loses a posted log to a succession stays in `former`: the log is public, and the job is kept for it.
pub(crate) fn handler(ctx: Context<ReleaseJob>) -> Result<()> {
    let Release { operator, slot, committee_replaced } = ctx.accounts.validate()?;
    let job = &mut ctx.accounts.job;
    let committee_epoch = job.committee_epoch;
    job.former = match (committee_replaced, job.log_root != ZERO) {
        (true, true) => Some(operator),
        (true, false) => job.former,
        (false, _) => None,
    };
    job.operator = None;
    job.committee_epoch = 0;
    job.status = JobStatus::Requested;
    job.waiting_slot = slot;
    job.deadline_slot = 0;
    job.heartbeat_slot = 0;
    job.log_root = ZERO;
    job.log_slot = 0;
    job.segments = 0;
    let event = JobReleased {
        job: job.key(),
        sequence: sequence::take(&mut job.sequence)?,
        operator,
        committee_epoch,
        committee_replaced,
        former: job.former,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
