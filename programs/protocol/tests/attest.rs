//! Attestations have one layout with nothing around it. Every single-byte change must be refused by our check or by the
//! Ed25519 precompile.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use openledger_protocol::attest::{
    AttestError, ED25519_PROGRAM, INSTRUCTION_LEN, Kind, MESSAGE_LEN, Message, instruction_data, verify,
};
use proptest::{prelude::*, test_runner::RngSeed};

const SLOT: u64 = 1_000;

fn message() -> Message {
    Message {
        cluster: [1; 32],
        program: [2; 32],
        committee_epoch: 3,
        kind: Kind::Settlement,
        subject: [4; 32],
        sequence: 5,
        payload: [6; 32],
        expiry_slot: SLOT,
    }
}

fn signed(message: &Message) -> ([u8; 32], [u8; INSTRUCTION_LEN]) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let group_key = key.verifying_key().to_bytes();
    let signature = key.sign(&message.to_bytes()).to_bytes();
    (group_key, instruction_data(&group_key, &signature, message))
}

/// A model of the precompile for one signature whose offsets all point into the same instruction (agave's
/// `precompiles::ed25519::verify`). It reads at the offsets and verifies strictly.
fn precompile_accepts(data: &[u8]) -> bool {
    let u16_at = |at: usize| data.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]) as usize);
    let read = || {
        if data.first() != Some(&1) {
            return None;
        }
        let here = |at: usize| (u16_at(at)? == usize::from(u16::MAX)).then_some(());
        here(4)?;
        here(8)?;
        here(14)?;
        let (signature, key, start, len) = (u16_at(2)?, u16_at(6)?, u16_at(10)?, u16_at(12)?);
        let signature = Signature::from_slice(data.get(signature..signature + 64)?).ok()?;
        let key = VerifyingKey::from_bytes(data.get(key..key + 32)?.try_into().ok()?).ok()?;
        key.verify_strict(data.get(start..start + len)?, &signature).ok()
    };
    read().is_some()
}

#[test]
fn an_attestation_is_accepted_by_the_check_and_by_the_precompile() {
    let (key, data) = signed(&message());
    assert!(precompile_accepts(&data));
    assert_eq!(verify(&ED25519_PROGRAM, &data, &key, &message(), SLOT), Ok(()));
}

#[test]
fn the_layout_is_byte_for_byte_that_of_the_solana_sdk() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let bytes = message().to_bytes();
    let theirs = solana_ed25519_program::new_ed25519_instruction_with_signature(
        &bytes,
        &key.sign(&bytes).to_bytes(),
        &key.verifying_key().to_bytes(),
    );
    assert_eq!(theirs.program_id.to_bytes(), ED25519_PROGRAM);
    assert!(theirs.accounts.is_empty());
    assert_eq!(theirs.data, signed(&message()).1);
}

#[test]
fn every_single_byte_change_is_refused() {
    let (key, data) = signed(&message());
    for at in 0..data.len() {
        for flip in [1u8, 0x80, 0xff] {
            let mut bad = data;
            bad[at] ^= flip;
            let checked = verify(&ED25519_PROGRAM, &bad, &key, &message(), SLOT);
            // Our check leaves only the signature's own bytes to the precompile.
            let in_signature = (48..112).contains(&at);
            assert_eq!(checked.is_ok(), in_signature, "byte {at}");
            assert!(checked.is_err() || !precompile_accepts(&bad), "byte {at} ^ {flip:#x}");
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let (key, data) = signed(&message());
    for len in 0..data.len() {
        assert_eq!(verify(&ED25519_PROGRAM, &data[..len], &key, &message(), SLOT), Err(AttestError::Layout));
    }
    let longer = [&data[..], &[0]].concat();
    assert_eq!(verify(&ED25519_PROGRAM, &longer, &key, &message(), SLOT), Err(AttestError::Layout));
}

#[test]
fn offsets_into_another_instruction_are_refused_even_where_the_precompile_would_follow_them() {
    let (key, data) = signed(&message());
    for index_at in [4, 8, 14] {
        for other in [0u16, 1, 2, u16::MAX - 1] {
            let mut bad = data;
            bad[index_at..index_at + 2].copy_from_slice(&other.to_le_bytes());
            assert_eq!(verify(&ED25519_PROGRAM, &bad, &key, &message(), SLOT), Err(AttestError::Layout));
        }
    }
    // The message's offset points at the key, so that the key is read as the message.
    let mut bad = data;
    bad[10..12].copy_from_slice(&16u16.to_le_bytes());
    assert_eq!(verify(&ED25519_PROGRAM, &bad, &key, &message(), SLOT), Err(AttestError::Layout));
}

#[test]
fn each_field_narrows_what_the_signature_is_good_for() {
    let (key, data) = signed(&message());
    let others = [
        Message { cluster: [9; 32], ..message() },
        Message { program: [9; 32], ..message() },
        Message { committee_epoch: 4, ..message() },
        Message { kind: Kind::TrainingResult, ..message() },
        Message { subject: [9; 32], ..message() },
        Message { sequence: 6, ..message() },
        Message { payload: [9; 32], ..message() },
        Message { expiry_slot: SLOT + 1, ..message() },
    ];
    for other in others {
        assert_eq!(verify(&ED25519_PROGRAM, &data, &key, &other, SLOT), Err(AttestError::Message), "{other:?}");
    }
}

#[test]
fn another_program_key_or_a_later_slot_is_refused() {
    let (key, data) = signed(&message());
    assert_eq!(verify(&[9; 32], &data, &key, &message(), SLOT), Err(AttestError::Program));
    assert_eq!(verify(&ED25519_PROGRAM, &data, &[9; 32], &message(), SLOT), Err(AttestError::Key));
    assert_eq!(verify(&ED25519_PROGRAM, &data, &key, &message(), SLOT + 1), Err(AttestError::Expired));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_data_is_refused_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(verify(&ED25519_PROGRAM, &data, &[7; 32], &message(), SLOT).is_err());
    }

    #[test]
    fn two_different_messages_never_have_the_same_bytes(
        a in any::<([u8; 32], u64, u64, [u8; 32], u64)>(),
        b in any::<([u8; 32], u64, u64, [u8; 32], u64)>(),
    ) {
        let of = |(subject, committee_epoch, sequence, payload, expiry_slot)| {
            Message { subject, committee_epoch, sequence, payload, expiry_slot, ..message() }.to_bytes()
        };
        prop_assert_eq!(of(a) == of(b), a == b);
        prop_assert_eq!(of(a).len(), MESSAGE_LEN);
    }
}
