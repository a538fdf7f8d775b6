//! `pay`: a fee, split at once.

use crate::{
    error::PayoutError,
    fee::{Fee, Source},
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use model::state::Model;
use openledger_shared::require_running;
use stake::{event, state::Operator};

/// Arguments of `pay`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct PayArgs {
    /// The payer's name for the request: the answer is bound to it.
    pub request: [u8; 32],
    /// The whole fee in base units.
    pub amount: u64,
}

/// Accounts of `pay`. The recipients' token accounts may be one another or the payer's: one wallet may be several.
#[event_cpi]
#[derive(Accounts)]
pub struct Pay<'info> {
    /// Who pays.
    pub payer: Signer<'info>,
    /// Token account of the payer.
    #[account(mut, dup, token::mint = config.open_mint, token::authority = payer)]
    pub payer_token: Box<Account<'info, TokenAccount>>,
    /// The config. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// Any shard. Shards are made nowhere but at their PDA: the type is enough.
    #[account(mut, dup)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: UncheckedAccount<'info>,
    /// Token account of the treasury.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, dup, address = config.treasury @ PayoutError::WrongTreasury)]
    pub treasury: UncheckedAccount<'info>,
    /// The model.
    pub model: Box<Account<'info, Model>>,
    /// Token account of the model's owner.
    /// CHECK: [`Fee::pay`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub model_owner_token: UncheckedAccount<'info>,
    /// Token account of the parent model's owner; if and only if the model has a parent.
    /// CHECK: [`Fee::pay`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub upstream_token: Option<UncheckedAccount<'info>>,
    /// The operator that answers.
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    /// CHECK: [`Fee::pay`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub operator_token: UncheckedAccount<'info>,
    /// The active committee, which the operator must be in.
    /// CHECK: [`stake::committee::View::read`] checks program and kind of account; there is only ever one committee that is active.
    pub committee: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// Transfers every part and notes the pools' funding.
pub(crate) fn handler(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
    let a = &mut *ctx.accounts;
    require_running(a.config.paused_until, Clock::get()?.slot)?;
    let fee = Fee {
        config: &a.config,
        model: &a.model,
        operator: &a.operator,
        committee: &a.committee,
        vault: &a.vault,
        treasury: &a.treasury,
        model_owner_token: &a.model_owner_token,
        upstream_token: a.upstream_token.as_deref(),
        operator_token: &a.operator_token,
        token_program: a.token_program.key(),
    };
    let from = Source {
        payer: a.payer.key(),
        token: a.payer_token.to_account_info(),
        authority: a.payer.to_account_info(),
        seeds: &[],
    };
    let event = fee.pay(&mut a.shard, from, args.request, args.amount)?;
    event::emit(crate::ID, &ctx.accounts.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, &event)
}
