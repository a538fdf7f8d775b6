//! OpenLedger stake program: positions of OPEN by role, locks of OPEN for votes, the registry of operators, and the
//! committees whose threshold key attests what cannot be computed on chain.
//!
//! A committee becomes active only when every member has confirmed the same group key on chain. Until then the previous
//! committee stays active. An active committee can name its successor. Faults of operators and validators are punished
//! by slashing their stake. The OPEN delegated to an operator is slashed with it. Slashed OPEN goes to the insurance
//! vault. Other programs read [`state::Config`] and [`state::Committee`] and check attestations with
//! [`attested::check`].

use anchor_lang::prelude::*;

pub mod addresses;
pub mod attested;
pub mod committee;
mod entry;
pub mod error;
pub mod events;
mod formation;
pub mod instructions;
mod parameters;
mod punish;
mod reward_vault;
mod rewards;
pub mod roster;
pub mod seeds;
mod shares;
pub mod slash;
pub mod state;
mod vault;
pub mod vote_lock;
pub mod window;

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

    /// Makes the config and the two vaults. The program's upgrade authority sends it, once, and becomes the authority.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Bonds `amount` base units of OPEN in `role`. The first deposit makes the position.
    pub fn deposit(ctx: Context<Deposit>, role: Role, amount: u64) -> Result<()> {
        instructions::deposit::handler(ctx, role, amount)
    }

    /// Begins to unbond `amount` base units. This restarts the cooldown of everything in the position that is
    /// unbonding.
    pub fn request_unbond(ctx: Context<RequestUnbond>, role: Role, amount: u64) -> Result<()> {
        instructions::request_unbond::handler(ctx, role, amount)
    }

    /// Pays all unbonded OPEN out after the cooldown.
    pub fn withdraw(ctx: Context<Withdraw>, role: Role) -> Result<()> {
        instructions::withdraw::handler(ctx, role)
    }

    /// Locks `amount` base units of OPEN until `end_slot`. The lock has weight in governance votes.
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

    /// Lets `delegate` vote with the lock. The owner passes its own address to take the vote back.
    pub fn delegate_votes(ctx: Context<DelegateVotes>, delegate: Pubkey) -> Result<()> {
        instructions::delegate_votes::handler(ctx, delegate)
    }

    /// Registers an operator whose position reaches the minimum. The operator's identity key must sign too.
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

    /// Confirms the group key as a member. The last confirmation makes the committee active.
    pub fn confirm_committee(ctx: Context<ConfirmCommittee>, group_key: [u8; 32]) -> Result<()> {
        instructions::confirm_committee::handler(ctx, group_key)
    }

    /// Makes the next committee as the present one has attested. `seat_members` seats its members.
    pub fn propose_next_committee(ctx: Context<ProposeNextCommittee>, args: ProposeNextCommitteeArgs) -> Result<()> {
        instructions::propose_next_committee::handler(ctx, args)
    }

    /// Seats the next `members` of the roster that the present committee has attested. `rest` is the hash of the
    /// members after them.
    pub fn seat_members<'info>(
        ctx: Context<'info, SeatMembers<'info>>,
        members: Vec<Pubkey>,
        rest: [u8; 32],
    ) -> Result<()> {
        instructions::seat_members::handler(ctx, members, rest)
    }

    /// Abandons a committee that did not become active by its deadline. Anyone may call it.
    pub fn expire_committee(ctx: Context<ExpireCommittee>) -> Result<()> {
        instructions::expire_committee::handler(ctx)
    }

    /// Abandons the committee that is forming or confirming, so that another can be proposed. Only the authority.
    pub fn abandon_committee(ctx: Context<AbandonCommittee>) -> Result<()> {
        instructions::abandon_committee::handler(ctx)
    }

    /// Slashes an operator that has signed two different observations of one thing. Anyone may prove it.
    pub fn prove_equivocation(ctx: Context<ProveEquivocation>, args: ProveEquivocationArgs) -> Result<()> {
        instructions::prove_equivocation::handler(ctx, args)
    }

    /// Slashes a position for a fault that the active committee has attested.
    pub fn slash_attested(ctx: Context<SlashAttested>, args: SlashAttestedArgs) -> Result<()> {
        instructions::slash_attested::handler(ctx, args)
    }

    /// Slashes `bps` basis points of a position by decision of the authority. `evidence` is a hash that names the
    /// reason.
    pub fn slash_by_authority(ctx: Context<SlashByAuthority>, bps: u16, evidence: [u8; 32]) -> Result<()> {
        instructions::slash_by_authority::handler(ctx, bps, evidence)
    }

    /// Pays `amount` base units out of the insurance vault, within the window's cap. Only the authority.
    pub fn pay_insurance(ctx: Context<PayInsurance>, amount: u64) -> Result<()> {
        instructions::pay_insurance::handler(ctx, amount)
    }

    /// Opens an operator's pool for delegations. The operator keeps `commission_bps` basis points of the rewards.
    pub fn open_pool(ctx: Context<OpenPool>, commission_bps: u16) -> Result<()> {
        instructions::open_pool::handler(ctx, commission_bps)
    }

    /// Sets the commission. A lower one holds at once, a higher one after `unbond_slots`.
    pub fn set_commission(ctx: Context<SetCommission>, commission_bps: u16) -> Result<()> {
        instructions::set_commission::handler(ctx, commission_bps)
    }

    /// Delegates `amount` base units of OPEN to an operator. The first call makes the delegation.
    pub fn delegate(ctx: Context<Delegate>, amount: u64) -> Result<()> {
        instructions::delegate::handler(ctx, amount)
    }

    /// Begins to unbond what `shares` of a delegation are worth. This restarts the cooldown of everything in the
    /// delegation that is unbonding.
    pub fn undelegate(ctx: Context<Undelegate>, shares: u128) -> Result<()> {
        instructions::undelegate::handler(ctx, shares)
    }

    /// Pays all undelegated OPEN out after the cooldown.
    pub fn withdraw_delegation(ctx: Context<WithdrawDelegation>) -> Result<()> {
        instructions::withdraw_delegation::handler(ctx)
    }

    /// Divides the rewards that have arrived and pays the operator its commission. Anyone may call it.
    pub fn harvest(ctx: Context<Harvest>) -> Result<()> {
        instructions::harvest::handler(ctx)
    }

    /// Pays a delegator what its shares have earned.
    pub fn claim_delegation_rewards(ctx: Context<ClaimDelegationRewards>) -> Result<()> {
        instructions::claim_delegation_rewards::handler(ctx)
    }

    /// Changes the parameters within their bounds. Only the authority.
    pub fn set_parameters(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
        instructions::set_parameters::handler(ctx, parameters)
    }

    /// Proposes the key that may take the authority over.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Makes the proposed key the authority.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }

    /// Refuses every instruction that moves tokens until `until_slot`, except slashes. A past slot ends a pause.
    pub fn pause(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
        instructions::pause::handler(ctx, until_slot)
    }
}
