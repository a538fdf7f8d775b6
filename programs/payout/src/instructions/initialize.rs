//! `initialize`: makes the config. The program's upgrade authority sends it, once.

use crate::{error::PayoutError, events::EMITTER, parameters::Parameters, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use anchor_spl::token::{Mint, TokenAccount};
use openledger_protocol::fees::Shares;
use openledger_shared::governed;

/// Arguments of `initialize`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeArgs {
    /// Shares of the first epoch.
    pub fees: FeeShares,
    /// The other parameters.
    pub parameters: Parameters,
}

/// Accounts of `initialize`.
#[event_cpi]
#[derive(Accounts)]
pub struct Initialize<'info> {
    /// The program's upgrade authority. It pays the rent and becomes the config's authority.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The config to make.
    #[account(init, payer = authority, space = 8 + Config::INIT_SPACE, seeds = [seeds::CONFIG], bump)]
    pub config: Box<Account<'info, Config>>,
    /// The OPEN mint.
    pub open_mint: Box<Account<'info, Mint>>,
    /// Token account of the treasury.
    #[account(token::mint = open_mint)]
    pub treasury: Box<Account<'info, TokenAccount>>,
    /// The stake program's config.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// The loader's record of this program, which names the upgrade authority.
    #[account(seeds = [crate::ID.as_ref()], bump, seeds::program = bpf_loader_upgradeable::ID)]
    pub program_data: Box<Account<'info, ProgramData>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl Initialize<'_> {
    fn validate(&self, args: &InitializeArgs) -> Result<()> {
        require!(
            self.program_data.upgrade_authority_address == Some(self.authority.key()),
            PayoutError::NotUpgradeAuthority
        );
        require_keys_eq!(self.open_mint.key(), self.stake_config.open_mint, PayoutError::WrongMint);
        let fees = Shares::from(args.fees);
        require!(fees.is_whole(), PayoutError::SharesNotWhole);
        require!(fees.is_within_bounds(), PayoutError::FeesOutOfBounds);
        args.parameters.validate(self.stake_config.unbond_slots)
    }
}

/// Makes the config.
pub(crate) fn handler(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let slot = Clock::get()?.slot;
    ctx.accounts.config.set_inner(Config {
        version: Version::CURRENT,
        bump: ctx.bumps.config,
        authority: ctx.accounts.authority.key(),
        pending_authority: None,
        open_mint: ctx.accounts.open_mint.key(),
        treasury: ctx.accounts.treasury.key(),
        epoch: 1,
        epoch_start_slot: slot,
        parameters: args.parameters,
        paused_until: 0,
        fees: args.fees,
        next_fees: None,
        shards: 0,
        posted_epoch: 0,
        posted: Default::default(),
        settled_slot: slot.saturating_sub(1),
        active_epoch: 0,
        active: Default::default(),
        sequence: 0,
    });
    let event = governed::changed(&mut ctx.accounts.config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
