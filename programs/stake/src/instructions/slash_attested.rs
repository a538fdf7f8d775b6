//! `slash_attested`: punishes a fault that the committee has attested (A1).

use crate::{
    addresses,
    attested::{self, Change},
    error::StakeError,
    punish::Parties,
    slash::Rate,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_protocol::attest::Kind;
use openledger_shared::checked::add;

/// Arguments of `slash_attested`. The committee signs the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SlashAttestedArgs {
    /// Part of the position to take, in basis points. The cap of a window bounds what is taken.
    pub bps: u16,
    /// Hash of the report that shows the fault.
    pub evidence: [u8; 32],
    /// Last slot in which this is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `slash_attested`.
#[event_cpi]
#[derive(Accounts)]
pub struct SlashAttested<'info> {
    /// The config.
    #[account(mut, address = addresses::CONFIG)]
    pub config: Box<Account<'info, Config>>,
    /// The position to slash, an operator's or a validator's. It is the subject of the attestation, and its `faults` is
    /// the attested sequence number. This program makes positions only at their PDA.
    #[account(mut)]
    pub position: Box<Account<'info, Position>>,
    /// The pool of the position's owner, if and only if it has opened one.
    #[account(mut)]
    pub pool: Option<Box<Account<'info, Pool>>>,
    /// The active committee.
    /// CHECK: [`attested::check`] checks program, kind of account, epoch and state.
    pub committee: UncheckedAccount<'info>,
    /// The stake vault.
    #[account(mut, address = addresses::VAULT)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The insurance vault.
    #[account(mut, address = addresses::INSURANCE)]
    pub insurance: Box<Account<'info, TokenAccount>>,
    /// The instructions sysvar: the committee's signature is verified by the instruction directly before.
    /// CHECK: [`attested::check`] reads it through the checked loaders.
    pub instructions: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl SlashAttested<'_> {
    fn validate(&self, args: &SlashAttestedArgs) -> Result<()> {
        require!((1..=MAX_BPS).contains(&args.bps), StakeError::BadPart);
        let change = Change {
            program: crate::ID,
            kind: Kind::Fault,
            subject: self.position.key(),
            sequence: self.position.faults,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        attested::check(&self.config, &self.committee, &self.instructions, &change, Clock::get()?.slot)?;
        Ok(())
    }
}

/// Slashes.
pub(crate) fn handler(ctx: Context<SlashAttested>, args: SlashAttestedArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    a.position.faults = add(a.position.faults, 1)?;
    let rate = Rate::judged(&a.config, args.bps);
    let parties = Parties {
        config: &mut a.config,
        position: &mut a.position,
        pool: a.pool.as_mut(),
        delegators_answer: true,
        vault: &a.vault,
        insurance: &a.insurance,
        token_program: &a.token_program,
        event_authority: &a.event_authority,
    };
    parties.slash(&rate, SlashReason::Attested, args.evidence)
}
