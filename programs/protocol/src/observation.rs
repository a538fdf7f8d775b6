//! Observations that operators sign, and the proof that an operator signed two different contents for the same subject
//! and sequence.
//!
//! An operator signs an observation with its own identity key and not with the committee's key, so that it alone is
//! responsible. Two observations that agree in everything but the content are equivocation (A4). A program can verify
//! this without the scores: the Ed25519 precompile verifies both signatures in the same transaction, and
//! [`equivocation`] reads them from that instruction's data.

use crate::{attest::ED25519_PROGRAM, hash::Hash32};

/// Tag at the head of every observation.
pub const DOMAIN: [u8; 24] = *b"openledger:observe:v1\0\0\0";

/// An observation as its operator signs it. It has a fixed layout and holds only a hash of the content, so that a
/// program can compare two observations without the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Genesis hash of the cluster.
    pub cluster: Hash32,
    /// Committee epoch.
    pub epoch: u64,
    /// The operator's wallet.
    pub operator: Hash32,
    /// The account that is observed.
    pub subject: Hash32,
    /// The subject's sequence number.
    pub sequence: u64,
    /// Hash of the context and the scores.
    pub content: Hash32,
}

impl Observation {
    /// Length in bytes of everything but the content: who observes what.
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

    /// Reads an observation. `None` if the domain or the length differs.
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

/// The number of signatures, a byte of padding, and seven offsets of two bytes for each signature.
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
    /// The data do not hold exactly two signatures by one key, are not in canonical layout, or refer to another
    /// instruction.
    Layout,
    /// The signer's key is not the operator's identity key.
    Key,
    /// One of the messages is not an observation.
    NotObservation,
    /// The observations have different subjects or operators, or are the same.
    NoConflict,
}

/// Returns the two contradicting observations that `identity` signed, if an instruction (`program_id`, `data`) of the
/// same transaction proves them.
///
/// The precompile fails the transaction if a signature is wrong, so this checks only the precompile's inputs. There
/// must be two signatures. All six instruction indices must mean "this same instruction". The layout must be the
/// canonical `header ‖ key ‖ signature ‖ signature ‖ message ‖ message`, with nothing after it. The layout holds the
/// key only once, so both signatures are by one operator.
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
