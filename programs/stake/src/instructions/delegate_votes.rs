//! `delegate_votes`: lets another wallet vote with a lock. The OPEN remains the owner's.

use crate::{
    events::{EMITTER, VotesDelegated},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;

/// Accounts of `delegate_votes`.
#[event_cpi]
#[derive(Accounts)]
pub struct DelegateVotes<'info> {
    /// The owner of the lock.
    pub owner: Signer<'info>,
    /// The lock of the owner.
    #[account(mut, seeds = [seeds::LOCK, owner.key().as_ref()], bump = lock.bump, has_one = owner)]
    pub lock: Box<Account<'info, VoteLock>>,
}

/// Names the delegate. It may change during a vote, because each lock votes only once on a proposal, whoever casts the
/// vote.
pub(crate) fn handler(ctx: Context<DelegateVotes>, delegate: Pubkey) -> Result<()> {
    let lock = &mut ctx.accounts.lock;
    lock.delegate = delegate;
    let event = VotesDelegated { lock: lock.key(), sequence: sequence::take(&mut lock.sequence)?, delegate };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
