//! `open_pool`, `delegate`, `undelegate`, `withdraw_delegation`, `harvest`, `claim_delegation_rewards`,
//! `set_commission`.

use ::stake::{
    error::StakeError,
    events::{
        CommissionSet, Delegated, DelegationWithdrawn, Harvested, PoolSlashed, RewardsClaimed, Slashed, Undelegated,
    },
    state::{Config, Delegation, Pool, Role, Shares},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, World, refused,
    stake::{Committee, MIN_OPERATOR, UNBOND_SLOTS},
    swapped,
    tx::refused_with,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// A committee of one. Its member takes delegations at a commission of a tenth.
fn world() -> (World, Committee, Pubkey) {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(1);
    let owner = committee.members[0].wallet.pubkey();
    let open = ix::stake::open_pool(&owner, &world.mint, 1_000);
    let event = world.send(&[open], &[&committee.members[0].wallet]).unwrap().event::<CommissionSet>();
    assert_eq!((event.operator, event.sequence, event.commission_bps), (owner, 0, 1_000));
    (world, committee, owner)
}

/// A new wallet that has delegated `amount`.
fn delegator(world: &mut World, operator: &Pubkey, amount: u64) -> Key {
    let wallet = world.wallet(2 * amount);
    world.send(&[ix::stake::delegate(&wallet.pubkey(), &world.mint, operator, amount)], &[&wallet]).unwrap();
    wallet
}

fn pool(world: &World, operator: &Pubkey) -> Pool {
    world.get(&pda::stake_pool(operator))
}

fn shares(world: &World, operator: &Pubkey, owner: &Key) -> u128 {
    world.get::<Delegation>(&pda::delegation(operator, &owner.pubkey())).shares
}

/// Somebody pays into the operator's reward vault.
fn reward(world: &mut World, operator: &Pubkey, amount: u64) {
    let vault = pda::reward_vault(operator);
    let (has, mint) = (world.balance(&vault), world.mint);
    world.put_token(vault, mint, pda::stake_pool(operator), has + amount);
}

#[test]
fn a_delegation_goes_in_unbonds_cools_down_and_comes_out() {
    let (mut world, _, operator) = world();
    let wallet = world.wallet(100 * OPEN);
    let owner = wallet.pubkey();
    let sent = world.send(&[ix::stake::delegate(&owner, &world.mint, &operator, 60 * OPEN)], &[&wallet]).unwrap();
    let event = sent.event::<Delegated>();
    assert_eq!((event.operator, event.owner, event.sequence), (operator, owner, 0));
    assert_eq!((event.added, event.shares), (60 * OPEN, 60 * u128::from(OPEN)));
    world.send(&[ix::stake::delegate(&owner, &world.mint, &operator, OPEN)], &[&wallet]).unwrap();
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.delegated, config.operator_stake), (61 * OPEN, MIN_OPERATOR));
    assert_eq!(world.balance(&pda::stake_vault()), MIN_OPERATOR + 61 * OPEN);
    let some = 11 * u128::from(OPEN);
    let event =
        world.send(&[ix::stake::undelegate(&owner, &operator, some)], &[&wallet]).unwrap().event::<Undelegated>();
    assert_eq!((event.amount, event.shares, event.unbonding_shares), (11 * OPEN, 50 * u128::from(OPEN), some));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.delegated, config.delegated_unbonding), (50 * OPEN, 11 * OPEN));
    let withdraw = ix::stake::withdraw_delegation(&owner, &world.mint, &operator);
    world.pass(UNBOND_SLOTS - 1);
    refused(world.send(&[withdraw.clone()], &[&wallet]), StakeError::CooldownNotOver);
    world.pass(1);
    let event = world.send(&[withdraw.clone()], &[&wallet]).unwrap().event::<DelegationWithdrawn>();
    assert_eq!((event.paid, world.open_of(&owner)), (11 * OPEN, 50 * OPEN));
    refused(world.send(&[withdraw], &[&wallet]), StakeError::NothingUnbonding);
    // Another request restarts the cooldown.
    world.send(&[ix::stake::undelegate(&owner, &operator, some)], &[&wallet]).unwrap();
    world.pass(UNBOND_SLOTS);
    world.send(&[ix::stake::undelegate(&owner, &operator, 1)], &[&wallet]).unwrap();
    let withdraw = ix::stake::withdraw_delegation(&owner, &world.mint, &operator);
    refused(world.send(&[withdraw], &[&wallet]), StakeError::CooldownNotOver);
}

#[test]
fn amounts_wallets_and_pools_that_are_refused() {
    let (mut world, committee, operator) = world();
    let (wallet, thief) = (delegator(&mut world, &operator, 10 * OPEN), world.wallet(10 * OPEN));
    let (w, t) = (wallet.pubkey(), thief.pubkey());
    refused(world.send(&[ix::stake::delegate(&t, &world.mint, &operator, 0)], &[&thief]), StakeError::ZeroAmount);
    refused_with(
        world.send(&[ix::stake::delegate(&t, &world.mint, &operator, u64::MAX)], &[&thief]),
        "insufficient funds",
    );
    refused(world.send(&[ix::stake::undelegate(&w, &operator, 0)], &[&wallet]), StakeError::ZeroAmount);
    for too_many in [10 * u128::from(OPEN) + 1, u128::MAX] {
        refused(
            world.send(&[ix::stake::undelegate(&w, &operator, too_many)], &[&wallet]),
            StakeError::InsufficientStake,
        );
    }
    // Refused: somebody else's delegation or tokens, and payment to somebody else's token account.
    let (own, others) = (pda::delegation(&operator, &t), pda::delegation(&operator, &w));
    let out = swapped(ix::stake::undelegate(&t, &operator, 1), own, others);
    refused(world.send(&[out], &[&thief]), ErrorCode::ConstraintSeeds);
    let from = swapped(ix::stake::delegate(&t, &world.mint, &operator, OPEN), world.ata(&t), world.ata(&w));
    refused(world.send(&[from], &[&thief]), ErrorCode::ConstraintTokenOwner);
    world.send(&[ix::stake::undelegate(&w, &operator, 5)], &[&wallet]).unwrap();
    world.pass(UNBOND_SLOTS);
    let away = swapped(ix::stake::withdraw_delegation(&w, &world.mint, &operator), world.ata(&w), world.ata(&t));
    refused(world.send(&[away], &[&wallet]), ErrorCode::ConstraintTokenOwner);
    let rewards_away =
        swapped(ix::stake::claim_delegation_rewards(&w, &world.mint, &operator), world.ata(&w), world.ata(&t));
    refused(world.send(&[rewards_away], &[&wallet]), ErrorCode::ConstraintTokenOwner);
    let commission_away = swapped(ix::stake::harvest(&world.mint, &operator), world.ata(&operator), world.ata(&t));
    refused(world.send(&[commission_away], &[]), ErrorCode::ConstraintTokenOwner);
    // A pool that nobody opened, and one that was opened before.
    let other = world.operator();
    let nowhere = ix::stake::delegate(&t, &world.mint, &other.wallet.pubkey(), OPEN);
    refused(world.send(&[nowhere], &[&thief]), ErrorCode::AccountNotInitialized);
    let again = ix::stake::open_pool(&operator, &world.mint, 0);
    refused_with(world.send(&[again], &[&committee.members[0].wallet]), "already in use");
    refused(
        world.send(&[ix::stake::open_pool(&other.wallet.pubkey(), &world.mint, 10_001)], &[&other.wallet]),
        StakeError::ParameterOutOfBounds,
    );
    // Refused: another operator's position in the place of one that has left, and another pool's reward vault.
    world.send(&[ix::stake::open_pool(&other.wallet.pubkey(), &world.mint, 0)], &[&other.wallet]).unwrap();
    let o = other.wallet.pubkey();
    let leave = ix::stake::request_unbond(&o, 1, Role::Operator, 1);
    world.send(&[leave], &[&other.wallet]).unwrap();
    let delegate = ix::stake::delegate(&t, &world.mint, &o, OPEN);
    refused(world.send(&[delegate.clone()], &[&thief]), StakeError::BelowMinimum);
    let position = |who: &Pubkey| pda::position(who, Role::Operator);
    refused(world.send(&[swapped(delegate, position(&o), position(&operator))], &[&thief]), ErrorCode::ConstraintSeeds);
    let rewards =
        swapped(ix::stake::harvest(&world.mint, &operator), pda::reward_vault(&operator), pda::reward_vault(&o));
    refused(world.send(&[rewards], &[]), ErrorCode::ConstraintSeeds);
    let vault = swapped(ix::stake::harvest(&world.mint, &operator), pda::reward_vault(&operator), pda::stake_vault());
    refused(world.send(&[vault], &[]), ErrorCode::ConstraintSeeds);
}

#[test]
fn delegators_are_slashed_by_the_operators_rate_whether_they_stay_or_leave() {
    let (mut world, committee, operator) = world();
    let (stays, leaves) = (delegator(&mut world, &operator, 300 * OPEN), delegator(&mut world, &operator, 100 * OPEN));
    world.send(&[ix::stake::undelegate(&leaves.pubkey(), &operator, 100 * u128::from(OPEN))], &[&leaves]).unwrap();
    let sent = world.slash(&committee, &operator, Role::Operator, 1_000).unwrap();
    let (own, all) = (sent.event::<Slashed>(), sent.event::<PoolSlashed>());
    assert_eq!((own.amount, all.amount), (MIN_OPERATOR / 10, 40 * OPEN));
    assert_eq!((all.bonded, all.unbonding, all.evidence), (270 * OPEN, 90 * OPEN, own.evidence));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.delegated, config.delegated_unbonding), (270 * OPEN, 90 * OPEN));
    assert_eq!(world.balance(&pda::insurance_vault()), own.amount + all.amount);
    world.pass(UNBOND_SLOTS);
    let withdraw = ix::stake::withdraw_delegation(&leaves.pubkey(), &world.mint, &operator);
    assert_eq!(world.send(&[withdraw], &[&leaves]).unwrap().event::<DelegationWithdrawn>().paid, 90 * OPEN);
    // The operator is below the minimum, and takes no delegations before it has deposited what is missing.
    let late = world.wallet(90 * OPEN);
    let delegate = ix::stake::delegate(&late.pubkey(), &world.mint, &operator, 90 * OPEN);
    refused(world.send(&[delegate.clone()], &[&late]), StakeError::BelowMinimum);
    let top_up = ix::stake::deposit(&operator, &world.mint, Role::Operator, MIN_OPERATOR / 10);
    world.send(&[top_up, delegate], &[&committee.members[0].wallet, &late]).unwrap();
    // A delegator that joins after the slash loses nothing by it.
    let bought = shares(&world, &operator, &late);
    assert_eq!(bought, 100 * u128::from(OPEN) - 1, "a share is worth nine tenths, rounded against who comes");
    for (who, worth) in [(&stays, 270 * OPEN), (&late, 90 * OPEN)] {
        let all = shares(&world, &operator, who);
        let sent = world.send(&[ix::stake::undelegate(&who.pubkey(), &operator, all)], &[who]).unwrap();
        let paid = sent.event::<Undelegated>().amount;
        assert!((worth - 1..=worth).contains(&paid), "{paid} of {worth}");
    }
}

#[test]
fn nobody_spares_a_pool_by_not_passing_it_nor_slashes_another() {
    let (mut world, _, operator) = world();
    delegator(&mut world, &operator, 10 * OPEN);
    let other = world.operator();
    world.send(&[ix::stake::open_pool(&other.wallet.pubkey(), &world.mint, 0)], &[&other.wallet]).unwrap();
    let authority = world.authority.insecure_clone();
    let slash = ix::stake::slash_by_authority(
        &authority.pubkey(),
        &world.get(&pda::position(&operator, Role::Operator)),
        100,
        [0xed; 32],
    );
    let own = pda::stake_pool(&operator);
    for wrong in [::stake::ID, pda::stake_pool(&other.wallet.pubkey())] {
        refused(world.send(&[swapped(slash.clone(), own, wrong)], &[&authority]), StakeError::WrongPool);
    }
    // A pool where none was opened.
    let poor = world.operator();
    let mut slash = ix::stake::slash_by_authority(
        &authority.pubkey(),
        &world.get(&pda::position(&poor.wallet.pubkey(), Role::Operator)),
        100,
        [0xed; 32],
    );
    slash.accounts[3] = solana_instruction::AccountMeta::new(own, false);
    refused(world.send(&[slash], &[&authority]), StakeError::WrongPool);
}

#[test]
fn the_first_to_come_cannot_make_shares_dear_by_sending_tokens() {
    let (mut world, _, operator) = world();
    let first = delegator(&mut world, &operator, 1);
    // The classic inflation attack: delegate one unit, then send a large amount directly to the vault.
    let (vault, mint) = (pda::stake_vault(), world.mint);
    let has = world.balance(&vault);
    world.put_token(vault, mint, pda::stake_config(), has + 1_000 * OPEN);
    let second = delegator(&mut world, &operator, 999 * OPEN);
    assert_eq!(shares(&world, &operator, &second), 999 * u128::from(OPEN));
    assert_eq!(pool(&world, &operator).bonded, Shares { assets: 999 * OPEN + 1, shares: 999 * u128::from(OPEN) + 1 });
    assert_eq!(shares(&world, &operator, &first), 1);
}

#[test]
fn a_pool_that_has_lost_nearly_everything_takes_no_new_money_but_lets_everyone_out() {
    let (mut world, committee, operator) = world();
    let wallet = delegator(&mut world, &operator, 1_000 * OPEN);
    let member = &committee.members[0].wallet;
    for _ in 0..16 {
        world.slash(&committee, &operator, Role::Operator, 3_000).unwrap();
        world.pass(1_512_000);
    }
    let top_up = MIN_OPERATOR;
    world.fund(&operator, top_up);
    world.send(&[ix::stake::deposit(&operator, &world.mint, Role::Operator, top_up)], &[member]).unwrap();
    let more = ix::stake::delegate(&wallet.pubkey(), &world.mint, &operator, OPEN);
    refused(world.send(&[more], &[&wallet]), StakeError::PoolRuined);
    let all = shares(&world, &operator, &wallet);
    world.send(&[ix::stake::undelegate(&wallet.pubkey(), &operator, all)], &[&wallet]).unwrap();
    world.pass(UNBOND_SLOTS);
    let withdraw = ix::stake::withdraw_delegation(&wallet.pubkey(), &world.mint, &operator);
    let paid = world.send(&[withdraw], &[&wallet]).unwrap().event::<DelegationWithdrawn>().paid;
    assert!(paid > 0 && paid < 4 * OPEN);
    // A pool that is empty again starts anew.
    let more = ix::stake::delegate(&wallet.pubkey(), &world.mint, &operator, OPEN);
    world.send(&[more], &[&wallet]).unwrap();
}

#[test]
fn m4_rewards_are_divided_by_commission_and_shares_to_the_last_unit() {
    let (mut world, _, operator) = world();
    let (a, b) = (delegator(&mut world, &operator, 300 * OPEN), delegator(&mut world, &operator, 100 * OPEN));
    reward(&mut world, &operator, 1_000);
    let before = world.open_of(&operator);
    let event = world.send(&[ix::stake::harvest(&world.mint, &operator)], &[]).unwrap().event::<Harvested>();
    assert_eq!((event.arrived, event.owed, event.paid), (1_000, 900, 100));
    assert_eq!(world.open_of(&operator) - before, 100);
    refused(world.send(&[ix::stake::harvest(&world.mint, &operator)], &[]), StakeError::NothingToHarvest);
    for (who, part) in [(&a, 675), (&b, 225)] {
        let had = world.open_of(&who.pubkey());
        let claim = ix::stake::claim_delegation_rewards(&who.pubkey(), &world.mint, &operator);
        let event = world.send(&[claim.clone()], &[who]).unwrap().event::<RewardsClaimed>();
        assert!((part - 1..=part).contains(&event.paid), "{}", event.paid);
        assert_eq!(world.open_of(&who.pubkey()) - had, event.paid);
        refused(world.send(&[claim], &[who]), StakeError::NothingToClaim);
    }
    let left = world.balance(&pda::reward_vault(&operator));
    assert!(left <= 2 && left == pool(&world, &operator).owed, "only what rounding leaves: {left}");
}

#[test]
fn rewards_belong_to_those_who_were_there_when_they_came() {
    let (mut world, _, operator) = world();
    let early = delegator(&mut world, &operator, 100 * OPEN);
    reward(&mut world, &operator, 10 * OPEN);
    // Delegating divides what has arrived before the new shares count.
    let late = delegator(&mut world, &operator, 900 * OPEN);
    let none = ix::stake::claim_delegation_rewards(&late.pubkey(), &world.mint, &operator);
    refused(world.send(&[none], &[&late]), StakeError::NothingToClaim);
    // Undelegating divides the earlier rewards too, so the delegator still earns its part.
    reward(&mut world, &operator, 10 * OPEN);
    let all = shares(&world, &operator, &late);
    world.send(&[ix::stake::undelegate(&late.pubkey(), &operator, all)], &[&late]).unwrap();
    reward(&mut world, &operator, 10 * OPEN);
    let claim = ix::stake::claim_delegation_rewards(&late.pubkey(), &world.mint, &operator);
    let paid = world.send(&[claim], &[&late]).unwrap().event::<RewardsClaimed>().paid;
    assert!((8_100_000_000 - 1..=8_100_000_000).contains(&paid), "{paid}");
    let claim = ix::stake::claim_delegation_rewards(&early.pubkey(), &world.mint, &operator);
    let paid = world.send(&[claim], &[&early]).unwrap().event::<RewardsClaimed>().paid;
    assert!((18_900_000_000 - 2..=18_900_000_000).contains(&paid), "{paid}");
}

#[test]
fn a_commission_falls_at_once_and_rises_after_the_cooldown() {
    let (mut world, committee, operator) = world();
    let member = &committee.members[0].wallet;
    delegator(&mut world, &operator, 100 * OPEN);
    let set = |bps| ix::stake::set_commission(&operator, bps);
    let event = world.send(&[set(2_000)], &[member]).unwrap().event::<CommissionSet>();
    assert_eq!((event.commission_bps, event.next_commission_bps), (1_000, 2_000));
    assert_eq!(event.commission_slot, world.slot() + UNBOND_SLOTS);
    let harvested = |world: &mut World| {
        reward(world, &operator, 10_000);
        world.send(&[ix::stake::harvest(&world.mint, &operator)], &[]).unwrap().event::<Harvested>().paid
    };
    world.pass(UNBOND_SLOTS - 1);
    assert_eq!(harvested(&mut world), 1_000);
    world.pass(1);
    assert_eq!(harvested(&mut world), 2_000);
    world.send(&[set(500)], &[member]).unwrap();
    assert_eq!(harvested(&mut world), 500);
    // A later announcement replaces an earlier one. Setting a lower commission cancels it.
    world.send(&[set(9_000)], &[member]).unwrap();
    world.send(&[set(500)], &[member]).unwrap();
    world.pass(2 * UNBOND_SLOTS);
    assert_eq!(harvested(&mut world), 500);
    let thief = world.wallet(0);
    refused(world.send(&[set(10_001)], &[member]), StakeError::ParameterOutOfBounds);
    let stolen = swapped(
        ix::stake::set_commission(&thief.pubkey(), 1),
        pda::stake_pool(&thief.pubkey()),
        pda::stake_pool(&operator),
    );
    refused(world.send(&[stolen], &[&thief]), ErrorCode::ConstraintSeeds);
}
