//! `request_unbond`: begins to unbond stake.

use crate::{
    committee::View,
    error::StakeError,
    events::{EMITTER, Unbonding},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{
    checked::{add, sub},
    sequence,
};

/// Accounts of `request_unbond`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(role: Role)]
pub struct RequestUnbond<'info> {
    /// The staker.
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The position of the owner in this role.
    #[account(
        mut,
        seeds = [seeds::POSITION, owner.key().as_ref(), &[role as u8]],
        bump = position.bump,
        has_one = owner
    )]
    pub position: Box<Account<'info, Position>>,
    /// The active committee. The account is empty before the first committee.
    /// CHECK: the seeds check the address, and [`View`] checks the content if there is any.
    #[account(seeds = [seeds::COMMITTEE, &config.committee_epoch.to_le_bytes()], bump)]
    pub active_committee: UncheckedAccount<'info>,
    /// The next committee. The account is empty if none is proposed.
    /// CHECK: the seeds check the address, and [`View`] checks the content if there is any.
    #[account(seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()], bump)]
    pub next_committee: UncheckedAccount<'info>,
}

impl RequestUnbond<'_> {
    /// Checks the amount, and that a member of a committee keeps the operators' minimum. Returns what stays bonded.
    fn validate(&self, role: Role, amount: u64) -> Result<u64> {
        require!(amount > 0, StakeError::ZeroAmount);
        let left = self.position.amount.checked_sub(amount).ok_or(StakeError::InsufficientStake)?;
        if role == Role::Operator && left < self.config.min_operator_stake {
            let owner = self.owner.key;
            require!(
                !seated(&self.active_committee, owner)? && !seated(&self.next_committee, owner)?,
                StakeError::MemberBelowMinimum
            );
        }
        Ok(left)
    }
}

/// Whether `wallet` has a place in the committee at this address, if one was made there.
fn seated(committee: &UncheckedAccount, wallet: &Pubkey) -> Result<bool> {
    if committee.owner != &crate::ID {
        return Ok(false);
    }
    let data = committee.try_borrow_data()?;
    Ok(View::read(committee.owner, &data)?.place(wallet).is_some())
}

/// Moves `amount` from bonded to unbonding.
pub(crate) fn handler(ctx: Context<RequestUnbond>, role: Role, amount: u64) -> Result<()> {
    let left = ctx.accounts.validate(role, amount)?;
    let slot = Clock::get()?.slot;
    let (config, position) = (&mut ctx.accounts.config, &mut ctx.accounts.position);
    position.amount = left;
    position.unbonding = add(position.unbonding, amount)?;
    position.unbond_slot = add(slot, config.unbond_slots)?;
    position.since_slot = slot;
    let total = config.bonded_mut(role);
    *total = sub(*total, amount)?;
    config.unbonding = add(config.unbonding, amount)?;
    let event = Unbonding {
        position: position.key(),
        sequence: sequence::take(&mut position.sequence)?,
        unbonding: position.unbonding,
        unbond_slot: position.unbond_slot,
        amount: position.amount,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
