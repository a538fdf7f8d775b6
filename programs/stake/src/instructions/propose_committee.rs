//! `propose_committee`: the authority proposes the next committee, with its first members: the very first one, and any
//! later one should the present committee be unable to name its successor.

use super::add_members::seat;
use crate::{
    error::{SharedError, StakeError},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::version::Version;

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

/// Makes the committee and seats the first members.
pub(crate) fn handler<'info>(ctx: Context<'info, ProposeCommittee<'info>>, args: ProposeCommitteeArgs) -> Result<()> {
    let (threshold, size) = (args.threshold, args.size);
    let a = &mut *ctx.accounts;
    let made = forming(&a.config, threshold, size, None, a.authority.key(), ctx.bumps.committee, Clock::get()?.slot)?;
    a.committee.set_inner(made);
    let event = seat(&mut a.committee, &a.config, args.members, ctx.remaining_accounts)?;
    emit_cpi!(event);
    Ok(())
}

/// A committee without members, after the active one.
pub(crate) fn forming(
    config: &Config,
    threshold: u16,
    size: u16,
    roster: Option<[u8; 32]>,
    payer: Pubkey,
    bump: u8,
    slot: u64,
) -> Result<Committee> {
    require!((1..=MAX_MEMBERS).contains(&(size as usize)), StakeError::BadSize);
    require!(threshold > size / 2 && threshold <= size, StakeError::BadThreshold);
    Ok(Committee {
        version: Version::CURRENT,
        bump,
        epoch: config.committee_epoch.checked_add(1).ok_or(SharedError::Overflow)?,
        status: CommitteeStatus::Forming,
        threshold,
        group_key: [0; 32],
        active_slot: 0,
        size,
        retired_slot: 0,
        confirmed: vec![],
        members: vec![],
        roster,
        deadline_slot: slot.checked_add(config.committee_slots).ok_or(SharedError::Overflow)?,
        payer,
        sequence: config.next_committee_sequence,
    })
}
