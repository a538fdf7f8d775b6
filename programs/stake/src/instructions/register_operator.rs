//! `register_operator`: makes an operator's entry in the registry. The operator must have staked the minimum.

use crate::{
    entry,
    error::StakeError,
    events::{EMITTER, OperatorRegistered},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Arguments of `register_operator`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RegisterOperatorArgs {
    /// HTTP base URL where committee members reach the node.
    pub endpoint: String,
    /// What the node can do: bit 0 train, bit 1 serve, bit 2 attribute.
    pub capabilities: u32,
}

/// Accounts of `register_operator`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterOperator<'info> {
    /// The operator's wallet. It pays the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The key that signs the node's messages. It signs here to prove that the operator holds it.
    pub identity: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The owner's position in the role Operator.
    #[account(
        seeds = [seeds::POSITION, owner.key().as_ref(), &[Role::Operator as u8]],
        bump = position.bump
    )]
    pub position: Box<Account<'info, Position>>,
    /// The entry to make.
    #[account(
        init,
        payer = owner,
        space = 8 + Operator::INIT_SPACE,
        seeds = [seeds::OPERATOR, owner.key().as_ref()],
        bump
    )]
    pub operator: Box<Account<'info, Operator>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl RegisterOperator<'_> {
    fn validate(&self, args: &RegisterOperatorArgs) -> Result<()> {
        require!(self.position.amount >= self.config.min_operator_stake, StakeError::BelowMinimum);
        entry::validate(&args.endpoint, args.capabilities)
    }
}

/// Makes the entry.
pub(crate) fn handler(ctx: Context<RegisterOperator>, args: RegisterOperatorArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    ctx.accounts.operator.set_inner(Operator {
        version: Version::CURRENT,
        bump: ctx.bumps.operator,
        owner: ctx.accounts.owner.key(),
        identity: ctx.accounts.identity.key(),
        endpoint: args.endpoint,
        capabilities: args.capabilities,
        sequence: 0,
    });
    let event = OperatorRegistered::of(&mut ctx.accounts.operator)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
