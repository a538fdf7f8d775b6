//! `assign_job`: an operator takes a job, which is then pinned to the active committee.

use crate::{
    error::ModelError,
    events::{EMITTER, JobAssigned},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{SharedError, checked::add, sequence, slot_unless_paused};
use stake::{
    committee::View,
    state::{CommitteeStatus, Config as StakeConfig, Operator, capability},
};

/// Accounts of `assign_job`.
#[event_cpi]
#[derive(Accounts)]
pub struct AssignJob<'info> {
    /// The operator's wallet.
    pub operator: Signer<'info>,
    /// The operator's entry in the registry, which lists its capabilities.
    #[account(
        constraint = operator_entry.owner == operator.key() @ ModelError::NotOperator,
    )]
    pub operator_entry: Box<Account<'info, Operator>>,
    /// The stake program's config: which committee is active.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// CHECK: the active committee; owner, kind, epoch and status are checked by `validate`.
    pub committee: UncheckedAccount<'info>,
    /// The config: the time for a job.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The job.
    #[account(mut, seeds = [seeds::JOB, job.model.as_ref(), &job.number.to_le_bytes()], bump = job.bump)]
    pub job: Box<Account<'info, Job>>,
}

impl AssignJob<'_> {
    /// Checks that the job waits for an operator and that the signer may take it, and returns the slot.
    fn validate(&self) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Requested, ModelError::JobNotRequested);
        require!(self.operator_entry.capabilities & capability::TRAIN != 0, ModelError::CannotTrain);
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        let active = committee.head.status == CommitteeStatus::Active
            && committee.head.epoch == self.stake_config.committee_epoch;
        require!(active, SharedError::CommitteeNotActive);
        require!(committee.place(&self.operator.key()).is_some(), ModelError::NotMember);
        require!(slot <= self.job.last_taking(&self.config), ModelError::TakingOver);
        // Only a member is paid, so that a former operator that is none keeps nobody out.
        let kept_for = self.job.kept_for(&self.config, slot).filter(|former| committee.place(former).is_some());
        require!(kept_for.is_none_or(|former| former == self.operator.key()), ModelError::JobKept);
        Ok(slot)
    }
}

/// Assigns the job, sets its deadline, and pins it to the active committee. Verification is dealt out by the places in
/// that committee, so that all members must mean the same one until the result is attested.
pub(crate) fn handler(ctx: Context<AssignJob>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let job = &mut a.job;
    job.status = JobStatus::Running;
    job.operator = Some(a.operator.key());
    // It stays the former operator until it loses the job: another succession may come before it has posted its log.
    job.former = job.former.filter(|former| *former == a.operator.key());
    job.committee_epoch = a.stake_config.committee_epoch;
    job.deadline_slot = add(slot, a.config.job_slots)?;
    job.heartbeat_slots = a.config.heartbeat_slots;
    job.heartbeat_slot = slot;
    let event = JobAssigned {
        job: job.key(),
        sequence: sequence::take(&mut job.sequence)?,
        operator: a.operator.key(),
        committee_epoch: job.committee_epoch,
        deadline_slot: job.deadline_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
