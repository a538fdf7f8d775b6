//! `initialize`: makes the config. The program's upgrade authority sends it, once.

use crate::{
    error::GovernanceError,
    events::{ConfigChanged, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};

/// Arguments of `initialize`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeArgs {
    /// The guardian, which may veto and pause. It should be a multisig.
    pub guardian: Pubkey,
    /// The first parameters of votes.
    pub parameters: Parameters,
    /// Floor of `voting_slots`: no proposal can ever set it lower.
    pub min_voting_slots: u64,
    /// Floor of `timelock_slots`: no proposal can ever set it lower.
    pub min_timelock_slots: u64,
}

/// Accounts of `initialize`.
#[event_cpi]
#[derive(Accounts)]
pub struct Initialize<'info> {
    /// The program's upgrade authority. It pays the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The config to make.
    #[account(init, payer = authority, space = 8 + Config::INIT_SPACE, seeds = [seeds::CONFIG], bump)]
    pub config: Box<Account<'info, Config>>,
    /// The authority, which signs the instructions of proposals that passed.
    /// CHECK: the seeds check the address; the account holds no data.
    #[account(seeds = [seeds::AUTHORITY], bump)]
    pub governance_authority: UncheckedAccount<'info>,
    /// The loader's record of this program, which names the upgrade authority.
    #[account(
        seeds = [crate::ID.as_ref()],
        bump,
        seeds::program = bpf_loader_upgradeable::ID,
        constraint = program_data.upgrade_authority_address == Some(authority.key())
            @ GovernanceError::NotUpgradeAuthority
    )]
    pub program_data: Box<Account<'info, ProgramData>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl Initialize<'_> {
    fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.parameters.validate(args.min_voting_slots, args.min_timelock_slots)
    }
}

/// Makes the config.
pub(crate) fn handler(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    ctx.accounts.config.set_inner(Config {
        version: Version::CURRENT,
        bump: ctx.bumps.config,
        authority_bump: ctx.bumps.governance_authority,
        guardian: args.guardian,
        parameters: args.parameters,
        min_voting_slots: args.min_voting_slots,
        min_timelock_slots: args.min_timelock_slots,
        proposals: 0,
        pause_again_from: [0; PAUSABLE.len()],
        sequence: 0,
    });
    let event = ConfigChanged::of(&mut ctx.accounts.config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
