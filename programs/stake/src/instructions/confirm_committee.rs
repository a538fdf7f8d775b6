//! `confirm_committee`: a member confirms the group key. FROST's key generation itself does not ensure that all members
//! end with the same key.

use crate::{
    error::StakeError,
    events::{CommitteeConfirmed, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;

/// Accounts of `confirm_committee`.
#[event_cpi]
#[derive(Accounts)]
pub struct ConfirmCommittee<'info> {
    /// The member's wallet.
    pub member: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The committee of the epoch after the active one.
    #[account(
        mut,
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump = committee.bump
    )]
    pub committee: Box<Account<'info, Committee>>,
    /// The active committee, if there is one. The last confirmation retires it.
    #[account(
        mut,
        seeds = [seeds::COMMITTEE, &config.committee_epoch.to_le_bytes()],
        bump = previous_committee.bump
    )]
    pub previous_committee: Option<Box<Account<'info, Committee>>>,
}

impl ConfirmCommittee<'_> {
    /// Checks the confirmation and returns the member's index.
    fn validate(&self, group_key: &[u8; 32]) -> Result<usize> {
        let committee = &self.committee;
        require!(committee.status == CommitteeStatus::Confirming, StakeError::NotConfirming);
        let place = committee.place(self.member.key).ok_or(StakeError::NotMember)?;
        require!(!committee.confirmed[place], StakeError::AlreadyConfirmed);
        require!(*group_key != [0; 32], StakeError::ZeroGroupKey);
        require!(
            !committee.confirmed.contains(&true) || committee.group_key == *group_key,
            StakeError::GroupKeyDiffers
        );
        require!(self.config.committee_epoch == 0 || self.previous_committee.is_some(), StakeError::PreviousMissing);
        Ok(place)
    }
}

/// Stores the confirmation. The last one makes this committee active and retires the previous one.
pub(crate) fn handler(ctx: Context<ConfirmCommittee>, group_key: [u8; 32]) -> Result<()> {
    let place = ctx.accounts.validate(&group_key)?;
    let (config, committee) = (&mut ctx.accounts.config, &mut ctx.accounts.committee);
    committee.group_key = group_key;
    committee.confirmed[place] = true;
    let active = committee.confirmed.iter().all(|c| *c);
    if active {
        committee.status = CommitteeStatus::Active;
        committee.active_slot = Clock::get()?.slot;
        config.committee_epoch = committee.epoch;
        config.next_committee_sequence = 0;
        if let Some(previous) = &mut ctx.accounts.previous_committee {
            previous.status = CommitteeStatus::Retired;
            previous.retired_slot = committee.active_slot;
        }
    }
    let event = CommitteeConfirmed {
        committee: committee.key(),
        sequence: sequence::take(&mut committee.sequence)?,
        member: ctx.accounts.member.key(),
        group_key,
        active,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
