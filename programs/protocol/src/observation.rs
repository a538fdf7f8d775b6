//! What an operator signs when it observes, and the proof that it signed two different contents for the same thing.
//!
//! An observation is signed with the operator's own identity key, not with the committee's: that is what makes an
//! operator answer for it. Two of them that agree in everything but the content are equivocation (A4), provable to a
//! program without the scores themselves: the Ed25519 precompile verifies both signatures in the same transaction, and
//! [`equivocation`] reads them from that instruction's data.

use crate::{attest::ED25519_PROGRAM, hash::Hash32};

/// Tag at the head of every observation.
pub const DOMAIN: [u8; 24] = *b"openledger:observe:v1\0\0\0";

/// An observation as its operator signs it: a fixed layout with a hash of the content, so that a program can compare
/// two without seeing what was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Genesis hash of the cluster.
    pub cluster: Hash32,
    /// Committee epoch.
    pub epoch: u64,
    /// The operator's wallet.
    pub operator: Hash32,
    /// What is observed.
    pub subject: Hash32,
    /// Its sequence number.
    pub sequence: u64,
    /// Hash of the context and the scores.
    pub content: Hash32,
}

impl Observation {
    /// Bytes that say who observes what: all but the content.
    pub const SLOT_LEN: usize = 24 + 32 + 8 + 32 + 32 + 8;
    /// Length in bytes.
    pub const LEN: usize = Self::SLOT_LEN + 32;

    /// `domain ‖ cluster ‖ committee epoch ‖ operator ‖ subject ‖ sequence ‖ content`, little-endian.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let mut at = 0;
        for part in [
            &DOMAIN[..],
            &self.cluster,
            &self.epoch.to_le_bytes(),
            &self.operator,
            &self.subject,
            &self.sequence.to_le_bytes(),
            &self.content,
        ] {
            out[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        out
    }

    /// The observation that these bytes are; `None` under another domain or of another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&DOMAIN)?;
        let (cluster, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (operator, rest) = rest.split_first_chunk()?;
        let (subject, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        Some(Self {
            cluster: *cluster,
            epoch: u64::from_le_bytes(*epoch),
            operator: *operator,
            subject: *subject,
            sequence: u64::from_le_bytes(*sequence),
            content: rest.try_into().ok()?,
        })
    }
}

/// Length of the precompile instruction's data for a proof of equivocation.
pub const EVIDENCE_LEN: usize = MESSAGE_AT[1] + Observation::LEN;

/// Two signatures, a byte of padding, seven offsets for each.
const HEADER_LEN: usize = 2 + 2 * 14;
const KEY_AT: usize = HEADER_LEN;
const SIGNATURE_AT: [usize; 2] = [KEY_AT + 32, KEY_AT + 32 + 64];
const MESSAGE_AT: [usize; 2] = [SIGNATURE_AT[1] + 64, SIGNATURE_AT[1] + 64 + Observation::LEN];
/// The precompile's way to say "in this same instruction".
const THIS_INSTRUCTION: u16 = u16::MAX;

/// Why a proof of equivocation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceError {
    /// The instruction is not the Ed25519 precompile's.
    Program,
    /// Not exactly two signatures by one key, not the canonical layout, or data from another instruction.
    Layout,
    /// Signed by another key than the operator's identity.
    Key,
    /// One of the messages is no observation.
    NotObservation,
    /// The observations are of different things, or by different operators, or the same.
    NoConflict,
}

/// The two observations of one thing with different content that `identity` has signed, as an instruction
/// (`program_id`, `data`) of the same transaction proves.
///
/// The precompile has failed the transaction where a signature is wrong, so only its inputs are checked: two
/// signatures, all six instruction indices "this same instruction", and the one canonical layout
/// `header ‖ key ‖ signature ‖ signature ‖ message ‖ message` with nothing behind it. The key stands there once: both
/// signatures are one operator's by construction.
pub fn equivocation(program_id: &Hash32, data: &[u8], identity: &Hash32) -> Result<[Observation; 2], EvidenceError> {
    if *program_id != ED25519_PROGRAM {
        return Err(EvidenceError::Program);
    }
    if data.len() != EVIDENCE_LEN || data[..HEADER_LEN] != canonical_header() {
        return Err(EvidenceError::Layout);
    }
    if data[KEY_AT..KEY_AT + 32] != *identity {
        return Err(EvidenceError::Key);
    }
    let read = |at: usize| Observation::from_bytes(&data[at..at + Observation::LEN]);
    let (first, second) = read(MESSAGE_AT[0]).zip(read(MESSAGE_AT[1])).ok_or(EvidenceError::NotObservation)?;
    if first.content == second.content || (Observation { content: first.content, ..second }) != first {
        return Err(EvidenceError::NoConflict);
    }
    Ok([first, second])
}

/// The precompile's data for two observations signed by `identity`, in the canonical layout.
pub fn evidence_data(
    identity: &Hash32,
    signatures: [&[u8; 64]; 2],
    observations: [&Observation; 2],
) -> [u8; EVIDENCE_LEN] {
    let mut out = [0; EVIDENCE_LEN];
    out[..HEADER_LEN].copy_from_slice(&canonical_header());
    out[KEY_AT..KEY_AT + 32].copy_from_slice(identity);
    for i in 0..2 {
        out[SIGNATURE_AT[i]..SIGNATURE_AT[i] + 64].copy_from_slice(signatures[i]);
        out[MESSAGE_AT[i]..MESSAGE_AT[i] + Observation::LEN].copy_from_slice(&observations[i].to_bytes());
    }
    out
}

fn canonical_header() -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[0] = 2;
    for i in 0..2 {
        let fields = [
            SIGNATURE_AT[i] as u16,
            THIS_INSTRUCTION,
            KEY_AT as u16,
            THIS_INSTRUCTION,
            MESSAGE_AT[i] as u16,
            Observation::LEN as u16,
            THIS_INSTRUCTION,
        ];
        for (slot, field) in out[2 + 14 * i..16 + 14 * i].chunks_exact_mut(2).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
    }
    out
}
