//! `propose_committee`: the authority proposes the next committee with its first members. This makes the first
//! committee of all. It also replaces a committee that cannot name its successor.

use crate::{error::StakeError, events::EMITTER, formation::proposed, seeds, state::*};
use anchor_lang::prelude::*;

/// Arguments of `propose_committee`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProposeCommitteeArgs {
    /// How many must sign: more than half of `size`.
    pub threshold: u16,
    /// Number of members once complete. `add_members` names the members that are not in `members`.
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
    /// The config's authority. It pays the rent.
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

impl<'info> ProposeCommittee<'info> {
    /// Checks the committee and its first members, and returns the committee without them.
    fn validate(
        &self,
        args: &ProposeCommitteeArgs,
        accounts: &'info [AccountInfo<'info>],
        bump: u8,
    ) -> Result<Committee> {
        let (config, slot) = (&self.config, Clock::get()?.slot);
        let made = Committee::forming(config, args.threshold, args.size, None, self.authority.key(), bump, slot)?;
        made.validate_seats(config, &args.members, accounts)?;
        Ok(made)
    }
}

/// Makes the committee and seats the first members.
pub(crate) fn handler<'info>(ctx: Context<'info, ProposeCommittee<'info>>, args: ProposeCommitteeArgs) -> Result<()> {
    let made = ctx.accounts.validate(&args, ctx.remaining_accounts, ctx.bumps.committee)?;
    let committee = &mut ctx.accounts.committee;
    committee.set_inner(made);
    committee.seat(&args.members);
    let event = proposed(committee, args.members)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
