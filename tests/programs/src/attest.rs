//! Attestations: the Ed25519 instruction that carries a committee's signature.

use ed25519_dalek::{Signer, SigningKey};
use openledger_interface::attestation;
use openledger_protocol::attest::Message;
use solana_instruction::Instruction;

/// The group key of a test. A FROST signature is a plain Ed25519 signature, so a plain key can stand for the
/// committee's.
pub fn group_key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// The precompile's instruction over `message`, signed by `key`.
pub fn signed(key: &SigningKey, message: &Message) -> Instruction {
    let signature = key.sign(&message.to_bytes()).to_bytes();
    attestation::instruction(&key.verifying_key().to_bytes(), &signature, message)
}
