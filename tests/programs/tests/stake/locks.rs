//! `lock_votes`, `add_to_lock`, `extend_lock`, `unlock_votes`, `delegate_votes`, and M1 over the stake vault.

use ::stake::{
    error::StakeError,
    events::{VotesDelegated, VotesLocked, VotesUnlocked},
    state::{Config, Position, Role, Version, VoteLock},
    vote_lock::{MAX_LOCK_SLOTS, MIN_LOCK_SLOTS},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, SUPPLY, World, key, keys::address, refused, stake::UNBOND_SLOTS, swapped, tx::refused_with,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

fn lock_of(world: &World, owner: &Pubkey) -> VoteLock {
    world.get(&pda::lock(owner))
}

#[test]
fn open_is_locked_grows_is_extended_and_comes_back_after_its_end() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(100 * OPEN);
    let owner = wallet.pubkey();
    // An address that was sent lamports before can be made.
    world.airdrop(&pda::lock(&owner));
    let end = world.slot() + MIN_LOCK_SLOTS;
    let event = world
        .send(&[ix::stake::lock_votes(&owner, &world.mint, 60 * OPEN, end)], &[&wallet])
        .unwrap()
        .event::<VotesLocked>();
    assert_eq!((event.lock, event.sequence, event.owner, event.delegate), (pda::lock(&owner), 0, owner, owner));
    assert_eq!((event.added, event.amount, event.end_slot), (60 * OPEN, 60 * OPEN, end));
    let lock = lock_of(&world, &owner);
    assert_eq!((lock.version, lock.changed_slot, lock.sequence), (Version::CURRENT, world.slot(), 1));
    assert_eq!(world.get::<Config>(&pda::stake_config()).locked, 60 * OPEN);

    world.pass(10);
    let event = world
        .send(&[ix::stake::add_to_lock(&owner, &world.mint, 10 * OPEN)], &[&wallet])
        .unwrap()
        .event::<VotesLocked>();
    assert_eq!((event.sequence, event.added, event.amount, event.end_slot), (1, 10 * OPEN, 70 * OPEN, end));
    assert_eq!(lock_of(&world, &owner).changed_slot, world.slot());
    world.pass(10);
    let later = world.slot() + MAX_LOCK_SLOTS;
    let event = world.send(&[ix::stake::extend_lock(&owner, later)], &[&wallet]).unwrap().event::<VotesLocked>();
    assert_eq!((event.sequence, event.added, event.amount, event.end_slot), (2, 0, 70 * OPEN, later));
    assert_eq!(lock_of(&world, &owner).changed_slot, world.slot());
    assert_eq!((world.open_of(&owner), world.balance(&pda::stake_vault())), (30 * OPEN, 70 * OPEN));

    // Unlocking is refused one slot early. After that anyone may send it, and the owner is paid.
    world.pass(MAX_LOCK_SLOTS - 1);
    refused(world.send(&[ix::stake::unlock_votes(&owner, &world.mint)], &[]), StakeError::LockNotEnded);
    world.pass(1);
    refused(world.send(&[ix::stake::add_to_lock(&owner, &world.mint, OPEN)], &[&wallet]), StakeError::LockEnded);
    let event = world.send(&[ix::stake::unlock_votes(&owner, &world.mint)], &[]).unwrap().event::<VotesUnlocked>();
    assert_eq!((event.sequence, event.paid), (3, 70 * OPEN));
    assert_eq!((world.open_of(&owner), world.balance(&pda::stake_vault())), (100 * OPEN, 0));
    assert_eq!(world.get::<Config>(&pda::stake_config()).locked, 0);
    refused(world.send(&[ix::stake::unlock_votes(&owner, &world.mint)], &[]), StakeError::NothingLocked);

    // The wallet's next lock continues the event numbers.
    let end = world.slot() + MIN_LOCK_SLOTS;
    let event = world
        .send(&[ix::stake::lock_votes(&owner, &world.mint, OPEN, end)], &[&wallet])
        .unwrap()
        .event::<VotesLocked>();
    assert_eq!((event.sequence, event.amount), (4, OPEN));
}

#[test]
fn a_lock_that_ended_can_be_extended_into_a_new_one() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(OPEN);
    let owner = wallet.pubkey();
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&owner, &world.mint, OPEN, end)], &[&wallet]).unwrap();
    world.pass(MIN_LOCK_SLOTS + 7);
    let later = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::extend_lock(&owner, later)], &[&wallet]).unwrap();
    refused(world.send(&[ix::stake::unlock_votes(&owner, &world.mint)], &[]), StakeError::LockNotEnded);
}

#[test]
fn amounts_and_ends_that_are_refused() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(10 * OPEN);
    let (owner, now) = (wallet.pubkey(), world.slot());
    let lock = |world: &World, amount, end| ix::stake::lock_votes(&owner, &world.mint, amount, end);
    let good = now + MIN_LOCK_SLOTS;
    for (amount, end, error) in [
        (0, good, StakeError::ZeroAmount),
        (OPEN, 0, StakeError::BadLockEnd),
        (OPEN, now, StakeError::BadLockEnd),
        (OPEN, good - 1, StakeError::BadLockEnd),
        (OPEN, now + MAX_LOCK_SLOTS + 1, StakeError::BadLockEnd),
        (OPEN, u64::MAX, StakeError::BadLockEnd),
    ] {
        refused(world.send(&[lock(&world, amount, end)], &[&wallet]), error);
    }
    refused_with(world.send(&[lock(&world, u64::MAX, good)], &[&wallet]), "insufficient funds");
    refused(
        world.send(&[ix::stake::add_to_lock(&owner, &world.mint, OPEN)], &[&wallet]),
        ErrorCode::AccountNotInitialized,
    );
    world.send(&[lock(&world, OPEN, good + 100)], &[&wallet]).unwrap();
    // Refused: a second lock, adding zero, an earlier end, the same end.
    refused(world.send(&[lock(&world, OPEN, good + 200)], &[&wallet]), StakeError::LockExists);
    refused(world.send(&[ix::stake::add_to_lock(&owner, &world.mint, 0)], &[&wallet]), StakeError::ZeroAmount);
    for end in [0, good, good + 100] {
        refused(world.send(&[ix::stake::extend_lock(&owner, end)], &[&wallet]), StakeError::LockShortened);
    }
    for end in [now + MAX_LOCK_SLOTS + 1, u64::MAX] {
        refused(world.send(&[ix::stake::extend_lock(&owner, end)], &[&wallet]), StakeError::BadLockEnd);
    }
    // Refused: an end that is later than before but too near now.
    world.pass(200);
    refused(world.send(&[ix::stake::extend_lock(&owner, good + 199)], &[&wallet]), StakeError::BadLockEnd);
    world.pass(MIN_LOCK_SLOTS);
    world.send(&[ix::stake::unlock_votes(&owner, &world.mint)], &[]).unwrap();
    refused(world.send(&[ix::stake::extend_lock(&owner, u64::MAX)], &[&wallet]), StakeError::NothingLocked);
    refused(world.send(&[ix::stake::add_to_lock(&owner, &world.mint, OPEN)], &[&wallet]), StakeError::NothingLocked);
}

#[test]
fn nobody_touches_anothers_lock() {
    let mut world = World::with_stake(&[]);
    let (victim, thief) = (world.wallet(10 * OPEN), world.wallet(10 * OPEN));
    let (v, t) = (victim.pubkey(), thief.pubkey());
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&v, &world.mint, 5 * OPEN, end)], &[&victim]).unwrap();
    let (theirs, own) = (pda::lock(&v), pda::lock(&t));
    // Refused: the victim's tokens, the victim's lock, and the victim as owner without its signature.
    let from = swapped(ix::stake::lock_votes(&t, &world.mint, OPEN, end), world.ata(&t), world.ata(&v));
    refused(world.send(&[from], &[&thief]), ErrorCode::ConstraintTokenOwner);
    for call in [
        ix::stake::add_to_lock(&t, &world.mint, OPEN),
        ix::stake::extend_lock(&t, end + 5),
        ix::stake::delegate_votes(&t, &t),
        ix::stake::lock_votes(&t, &world.mint, OPEN, end),
    ] {
        refused(world.send(&[swapped(call, own, theirs)], &[&thief]), ErrorCode::ConstraintSeeds);
    }
    for mut call in [
        ix::stake::add_to_lock(&v, &world.mint, OPEN),
        ix::stake::extend_lock(&v, end + 5),
        ix::stake::delegate_votes(&v, &t),
        ix::stake::lock_votes(&v, &world.mint, OPEN, end),
    ] {
        call.accounts[0].is_signer = false;
        refused(world.send(&[call], &[]), ErrorCode::AccountNotSigner);
    }
    // Unlocking pays only the owner's associated token account, whoever sends it.
    world.pass(MIN_LOCK_SLOTS);
    let out = ix::stake::unlock_votes(&v, &world.mint);
    let other = address("another token account of the victim");
    world.put_token(other, world.mint, v, 0);
    for wrong in [world.ata(&t), other] {
        refused(world.send(&[swapped(out.clone(), world.ata(&v), wrong)], &[]), StakeError::WrongOwnerToken);
    }
    // Refused: that account if it was handed over to somebody else, or is of another mint.
    let (ata, mint, other_mint) = (world.ata(&v), world.mint, address("other mint"));
    world.put_token(ata, mint, t, 0);
    refused(world.send(&[out.clone()], &[]), ErrorCode::ConstraintTokenOwner);
    world.put_mint(other_mint, 9);
    world.put_token(ata, other_mint, v, 0);
    refused(world.send(&[out.clone()], &[]), ErrorCode::ConstraintTokenMint);
    world.put_token(ata, mint, v, 5 * OPEN);
    // Refused: another vault, and another token program.
    refused(
        world.send(&[swapped(out.clone(), pda::stake_vault(), pda::insurance_vault())], &[]),
        ErrorCode::ConstraintSeeds,
    );
    let program = swapped(out.clone(), spl_token_interface::ID, spl_token_2022_interface::ID);
    refused(world.send(&[program], &[]), ErrorCode::InvalidProgramId);
    // Refused: a lock in an account of another program, and another kind of account.
    let fake = address("fake lock");
    let data = world.svm.get_account(&theirs).unwrap().data;
    world.put_raw(fake, spl_token_interface::ID, data);
    refused(world.send(&[swapped(out.clone(), theirs, fake)], &[]), ErrorCode::AccountOwnedByWrongProgram);
    world.send(&[ix::stake::deposit(&v, &world.mint, Role::Validator, OPEN)], &[&victim]).unwrap();
    let position = pda::position(&v, Role::Validator);
    refused(world.send(&[swapped(out.clone(), theirs, position)], &[]), ErrorCode::AccountDiscriminatorMismatch);
    world.send(&[out], &[]).unwrap();
}

#[test]
fn votes_are_delegated_and_taken_back_by_the_owner_alone() {
    let mut world = World::with_stake(&[]);
    let (wallet, friend) = (world.wallet(10 * OPEN), world.wallet(0));
    let (owner, delegate) = (wallet.pubkey(), friend.pubkey());
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&owner, &world.mint, OPEN, end)], &[&wallet]).unwrap();
    let event =
        world.send(&[ix::stake::delegate_votes(&owner, &delegate)], &[&wallet]).unwrap().event::<VotesDelegated>();
    assert_eq!((event.sequence, event.delegate), (1, delegate));
    let before = lock_of(&world, &owner);
    assert_eq!((before.owner, before.delegate, before.amount), (owner, delegate, OPEN));
    // A delegate does not own the lock.
    let take = swapped(ix::stake::delegate_votes(&delegate, &delegate), pda::lock(&delegate), pda::lock(&owner));
    refused(world.send(&[take], &[&friend]), ErrorCode::ConstraintSeeds);
    world.send(&[ix::stake::delegate_votes(&owner, &owner)], &[&wallet]).unwrap();
    assert_eq!(lock_of(&world, &owner).delegate, owner);
}

/// A step of a history.
#[derive(Clone, Debug)]
enum Step {
    Deposit(usize, u64),
    Unbond(usize, u64),
    Withdraw(usize),
    Lock(usize, u64, u64),
    Add(usize, u64),
    Extend(usize, u64),
    Unlock(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, amount) = (0..3usize, 0..40 * OPEN);
    let time = MIN_LOCK_SLOTS - 10..3 * MIN_LOCK_SLOTS;
    prop_oneof![
        (who.clone(), amount.clone()).prop_map(|(w, a)| Step::Deposit(w, a)),
        (who.clone(), amount.clone()).prop_map(|(w, a)| Step::Unbond(w, a)),
        who.clone().prop_map(Step::Withdraw),
        (who.clone(), amount.clone(), time.clone()).prop_map(|(w, a, t)| Step::Lock(w, a, t)),
        (who.clone(), amount).prop_map(|(w, a)| Step::Add(w, a)),
        (who.clone(), time.clone()).prop_map(|(w, t)| Step::Extend(w, t)),
        who.prop_map(Step::Unlock),
        prop_oneof![1..UNBOND_SLOTS, time].prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(Runs { cases: 10, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Runs::default() })]

    /// M1 for the stake vault: it always holds exactly what is bonded, unbonding and locked.
    #[test]
    fn the_vault_holds_what_is_counted_and_nobody_gains(steps in vec(step(), 20..60)) {
        let mut world = World::with_stake(&[]);
        let wallets: Vec<Key> = (0..3).map(|_| world.wallet(100 * OPEN)).collect();
        for step in steps {
            let now = world.slot();
            let call = |who: usize| (wallets[who].pubkey(), &wallets[who]);
            let (call, signer) = match step {
                Step::Wait(slots) => {
                    world.pass(slots);
                    continue;
                }
                Step::Deposit(w, a) => (ix::stake::deposit(&call(w).0, &world.mint, Role::Validator, a), call(w).1),
                Step::Unbond(w, a) => (ix::stake::request_unbond(&call(w).0, 0, Role::Validator, a), call(w).1),
                Step::Withdraw(w) => (ix::stake::withdraw(&call(w).0, &world.mint, Role::Validator), call(w).1),
                Step::Lock(w, a, t) => (ix::stake::lock_votes(&call(w).0, &world.mint, a, now + t), call(w).1),
                Step::Add(w, a) => (ix::stake::add_to_lock(&call(w).0, &world.mint, a), call(w).1),
                Step::Extend(w, t) => (ix::stake::extend_lock(&call(w).0, now + t), call(w).1),
                Step::Unlock(w) => (ix::stake::unlock_votes(&call(w).0, &world.mint), call(w).1),
            };
            // The books must hold whether or not the call is refused.
            let signs = call.accounts.iter().any(|a| a.is_signer);
            let _ = world.send(&[call], if signs { std::slice::from_ref(&signer) } else { &[] });
            let config = world.get::<Config>(&pda::stake_config());
            let held = config.operator_stake + config.validator_stake + config.unbonding + config.locked;
            prop_assert_eq!(world.balance(&pda::stake_vault()), held);
            let mut locked = 0;
            for wallet in &wallets {
                let me = wallet.pubkey();
                let lock = world.find::<VoteLock>(&pda::lock(&me)).map_or(0, |l| l.amount);
                let position = world.find::<Position>(&pda::position(&me, Role::Validator));
                let staked = position.map_or(0, |p| p.amount + p.unbonding);
                locked += lock;
                prop_assert_eq!(world.open_of(&me) + lock + staked, 100 * OPEN);
            }
            prop_assert_eq!(config.locked, locked);
            let bank = world.balance(&key("bank account").pubkey());
            prop_assert_eq!(bank + 300 * OPEN, SUPPLY);
        }
    }
}
