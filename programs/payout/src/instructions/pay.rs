//! `pay`: a fee, split at once.

use crate::{error::PayoutError, events::Paid, record::add, seeds, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use model::state::{Model, ModelStatus};
use openledger_protocol::fees::{Parts, Shares};
use stake::{
    committee::View,
    sequence,
    state::{CommitteeStatus, Operator, capability},
};

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
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// Any shard.
    #[account(mut, seeds = [seeds::SHARD, &[shard.index]], bump = shard.bump)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the treasury.
    #[account(mut, dup, address = config.treasury @ PayoutError::WrongTreasury)]
    pub treasury: Box<Account<'info, TokenAccount>>,
    /// The model.
    pub model: Box<Account<'info, Model>>,
    /// Token account of the model's owner.
    #[account(mut, dup, token::mint = config.open_mint, token::authority = model.owner)]
    pub model_owner_token: Box<Account<'info, TokenAccount>>,
    /// Token account of the parent model's owner; if and only if the model has a parent.
    #[account(mut, dup, token::mint = config.open_mint)]
    pub upstream_token: Option<Box<Account<'info, TokenAccount>>>,
    /// The operator that answers.
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    #[account(mut, dup, token::mint = config.open_mint, token::authority = operator.owner)]
    pub operator_token: Box<Account<'info, TokenAccount>>,
    /// The active committee, which the operator must be in.
    /// CHECK: [`View::read`] checks program and kind of account; there is only ever one committee that is active.
    pub committee: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl<'info> Pay<'info> {
    /// Checks the payment and divides it.
    fn validate(&self, amount: u64) -> Result<Parts> {
        require!(amount > 0, PayoutError::ZeroAmount);
        require!(self.model.status == ModelStatus::Ready, PayoutError::ModelNotReady);
        require!(self.upstream_token.as_ref().map(|t| t.owner) == self.model.parent_owner, PayoutError::WrongUpstream);
        require!(self.operator.capabilities & capability::SERVE != 0, PayoutError::NotServing);
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        require!(committee.head.status == CommitteeStatus::Active, PayoutError::CommitteeNotActive);
        require!(committee.place(&self.operator.owner).is_some(), PayoutError::NotMember);
        Shares::from(self.config.fees)
            .split(amount, self.model.parent_owner.is_some())
            .ok_or_else(|| PayoutError::SharesNotWhole.into())
    }

    fn transfer(&self, to: &Account<'info, TokenAccount>, amount: u64) -> Result<()> {
        if amount == 0 {
            return Ok(());
        }
        let accounts = Transfer {
            from: self.payer_token.to_account_info(),
            to: to.to_account_info(),
            authority: self.payer.to_account_info(),
        };
        token::transfer(CpiContext::new(self.token_program.key(), accounts), amount)
    }
}

/// Transfers every part and notes the pools' funding.
pub(crate) fn handler(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
    let parts = ctx.accounts.validate(args.amount)?;
    let a = &ctx.accounts;
    a.transfer(&a.vault, add(parts.contributors, parts.validators)?)?;
    a.transfer(&a.treasury, parts.treasury)?;
    a.transfer(&a.model_owner_token, parts.model_owner)?;
    a.transfer(&a.operator_token, parts.compute)?;
    if let Some(upstream) = &a.upstream_token {
        a.transfer(upstream, parts.upstream)?;
    }
    let shard = &mut ctx.accounts.shard;
    for (pool, part) in [(Pool::Contributors, parts.contributors), (Pool::Validators, parts.validators)] {
        let funded = &mut shard.funded[pool as usize];
        *funded = add(*funded, part)?;
    }
    let event = Paid {
        shard: shard.key(),
        sequence: sequence::take(&mut shard.sequence)?,
        request: args.request,
        payer: ctx.accounts.payer.key(),
        model: ctx.accounts.model.key(),
        operator: ctx.accounts.operator.owner,
        amount: args.amount,
        treasury: parts.treasury,
        model_owner: parts.model_owner,
        upstream: parts.upstream,
        compute: parts.compute,
        validators: parts.validators,
        contributors: parts.contributors,
        epoch: ctx.accounts.config.epoch,
    };
    emit_cpi!(event);
    Ok(())
}
