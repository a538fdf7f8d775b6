//! `register_operator`: an entry in the registry, backed by stake.

use crate::{error::StakeError, events::OperatorRegistered, seeds, sequence, state::*};
use anchor_lang::prelude::*;
use openledger_shared::version::Version;

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
    /// The operator's wallet; pays the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The key that signs the node's messages; signs here to prove that the operator holds it.
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
        validate_entry(&args.endpoint, args.capabilities)
    }
}

/// Checks what an operator says of itself.
pub(crate) fn validate_entry(endpoint: &str, capabilities: u32) -> Result<()> {
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    require!(endpoint.len() <= MAX_ENDPOINT && host.is_some_and(|h| !h.is_empty()), StakeError::BadEndpoint);
    require!(capabilities != 0 && capabilities & !capability::ALL == 0, StakeError::BadCapabilities);
    Ok(())
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
    let operator = &mut ctx.accounts.operator;
    let sequence = sequence::take(&mut operator.sequence)?;
    emit_cpi!(registered(operator, sequence));
    Ok(())
}

/// The event of an entry as it is now.
pub(crate) fn registered(operator: &Account<Operator>, sequence: u64) -> OperatorRegistered {
    OperatorRegistered {
        operator: operator.key(),
        sequence,
        owner: operator.owner,
        identity: operator.identity,
        endpoint: operator.endpoint.clone(),
        capabilities: operator.capabilities,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_need_an_http_url_and_known_capabilities() {
        assert!(validate_entry("http://127.0.0.1:7000", 0b111).is_ok());
        assert!(validate_entry("https://node.example", 0b001).is_ok());
        for endpoint in ["", "http://", "ftp://node.example", &format!("http://{}", "a".repeat(MAX_ENDPOINT))] {
            assert!(validate_entry(endpoint, 1).is_err(), "{endpoint}");
        }
        for capabilities in [0, 0b1000, u32::MAX] {
            assert!(validate_entry("http://a", capabilities).is_err(), "{capabilities}");
        }
    }
}
