//! M4: a fee's parts are what naive arithmetic gives, and sum to it, for any shares and amounts.

use crate::{naive, runner};
use ::payout::{events::Paid, state::FeeShares};
use openledger_protocol::allocate::largest_remainder;
use program_tests::{OPEN, Program, World, payout, town::Town};
use proptest::prelude::*;
use solana_keypair::Signer;

fn shares(weights: [u64; 6]) -> [u16; 6] {
    let parts = largest_remainder(10_000, &weights);
    if weights.iter().all(|w| *w == 0) { [10_000, 0, 0, 0, 0, 0] } else { std::array::from_fn(|i| parts[i] as u16) }
}

#[test]
fn any_fee_splits_as_naive_arithmetic_does() {
    let town = Town::new();
    let amounts = prop_oneof![1..20_000u64, 1..1_000 * OPEN, Just(9_999u64), Just(10_001u64)];
    runner(24)
        .run(&(prop::array::uniform6(0..1_000u64), amounts, any::<bool>()), |(weights, amount, has_parent)| {
            let (mut world, payer) = (town.lab.world.clone(), town.rival.insecure_clone());
            let all = shares(weights);
            set_fees(&mut world, &town, all);
            if has_parent {
                give_parent(&mut world, &town);
            }
            let pay = town.market.pay(&world, &payer.pubkey(), 0, [1; 32], amount);
            let e: Paid = world.send(&[pay], &[&payer]).expect("pays").event();
            let parts = [e.treasury, e.model_owner, e.upstream, e.compute, e.validators, e.contributors];
            prop_assert_eq!(parts, naive::split(amount, all, has_parent));
            prop_assert_eq!(parts.iter().sum::<u64>(), amount);
            Ok(())
        })
        .unwrap();
}

/// Sets the shares and ends the epoch, so that they are in force.
fn set_fees(world: &mut World, town: &Town, s: [u16; 6]) {
    let by = world.authority.insecure_clone();
    let next = FeeShares {
        treasury: s[0],
        model_owner: s[1],
        upstream: s[2],
        compute: s[3],
        validators: s[4],
        contributors: s[5],
    };
    world.send(&[payout::set_fees(&by.pubkey(), next)], &[&by]).expect("is set");
    world.pass(payout::EPOCH_SLOTS);
    let args = payout::settlement_args(world, [&town.trees[0], &town.trees[1]]);
    town.market.post(world, &args).expect("posts");
}

/// Gives the market's model a parent, as the model program would have at its registration.
fn give_parent(world: &mut World, town: &Town) {
    let mut model: ::model::state::Model = world.get(&town.market.model);
    model.parent = Some(town.rivals_model);
    model.parent_owner = Some(town.rival.pubkey());
    let space = world.svm.get_account(&town.market.model).expect("is there").data.len();
    world.put(town.market.model, &model);
    let mut account = world.svm.get_account(&town.market.model).expect("is there");
    account.data.resize(space, 0);
    account.lamports = world.svm.minimum_balance_for_rent_exemption(space);
    assert_eq!(account.owner, Program::Model.id());
    world.svm.set_account(town.market.model, account).expect("an ordinary account");
}
