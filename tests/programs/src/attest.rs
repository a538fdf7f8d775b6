//! Attestations: the Ed25519 instruction that a committee's signature travels in.

use anchor_lang::AnchorSerialize;
use ed25519_dalek::{Signer, SigningKey};
use openledger_protocol::attest::{Kind, Message, instruction_data, payload_hash};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// The group key of a test: a FROST signature is a plain Ed25519 one, so a plain key stands for the committee's.
pub fn group_key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// The message that attests `args` of an instruction.
#[allow(clippy::too_many_arguments)]
pub fn message(
    cluster: [u8; 32],
    program: Pubkey,
    committee_epoch: u64,
    kind: Kind,
    subject: Pubkey,
    sequence: u64,
    args: &impl AnchorSerialize,
    expiry_slot: u64,
) -> Message {
    let mut payload = vec![];
    args.serialize(&mut payload).expect("memory does not fail");
    Message {
        cluster,
        program: program.to_bytes(),
        committee_epoch,
        kind,
        subject: subject.to_bytes(),
        sequence,
        payload: payload_hash(&payload),
        expiry_slot,
    }
}

/// The precompile's instruction over `message`, signed by `key`.
pub fn signed(key: &SigningKey, message: &Message) -> Instruction {
    let signature = key.sign(&message.to_bytes()).to_bytes();
    with_signature(&key.verifying_key().to_bytes(), &signature, message)
}

/// The precompile's instruction over `message` with a signature made elsewhere.
pub fn with_signature(key: &[u8; 32], signature: &[u8; 64], message: &Message) -> Instruction {
    Instruction {
        program_id: solana_sdk_ids::ed25519_program::ID,
        accounts: vec![],
        data: instruction_data(key, signature, message).to_vec(),
    }
}
