//! Attacks on attestations: rules A1 and A2, for every instruction that takes the instructions sysvar.

use crate::case::{Bench, Case};
use ed25519_dalek::{Signer as _, SigningKey};
use openledger_interface::{Program, attestation, pda};
use openledger_protocol::attest::{DOMAIN, Kind, MESSAGE_LEN, Message};
use program_tests::{
    attest,
    keys::address,
    scenario::{Attack, Attested},
    town::Town,
};
use solana_instruction::Instruction;

const KEY_AT: u16 = 16;
const SIGNATURE_AT: u16 = 48;
const MESSAGE_AT: u16 = 112;
const THIS: u16 = u16::MAX;

pub fn cases(bench: &Bench, town: &Town) -> Vec<Case> {
    let sysvar = solana_sdk_ids::sysvar::instructions::ID;
    if !bench.seats.iter().any(|s| s.meta.pubkey == sysvar) {
        assert!(bench.scenario.before.is_empty(), "{}: attested without the instructions sysvar", bench.name);
        return vec![];
    }
    let mut out = vec![];
    let mut add = |how: &str, before: Vec<Instruction>, after: Vec<Instruction>| {
        let all = before.into_iter().chain([bench.scenario.instruction.clone()]).chain(after).collect();
        out.push(bench.whole(Attack::Attestation, how, all));
    };
    let good = bench.scenario.before.clone();
    places(bench, &good, &mut add);
    for (n, proof) in good.iter().enumerate() {
        for (how, changed) in layouts(proof) {
            let mut before = good.clone();
            before[n] = changed;
            add(&format!("proof {n}: {how}"), before, vec![]);
        }
    }
    if let Some(attested) = &bench.scenario.attested {
        messages(attested, town, &mut add);
        decoys(attested, &mut add);
        let mut late = bench.whole(Attack::Attestation, "expired", bench.scenario.instructions());
        late.pass = attested.message.expiry_slot + 1 - bench.scenario.world.slot();
        out.push(late);
        out.push(retired(bench, attested, town));
    }
    out
}

/// The attestation is missing, after the instruction, separated from it, or followed by a wrong one.
fn places(bench: &Bench, good: &[Instruction], add: &mut impl FnMut(&str, Vec<Instruction>, Vec<Instruction>)) {
    let payer = bench.scenario.world.payer();
    let between = solana_system_interface::instruction::transfer(&payer, &payer, 1);
    let with = |extra: Instruction| good.iter().cloned().chain([extra]).collect::<Vec<_>>();
    add("none", vec![], vec![]);
    add("another instruction in its place", vec![between.clone()], vec![]);
    add("something between", with(between), vec![]);
    add("behind", vec![], good.to_vec());
    let stranger = SigningKey::from_bytes(&[99; 32]);
    let own = Instruction {
        program_id: solana_sdk_ids::ed25519_program::ID,
        accounts: vec![],
        data: precompile(&[&stranger], &[b"anything"]),
    };
    add("a stranger's between", with(own), vec![]);
    let mut foreign = good.to_vec();
    for proof in &mut foreign {
        proof.program_id = solana_sdk_ids::secp256k1_program::ID;
    }
    add("by another precompile", foreign, vec![]);
}

/// The precompile's data with each byte of its header changed, cut, lengthened and forged.
fn layouts(proof: &Instruction) -> Vec<(String, Instruction)> {
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut proof = proof.clone();
        change(&mut proof.data);
        proof
    };
    let mut out = vec![
        ("one byte more".to_owned(), changed(&|d| d.push(0))),
        ("one byte less".to_owned(), changed(&|d| d.truncate(d.len() - 1))),
        ("no signatures".to_owned(), changed(&|d| d[0] = 0)),
        ("no data".to_owned(), changed(&|d| d.clear())),
    ];
    for at in 0..usize::from(KEY_AT) {
        for bit in [0x01, 0x80] {
            out.push((format!("byte {at} of the head ^ {bit:#x}"), changed(&|d| d[at] ^= bit)));
        }
    }
    // Offsets into other existing instructions, and into this one by its number.
    for at in [4, 8, 14] {
        for index in [0u16, 1, 2] {
            let how = format!("instruction index at {at} is {index}");
            out.push((how, changed(&|d| d[at..at + 2].copy_from_slice(&index.to_le_bytes()))));
        }
    }
    for at in [KEY_AT, SIGNATURE_AT, SIGNATURE_AT + 32, MESSAGE_AT, MESSAGE_AT + MESSAGE_LEN as u16 - 1] {
        out.push((format!("forged at {at}"), changed(&|d| d[usize::from(at)] ^= 1)));
    }
    out
}

/// Good signatures over another message or by another key.
fn messages(attested: &Attested, town: &Town, add: &mut impl FnMut(&str, Vec<Instruction>, Vec<Instruction>)) {
    let Attested { key, message: good } = attested;
    let mut wrong = vec![
        ("another cluster", Message { cluster: [8; 32], ..*good }),
        ("the committee before", Message { committee_epoch: good.committee_epoch - 1, ..*good }),
        ("the committee behind", Message { committee_epoch: good.committee_epoch + 1, ..*good }),
        ("another subject", Message { subject: address("subject").to_bytes(), ..*good }),
        ("the sequence before", Message { sequence: good.sequence.wrapping_sub(1), ..*good }),
        ("the sequence behind", Message { sequence: good.sequence + 1, ..*good }),
        ("another payload", Message { payload: [0; 32], ..*good }),
        ("a later expiry", Message { expiry_slot: good.expiry_slot + 1, ..*good }),
        ("an earlier expiry", Message { expiry_slot: good.expiry_slot - 1, ..*good }),
        ("the first slot as expiry", Message { expiry_slot: 0, ..*good }),
    ];
    let programs = Program::ALL.map(|p| p.id().to_bytes()).into_iter().filter(|p| *p != good.program);
    wrong.extend(programs.map(|program| ("another program", Message { program, ..*good })));
    let kinds = [Kind::TrainingResult, Kind::Settlement, Kind::Committee, Kind::Fault, Kind::Meter];
    let kinds = kinds.into_iter().filter(|k| *k != good.kind);
    wrong.extend(kinds.map(|kind| ("another kind", Message { kind, ..*good })));
    for (how, message) in wrong {
        add(how, vec![attest::signed(key, &message)], vec![]);
    }
    for stranger in [&town.retired.key, &SigningKey::from_bytes(&[99; 32])] {
        add("by another key", vec![attest::signed(stranger, good)], vec![]);
    }
    // Each byte of the message, including the domain, is changed under a good signature.
    for at in 0..MESSAGE_LEN {
        let mut bytes = good.to_bytes();
        bytes[at] ^= 1;
        let what = if at < DOMAIN.len() { "domain" } else { "message" };
        add(&format!("byte {at} of the {what}"), vec![ed25519(precompile(&[key], &[&bytes]))], vec![]);
    }
    for length in [0, 1, MESSAGE_LEN - 1] {
        let bytes = good.to_bytes();
        add("a message cut short", vec![ed25519(precompile(&[key], &[&bytes[..length]]))], vec![]);
    }
    let longer = [&good.to_bytes()[..], &[0]].concat();
    add("a longer message", vec![ed25519(precompile(&[key], &[&longer]))], vec![]);
}

/// The canonical place shows the attestation, and the precompile checks another signature.
fn decoys(attested: &Attested, add: &mut impl FnMut(&str, Vec<Instruction>, Vec<Instruction>)) {
    let (thief, bytes) = (SigningKey::from_bytes(&[99; 32]), attested.message.to_bytes());
    let key = attested.key.verifying_key().to_bytes();
    let signature = attested.key.sign(&bytes).to_bytes();
    let two = precompile(&[&attested.key, &thief], &[&bytes, b"anything"]);
    add("two signatures, the first good", vec![ed25519(two)], vec![]);
    let two = precompile(&[&thief, &attested.key], &[b"anything", &bytes]);
    add("two signatures, the second good", vec![ed25519(two)], vec![]);
    // The canonical places hold the committee's key and message without its signature. The header points after them.
    let end = MESSAGE_AT + MESSAGE_LEN as u16;
    let mut decoy = vec![1, 0];
    for field in [end + 32, THIS, end, THIS, end + 96, 8, THIS] {
        decoy.extend(field.to_le_bytes());
    }
    let theirs = (thief.verifying_key().to_bytes(), thief.sign(b"anything").to_bytes());
    decoy.extend([&key[..], &[0; 64], &bytes, &theirs.0, &theirs.1, b"anything"].concat());
    add("the head points behind the message", vec![ed25519(decoy)], vec![]);
    // The same good signature with key, signature and message in another order.
    let mut moved = vec![1, 0];
    for field in [16, THIS, 80, THIS, 112, MESSAGE_LEN as u16, THIS] {
        moved.extend(field.to_le_bytes());
    }
    moved.extend([&signature[..], &key, &bytes].concat());
    add("another order", vec![ed25519(moved)], vec![]);
    // The data show the canonical layout, but the precompile reads the thief's instruction before it.
    let source = ed25519(precompile(&[&thief], &[&bytes]));
    let mut pointing = attestation::instruction(&key, &[0; 64], &attested.message).data;
    for at in [4, 8, 14] {
        pointing[at..at + 2].copy_from_slice(&0u16.to_le_bytes());
    }
    add("read from another instruction", vec![source, ed25519(pointing)], vec![]);
}

/// Once another committee is active, the old one's attestation is refused.
fn retired(bench: &Bench, attested: &Attested, town: &Town) -> Case {
    let mut world = bench.scenario.world.clone();
    let members: Vec<_> = town.retired.members.iter().collect();
    world.seat(&members, 2, [9; 32]).expect("is seated");
    let mut case = bench.whole(Attack::Attestation, "of a committee that has retired", bench.scenario.instructions());
    let epoch = attested.message.committee_epoch;
    for address in [pda::stake_config(), pda::committee(epoch), pda::committee(epoch + 1)] {
        case.put.push((address, world.svm.get_account(&address).expect("is there")));
    }
    case
}

fn ed25519(data: Vec<u8>) -> Instruction {
    Instruction { program_id: solana_sdk_ids::ed25519_program::ID, accounts: vec![], data }
}

/// The precompile's data with these signatures. Each entry after the header is `key ‖ signature ‖ message`.
fn precompile(keys: &[&SigningKey], messages: &[&[u8]]) -> Vec<u8> {
    let (mut head, mut body) = (vec![keys.len() as u8, 0], vec![]);
    let start = 2 + 14 * keys.len();
    for (key, message) in keys.iter().zip(messages) {
        let at = (start + body.len()) as u16;
        for field in [at + 32, THIS, at, THIS, at + 96, message.len() as u16, THIS] {
            head.extend(field.to_le_bytes());
        }
        body.extend(key.verifying_key().to_bytes());
        body.extend(key.sign(message).to_bytes());
        body.extend(*message);
    }
    [head, body].concat()
}
