//! `post_log`: the trainer fixes its training log by posting the log's root and the number of its segments. The hashes
//! of later slots draw the segments to verify.

use crate::{
    error::ModelError,
    events::{EMITTER, LogPosted},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused};

/// Arguments of `post_log`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostLogArgs {
    /// Merkle root of the training log.
    pub log_root: [u8; 32],
    /// Number of segments of the log, from 1 to [`MAX_SEGMENTS`]. The verifiers refuse a log of another length.
    pub segments: u16,
}

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
    /// Checks the arguments, that the job is running, that its deadline has not passed, and that it has no log yet.
    /// Returns the slot.
    fn validate(&self, args: &PostLogArgs) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(self.job.log_root == ZERO, ModelError::LogPosted);
        require!(args.log_root != ZERO, ModelError::ZeroHash);
        require!((1..=MAX_SEGMENTS).contains(&args.segments), ModelError::BadSegments);
        require!(slot <= self.job.last_slot(&self.config), ModelError::DeadlinePassed);
        Ok(slot)
    }
}

/// Writes the root, its slot and the number of segments.
pub(crate) fn handler(ctx: Context<PostLog>, args: PostLogArgs) -> Result<()> {
    let slot = ctx.accounts.validate(&args)?;
    let PostLogArgs { log_root, segments } = args;
    let job = &mut ctx.accounts.job;
    job.log_root = log_root;
    job.log_slot = slot;
    job.segments = segments;
    let event = LogPosted { job: job.key(), sequence: sequence::take(&mut job.sequence)?, log_root, segments, slot };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
