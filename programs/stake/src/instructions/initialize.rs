//! `initialize`: makes the config and the vaults. The program's upgrade authority sends it, once.

use crate::{error::StakeError, events::EMITTER, parameters::Parameters, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_shared::governed;

/// Arguments of `initialize`. The other parameters start at the defaults that [`Parameters`] documents.
/// `set_parameters` changes them.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeArgs {
    /// Genesis hash of this cluster: part of every attested message.
    pub cluster: [u8; 32],
    /// Least stake of an operator in base units.
    pub min_operator_stake: u64,
    /// Least stake of a validator in base units.
    pub min_validator_stake: u64,
    /// Slots between a request to unbond and the withdrawal.
    pub unbond_slots: u64,
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
    /// Token account of all staked OPEN, to make.
    #[account(init, payer = authority, seeds = [seeds::VAULT], bump, token::mint = open_mint, token::authority = config)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Token account of slashed OPEN and forfeited bonds, to make.
    #[account(
        init,
        payer = authority,
        seeds = [seeds::INSURANCE],
        bump,
        token::mint = open_mint,
        token::authority = config
    )]
    pub insurance: Box<Account<'info, TokenAccount>>,
    /// The loader's record of this program, which names the upgrade authority.
    #[account(seeds = [crate::ID.as_ref()], bump, seeds::program = bpf_loader_upgradeable::ID)]
    pub program_data: Box<Account<'info, ProgramData>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl Initialize<'_> {
    /// Checks authority, mint and bounds, and returns the first parameters.
    fn validate(&self, args: &InitializeArgs) -> Result<Parameters> {
        require!(
            self.program_data.upgrade_authority_address == Some(self.authority.key()),
            StakeError::NotUpgradeAuthority
        );
        require!(self.open_mint.decimals == OPEN_DECIMALS, StakeError::WrongMint);
        let parameters = Parameters::first(args.min_operator_stake, args.min_validator_stake, args.unbond_slots);
        parameters.validate(0)?;
        Ok(parameters)
    }
}

/// Makes the config and the vaults.
pub(crate) fn handler(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
    let parameters = ctx.accounts.validate(&args)?;
    ctx.accounts.config.set_inner(Config {
        version: Version::CURRENT,
        bump: ctx.bumps.config,
        vault_bump: ctx.bumps.vault,
        insurance_bump: ctx.bumps.insurance,
        authority: ctx.accounts.authority.key(),
        pending_authority: None,
        open_mint: ctx.accounts.open_mint.key(),
        cluster: args.cluster,
        min_operator_stake: 0,
        min_validator_stake: 0,
        unbond_slots: 0,
        operator_stake: 0,
        validator_stake: 0,
        unbonding: 0,
        locked: 0,
        committee_epoch: 0,
        next_committee_sequence: 0,
        paused_until: 0,
        committee_slots: 0,
        equivocation_bps: 0,
        slash_cap_bps: 0,
        slash_window_slots: 0,
        insurance_cap_bps: 0,
        insurance_window_slots: 0,
        insurance_window: Window::default(),
        delegated: 0,
        delegated_unbonding: 0,
        sequence: 0,
    });
    parameters.write(&mut ctx.accounts.config);
    let event = governed::changed(&mut ctx.accounts.config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
