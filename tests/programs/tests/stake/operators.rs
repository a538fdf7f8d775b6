//! `register_operator`, `update_operator`.

use ::stake::{
    error::StakeError,
    events::OperatorRegistered,
    state::{MAX_ENDPOINT, Operator, Role},
};
use anchor_lang::error::ErrorCode;
use program_tests::{
    World, key, refused,
    stake::{self, MIN_OPERATOR},
    swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

#[test]
fn an_operator_registers_with_stake_and_both_signatures_and_updates_its_entry() {
    let mut world = World::with_stake(&[]);
    let operator = world.operator();
    let owner = operator.wallet.pubkey();
    let entry = world.get::<Operator>(&stake::operator(&owner));
    assert_eq!((entry.owner, entry.identity, entry.sequence), (owner, operator.identity.pubkey(), 1));
    let update = stake::update_operator(&owner, "https://node.example:8443", 2);
    let event = world.send(&[update], &[&operator.wallet]).unwrap().event::<OperatorRegistered>();
    assert_eq!((event.sequence, event.endpoint.as_str(), event.capabilities), (1, "https://node.example:8443", 2));
    assert_eq!(event.identity, operator.identity.pubkey());
    // The longest endpoint fits.
    let longest = format!("https://{}", "a".repeat(MAX_ENDPOINT - 8));
    world.send(&[stake::update_operator(&owner, &longest, 7)], &[&operator.wallet]).unwrap();
    assert_eq!(world.get::<Operator>(&stake::operator(&owner)).endpoint, longest);
}

#[test]
fn registering_needs_the_minimum_a_sound_entry_and_happens_once() {
    let mut world = World::with_stake(&[]);
    let (wallet, identity) = (world.wallet(2 * MIN_OPERATOR), key("identity"));
    let owner = wallet.pubkey();
    let register =
        |endpoint: &str, capabilities| stake::register_operator(&owner, &identity.pubkey(), endpoint, capabilities);
    let good = register("http://a", 7);
    refused(world.send(&[good.clone()], &[&wallet, &identity]), ErrorCode::AccountNotInitialized);
    world.send(&[stake::deposit(&world, &owner, Role::Operator, MIN_OPERATOR - 1)], &[&wallet]).unwrap();
    refused(world.send(&[good.clone()], &[&wallet, &identity]), StakeError::BelowMinimum);
    world.send(&[stake::deposit(&world, &owner, Role::Operator, 1)], &[&wallet]).unwrap();
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
    world.send(&[stake::deposit(&world, &owner, Role::Validator, MIN_OPERATOR)], &[&poor]).unwrap();
    let own = stake::position(&owner, Role::Operator);
    let register = stake::register_operator(&owner, &identity.pubkey(), "http://a", 7);
    for wrong in [stake::position(&owner, Role::Validator), stake::position(&rich.wallet.pubkey(), Role::Operator)] {
        let register = swapped(register.clone(), own, wrong);
        refused(world.send(&[register], &[&poor, &identity]), ErrorCode::ConstraintSeeds);
    }
}

#[test]
fn nobody_changes_anothers_entry() {
    let mut world = World::with_stake(&[]);
    let (operator, thief) = (world.operator(), world.operator());
    let victim = operator.wallet.pubkey();
    let entry = stake::operator(&victim);
    let update = stake::update_operator(&thief.wallet.pubkey(), "http://thief", 7);
    let update = swapped(update, stake::operator(&thief.wallet.pubkey()), entry);
    refused(world.send(&[update], &[&thief.wallet]), ErrorCode::ConstraintSeeds);
    for (endpoint, capabilities, error) in
        [("", 7, StakeError::BadEndpoint), ("http://a", 0, StakeError::BadCapabilities)]
    {
        let update = stake::update_operator(&victim, endpoint, capabilities);
        refused(world.send(&[update], &[&operator.wallet]), error);
    }
}
