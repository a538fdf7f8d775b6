//! `set_parameters`: the authority changes the parameters, within bounds that are fixed in the program.

pub use crate::parameters::Parameters;
use crate::{
    error::StakeError,
    events::{EMITTER, ParametersSet},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;

/// Accounts of `set_parameters`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetParameters<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

impl SetParameters<'_> {
    fn validate(&self, parameters: &Parameters) -> Result<()> {
        parameters.validate(self.config.unbond_slots)
    }
}

/// Changes the parameters.
pub(crate) fn handler(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
    ctx.accounts.validate(&parameters)?;
    let config = &mut ctx.accounts.config;
    parameters.write(config);
    let event = ParametersSet { config: config.key(), sequence: sequence::take(&mut config.sequence)?, parameters };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
