//! `sweep_dust`: only tokens that strangers sent go to the treasury (M1, M4).

use ::payout::{error::PayoutError, events::DustSwept, state::Shard};
use openledger_interface::{ix, pda};
use program_tests::{OPEN, World, keys::address, payout, refused, swapped};
use solana_keypair::Signer;

#[test]
fn what_is_not_counted_goes_to_the_treasury_and_what_is_counted_stays() {
    let (mut world, market) = World::with_market(2, 1);
    let payer = world.wallet(200 * OPEN);
    let me = payer.pubkey();
    let pay = market.pay(&world, &me, 0, [1; 32], 100 * OPEN + 7);
    world.send(&[pay, ix::payout::deposit_balance(&me, &world.mint, 40 * OPEN)], &[&payer]).unwrap();
    let held = world.get::<Shard>(&pda::shard(0)).held().unwrap();
    for (holder, vault, counted, sequence) in [
        (pda::shard(0), pda::vault(0), held, 1),
        (pda::shard(1), pda::vault(1), 0, 0),
        (pda::prepaid_balance(&me), pda::prepaid_vault(&me), 40 * OPEN, 1),
    ] {
        let sweep = ix::payout::sweep_dust(&holder, &vault, &payout::treasury());
        refused(world.send(&[sweep.clone()], &[]), PayoutError::NoDust);
        let treasury = world.balance(&payout::treasury());
        let give =
            spl_token_interface::instruction::transfer(&spl_token_interface::ID, &world.ata(&me), &vault, &me, &[], 13);
        world.send(&[give.unwrap()], &[&payer]).unwrap();
        let event = world.send(&[sweep.clone()], &[]).unwrap().event::<DustSwept>();
        assert_eq!((event.holder, event.sequence, event.amount), (holder, sequence, 13));
        assert_eq!((world.balance(&vault), world.balance(&payout::treasury())), (counted, treasury + 13));
        refused(world.send(&[sweep], &[]), PayoutError::NoDust);
    }
    // The counted tokens can still be paid out after the sweep.
    market.send_debit(&mut world, &me, 0, 40 * OPEN).unwrap();
}

#[test]
fn only_a_holders_own_vault_is_swept_and_only_to_the_treasury() {
    let (mut world, market) = World::with_market(2, 1);
    let payer = world.wallet(200 * OPEN);
    let me = payer.pubkey();
    let pay = market.pay(&world, &me, 0, [1; 32], 100 * OPEN);
    world.send(&[pay, ix::payout::deposit_balance(&me, &world.mint, 40 * OPEN)], &[&payer]).unwrap();
    let sweep = ix::payout::sweep_dust(&pda::shard(0), &pda::vault(0), &payout::treasury());
    // Refused: an empty shard with a full shard's vault, a balance with a shard's vault, and a thief in the treasury's
    // place.
    for (from, to, error) in [
        (pda::shard(0), pda::shard(1), u32::from(PayoutError::WrongVault)),
        (pda::shard(0), pda::prepaid_balance(&me), PayoutError::WrongVault.into()),
        (pda::shard(0), pda::payout_config(), PayoutError::NotAHolder.into()),
        (pda::shard(0), market.model, PayoutError::NotAHolder.into()),
        (pda::vault(0), pda::prepaid_vault(&me), PayoutError::WrongVault.into()),
        (payout::treasury(), world.ata(&me), PayoutError::WrongTreasury.into()),
    ] {
        refused(world.send(&[swapped(sweep.clone(), from, to)], &[]), error);
    }
    // Refused: a copy of a shard in another program that claims to have paid everything out, and the config as holder.
    let mut data = world.svm.get_account(&pda::shard(0)).unwrap().data;
    data[8..].fill(0);
    world.put_raw(address("fake"), ::model::ID, data);
    refused(world.send(&[swapped(sweep, pda::shard(0), address("fake"))], &[]), PayoutError::NotAHolder);
}
