//! `propose_committee`: the next committee, with its first members.

use super::add_members::seat;
use crate::{
    error::{SharedError, StakeError},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Arguments of `propose_committee`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProposeCommitteeArgs {
    /// How many must sign: more than half of `size`.
    pub threshold: u16,
    /// Number of members once complete; `add_members` names those that are not in `members`.
    pub size: u16,
    /// Wallets of the first members, in the order of their FROST identifiers.
    pub members: Vec<Pubkey>,
}

/// Accounts of `propose_committee`. Remaining accounts: for each member in order, its operator account and its
/// operator position.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: ProposeCommitteeArgs)]
pub struct ProposeCommittee<'info> {
    /// The config's authority; pays the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The committee to make, of the epoch after the active one.
    #[account(
        init,
        payer = authority,
        space = Committee::space(args.size.min(MAX_MEMBERS as u16) as usize),
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump
    )]
    pub committee: Box<Account<'info, Committee>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl ProposeCommittee<'_> {
    fn validate(&self, args: &ProposeCommitteeArgs) -> Result<()> {
        require!((1..=MAX_MEMBERS).contains(&(args.size as usize)), StakeError::BadSize);
        require!(args.threshold > args.size / 2 && args.threshold <= args.size, StakeError::BadThreshold);
        Ok(())
    }
}

/// Makes the committee and seats the first members.
pub(crate) fn handler<'info>(ctx: Context<'info, ProposeCommittee<'info>>, args: ProposeCommitteeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let config = &ctx.accounts.config;
    ctx.accounts.committee.set_inner(Committee {
        version: 1,
        bump: ctx.bumps.committee,
        epoch: config.committee_epoch.checked_add(1).ok_or(SharedError::Overflow)?,
        status: CommitteeStatus::Forming,
        threshold: args.threshold,
        group_key: [0; 32],
        active_slot: 0,
        size: args.size,
        confirmed: vec![],
        members: vec![],
        sequence: config.next_committee_sequence,
    });
    let event = seat(&mut ctx.accounts.committee, config, args.members, ctx.remaining_accounts)?;
    emit_cpi!(event);
    Ok(())
}
