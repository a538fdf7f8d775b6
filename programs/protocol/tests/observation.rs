//! A4: one precompile instruction proves two contradicting observations. Nothing that only resembles it does.

use ed25519_dalek::{Signer, SigningKey, Verifier};
use openledger_protocol::{
    attest::ED25519_PROGRAM,
    observation::{EVIDENCE_LEN, EvidenceError, Observation, equivocation, evidence_data},
};
use proptest::{prelude::*, test_runner::RngSeed};

const FIRST: Observation =
    Observation { cluster: [1; 32], epoch: 2, operator: [3; 32], subject: [4; 32], sequence: 5, content: [6; 32] };
const SECOND: Observation = Observation { content: [7; 32], ..FIRST };

fn identity() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn key() -> [u8; 32] {
    identity().verifying_key().to_bytes()
}

fn evidence(a: &Observation, b: &Observation) -> [u8; EVIDENCE_LEN] {
    let sign = |o: &Observation| identity().sign(&o.to_bytes()).to_bytes();
    evidence_data(&key(), [&sign(a), &sign(b)], [a, b])
}

/// A model of the precompile: reads signature, key and message of each pair at their offsets, if all of them are in
/// this same instruction, and verifies them.
fn precompile_accepts(data: &[u8]) -> bool {
    let u16_at = |at: usize| data.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]) as usize);
    let pair = |at: usize| {
        let here = |at: usize| (u16_at(at)? == usize::from(u16::MAX)).then_some(());
        here(at + 2)?;
        here(at + 6)?;
        here(at + 12)?;
        let (signature, key) = (u16_at(at)?, u16_at(at + 4)?);
        let (start, len) = (u16_at(at + 8)?, u16_at(at + 10)?);
        let signature = ed25519_dalek::Signature::from_slice(data.get(signature..signature + 64)?).ok()?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(data.get(key..key + 32)?.try_into().ok()?).ok()?;
        key.verify(data.get(start..start + len)?, &signature).ok()
    };
    data.first() == Some(&2) && pair(2).is_some() && pair(16).is_some()
}

#[test]
fn a4_two_contents_for_one_thing_are_proven() {
    let data = evidence(&FIRST, &SECOND);
    assert!(precompile_accepts(&data));
    assert_eq!(equivocation(&ED25519_PROGRAM, &data, &key()), Ok([FIRST, SECOND]));
}

#[test]
fn a4_what_is_no_conflict_proves_nothing() {
    let others = [
        FIRST,
        Observation { cluster: [8; 32], ..SECOND },
        Observation { epoch: 3, ..SECOND },
        Observation { operator: [8; 32], ..SECOND },
        Observation { subject: [8; 32], ..SECOND },
        Observation { sequence: 6, ..SECOND },
    ];
    for other in others {
        let data = evidence(&FIRST, &other);
        assert_eq!(equivocation(&ED25519_PROGRAM, &data, &key()), Err(EvidenceError::NoConflict), "{other:?}");
    }
}

#[test]
fn a4_every_single_byte_change_is_refused_by_the_check_or_by_the_precompile() {
    let data = evidence(&FIRST, &SECOND);
    for at in 0..data.len() {
        for flip in [1u8, 0x80, 0xff] {
            let mut bad = data;
            bad[at] ^= flip;
            let checked = equivocation(&ED25519_PROGRAM, &bad, &key());
            assert!(checked.is_err() || !precompile_accepts(&bad), "byte {at} ^ {flip:#x}");
            // Our check covers header and key in full and leaves nothing of them to the precompile.
            assert!(checked.is_err() || at >= 62, "byte {at} ^ {flip:#x}");
        }
    }
}

#[test]
fn a4_truncations_extensions_other_programs_and_other_keys_are_refused() {
    let data = evidence(&FIRST, &SECOND);
    for len in 0..data.len() {
        assert_eq!(equivocation(&ED25519_PROGRAM, &data[..len], &key()), Err(EvidenceError::Layout));
    }
    assert_eq!(equivocation(&ED25519_PROGRAM, &[&data[..], &[0]].concat(), &key()), Err(EvidenceError::Layout));
    assert_eq!(equivocation(&[9; 32], &data, &key()), Err(EvidenceError::Program));
    assert_eq!(equivocation(&ED25519_PROGRAM, &data, &[9; 32]), Err(EvidenceError::Key));
}

#[test]
fn a4_offsets_into_another_instruction_or_onto_other_bytes_are_refused() {
    let data = evidence(&FIRST, &SECOND);
    for field in 0..14 {
        for other in [0u16, 1, 30, u16::MAX - 1] {
            let (mut bad, at) = (data, 2 + 2 * field);
            bad[at..at + 2].copy_from_slice(&other.to_le_bytes());
            if bad != data {
                assert_eq!(equivocation(&ED25519_PROGRAM, &bad, &key()), Err(EvidenceError::Layout), "{field} {other}");
            }
        }
    }
    // Both signatures are over the first message, while the second message is in the second place.
    let mut bad = data;
    let first: [u8; 4] = data[10..14].try_into().unwrap();
    bad[24..28].copy_from_slice(&first);
    assert_eq!(equivocation(&ED25519_PROGRAM, &bad, &key()), Err(EvidenceError::Layout));
}

#[test]
fn an_attested_message_is_no_observation() {
    let mut data = evidence(&FIRST, &SECOND);
    let at = EVIDENCE_LEN - Observation::LEN;
    data[at..at + 24].copy_from_slice(&openledger_protocol::attest::DOMAIN);
    assert_eq!(equivocation(&ED25519_PROGRAM, &data, &key()), Err(EvidenceError::NotObservation));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn bytes_and_observations_are_one_to_one(
        (cluster, epoch, operator, subject, sequence, content) in
            any::<([u8; 32], u64, [u8; 32], [u8; 32], u64, [u8; 32])>()
    ) {
        let o = Observation { cluster, epoch, operator, subject, sequence, content };
        prop_assert_eq!(Observation::from_bytes(&o.to_bytes()), Some(o));
        prop_assert_eq!(Observation::from_bytes(&o.to_bytes()[..Observation::LEN - 1]), None);
    }

    #[test]
    fn arbitrary_data_is_refused_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..700)) {
        prop_assert!(equivocation(&ED25519_PROGRAM, &data, &[7; 32]).is_err());
    }
}
