//! Attestations: the message that a committee's threshold key signs, and its check by a program.
//!
//! The committee's FROST signature (RFC 9591) is one plain Ed25519 signature. The Ed25519 precompile verifies it in the
//! same transaction. The program reads that instruction's data through the instructions sysvar. [`verify`] checks that
//! the data are in canonical layout, that the key is the committee's, and that the message is exactly the one that the
//! change asks for.

use crate::hash::{Hash32, sha256};

/// Tag at the head of every attested message.
pub const DOMAIN: [u8; 24] = *b"openledger:attest:v1\0\0\0\0";
/// Length of an attested message in bytes.
pub const MESSAGE_LEN: usize = 24 + 32 + 32 + 8 + 2 + 32 + 8 + 32 + 8;
/// Length of the precompile instruction's data for one attested message.
pub const INSTRUCTION_LEN: usize = HEADER_LEN + 32 + 64 + MESSAGE_LEN;

const HEADER_LEN: usize = 16;
/// The precompile's instruction index that means "this same instruction".
const THIS_INSTRUCTION: u16 = u16::MAX;

/// The kind of state change that an attestation authorises. Each kind has its own number, which is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// `model::attest_result`: a training job's outcome. Subject: the job.
    TrainingResult = 1,
    /// `payout::post_settlement`: an epoch's reward roots. Subject: the payout config.
    Settlement = 2,
    /// `stake::propose_next_committee`: the present committee names the next one. Subject: the stake config.
    Committee = 3,
    /// `stake::slash_attested`: a fault of an operator or validator. Subject: the position to slash.
    Fault = 4,
    /// `payout::debit_balance`: how much was used of a prepaid balance. Subject: the balance.
    Meter = 5,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::TrainingResult, Self::Settlement, Self::Committee, Self::Fault, Self::Meter];

    /// The kind with this number, if there is one.
    pub fn from_u16(n: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u16 == n)
    }
}

/// The attested message. Every field restricts what the signature can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Genesis hash of the cluster, as pinned in the stake program's config.
    pub cluster: Hash32,
    /// The program that accepts it.
    pub program: Hash32,
    /// Epoch of the committee whose key signs.
    pub committee_epoch: u64,
    /// The state change.
    pub kind: Kind,
    /// The account that changes.
    pub subject: Hash32,
    /// The subject's next sequence number.
    pub sequence: u64,
    /// SHA-256 of the payload (the Borsh bytes of the instruction's arguments).
    pub payload: Hash32,
    /// Last slot in which it is accepted.
    pub expiry_slot: u64,
}

impl Message {
    /// `domain ‖ cluster ‖ program ‖ committee epoch ‖ kind ‖ subject ‖ sequence ‖ payload ‖ expiry`, little-endian.
    pub fn to_bytes(&self) -> [u8; MESSAGE_LEN] {
        let mut out = [0; MESSAGE_LEN];
        let mut at = 0;
        for part in [
            &DOMAIN[..],
            &self.cluster,
            &self.program,
            &self.committee_epoch.to_le_bytes(),
            &(self.kind as u16).to_le_bytes(),
            &self.subject,
            &self.sequence.to_le_bytes(),
            &self.payload,
            &self.expiry_slot.to_le_bytes(),
        ] {
            out[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        out
    }
}

/// Hash of a payload's Borsh bytes.
pub fn payload_hash(borsh: &[u8]) -> Hash32 {
    sha256(&[borsh])
}

/// Why an attestation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttestError {
    /// The instruction before is not the Ed25519 precompile.
    Program,
    /// The data do not hold exactly one signature, are not in canonical layout, or refer to another instruction.
    Layout,
    /// The signer's key is not the committee's.
    Key,
    /// The signed message is not the expected one.
    Message,
    /// The expiry slot has passed.
    Expired,
}

/// Address of the Ed25519 precompile, `Ed25519SigVerify111111111111111111111111111`.
pub const ED25519_PROGRAM: Hash32 = [
    3, 125, 70, 214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255, 5, 112, 116, 73, 39, 244, 138, 100, 252,
    202, 112, 68, 128, 0, 0, 0,
];

/// Checks that an instruction (`program_id`, `data`) of the same transaction made the precompile verify `group_key`'s
/// signature over exactly `message`, and that `message` has not expired at `slot`.
///
/// The precompile fails the transaction if the signature is wrong, so this checks only the precompile's inputs. There
/// must be one signature. All three instruction indices must mean "this same instruction". The layout must be the
/// canonical `header ‖ key ‖ signature ‖ message`, with nothing after it.
pub fn verify(
    program_id: &Hash32,
    data: &[u8],
    group_key: &Hash32,
    message: &Message,
    slot: u64,
) -> Result<(), AttestError> {
    if *program_id != ED25519_PROGRAM {
        return Err(AttestError::Program);
    }
    if data.len() != INSTRUCTION_LEN || data[..HEADER_LEN] != canonical_header() {
        return Err(AttestError::Layout);
    }
    if data[HEADER_LEN..HEADER_LEN + 32] != *group_key {
        return Err(AttestError::Key);
    }
    if data[HEADER_LEN + 96..] != message.to_bytes() {
        return Err(AttestError::Message);
    }
    if slot > message.expiry_slot {
        return Err(AttestError::Expired);
    }
    Ok(())
}

/// The precompile's data for `signature` by `group_key` over `message`, in the canonical layout.
pub fn instruction_data(group_key: &Hash32, signature: &[u8; 64], message: &Message) -> [u8; INSTRUCTION_LEN] {
    let mut out = [0; INSTRUCTION_LEN];
    out[..HEADER_LEN].copy_from_slice(&canonical_header());
    out[HEADER_LEN..HEADER_LEN + 32].copy_from_slice(group_key);
    out[HEADER_LEN + 32..HEADER_LEN + 96].copy_from_slice(signature);
    out[HEADER_LEN + 96..].copy_from_slice(&message.to_bytes());
    out
}

fn canonical_header() -> [u8; HEADER_LEN] {
    let (key, signature, message) = (HEADER_LEN as u16, HEADER_LEN as u16 + 32, HEADER_LEN as u16 + 96);
    let fields = [
        1u16, // one signature, one byte of padding
        signature,
        THIS_INSTRUCTION,
        key,
        THIS_INSTRUCTION,
        message,
        MESSAGE_LEN as u16,
        THIS_INSTRUCTION,
    ];
    let mut out = [0; HEADER_LEN];
    for (slot, f) in out.chunks_exact_mut(2).zip(fields) {
        slot.copy_from_slice(&f.to_le_bytes());
    }
    out
}
