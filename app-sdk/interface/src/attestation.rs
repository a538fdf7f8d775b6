//! The messages that a committee signs, and the precompile instruction that carries its signature.

use anchor_lang::AnchorSerialize;
use openledger_protocol::attest::{self, Kind, Message};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// Makes the message for a training job's result. `sequence` is that of the job account.
pub fn training_result(
    stake: &stake::state::Config,
    job: &Pubkey,
    sequence: u64,
    args: &model::instructions::AttestResultArgs,
) -> Message {
    message(stake, model::ID, Kind::TrainingResult, job, sequence, args, args.expiry_slot)
}

/// Makes the message for an epoch's settlement. `sequence` is that of the payout config.
pub fn settlement(
    stake: &stake::state::Config,
    sequence: u64,
    args: &payout::instructions::PostSettlementArgs,
) -> Message {
    message(stake, payout::ID, Kind::Settlement, &crate::pda::payout_config(), sequence, args, args.expiry_slot)
}

/// Makes the message for a debit of `owner`'s prepaid balance. `meter` is that of the balance account.
pub fn meter(
    stake: &stake::state::Config,
    owner: &Pubkey,
    meter: u64,
    args: &payout::instructions::DebitBalanceArgs,
) -> Message {
    message(stake, payout::ID, Kind::Meter, &crate::pda::prepaid_balance(owner), meter, args, args.expiry_slot)
}

/// Makes the message by which the present committee names the next one.
pub fn next_committee(stake: &stake::state::Config, args: &stake::instructions::ProposeNextCommitteeArgs) -> Message {
    let subject = crate::pda::stake_config();
    message(stake, stake::ID, Kind::Committee, &subject, stake.sequence, args, args.expiry_slot)
}

/// Makes the message for a fault. `faults` is that of the position to slash.
pub fn fault(
    stake: &stake::state::Config,
    position: &Pubkey,
    faults: u64,
    args: &stake::instructions::SlashAttestedArgs,
) -> Message {
    message(stake, stake::ID, Kind::Fault, position, faults, args, args.expiry_slot)
}

fn message(
    stake: &stake::state::Config,
    program: Pubkey,
    kind: Kind,
    subject: &Pubkey,
    sequence: u64,
    args: &impl AnchorSerialize,
    expiry_slot: u64,
) -> Message {
    let mut payload = Vec::new();
    args.serialize(&mut payload).expect("writing to memory cannot fail");
    Message {
        cluster: stake.cluster,
        program: program.to_bytes(),
        committee_epoch: stake.committee_epoch,
        kind,
        subject: subject.to_bytes(),
        sequence,
        payload: attest::payload_hash(&payload),
        expiry_slot,
    }
}

/// Makes the Ed25519 precompile instruction. It must stand directly before the instruction that it attests.
pub fn instruction(group_key: &[u8; 32], signature: &[u8; 64], message: &Message) -> Instruction {
    Instruction {
        program_id: solana_sdk_ids::ed25519_program::ID,
        accounts: Vec::new(),
        data: attest::instruction_data(group_key, signature, message).to_vec(),
    }
}
