//! `initialize`: makes the config, once.

use crate::{error::ModelError, events::EMITTER, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use openledger_protocol::fees::MAX_DATA_SHARE_BPS;
use openledger_shared::governed;

/// Arguments of `initialize`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct InitializeArgs {
    /// Slots that a job may take from assignment to result.
    pub job_slots: u64,
    /// Slots that a requested job waits for an operator before it may be cancelled by anyone.
    pub assign_slots: u64,
    /// Slots after which an operator that trains and has said nothing may lose its job.
    pub heartbeat_slots: u64,
    /// Data share: the part of a training fee that goes to the contributors' pool, in basis points; at most 5,000.
    pub data_share_bps: u16,
}

impl InitializeArgs {
    /// Refuses windows of zero slots or of more than [`MAX_WINDOW`], and a data share that would leave less than half
    /// of a fee to the operators.
    pub(crate) fn validate(&self) -> Result<()> {
        for slots in [self.job_slots, self.assign_slots, self.heartbeat_slots] {
            require!((1..=MAX_WINDOW).contains(&slots), ModelError::BadWindow);
        }
        require!(self.data_share_bps <= MAX_DATA_SHARE_BPS, ModelError::BadDataShare);
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
        constraint = program_data.upgrade_authority_address == Some(authority.key()) @ ModelError::NotUpgradeAuthority,
    )]
    pub program_data: Account<'info, ProgramData>,
    /// The config to make.
    #[account(init, payer = authority, space = 8 + Config::INIT_SPACE, seeds = [seeds::CONFIG], bump)]
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config: names the mint.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, stake::state::Config>>,
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
        authority: a.authority.key(),
        pending_authority: None,
        open_mint: a.stake_config.open_mint,
        job_slots: args.job_slots,
        assign_slots: args.assign_slots,
        heartbeat_slots: args.heartbeat_slots,
        data_share_bps: args.data_share_bps,
        paused_until: 0,
        sequence: 0,
    });
    let event = governed::changed(&mut a.config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
