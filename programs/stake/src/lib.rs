//! OpenLedger stake program: positions of OPEN by role, the registry of operators, and the committees whose threshold
//! key attests what cannot be computed on chain.
//!
//! A committee becomes active only when every member has confirmed the same group key on chain; until then the one
//! before it stays active. Other programs read [`state::Config`] and [`state::Committee`] and check attestations with
//! [`attested::check`].

use anchor_lang::prelude::*;

pub mod attested;
pub mod committee;
pub mod error;
pub mod event;
pub mod events;
pub mod instructions;
pub mod seeds;
pub mod sequence;
pub mod state;

use instructions::*;
use state::Role;

declare_id!("78qB7XbfuMAJ43kPzbRnyQxvRcPwXRAkheyLMAH9W8Jw");

#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "OpenLedger stake",
    project_url: "https://github.com/openledger/openledger-solana",
    contacts: "link:https://github.com/openledger/openledger-solana/security/advisories/new",
    policy: "https://github.com/openledger/openledger-solana/blob/main/docs/SECURITY.md",
    source_code: "https://github.com/openledger/openledger-solana"
}

/// Instructions of the stake program.
#[program]
pub mod stake {
    use super::*;

    /// Makes the config and the two vaults. Once, by the program's upgrade authority, who becomes the authority.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Bonds `amount` base units of OPEN in `role`; makes the position at the first deposit.
    pub fn deposit(ctx: Context<Deposit>, role: Role, amount: u64) -> Result<()> {
        instructions::deposit::handler(ctx, role, amount)
    }

    /// Begins to unbond `amount`; the cooldown of everything that is unbonding starts anew.
    pub fn request_unbond(ctx: Context<RequestUnbond>, role: Role, amount: u64) -> Result<()> {
        instructions::request_unbond::handler(ctx, role, amount)
    }

    /// Pays all unbonded OPEN out after the cooldown.
    pub fn withdraw(ctx: Context<Withdraw>, role: Role) -> Result<()> {
        instructions::withdraw::handler(ctx, role)
    }

    /// Registers an operator whose position reaches the minimum. Its identity key signs too.
    pub fn register_operator(ctx: Context<RegisterOperator>, args: RegisterOperatorArgs) -> Result<()> {
        instructions::register_operator::handler(ctx, args)
    }

    /// Changes an operator's endpoint and capabilities.
    pub fn update_operator(ctx: Context<UpdateOperator>, endpoint: String, capabilities: u32) -> Result<()> {
        instructions::update_operator::handler(ctx, endpoint, capabilities)
    }

    /// Proposes the next committee with its first members.
    pub fn propose_committee<'info>(
        ctx: Context<'info, ProposeCommittee<'info>>,
        args: ProposeCommitteeArgs,
    ) -> Result<()> {
        instructions::propose_committee::handler(ctx, args)
    }

    /// Names further members of the committee that is forming.
    pub fn add_members<'info>(ctx: Context<'info, AddMembers<'info>>, members: Vec<Pubkey>) -> Result<()> {
        instructions::add_members::handler(ctx, members)
    }

    /// Confirms the group key as a member; the last confirmation makes the committee active.
    pub fn confirm_committee(ctx: Context<ConfirmCommittee>, group_key: [u8; 32]) -> Result<()> {
        instructions::confirm_committee::handler(ctx, group_key)
    }

    /// Gives up the committee that is forming or confirming, so that another can be proposed.
    pub fn abandon_committee(ctx: Context<AbandonCommittee>) -> Result<()> {
        instructions::abandon_committee::handler(ctx)
    }

    /// Names who may take the authority over.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Takes the authority over.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }
}
