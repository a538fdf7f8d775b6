//! `pay`: a fee, split at once.

use crate::{
    error::PayoutError,
    events::EMITTER,
    fee::{Fee, Source, fund},
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use model::state::Model;
use openledger_protocol::fees::Parts;
use openledger_shared::running;
use stake::state::Operator;

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
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub model_owner_token: UncheckedAccount<'info>,
    /// Token account of the parent model's owner; if and only if the model has a parent.
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub upstream_token: Option<UncheckedAccount<'info>>,
    /// The operator that answers.
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub operator_token: UncheckedAccount<'info>,
    /// The active committee, which the operator must be in.
    /// CHECK: [`stake::committee::View::read`] checks program and kind of account; there is only ever one committee that is active.
    pub committee: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl<'info> Pay<'info> {
    fn fee(&self) -> Fee<'_, 'info> {
        Fee {
            config: &self.config,
            model: &self.model,
            operator: &self.operator,
            committee: &self.committee,
            shard: &self.shard,
            vault: &self.vault,
            treasury: &self.treasury,
            model_owner_token: &self.model_owner_token,
            upstream_token: self.upstream_token.as_deref(),
            operator_token: &self.operator_token,
            token_program: self.token_program.key(),
        }
    }

    /// Checks what is paid for, and returns everyone's part.
    fn validate(&self, args: &PayArgs) -> Result<Parts> {
        running(self.config.paused_until)?;
        self.fee().divide(args.amount)
    }
}

/// Transfers every part and notes the pools' funding.
pub(crate) fn handler(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
    let parts = ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    let sequence = fund(&mut a.shard, &parts)?;
    let from = Source {
        payer: a.payer.key(),
        amount: args.amount,
        token: a.payer_token.to_account_info(),
        authority: a.payer.to_account_info(),
        seeds: &[],
    };
    let event = a.fee().pay(from, &parts, args.request, sequence)?;
    EMITTER.emit(&a.event_authority, &event)
}
