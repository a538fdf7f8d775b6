//! `pause`: what it stops, what continues, and that it ends by itself.

use ::payout::{
    error::PayoutError,
    events::Paused,
    state::{Config, Pool},
};
use ::stake::error::SharedError;
use openledger_interface::{ix, pda};
use openledger_shared::MAX_PAUSE_SLOTS;
use program_tests::{
    OPEN, World,
    payout::{self, CHALLENGE_SLOTS, EPOCH_SLOTS, claim_args, settlement_args, tree},
    refused,
};
use solana_keypair::Signer;

#[test]
fn the_authority_pauses_for_a_bounded_time_and_may_end_it() {
    let (mut world, market) = World::with_market(1, 1);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(OPEN));
    let now = world.slot();
    refused(world.send(&[ix::payout::pause(&thief.pubkey(), now + 1)], &[&thief]), PayoutError::NotAuthority);
    let pause = |world: &mut World, until| world.send(&[ix::payout::pause(&authority.pubkey(), until)], &[&authority]);
    refused(pause(&mut world, now + MAX_PAUSE_SLOTS + 1), SharedError::PauseTooLong);
    refused(pause(&mut world, u64::MAX), SharedError::PauseTooLong);
    let event = pause(&mut world, now + MAX_PAUSE_SLOTS).unwrap().event::<Paused>();
    assert_eq!(event.paused_until, now + MAX_PAUSE_SLOTS);
    let pay = market.pay(&world, &thief.pubkey(), 0, [1; 32], OPEN);
    refused(world.send(&[pay.clone()], &[&thief]), SharedError::Paused);
    pause(&mut world, 0).unwrap();
    assert_eq!(world.get::<Config>(&pda::payout_config()).paused_until, world.slot(), "ended now");
    world.send(&[pay], &[&thief]).unwrap();
}

#[test]
fn money_and_settlements_stand_still_while_paused_and_prepaid_money_may_leave() {
    let (mut world, market) = World::with_market(1, 1);
    let (authority, payer) = (world.authority.insecure_clone(), world.wallet(300 * OPEN));
    let me = payer.pubkey();
    let (pay, deposit) =
        (market.pay(&world, &me, 0, [1; 32], 100 * OPEN), ix::payout::deposit_balance(&me, &world.mint, 100 * OPEN));
    world.send(&[pay.clone(), deposit, ix::payout::request_balance_withdrawal(&me, 10 * OPEN)], &[&payer]).unwrap();
    let data = tree(&[(me, 20 * OPEN)]);
    market.settle(&mut world, [&data, &tree(&[])]);
    world.pass(EPOCH_SLOTS);
    let claim = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&data, Pool::Contributors, &me));
    let until = world.slot() + 30;
    let pause = |world: &mut World, until| world.send(&[ix::payout::pause(&authority.pubkey(), until)], &[&authority]);
    pause(&mut world, until).unwrap();

    refused(world.send(&[pay.clone()], &[&payer]), SharedError::Paused);
    refused(world.send(&[claim.clone()], &[&payer]), SharedError::Paused);
    refused(market.send_debit(&mut world, &me, 0, OPEN), SharedError::Paused);
    let args = settlement_args(&world, [&data, &tree(&[])]);
    refused(market.post(&mut world, &args), SharedError::Paused);
    world.send(&[ix::payout::withdraw_balance(&me, &world.mint)], &[&payer]).unwrap();
    world.pass(29);
    refused(world.send(&[claim.clone()], &[&payer]), SharedError::Paused);
    // The pause ends by itself, and everything works again.
    world.pass(1);
    world.send(&[claim, pay], &[&payer]).unwrap();
    market.send_debit(&mut world, &me, 0, OPEN).unwrap();
    let args = settlement_args(&world, [&data, &tree(&[])]);
    market.post(&mut world, &args).unwrap();

    // A posted settlement cannot be activated during the pause, and may be challenged until its end.
    let until = world.slot() + CHALLENGE_SLOTS + 20;
    pause(&mut world, until).unwrap();
    world.pass(CHALLENGE_SLOTS);
    refused(world.send(&[ix::payout::activate_settlement(2)], &[]), SharedError::Paused);
    world
        .send(
            &[ix::payout::challenge_settlement(&me, &world.mint, &world.get(&pda::settlement(2)), payout::evidence())],
            &[&payer],
        )
        .unwrap();
}
