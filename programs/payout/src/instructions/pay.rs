//! `pay`: pays a fee for an answer and splits it at once.

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
use openledger_shared::slot_unless_paused;
use stake::state::Operator;

/// Arguments of `pay`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct PayArgs {
    /// The request's 32 bytes, chosen by the payer. The answer is bound to them.
    pub request: [u8; 32],
    /// The whole fee in base units.
    pub amount: u64,
}

/// Accounts of `pay`. Recipients may share a token account with one another or with the payer, because one wallet may
/// have several of the roles.
#[event_cpi]
#[derive(Accounts)]
pub struct Pay<'info> {
    /// The payer.
    pub payer: Signer<'info>,
    /// Token account of the payer.
    #[account(mut, dup, token::mint = config.open_mint, token::authority = payer)]
    pub payer_token: Box<Account<'info, TokenAccount>>,
    /// The config. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// Any shard. Shards are made only at their PDA, so the type identifies one.
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
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub model_owner_token: UncheckedAccount<'info>,
    /// Token account of the parent model's owner. It is given if and only if the model has a parent.
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub upstream_token: Option<UncheckedAccount<'info>>,
    /// The operator that answers.
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub operator_token: UncheckedAccount<'info>,
    /// The active committee. The operator must be a member.
    /// CHECK: [`stake::committee::View::read`] checks program and kind of account; only one committee is active at a
    /// time.
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

    /// Checks the model, the operator and the recipients, and returns their parts.
    fn validate(&self, args: &PayArgs) -> Result<Parts> {
        slot_unless_paused(self.config.paused_until)?;
        self.fee().divide(args.amount)
    }
}

/// Transfers every part and adds the pools' parts to their funding.
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
