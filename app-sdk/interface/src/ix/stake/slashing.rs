//! Instructions for slashes.

use crate::{ix::build::build, pda};
use ::stake::{
    ID, accounts, instruction,
    instructions::{ProveEquivocationArgs, SlashAttestedArgs},
    state::Position,
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Proves an equivocation of the operator with this `position`, which is the account as read from the chain. The
/// Ed25519 instruction with both observations (`openledger_protocol::observation::evidence_data`) must stand directly
/// before.
pub fn prove_equivocation(prover: &Pubkey, position: &Position, args: ProveEquivocationArgs) -> Instruction {
    let operator = &position.owner;
    let accounts = accounts::ProveEquivocation {
        prover: *prover,
        config: pda::stake_config(),
        operator: pda::operator(operator),
        position: pda::position(operator, position.role),
        pool: pool(position),
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

/// Slashes `position` for an attested fault. `position` is the account as read from the chain. The attestation must
/// stand directly before.
pub fn slash_attested(committee_epoch: u64, position: &Position, args: SlashAttestedArgs) -> Instruction {
    let accounts = accounts::SlashAttested {
        config: pda::stake_config(),
        position: pda::position(&position.owner, position.role),
        pool: pool(position),
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

/// Slashes `bps` basis points of `position`, by decision of the authority. `position` is the account as read from the
/// chain.
pub fn slash_by_authority(authority: &Pubkey, position: &Position, bps: u16, evidence: [u8; 32]) -> Instruction {
    let accounts = accounts::SlashByAuthority {
        authority: *authority,
        config: pda::stake_config(),
        position: pda::position(&position.owner, position.role),
        pool: pool(position),
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SlashByAuthority { bps, evidence })
}

/// The pool whose delegations are slashed together with this position, if there is one.
fn pool(position: &Position) -> Option<Pubkey> {
    position.pooled.then(|| pda::stake_pool(&position.owner))
}
