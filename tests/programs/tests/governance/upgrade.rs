//! Upgrades: if governance is a program's upgrade authority, only a proposal that passed can replace the program.

use anchor_lang::solana_program::bpf_loader_upgradeable::{self, UpgradeableLoaderState};
use openledger_interface::{Program, pda};
use program_tests::{Key, World, governance::Assembly, keys::address, tx::refused_with, world::binary};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// The loader's instruction `SetAuthority` for a program, in the loader's own encoding.
fn set_upgrade_authority(program: Program, present: &Pubkey, next: &Pubkey) -> Instruction {
    Instruction {
        program_id: bpf_loader_upgradeable::ID,
        accounts: vec![
            AccountMeta::new(pda::program_data(&program.id()), false),
            AccountMeta::new_readonly(*present, true),
            AccountMeta::new_readonly(*next, false),
        ],
        data: 4u32.to_le_bytes().to_vec(),
    }
}

/// The loader's instruction `Upgrade` of a program from `buffer`, in the loader's own encoding.
fn upgrade(program: Program, buffer: &Pubkey, authority: &Pubkey) -> Instruction {
    Instruction {
        program_id: bpf_loader_upgradeable::ID,
        accounts: vec![
            AccountMeta::new(pda::program_data(&program.id()), false),
            AccountMeta::new(program.id(), false),
            AccountMeta::new(*buffer, false),
            AccountMeta::new(address("spill"), false),
            AccountMeta::new_readonly(solana_sdk_ids::sysvar::rent::ID, false),
            AccountMeta::new_readonly(solana_sdk_ids::sysvar::clock::ID, false),
            AccountMeta::new_readonly(*authority, true),
        ],
        data: 3u32.to_le_bytes().to_vec(),
    }
}

/// A world in which governance is the datanet program's upgrade authority, a buffer with another program in it, and the
/// old authority.
fn world() -> (World, Assembly, Pubkey, Key) {
    let (mut world, assembly) = World::with_governance(&[Program::Datanet]);
    let old = world.authority.insecure_clone();
    let hand_over = set_upgrade_authority(Program::Datanet, &old.pubkey(), &pda::governance_authority());
    world.send(&[hand_over], &[&old]).unwrap();
    let buffer = address("buffer");
    let state = UpgradeableLoaderState::Buffer { authority_address: Some(pda::governance_authority()) };
    let mut data = vec![0; UpgradeableLoaderState::size_of_buffer_metadata()];
    bincode::serialize_into(&mut data[..], &state).unwrap();
    // The model program is smaller than the datanet program, so it fits in its place.
    data.extend(binary(Program::Model));
    world.put_raw(buffer, bpf_loader_upgradeable::ID, data);
    (world, assembly, buffer, old)
}

fn code(world: &World) -> Vec<u8> {
    let data = world.svm.get_account(&pda::program_data(&Program::Datanet.id())).unwrap().data;
    data[UpgradeableLoaderState::size_of_programdata_metadata()..].to_vec()
}

#[test]
fn g1_an_upgrade_takes_a_proposal_that_passed() {
    let (mut world, assembly, buffer, old) = world();
    let by_old = upgrade(Program::Datanet, &buffer, &old.pubkey());
    refused_with(world.send(&[by_old], &[&old]), "IncorrectAuthority");
    let call = upgrade(Program::Datanet, &buffer, &pda::governance_authority());
    let before = code(&world);
    assembly.enact(&mut world, &[call]).unwrap();
    let (after, wanted) = (code(&world), binary(Program::Model));
    assert!(before.len() >= wanted.len() && before[..wanted.len()] != wanted[..]);
    assert_eq!(after[..wanted.len()], wanted[..]);
    assert!(after[wanted.len()..].iter().all(|b| *b == 0));
}

#[test]
fn g1_the_upgrade_authority_can_be_handed_on_by_a_proposal_only() {
    let (mut world, assembly, _, old) = world();
    let back = set_upgrade_authority(Program::Datanet, &old.pubkey(), &old.pubkey());
    refused_with(world.send(&[back], &[&old]), "IncorrectAuthority");
    let next = pda::stake_config();
    let call = set_upgrade_authority(Program::Datanet, &pda::governance_authority(), &next);
    assembly.enact(&mut world, &[call]).unwrap();
    let data = world.svm.get_account(&pda::program_data(&Program::Datanet.id())).unwrap().data;
    let state: UpgradeableLoaderState = bincode::deserialize(&data).unwrap();
    assert!(
        matches!(state, UpgradeableLoaderState::ProgramData { upgrade_authority_address: Some(a), .. } if a == next)
    );
}
