//! Checks a committee's attestation for every program that accepts attested changes.
//!
//! The committee's threshold signature is verified by the Ed25519 precompile in the instruction *directly before* the
//! one that it authorises. This module reads that instruction through the instructions sysvar. It compares the signed
//! message with exactly the one that the change asks for (`openledger_protocol::attest`).

use crate::{
    committee::View,
    error::SharedError,
    state::{CommitteeStatus, Config},
};
use anchor_lang::prelude::*;
use openledger_protocol::attest::{AttestError, Kind, Message, payload_hash, verify};
use solana_instructions_sysvar::{load_current_index_checked, load_instruction_at_checked};

/// The state change that an attestation must be over.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The program that accepts the change.
    pub program: Pubkey,
    /// What kind of change it is.
    pub kind: Kind,
    /// The account that changes.
    pub subject: Pubkey,
    /// The subject's next sequence number.
    pub sequence: u64,
    /// SHA-256 of the Borsh bytes of the instruction's arguments.
    pub payload: [u8; 32],
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// The payload that the committee signs: the SHA-256 of the Borsh bytes of an instruction's arguments.
pub fn payload(args: &impl AnchorSerialize) -> Result<[u8; 32]> {
    let mut bytes = Vec::with_capacity(512);
    args.serialize(&mut bytes)?;
    Ok(payload_hash(&bytes))
}

/// Checks that the instruction directly before the current one carries the active committee's signature over exactly
/// `change`, and returns that committee's epoch.
///
/// `config` must be the stake program's. An `Account<Config>` always is, because there is only one. This function
/// checks the program, kind of account, epoch and status of `committee`, and that `instructions` has the sysvar's
/// address.
pub fn check(
    config: &Config,
    committee: &AccountInfo,
    instructions: &AccountInfo,
    change: &Change,
    slot: u64,
) -> Result<u64> {
    let data = committee.try_borrow_data()?;
    let head = View::read(committee.owner, &data)?.head;
    require!(
        head.status == CommitteeStatus::Active && head.epoch == config.committee_epoch,
        SharedError::CommitteeNotActive
    );
    let before = load_current_index_checked(instructions)?.checked_sub(1).ok_or(SharedError::AttestationMissing)?;
    let signed = load_instruction_at_checked(before as usize, instructions)?;
    let message = Message {
        cluster: config.cluster,
        program: change.program.to_bytes(),
        committee_epoch: head.epoch,
        kind: change.kind,
        subject: change.subject.to_bytes(),
        sequence: change.sequence,
        payload: change.payload,
        expiry_slot: change.expiry_slot,
    };
    verify(&signed.program_id.to_bytes(), &signed.data, &head.group_key, &message, slot)
        .map_err(|e| {
            match e {
                AttestError::Program => SharedError::AttestationMissing,
                AttestError::Layout => SharedError::AttestationLayout,
                AttestError::Key => SharedError::AttestationKey,
                AttestError::Message => SharedError::AttestationMessage,
                AttestError::Expired => SharedError::AttestationExpired,
            }
            .into()
        })
        .map(|()| head.epoch)
}
