//! `update_operator`: another endpoint, other capabilities. The identity key stays: observations are bound to it.

use super::register_operator::{registered, validate_entry};
use crate::{seeds, sequence, state::*};
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

/// Changes the entry.
pub(crate) fn handler(ctx: Context<UpdateOperator>, endpoint: String, capabilities: u32) -> Result<()> {
    validate_entry(&endpoint, capabilities)?;
    let operator = &mut ctx.accounts.operator;
    operator.endpoint = endpoint;
    operator.capabilities = capabilities;
    let sequence = sequence::take(&mut operator.sequence)?;
    emit_cpi!(registered(operator, sequence));
    Ok(())
}
