//! M4: a fee's parts equal those of naive arithmetic and sum to the fee, for any shares and amounts.

use crate::{naive, runner};
use ::payout::{events::Paid, state::FeeShares};
use openledger_interface::pda;
use openledger_protocol::allocate::largest_remainder;
use program_tests::{OPEN, World, town::Town};
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
            set_fees(&mut world, all);
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

/// Sets the shares in force directly, because votes can move them only by steps and within bounds.
fn set_fees(world: &mut World, s: [u16; 6]) {
    world.edit(pda::payout_config(), |config: &mut ::payout::state::Config| {
        config.fees = FeeShares {
            treasury: s[0],
            model_owner: s[1],
            upstream: s[2],
            compute: s[3],
            validators: s[4],
            contributors: s[5],
        };
    });
}

/// Gives the market's model a parent, as the model program would at registration.
fn give_parent(world: &mut World, town: &Town) {
    world.edit(town.market.model, |model: &mut ::model::state::Model| {
        model.parent = Some(town.rivals_model);
        model.parent_owner = Some(town.rival.pubkey());
    });
}
