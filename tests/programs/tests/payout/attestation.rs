//! A valid attestation is one canonical Ed25519 instruction directly before, over exactly this change. The checks are
//! those of `stake::attested`, which every program uses. The change here is a settlement.

use ::payout::{error::PayoutError, instructions::PostSettlementArgs};
use ::stake::error::SharedError;
use anchor_lang::error::ErrorCode;
use ed25519_dalek::{Signer as _, SigningKey};
use frost_ed25519::rand_core::SeedableRng;
use openledger_interface::{attestation, ix, pda};
use openledger_protocol::attest::{self as protocol, Kind, Message};
use program_tests::{
    World, attest,
    payout::{self, EPOCH_SLOTS, Market, settlement_args, settlement_message},
    refused, swapped,
    tx::refused_with,
};
use rand_chacha::ChaCha20Rng;
use solana_instruction::Instruction;
use solana_keypair::Signer;

/// A world in which everything but the attestation is right.
fn ready() -> (World, Market, PostSettlementArgs) {
    let (mut world, market) = World::with_market(1, 3);
    world.pass(EPOCH_SLOTS);
    let empty = payout::tree(&[]);
    let args = settlement_args(&world, [&empty, &empty]);
    (world, market, args)
}

/// Posts `args` after the instructions `before`.
fn post(
    world: &mut World,
    before: &[Instruction],
    args: &PostSettlementArgs,
) -> Result<program_tests::Sent, program_tests::Failed> {
    let payer = world.authority.insecure_clone();
    let mut all = before.to_vec();
    all.push(ix::payout::post_settlement(&payer.pubkey(), 1, 1, args.clone()));
    world.send(&all, &[&payer])
}

#[test]
fn the_committees_signature_over_this_change_is_accepted_and_once() {
    let (mut world, market, args) = ready();
    let before = market.attestation(&world, &args);
    post(&mut world, &[before.clone()], &args).unwrap();
    // A replay is over a past epoch and is refused, whichever account it names.
    refused(post(&mut world, &[before.clone()], &args), ErrorCode::ConstraintSeeds);
    let payer = world.authority.insecure_clone();
    let again = ix::payout::post_settlement(&payer.pubkey(), 1, 1, args.clone());
    let again = swapped(again, pda::settlement(1), pda::settlement(2));
    refused(world.send(&[before.clone(), again], &[&payer]), PayoutError::WrongEpoch);
    let next = PostSettlementArgs { epoch: 2, previous: args.pools, ..args };
    world.pass(EPOCH_SLOTS + payout::CHALLENGE_SLOTS);
    world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    let next = PostSettlementArgs { cutoff_slot: world.slot(), expiry_slot: world.slot(), ..next };
    let replay = [before, ix::payout::post_settlement(&payer.pubkey(), 1, 1, next)];
    refused(world.send(&replay, &[&payer]), SharedError::AttestationMessage);
}

#[test]
fn a_real_threshold_signature_of_three_of_five_is_accepted() {
    let (mut world, market, args) = ready();
    // The committee changes to one whose key was made by FROST: five members, any three sign.
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let (shares, public) =
        frost_ed25519::keys::generate_with_dealer(5, 3, frost_ed25519::keys::IdentifierList::Default, &mut rng)
            .unwrap();
    let group: [u8; 32] = public.verifying_key().serialize().unwrap().try_into().unwrap();
    let members: Vec<_> = (0..5).map(|_| world.operator()).collect();
    world.seat(&members.iter().collect::<Vec<_>>(), 3, group).unwrap();
    let message = settlement_message(&world, 2, &args);
    let bytes = message.to_bytes();
    let packages: Vec<_> = shares
        .iter()
        .take(3)
        .map(|(id, s)| (*id, frost_ed25519::keys::KeyPackage::try_from(s.clone()).unwrap()))
        .collect();
    let (mut nonces, mut commitments) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
    for (id, package) in &packages {
        let (nonce, commitment) = frost_ed25519::round1::commit(package.signing_share(), &mut rng);
        nonces.insert(*id, nonce);
        commitments.insert(*id, commitment);
    }
    let signing = frost_ed25519::SigningPackage::new(commitments, &bytes);
    let parts = packages
        .iter()
        .map(|(id, package)| (*id, frost_ed25519::round2::sign(&signing, &nonces[id], package).unwrap()))
        .collect();
    let signature: [u8; 64] =
        frost_ed25519::aggregate(&signing, &parts, &public).unwrap().serialize().unwrap().try_into().unwrap();
    let payer = world.authority.insecure_clone();
    let instructions = [
        attestation::instruction(&group, &signature, &message),
        ix::payout::post_settlement(&payer.pubkey(), 2, 1, args.clone()),
    ];
    world.send(&instructions, &[&payer]).unwrap();
    // The retired committee's attestation is refused, both with its own account and with the new committee's.
    let old = market.attestation(&world, &args);
    for epoch in [1, 2] {
        let next = PostSettlementArgs { epoch: 2, ..args.clone() };
        let late = [old.clone(), ix::payout::post_settlement(&payer.pubkey(), epoch, 1, next)];
        assert!(world.send(&late, &[&payer]).is_err());
    }
}

#[test]
fn a_forged_signature_fails_in_the_precompile() {
    let (mut world, market, args) = ready();
    let mut forged = market.attestation(&world, &args);
    forged.data[16 + 32] ^= 1;
    refused_with(post(&mut world, &[forged], &args), "InstructionError(0");
}

#[test]
fn a_right_signature_over_another_change_is_refused() {
    let (mut world, market, args) = ready();
    // The signature is good, but the arguments hold another root than the signed one.
    let before = market.attestation(&world, &args);
    let mut other = args.clone();
    other.pools[0].root = [66; 32];
    refused(post(&mut world, &[before.clone()], &other), SharedError::AttestationMessage);
    let later = PostSettlementArgs { expiry_slot: args.expiry_slot + 1, ..args.clone() };
    refused(post(&mut world, &[before], &later), SharedError::AttestationMessage);
    // The arguments are right, but the message is for another cluster, program, epoch, kind, subject or sequence.
    let good = settlement_message(&world, 1, &args);
    for wrong in [
        Message { cluster: [8; 32], ..good },
        Message { program: ::model::ID.to_bytes(), ..good },
        Message { committee_epoch: 2, ..good },
        Message { kind: Kind::TrainingResult, ..good },
        Message { subject: pda::stake_config().to_bytes(), ..good },
        Message { sequence: good.sequence + 1, ..good },
        Message { sequence: good.sequence - 1, ..good },
        Message { payload: [0; 32], ..good },
        Message { expiry_slot: good.expiry_slot - 1, ..good },
    ] {
        let before = attest::signed(&market.committee.key, &wrong);
        refused(post(&mut world, &[before], &args), SharedError::AttestationMessage);
    }
    post(&mut world, &[attest::signed(&market.committee.key, &good)], &args).unwrap();
}

#[test]
fn another_key_than_the_committees_is_refused() {
    let (mut world, _, args) = ready();
    let message = settlement_message(&world, 1, &args);
    let before = attest::signed(&SigningKey::from_bytes(&[99; 32]), &message);
    refused(post(&mut world, &[before], &args), SharedError::AttestationKey);
}

#[test]
fn an_attestation_lasts_to_its_expiry_slot_and_no_longer() {
    let (mut world, market, args) = ready();
    let before = market.attestation(&world, &args);
    world.pass(args.expiry_slot - world.slot() + 1);
    refused(post(&mut world, &[before], &args), SharedError::AttestationExpired);
    let (mut world, market, args) = ready();
    let before = market.attestation(&world, &args);
    world.pass(args.expiry_slot - world.slot());
    post(&mut world, &[before], &args).unwrap();
}

#[test]
fn the_signature_must_stand_directly_before() {
    let (mut world, market, args) = ready();
    let payer = world.authority.insecure_clone();
    let before = market.attestation(&world, &args);
    let main = ix::payout::post_settlement(&payer.pubkey(), 1, 1, args.clone());
    let between = solana_system_interface::instruction::transfer(&payer.pubkey(), &payer.pubkey(), 1);
    refused(post(&mut world, &[], &args), SharedError::AttestationMissing);
    refused(post(&mut world, &[between.clone()], &args), SharedError::AttestationMissing);
    refused(world.send(&[before.clone(), between, main.clone()], &[&payer]), SharedError::AttestationMissing);
    refused(world.send(&[main, before], &[&payer]), SharedError::AttestationMissing);
}

#[test]
fn only_one_signature_in_the_canonical_layout() {
    let (mut world, market, args) = ready();
    let message = settlement_message(&world, 1, &args);
    let bytes = message.to_bytes();
    let key = market.committee.key.verifying_key().to_bytes();
    let signature = market.committee.key.sign(&bytes).to_bytes();
    let ed25519 =
        |data: Vec<u8>| Instruction { program_id: solana_sdk_ids::ed25519_program::ID, accounts: vec![], data };
    let good = protocol::instruction_data(&key, &signature, &message).to_vec();
    // Two good signatures of which the first is the attestation.
    let entry = |signature: u16, key: u16, message: u16, index: u16| -> Vec<u8> {
        [signature, index, key, index, message, bytes.len() as u16, index]
            .iter()
            .flat_map(|f| f.to_le_bytes())
            .collect()
    };
    let (at_key, at_signature, at_message) = (30u16, 62u16, 126u16);
    let mut two = vec![2, 0];
    two.extend(entry(at_signature, at_key, at_message, u16::MAX));
    two.extend(entry(at_signature, at_key, at_message, u16::MAX));
    two.extend([&key[..], &signature, &bytes].concat());
    refused(post(&mut world, &[ed25519(two)], &args), SharedError::AttestationLayout);
    // A good attestation with further bytes after it.
    let mut longer = good.clone();
    longer.push(0);
    refused(post(&mut world, &[ed25519(longer)], &args), SharedError::AttestationLayout);
    // A good signature in another order.
    let mut moved = vec![1, 0];
    moved.extend(entry(16, 80, 112, u16::MAX));
    moved.extend([&signature[..], &key, &bytes].concat());
    refused(post(&mut world, &[ed25519(moved)], &args), SharedError::AttestationLayout);
    // The precompile checks a good signature over other bytes, while the canonical place shows the attestation.
    let thief = SigningKey::from_bytes(&[99; 32]);
    let (thiefs_key, thiefs_signature) = (thief.verifying_key().to_bytes(), thief.sign(b"anything").to_bytes());
    let mut decoy = vec![1, 0];
    let end = good.len() as u16;
    for field in [end + 32, u16::MAX, end, u16::MAX, end + 96, 8, u16::MAX] {
        decoy.extend(field.to_le_bytes());
    }
    decoy.extend([&key[..], &[0; 64], &bytes, &thiefs_key, &thiefs_signature, b"anything"].concat());
    refused(post(&mut world, &[ed25519(decoy)], &args), SharedError::AttestationLayout);
    // The offsets point into another instruction with a thief's own signature, while this one shows the attestation.
    let source = attest::signed(&thief, &message);
    let mut pointing = good.clone();
    for index_at in [4, 8, 14] {
        pointing[index_at..index_at + 2].copy_from_slice(&0u16.to_le_bytes());
    }
    refused(post(&mut world, &[source, ed25519(pointing)], &args), SharedError::AttestationLayout);
    // No signature at all.
    refused(post(&mut world, &[ed25519(vec![0, 0])], &args), SharedError::AttestationLayout);
    post(&mut world, &[ed25519(good)], &args).unwrap();
}

#[test]
fn a_sysvar_config_or_committee_of_ones_own_making_is_refused() {
    let (mut world, market, args) = ready();
    let payer = world.authority.insecure_clone();
    let before = market.attestation(&world, &args);
    let main = ix::payout::post_settlement(&payer.pubkey(), 1, 1, args.clone());
    let fake = program_tests::keys::address("fake");
    let attempt = |world: &mut World, from, data: Vec<u8>, owner| {
        world.put_raw(fake, owner, data);
        world.send(&[before.clone(), swapped(main.clone(), from, fake)], &[&payer])
    };
    let sysvar = solana_sdk_ids::sysvar::instructions::ID;
    refused_with(attempt(&mut world, sysvar, vec![0; 600], ::payout::ID), "UnsupportedSysvar");
    let committee = world.svm.get_account(&pda::committee(1)).unwrap().data;
    refused(attempt(&mut world, pda::committee(1), committee, ::payout::ID), SharedError::NotACommittee);
    let config = world.svm.get_account(&pda::stake_config()).unwrap().data;
    refused(
        attempt(&mut world, pda::stake_config(), config, ::payout::ID),
        anchor_lang::error::ErrorCode::AccountOwnedByWrongProgram,
    );
    let operator = market.committee.members[0].wallet.pubkey();
    let wrong_kind = swapped(main, pda::committee(1), pda::operator(&operator));
    refused(world.send(&[before, wrong_kind], &[&payer]), SharedError::NotACommittee);
}
