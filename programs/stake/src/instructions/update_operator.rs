//! `update_operator`: changes an operator's endpoint and capabilities. The identity key cannot change, because
//! observations are bound to it.

use crate::{
    entry,
    events::{EMITTER, OperatorRegistered},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Accounts of `update_operator`.
#[event_cpi]
#[derive(Accounts)]
pub struct UpdateOperator<'info> {
    /// The operator's wallet.
    pub owner: Signer<'info>,
    /// The entry.
    #[account(mut, seeds = [seeds::OPERATOR, owner.key().as_ref()], bump = operator.bump, has_one = owner)]
    pub operator: Box<Account<'info, Operator>>,
}

impl UpdateOperator<'_> {
    fn validate(&self, endpoint: &str, capabilities: u32) -> Result<()> {
        entry::validate(endpoint, capabilities)
    }
}

/// Changes the entry.
pub(crate) fn handler(ctx: Context<UpdateOperator>, endpoint: String, capabilities: u32) -> Result<()> {
    ctx.accounts.validate(&endpoint, capabilities)?;
    let operator = &mut ctx.accounts.operator;
    operator.endpoint = endpoint;
    operator.capabilities = capabilities;
    let event = OperatorRegistered::of(operator)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
