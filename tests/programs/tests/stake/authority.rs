//! `initialize`, `propose_authority`, `accept_authority`.

use ::stake::{
    error::StakeError,
    events::ConfigChanged,
    state::{Config, Version},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{Program, ix, pda};
use program_tests::{World, keys::address, refused, stake, swapped, tx::refused_with};
use solana_keypair::Signer;

#[test]
fn the_upgrade_authority_initialises_once() {
    let mut world = World::new(&[Program::Stake]);
    let authority = world.authority.insecure_clone();
    let make = ix::stake::initialize(&authority.pubkey(), &world.mint, stake::initialize_args(&world));
    let sent = world.send(&[make.clone()], &[&authority]).unwrap();
    let event = sent.event::<ConfigChanged>();
    assert_eq!((event.config, event.sequence, event.authority), (pda::stake_config(), 0, authority.pubkey()));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.version, config.open_mint, config.cluster), (Version::CURRENT, world.mint, world.cluster));
    assert_eq!((config.committee_epoch, config.sequence), (0, 1));
    assert_eq!(world.balance(&pda::stake_vault()), 0);
    // The second time the accounts are there.
    refused_with(world.send(&[make], &[&authority]), "already in use");
}

#[test]
fn nobody_else_initialises() {
    let mut world = World::new(&[Program::Stake]);
    let thief = world.wallet(0);
    let make = ix::stake::initialize(&thief.pubkey(), &world.mint, stake::initialize_args(&world));
    refused(world.send(&[make.clone()], &[&thief]), StakeError::NotUpgradeAuthority);
    // Refused as well: the record of a program that the thief controls.
    let own = address("record of another program");
    let data = world.svm.get_account(&pda::program_data(&Program::Stake.id())).unwrap();
    world.put_raw(own, data.owner, data.data);
    let make = swapped(make, pda::program_data(&Program::Stake.id()), own);
    refused(world.send(&[make], &[&thief]), ErrorCode::ConstraintSeeds);
}

#[test]
fn addresses_that_were_sent_lamports_before_do_not_block_initialisation() {
    let mut world = World::new(&[Program::Stake]);
    for address in [pda::stake_config(), pda::stake_vault(), pda::insurance_vault()] {
        world.airdrop(&address);
    }
    let authority = world.authority.insecure_clone();
    world
        .send(&[ix::stake::initialize(&authority.pubkey(), &world.mint, stake::initialize_args(&world))], &[&authority])
        .unwrap();
}

#[test]
fn the_mint_must_be_a_classic_one_with_nine_decimals() {
    let mut world = World::new(&[Program::Stake]);
    let authority = world.authority.insecure_clone();
    let make = ix::stake::initialize(&authority.pubkey(), &world.mint, stake::initialize_args(&world));
    let six = address("mint of six decimals");
    world.put_mint(six, 6);
    let mint = world.mint;
    refused(world.send(&[swapped(make.clone(), mint, six)], &[&authority]), StakeError::WrongMint);
    let other = address("mint of token-2022");
    let data = world.svm.get_account(&mint).unwrap().data;
    world.put_raw(other, spl_token_2022_interface::ID, data);
    refused(world.send(&[swapped(make, mint, other)], &[&authority]), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn the_authority_passes_on_only_when_proposed_and_accepted() {
    let mut world = World::with_stake(&[]);
    let (old, new, thief) = (world.authority.insecure_clone(), world.wallet(0), world.wallet(0));
    refused(
        world.send(&[ix::stake::propose_authority(&thief.pubkey(), &thief.pubkey())], &[&thief]),
        StakeError::NotAuthority,
    );
    refused(world.send(&[ix::stake::accept_authority(&new.pubkey())], &[&new]), StakeError::NotPendingAuthority);
    world.send(&[ix::stake::propose_authority(&old.pubkey(), &new.pubkey())], &[&old]).unwrap();
    refused(world.send(&[ix::stake::accept_authority(&thief.pubkey())], &[&thief]), StakeError::NotPendingAuthority);
    let sent = world.send(&[ix::stake::accept_authority(&new.pubkey())], &[&new]).unwrap();
    let event = sent.event::<ConfigChanged>();
    assert_eq!((event.sequence, event.authority, event.pending_authority), (2, new.pubkey(), None));
    // It works once, and the old authority is out.
    refused(world.send(&[ix::stake::accept_authority(&new.pubkey())], &[&new]), StakeError::NotPendingAuthority);
    refused(
        world.send(&[ix::stake::propose_authority(&old.pubkey(), &old.pubkey())], &[&old]),
        StakeError::NotAuthority,
    );
}

#[test]
fn nobody_can_forge_an_event() {
    let mut world = World::with_stake(&[]);
    let thief = world.wallet(0);
    let mut forged = ix::stake::accept_authority(&thief.pubkey());
    forged.data = [anchor_lang::event::EVENT_IX_TAG_LE, &[0; 80]].concat();
    forged.accounts = vec![solana_instruction::AccountMeta::new_readonly(pda::event_authority(&::stake::ID), false)];
    refused(world.send(&[forged], &[]), ErrorCode::ConstraintSigner);
}
