//! OpenLedger stake program: positions of OPEN by role, locks of OPEN for votes, the registry of operators, and the
//! committees whose threshold key attests what cannot be computed on chain.
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
pub mod vote_lock;

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

    /// Locks `amount` base units of OPEN until `end_slot` for weight in governance.
    pub fn lock_votes(ctx: Context<LockVotes>, amount: u64, end_slot: u64) -> Result<()> {
        instructions::lock_votes::handler(ctx, amount, end_slot)
    }

    /// Adds `amount` base units to a lock that has not ended.
    pub fn add_to_lock(ctx: Context<AddToLock>, amount: u64) -> Result<()> {
        instructions::add_to_lock::handler(ctx, amount)
    }

    /// Moves the end of a lock to a later slot.
    pub fn extend_lock(ctx: Context<ExtendLock>, end_slot: u64) -> Result<()> {
        instructions::extend_lock::handler(ctx, end_slot)
    }

    /// Pays a lock that has ended back to its owner. Anyone may send it.
    pub fn unlock_votes(ctx: Context<UnlockVotes>) -> Result<()> {
        instructions::unlock_votes::handler(ctx)
    }

    /// Lets `delegate` vote with the lock; the owner's own address takes it back.
    pub fn delegate_votes(ctx: Context<DelegateVotes>, delegate: Pubkey) -> Result<()> {
        instructions::delegate_votes::handler(ctx, delegate)
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

    /// Refuses everything that moves tokens until `until_slot`; a slot that is past ends a pause.
    pub fn pause(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
        instructions::pause::handler(ctx, until_slot)
    }
}
