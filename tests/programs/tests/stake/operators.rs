//! `register_operator`, `update_operator`.

use ::stake::{
    error::StakeError,
    events::OperatorRegistered,
    instructions::RegisterOperatorArgs,
    state::{MAX_ENDPOINT, Operator, Role},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{World, key, refused, stake::MIN_OPERATOR, swapped, tx::refused_with};
use solana_keypair::Signer;

#[test]
fn an_operator_registers_with_stake_and_both_signatures_and_updates_its_entry() {
    let mut world = World::with_stake(&[]);
    let operator = world.operator();
    let owner = operator.wallet.pubkey();
    let entry = world.get::<Operator>(&pda::operator(&owner));
    assert_eq!((entry.owner, entry.identity, entry.sequence), (owner, operator.identity.pubkey(), 1));
    let update = ix::stake::update_operator(&owner, "https://node.example:8443".into(), 2);
    let event = world.send(&[update], &[&operator.wallet]).unwrap().event::<OperatorRegistered>();
    assert_eq!((event.sequence, event.endpoint.as_str(), event.capabilities), (1, "https://node.example:8443", 2));
    assert_eq!(event.identity, operator.identity.pubkey());
    // The longest endpoint fits.
    let longest = format!("https://{}", "a".repeat(MAX_ENDPOINT - 8));
    world.send(&[ix::stake::update_operator(&owner, longest.clone(), 7)], &[&operator.wallet]).unwrap();
    assert_eq!(world.get::<Operator>(&pda::operator(&owner)).endpoint, longest);
}

#[test]
fn registering_needs_the_minimum_a_sound_entry_and_happens_once() {
    let mut world = World::with_stake(&[]);
    let (wallet, identity) = (world.wallet(2 * MIN_OPERATOR), key("identity"));
    let owner = wallet.pubkey();
    let register = |endpoint: &str, capabilities| {
        ix::stake::register_operator(
            &owner,
            &identity.pubkey(),
            RegisterOperatorArgs { endpoint: endpoint.into(), capabilities },
        )
    };
    let good = register("http://a", 7);
    refused(world.send(&[good.clone()], &[&wallet, &identity]), ErrorCode::AccountNotInitialized);
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, MIN_OPERATOR - 1)], &[&wallet]).unwrap();
    refused(world.send(&[good.clone()], &[&wallet, &identity]), StakeError::BelowMinimum);
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 1)], &[&wallet]).unwrap();
    refused(world.send(&[register("node", 7)], &[&wallet, &identity]), StakeError::BadEndpoint);
    refused(world.send(&[register("http://a", 8)], &[&wallet, &identity]), StakeError::BadCapabilities);
    // The identity proves that the operator holds it.
    let mut unproven = good.clone();
    unproven.accounts[1].is_signer = false;
    refused(world.send(&[unproven], &[&wallet]), ErrorCode::AccountNotSigner);
    world.send(&[good.clone()], &[&wallet, &identity]).unwrap();
    refused_with(world.send(&[good], &[&wallet, &identity]), "already in use");
}

#[test]
fn validators_stake_and_other_wallets_stake_do_not_count() {
    let mut world = World::with_stake(&[]);
    let (rich, poor, identity) = (world.operator(), world.wallet(2 * MIN_OPERATOR), key("identity"));
    let owner = poor.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, MIN_OPERATOR)], &[&poor]).unwrap();
    let own = pda::position(&owner, Role::Operator);
    let register = ix::stake::register_operator(
        &owner,
        &identity.pubkey(),
        RegisterOperatorArgs { endpoint: "http://a".into(), capabilities: 7 },
    );
    for wrong in [pda::position(&owner, Role::Validator), pda::position(&rich.wallet.pubkey(), Role::Operator)] {
        let register = swapped(register.clone(), own, wrong);
        refused(world.send(&[register], &[&poor, &identity]), ErrorCode::ConstraintSeeds);
    }
}

#[test]
fn nobody_changes_anothers_entry() {
    let mut world = World::with_stake(&[]);
    let (operator, thief) = (world.operator(), world.operator());
    let victim = operator.wallet.pubkey();
    let entry = pda::operator(&victim);
    let update = ix::stake::update_operator(&thief.wallet.pubkey(), "http://thief".into(), 7);
    let update = swapped(update, pda::operator(&thief.wallet.pubkey()), entry);
    refused(world.send(&[update], &[&thief.wallet]), ErrorCode::ConstraintSeeds);
    for (endpoint, capabilities, error) in
        [("", 7, StakeError::BadEndpoint), ("http://a", 0, StakeError::BadCapabilities)]
    {
        let update = ix::stake::update_operator(&victim, endpoint.into(), capabilities);
        refused(world.send(&[update], &[&operator.wallet]), error);
    }
}
