//! Instructions of the stake program.

use super::build;
use crate::pda;
use ::stake::{
    ID, accounts, instruction,
    instructions::{
        InitializeArgs, Parameters, ProposeCommitteeArgs, ProposeNextCommitteeArgs, ProveEquivocationArgs,
        RegisterOperatorArgs, SlashAttestedArgs,
    },
    state::Role,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Makes config and vaults; by the program's upgrade authority, once.
pub fn initialize(authority: &Pubkey, open_mint: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        config: pda::stake_config(),
        open_mint: *open_mint,
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        program_data: pda::program_data(&ID),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Bonds `amount` base units of `owner` in `role`.
pub fn deposit(owner: &Pubkey, open_mint: &Pubkey, role: Role, amount: u64) -> Instruction {
    let accounts = accounts::Deposit {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Deposit { role, amount })
}

/// Begins to unbond `amount`. `committee_epoch` is the stake config's.
pub fn request_unbond(owner: &Pubkey, committee_epoch: u64, role: Role, amount: u64) -> Instruction {
    let accounts = accounts::RequestUnbond {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        active_committee: pda::committee(committee_epoch),
        next_committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RequestUnbond { role, amount })
}

/// Pays out what has unbonded.
pub fn withdraw(owner: &Pubkey, open_mint: &Pubkey, role: Role) -> Instruction {
    let accounts = accounts::Withdraw {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Withdraw { role })
}

/// Locks `amount` base units of `owner` until `end_slot` for weight in governance.
pub fn lock_votes(owner: &Pubkey, open_mint: &Pubkey, amount: u64, end_slot: u64) -> Instruction {
    let accounts = accounts::LockVotes {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::LockVotes { amount, end_slot })
}

/// Adds `amount` base units to the lock of `owner`.
pub fn add_to_lock(owner: &Pubkey, open_mint: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::AddToLock {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AddToLock { amount })
}

/// Moves the end of the lock of `owner` to a later slot.
pub fn extend_lock(owner: &Pubkey, end_slot: u64) -> Instruction {
    let accounts = accounts::ExtendLock {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExtendLock { end_slot })
}

/// Pays a lock that has ended back to `owner`, to its associated token account, which must exist. Anyone may send it.
pub fn unlock_votes(owner: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::UnlockVotes {
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::UnlockVotes {})
}

/// Lets `delegate` vote with the lock of `owner`; its own address takes it back.
pub fn delegate_votes(owner: &Pubkey, delegate: &Pubkey) -> Instruction {
    let accounts = accounts::DelegateVotes {
        owner: *owner,
        lock: pda::lock(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DelegateVotes { delegate: *delegate })
}

/// Refuses everything that moves tokens until `until_slot`; a past slot ends a pause.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::Pause {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pause { until_slot })
}

/// Registers `owner` as an operator; `identity` signs too.
pub fn register_operator(owner: &Pubkey, identity: &Pubkey, args: RegisterOperatorArgs) -> Instruction {
    let accounts = accounts::RegisterOperator {
        owner: *owner,
        identity: *identity,
        config: pda::stake_config(),
        position: pda::position(owner, Role::Operator),
        operator: pda::operator(owner),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RegisterOperator { args })
}

/// Changes an operator's endpoint and capabilities.
pub fn update_operator(owner: &Pubkey, endpoint: String, capabilities: u32) -> Instruction {
    let accounts = accounts::UpdateOperator {
        owner: *owner,
        operator: pda::operator(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::UpdateOperator { endpoint, capabilities })
}

/// Each member's operator account and operator position, as the committee instructions check them.
fn member_accounts(members: &[Pubkey]) -> impl Iterator<Item = AccountMeta> + '_ {
    members.iter().flat_map(|m| {
        [
            AccountMeta::new_readonly(pda::operator(m), false),
            AccountMeta::new_readonly(pda::position(m, Role::Operator), false),
        ]
    })
}

/// Proposes the committee after `committee_epoch` (the stake config's) with its first members.
pub fn propose_committee(authority: &Pubkey, committee_epoch: u64, args: ProposeCommitteeArgs) -> Instruction {
    let accounts = accounts::ProposeCommittee {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let members = args.members.clone();
    let mut ix = build(ID, accounts, instruction::ProposeCommittee { args });
    ix.accounts.extend(member_accounts(&members));
    ix
}

/// Names further members of the committee after `committee_epoch`.
pub fn add_members(authority: &Pubkey, committee_epoch: u64, members: Vec<Pubkey>) -> Instruction {
    let accounts = accounts::AddMembers {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::AddMembers { members: members.clone() });
    ix.accounts.extend(member_accounts(&members));
    ix
}

/// Confirms the group key of the committee after `committee_epoch` as a member.
pub fn confirm_committee(member: &Pubkey, committee_epoch: u64, group_key: [u8; 32]) -> Instruction {
    let accounts = accounts::ConfirmCommittee {
        member: *member,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        previous_committee: (committee_epoch > 0).then(|| pda::committee(committee_epoch)),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ConfirmCommittee { group_key })
}

/// Gives up the committee after `committee_epoch`, whose rent `payer` has paid.
pub fn abandon_committee(authority: &Pubkey, committee_epoch: u64, payer: &Pubkey) -> Instruction {
    let accounts = accounts::AbandonCommittee {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        payer: *payer,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AbandonCommittee {})
}

/// Proposes the committee after `committee_epoch` as that one has attested. The attestation stands directly before.
pub fn propose_next_committee(payer: &Pubkey, committee_epoch: u64, args: ProposeNextCommitteeArgs) -> Instruction {
    let accounts = accounts::ProposeNextCommittee {
        payer: *payer,
        config: pda::stake_config(),
        active_committee: pda::committee(committee_epoch),
        committee: pda::committee(committee_epoch + 1),
        instructions: sysvar::instructions::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeNextCommittee { args })
}

/// Seats the next `members` of the roster that was attested; `rest` is the roster of those behind them.
pub fn seat_members(committee_epoch: u64, members: Vec<Pubkey>, rest: [u8; 32]) -> Instruction {
    let accounts = accounts::SeatMembers {
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::SeatMembers { members: members.clone(), rest });
    ix.accounts.extend(member_accounts(&members));
    ix
}

/// Gives up the committee after `committee_epoch`, whose rent `payer` has paid, after its deadline.
pub fn expire_committee(committee_epoch: u64, payer: &Pubkey) -> Instruction {
    let accounts = accounts::ExpireCommittee {
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        payer: *payer,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExpireCommittee {})
}

/// Proves an equivocation of `operator`; `pooled` is its position's. The Ed25519 instruction with both observations
/// (`openledger_protocol::observation::evidence_data`) stands directly before.
pub fn prove_equivocation(
    prover: &Pubkey,
    operator: &Pubkey,
    pooled: bool,
    args: ProveEquivocationArgs,
) -> Instruction {
    let accounts = accounts::ProveEquivocation {
        prover: *prover,
        config: pda::stake_config(),
        operator: pda::operator(operator),
        position: pda::position(operator, Role::Operator),
        pool: pooled.then(|| pda::stake_pool(operator)),
        committee: pda::committee(args.epoch),
        equivocation: pda::equivocation(operator, &args),
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        instructions: sysvar::instructions::ID,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProveEquivocation { args })
}

/// Slashes a position for an attested fault; `pooled` is the position's. The attestation stands directly before.
pub fn slash_attested(
    committee_epoch: u64,
    owner: &Pubkey,
    role: Role,
    pooled: bool,
    args: SlashAttestedArgs,
) -> Instruction {
    let accounts = accounts::SlashAttested {
        config: pda::stake_config(),
        position: pda::position(owner, role),
        pool: pooled.then(|| pda::stake_pool(owner)),
        committee: pda::committee(committee_epoch),
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        instructions: sysvar::instructions::ID,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SlashAttested { args })
}

/// Slashes `bps` basis points of a position by the authority; `pooled` is the position's.
pub fn slash_by_authority(
    authority: &Pubkey,
    owner: &Pubkey,
    role: Role,
    pooled: bool,
    bps: u16,
    evidence: [u8; 32],
) -> Instruction {
    let accounts = accounts::SlashByAuthority {
        authority: *authority,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        pool: pooled.then(|| pda::stake_pool(owner)),
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SlashByAuthority { bps, evidence })
}

/// Pays `amount` base units out of the insurance vault to the token account `to`.
pub fn pay_insurance(authority: &Pubkey, to: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::PayInsurance {
        authority: *authority,
        config: pda::stake_config(),
        insurance: pda::insurance_vault(),
        to: *to,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::PayInsurance { amount })
}

/// Opens the pool of the operator `owner`.
pub fn open_pool(owner: &Pubkey, open_mint: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts::OpenPool {
        owner: *owner,
        config: pda::stake_config(),
        operator: pda::operator(owner),
        position: pda::position(owner, Role::Operator),
        pool: pda::stake_pool(owner),
        open_mint: *open_mint,
        reward_vault: pda::reward_vault(owner),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::OpenPool { commission_bps })
}

/// Sets the commission of the operator `owner`.
pub fn set_commission(owner: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts::SetCommission {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetCommission { commission_bps })
}

/// Delegates `amount` base units of `owner` to `operator`.
pub fn delegate(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::Delegate {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        position: pda::position(operator, Role::Operator),
        delegation: pda::delegation(operator, owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        reward_vault: pda::reward_vault(operator),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Delegate { amount })
}

/// Begins to unbond `shares` of what `owner` has delegated to `operator`.
pub fn undelegate(owner: &Pubkey, operator: &Pubkey, shares: u128) -> Instruction {
    let accounts = accounts::Undelegate {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        reward_vault: pda::reward_vault(operator),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Undelegate { shares })
}

/// Pays out what `owner` has undelegated from `operator`.
pub fn withdraw_delegation(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::WithdrawDelegation {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::WithdrawDelegation {})
}

/// Divides the rewards of `operator`'s pool and pays its commission.
pub fn harvest(open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::Harvest {
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        reward_vault: pda::reward_vault(operator),
        operator_token: pda::token_account(operator, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Harvest {})
}

/// Pays `owner` what its delegation to `operator` has earned.
pub fn claim_delegation_rewards(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::ClaimDelegationRewards {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        reward_vault: pda::reward_vault(operator),
        owner_token: pda::token_account(owner, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ClaimDelegationRewards {})
}

/// Changes the parameters.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetParameters { parameters })
}

/// Names who may take the authority over.
pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeAuthority { new: *new })
}

/// Takes the authority over.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptAuthority {})
}
