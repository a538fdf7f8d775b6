//! Prepaid balances: what was used is debited once, as attested. The rest always remains the owner's.

use ::payout::{
    error::PayoutError,
    events::{BalanceDebited, BalanceDeposited, BalanceWithdrawn, Paid, WithdrawalRequested},
    instructions::DebitBalanceArgs,
    state::{Balance, Shard},
};
use ::stake::error::SharedError;
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_protocol::{
    attest::{Kind, Message},
    fees::Shares,
};
use program_tests::{
    Key, OPEN, World, attest,
    keys::address,
    payout::{self, FEES, Market, WITHDRAWAL_SLOTS, debit_message},
    refused, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

/// A market, and a wallet with 100 OPEN in its prepaid balance and 50 OPEN besides.
fn prepaid() -> (World, Market, Key) {
    let (mut world, market) = World::with_market(2, 3);
    let owner = world.wallet(150 * OPEN);
    world.send(&[ix::payout::deposit_balance(&owner.pubkey(), &world.mint, 100 * OPEN)], &[&owner]).unwrap();
    (world, market, owner)
}

fn balance(world: &World, owner: &Key) -> Balance {
    world.get(&pda::prepaid_balance(&owner.pubkey()))
}

#[test]
fn deposits_add_up_in_the_wallets_own_vault() {
    let (mut world, _, owner) = prepaid();
    let me = owner.pubkey();
    let event =
        world.send(&[ix::payout::deposit_balance(&me, &world.mint, 7)], &[&owner]).unwrap().event::<BalanceDeposited>();
    assert_eq!((event.sequence, event.owner, event.added, event.amount), (1, me, 7, 100 * OPEN + 7));
    let state = balance(&world, &owner);
    assert_eq!(
        (state.owner, state.vault, state.amount, state.debited),
        (me, pda::prepaid_vault(&me), 100 * OPEN + 7, 0)
    );
    assert_eq!((world.balance(&pda::prepaid_vault(&me)), world.open_of(&me)), (100 * OPEN + 7, 50 * OPEN - 7));
    refused(world.send(&[ix::payout::deposit_balance(&me, &world.mint, 0)], &[&owner]), PayoutError::ZeroAmount);
    refused_with(
        world.send(&[ix::payout::deposit_balance(&me, &world.mint, 50 * OPEN)], &[&owner]),
        "insufficient funds",
    );
    // Refused: a deposit of somebody else's tokens, and one into somebody else's balance.
    let other = world.wallet(OPEN);
    let deposit = ix::payout::deposit_balance(&me, &world.mint, 1);
    let stolen = swapped(deposit.clone(), world.ata(&me), world.ata(&other.pubkey()));
    refused(world.send(&[stolen], &[&owner]), ErrorCode::ConstraintTokenOwner);
    let misled = swapped(deposit, pda::prepaid_balance(&me), pda::prepaid_balance(&other.pubkey()));
    refused(world.send(&[misled], &[&owner]), ErrorCode::ConstraintSeeds);
    // Lamports sent to its addresses before do not block a first deposit.
    world.airdrop(&pda::prepaid_balance(&other.pubkey()));
    world.airdrop(&pda::prepaid_vault(&other.pubkey()));
    world.send(&[ix::payout::deposit_balance(&other.pubkey(), &world.mint, OPEN)], &[&other]).unwrap();
}

/// M4: a debit is divided exactly as a direct payment is.
#[test]
fn a_debit_pays_everyone_as_a_payment_does() {
    let (mut world, market, owner) = prepaid();
    let (me, operator) = (owner.pubkey(), market.committee.members[0].wallet.pubkey());
    let before = world.open_of(&operator);
    let used = 10 * OPEN + 7;
    let sent = market.send_debit(&mut world, &me, 1, used).unwrap();
    let (paid, event) = (sent.event::<Paid>(), sent.event::<BalanceDebited>());
    let parts = Shares::from(FEES).split(used, false).unwrap();
    assert_eq!((paid.sequence, paid.request, paid.payer, paid.amount), (0, [9; 32], me, used));
    assert_eq!((paid.model, paid.operator, paid.shard), (market.model, operator, pda::shard(1)));
    assert_eq!(
        (paid.treasury, paid.model_owner, paid.upstream, paid.compute, paid.validators, paid.contributors),
        (parts.treasury, parts.model_owner, 0, parts.compute, parts.validators, parts.contributors)
    );
    assert_eq!((event.sequence, event.meter, event.taken, event.debited), (1, 0, used, used));
    assert_eq!((event.amount, event.withdrawing), (100 * OPEN - used, 0));
    assert_eq!(world.balance(&pda::prepaid_vault(&me)), 100 * OPEN - used);
    assert_eq!(world.balance(&payout::treasury()), parts.treasury);
    assert_eq!(world.open_of(&market.model_owner.pubkey()), parts.model_owner);
    assert_eq!(world.open_of(&operator) - before, parts.compute);
    assert_eq!(world.balance(&pda::vault(1)), parts.contributors + parts.validators);
    assert_eq!(world.get::<Shard>(&pda::shard(1)).funded, [parts.contributors, parts.validators]);
    // The next debit takes only what was used since the last one.
    let event = market.send_debit(&mut world, &me, 0, used + 3).unwrap().event::<BalanceDebited>();
    assert_eq!((event.meter, event.taken, event.debited), (1, 3, used + 3));
}

/// A2: each attestation is accepted once, and its amount is debited once, in whatever order they come.
#[test]
fn nothing_is_debited_twice_or_beyond_the_balance() {
    let (mut world, market, owner) = prepaid();
    let me = owner.pubkey();
    let args = market.debit_args(&world, 10 * OPEN);
    let both = [market.metered(&world, &me, &args), market.debit(&world, &me, 0, args)];
    world.send(&both, &[]).unwrap();
    refused(world.send(&both, &[]), SharedError::AttestationMessage);
    // A new attestation whose meter does not advance or goes back is refused.
    for used in [0, 10 * OPEN - 1, 10 * OPEN] {
        refused(market.send_debit(&mut world, &me, 0, used), PayoutError::NothingUsed);
    }
    for used in [100 * OPEN + 1, u64::MAX] {
        refused(market.send_debit(&mut world, &me, 0, used), PayoutError::BalanceTooSmall);
    }
    market.send_debit(&mut world, &me, 0, 100 * OPEN).unwrap();
    assert_eq!((balance(&world, &owner).amount, world.balance(&pda::prepaid_vault(&me))), (0, 0));
    // Deposits do not invalidate an attestation that is not sent yet.
    world.send(&[ix::payout::deposit_balance(&me, &world.mint, OPEN)], &[&owner]).unwrap();
    let args = market.debit_args(&world, 100 * OPEN + 5);
    let before = market.metered(&world, &me, &args);
    world.send(&[ix::payout::deposit_balance(&me, &world.mint, 1)], &[&owner]).unwrap();
    world.send(&[before, market.debit(&world, &me, 0, args)], &[]).unwrap();
}

/// A1: a debit needs the active committee's attestation of exactly this debit.
#[test]
fn a_debit_needs_the_committees_word_over_exactly_it() {
    let (mut world, market, owner) = prepaid();
    let me = owner.pubkey();
    let other = world.wallet(100 * OPEN);
    world.send(&[ix::payout::deposit_balance(&other.pubkey(), &world.mint, 100 * OPEN)], &[&other]).unwrap();
    let args = market.debit_args(&world, OPEN);
    let good = debit_message(&world, 1, &me, &args);
    let send = |world: &mut World, message: &Message, args: &DebitBalanceArgs| {
        let before = attest::signed(&market.committee.key, message);
        let debit = market.debit(world, &me, 0, args.clone());
        world.send(&[before, debit], &[])
    };
    for wrong in [
        Message { cluster: [8; 32], ..good },
        Message { program: ::model::ID.to_bytes(), ..good },
        Message { committee_epoch: 2, ..good },
        Message { kind: Kind::Settlement, ..good },
        Message { subject: pda::prepaid_balance(&other.pubkey()).to_bytes(), ..good },
        Message { sequence: good.sequence + 1, ..good },
        Message { payload: [0; 32], ..good },
        Message { expiry_slot: good.expiry_slot + 1, ..good },
    ] {
        refused(send(&mut world, &wrong, &args), SharedError::AttestationMessage);
    }
    for changed in [
        DebitBalanceArgs { used: args.used + 1, ..args.clone() },
        DebitBalanceArgs { statement: [0; 32], ..args.clone() },
        DebitBalanceArgs { operator: market.committee.members[1].wallet.pubkey(), ..args.clone() },
    ] {
        refused(send(&mut world, &good, &changed), SharedError::AttestationMessage);
    }
    let forger = attest::signed(&ed25519_dalek::SigningKey::from_bytes(&[99; 32]), &good);
    let debit = market.debit(&world, &me, 0, args.clone());
    refused(world.send(&[forger, debit.clone()], &[]), SharedError::AttestationKey);
    refused_with(world.send(&[debit.clone()], &[]), "AttestationMissing");
    world.pass(21);
    refused(send(&mut world, &good, &args), SharedError::AttestationExpired);
    // Refused: other accounts than the attested ones, and wrong accounts.
    let args = market.debit_args(&world, OPEN);
    let before = market.metered(&world, &me, &args);
    let debit = market.debit(&world, &me, 0, args.clone());
    let inside = args.operator;
    let second = market.committee.members[1].wallet.pubkey();
    let foreign = swapped(
        swapped(debit.clone(), pda::operator(&inside), pda::operator(&second)),
        world.ata(&inside),
        world.ata(&second),
    );
    refused(world.send(&[before.clone(), foreign], &[]), PayoutError::WrongDebit);
    let stolen = swapped(debit.clone(), world.ata(&inside), world.ata(&me));
    refused(world.send(&[before.clone(), stolen], &[]), PayoutError::WrongTokenOwner);
    let model = world.get::<::model::state::Model>(&market.model);
    world.put(address("another model"), &model);
    for (from, to, error) in [
        (market.model, address("another model"), u32::from(PayoutError::WrongDebit)),
        (payout::treasury(), world.ata(&me), PayoutError::WrongTreasury.into()),
        (pda::vault(0), pda::vault(1), PayoutError::WrongVault.into()),
        (pda::prepaid_vault(&me), pda::prepaid_vault(&other.pubkey()), PayoutError::WrongVault.into()),
        (pda::prepaid_vault(&me), pda::vault(0), PayoutError::WrongVault.into()),
        (pda::prepaid_balance(&me), pda::shard(0), ErrorCode::AccountDiscriminatorMismatch.into()),
    ] {
        refused(world.send(&[before.clone(), swapped(debit.clone(), from, to)], &[]), error);
    }
    let data = world.svm.get_account(&pda::prepaid_balance(&me)).unwrap().data;
    world.put_raw(address("copy"), ::model::ID, data);
    let fake = swapped(debit.clone(), pda::prepaid_balance(&me), address("copy"));
    refused(world.send(&[before.clone(), fake], &[]), ErrorCode::AccountOwnedByWrongProgram);
    let state = balance(&world, &owner);
    assert_eq!((state.amount, state.debited, state.meter), (100 * OPEN, 0, 0));
    world.send(&[before, debit], &[]).unwrap();
}

#[test]
fn the_owner_withdraws_after_the_delay_what_was_not_used() {
    let (mut world, market, owner) = prepaid();
    let (me, thief) = (owner.pubkey(), world.wallet(0));
    let request = |amount| ix::payout::request_balance_withdrawal(&me, amount);
    refused(world.send(&[ix::payout::withdraw_balance(&me, &world.mint)], &[&owner]), PayoutError::NothingWithdrawing);
    refused(world.send(&[request(100 * OPEN + 1)], &[&owner]), PayoutError::BalanceTooSmall);
    let stolen = swapped(
        ix::payout::request_balance_withdrawal(&thief.pubkey(), 1),
        pda::prepaid_balance(&thief.pubkey()),
        pda::prepaid_balance(&me),
    );
    refused(world.send(&[stolen], &[&thief]), PayoutError::NotOwner);
    let event = world.send(&[request(80 * OPEN)], &[&owner]).unwrap().event::<WithdrawalRequested>();
    assert_eq!((event.withdrawing, event.withdraw_slot), (80 * OPEN, world.slot() + WITHDRAWAL_SLOTS));
    world.pass(WITHDRAWAL_SLOTS - 1);
    refused(world.send(&[ix::payout::withdraw_balance(&me, &world.mint)], &[&owner]), PayoutError::WithdrawalTooEarly);
    // A debit during the delay still takes what was used before, and takes it first.
    let event = market.send_debit(&mut world, &me, 0, 30 * OPEN).unwrap().event::<BalanceDebited>();
    assert_eq!((event.amount, event.withdrawing), (70 * OPEN, 70 * OPEN));
    world.pass(1);
    let withdraw = ix::payout::withdraw_balance(&me, &world.mint);
    for (from, to, error) in [
        (world.ata(&me), world.ata(&thief.pubkey()), u32::from(ErrorCode::ConstraintTokenOwner)),
        (pda::prepaid_vault(&me), pda::vault(0), PayoutError::WrongVault.into()),
    ] {
        refused(world.send(&[swapped(withdraw.clone(), from, to)], &[&owner]), error);
    }
    let mut theirs = ix::payout::withdraw_balance(&thief.pubkey(), &world.mint);
    theirs = swapped(theirs, pda::prepaid_balance(&thief.pubkey()), pda::prepaid_balance(&me));
    theirs = swapped(theirs, pda::prepaid_vault(&thief.pubkey()), pda::prepaid_vault(&me));
    refused(world.send(&[theirs], &[&thief]), PayoutError::NotOwner);
    let event = world.send(&[withdraw.clone()], &[&owner]).unwrap().event::<BalanceWithdrawn>();
    assert_eq!((event.paid, event.amount, world.open_of(&me)), (70 * OPEN, 0, 120 * OPEN));
    refused(world.send(&[withdraw], &[&owner]), PayoutError::NothingWithdrawing);
}

#[test]
fn a_request_may_be_called_off_and_a_new_one_waits_anew() {
    let (mut world, _, owner) = prepaid();
    let me = owner.pubkey();
    world.send(&[ix::payout::request_balance_withdrawal(&me, OPEN)], &[&owner]).unwrap();
    world.pass(WITHDRAWAL_SLOTS - 1);
    world.send(&[ix::payout::request_balance_withdrawal(&me, 2 * OPEN)], &[&owner]).unwrap();
    world.pass(1);
    refused(world.send(&[ix::payout::withdraw_balance(&me, &world.mint)], &[&owner]), PayoutError::WithdrawalTooEarly);
    world.send(&[ix::payout::request_balance_withdrawal(&me, 0)], &[&owner]).unwrap();
    world.pass(WITHDRAWAL_SLOTS);
    refused(world.send(&[ix::payout::withdraw_balance(&me, &world.mint)], &[&owner]), PayoutError::NothingWithdrawing);
    assert_eq!(balance(&world, &owner).amount, 100 * OPEN);
}
