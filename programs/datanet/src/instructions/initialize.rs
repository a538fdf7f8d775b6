//! `initialize`: makes the config and the bond vault, once.

use crate::{error::DatanetError, events::EMITTER, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_shared::governed;

/// Arguments of `initialize`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct InitializeArgs {
    /// Slots in which a panel may commit.
    pub commit_slots: u64,
    /// Slots after that in which it may reveal.
    pub reveal_slots: u64,
}

impl InitializeArgs {
    /// Refuses windows of zero slots or of more than [`MAX_WINDOW`].
    pub(crate) fn validate(&self) -> Result<()> {
        for slots in [self.commit_slots, self.reveal_slots] {
            require!((1..=MAX_WINDOW).contains(&slots), DatanetError::BadWindow);
        }
        Ok(())
    }
}

/// Accounts of `initialize`.
#[event_cpi]
#[derive(Accounts)]
pub struct Initialize<'info> {
    /// The program's upgrade authority. It becomes the config's authority and pays the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The loader's record of this program, which names the upgrade authority.
    #[account(
        seeds = [crate::ID.as_ref()], bump, seeds::program = bpf_loader_upgradeable::ID,
        constraint = program_data.upgrade_authority_address == Some(authority.key()) @ DatanetError::NotUpgradeAuthority,
    )]
    pub program_data: Account<'info, ProgramData>,
    /// The config to make.
    #[account(init, payer = authority, space = 8 + Config::INIT_SPACE, seeds = [seeds::CONFIG], bump)]
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config: names the mint and the insurance vault.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// The OPEN mint.
    #[account(address = stake_config.open_mint @ DatanetError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// The bond vault to make.
    #[account(
        init, payer = authority, seeds = [seeds::BOND], bump, token::mint = open_mint, token::authority = config,
    )]
    pub bond_vault: Box<Account<'info, TokenAccount>>,
    /// The stake program's insurance vault: receives forfeited bonds.
    #[account(
        seeds = [stake::seeds::INSURANCE], bump = stake_config.insurance_bump, seeds::program = stake::ID,
        constraint = forfeit_to.mint == open_mint.key() @ DatanetError::WrongMint,
    )]
    pub forfeit_to: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl Initialize<'_> {
    /// Checks the windows.
    fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.validate()
    }
}

/// Writes the config.
pub(crate) fn handler(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    a.config.set_inner(Config {
        version: Version::CURRENT,
        bump: ctx.bumps.config,
        bond_bump: ctx.bumps.bond_vault,
        authority: a.authority.key(),
        pending_authority: None,
        open_mint: a.open_mint.key(),
        forfeit_to: a.forfeit_to.key(),
        commit_slots: args.commit_slots,
        reveal_slots: args.reveal_slots,
        paused_until: 0,
        sequence: 0,
    });
    let event = governed::changed(&mut a.config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
