//! `deposit`, `request_unbond`, `withdraw`.

use ::stake::{
    error::StakeError,
    events::{Staked, Unbonding, Withdrawn},
    state::{Config, Position, Role},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World,
    keys::address,
    refused,
    stake::{MIN_OPERATOR, UNBOND_SLOTS},
    swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

#[test]
fn stake_goes_in_unbonds_cools_down_and_comes_out() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(100 * OPEN);
    let owner = wallet.pubkey();
    let sent = world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, 60 * OPEN)], &[&wallet]).unwrap();
    let event = sent.event::<Staked>();
    assert_eq!((event.sequence, event.added, event.amount), (0, 60 * OPEN, 60 * OPEN));
    world.pass(3);
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, 10 * OPEN)], &[&wallet]).unwrap();
    let position = world.get::<Position>(&pda::position(&owner, Role::Validator));
    assert_eq!((position.amount, position.since_slot, position.sequence), (70 * OPEN, world.slot(), 2));
    assert_eq!((world.open_of(&owner), world.balance(&pda::stake_vault())), (30 * OPEN, 70 * OPEN));
    assert_eq!(world.get::<Config>(&pda::stake_config()).validator_stake, 70 * OPEN);

    let sent = world.send(&[ix::stake::request_unbond(&owner, 0, Role::Validator, 50 * OPEN)], &[&wallet]).unwrap();
    let event = sent.event::<Unbonding>();
    assert_eq!((event.unbonding, event.amount), (50 * OPEN, 20 * OPEN));
    assert_eq!(event.unbond_slot, world.slot() + UNBOND_SLOTS);
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.validator_stake, config.unbonding), (20 * OPEN, 50 * OPEN));

    world.pass(UNBOND_SLOTS - 1);
    let leave = ix::stake::withdraw(&owner, &world.mint, Role::Validator);
    refused(world.send(&[leave.clone()], &[&wallet]), StakeError::CooldownNotOver);
    world.pass(1);
    let sent = world.send(&[leave.clone()], &[&wallet]).unwrap();
    assert_eq!(sent.event::<Withdrawn>().paid, 50 * OPEN);
    assert_eq!((world.open_of(&owner), world.balance(&pda::stake_vault())), (80 * OPEN, 20 * OPEN));
    assert_eq!(world.get::<Config>(&pda::stake_config()).unbonding, 0);
    refused(world.send(&[leave], &[&wallet]), StakeError::NothingUnbonding);
}

#[test]
fn roles_are_counted_apart() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(10 * OPEN);
    let owner = wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, OPEN)], &[&wallet]).unwrap();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, 2 * OPEN)], &[&wallet]).unwrap();
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.operator_stake, config.validator_stake), (OPEN, 2 * OPEN));
    // A position of one role cannot be used for the other.
    let cross = swapped(
        ix::stake::request_unbond(&owner, 0, Role::Operator, OPEN),
        pda::position(&owner, Role::Operator),
        pda::position(&owner, Role::Validator),
    );
    refused(world.send(&[cross], &[&wallet]), ErrorCode::ConstraintSeeds);
}

#[test]
fn another_request_restarts_the_cooldown_of_everything_unbonding() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(10 * OPEN);
    let owner = wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 4 * OPEN)], &[&wallet]).unwrap();
    world.send(&[ix::stake::request_unbond(&owner, 0, Role::Operator, OPEN)], &[&wallet]).unwrap();
    world.pass(UNBOND_SLOTS);
    world.send(&[ix::stake::request_unbond(&owner, 0, Role::Operator, OPEN)], &[&wallet]).unwrap();
    refused(
        world.send(&[ix::stake::withdraw(&owner, &world.mint, Role::Operator)], &[&wallet]),
        StakeError::CooldownNotOver,
    );
    world.pass(UNBOND_SLOTS);
    world.send(&[ix::stake::withdraw(&owner, &world.mint, Role::Operator)], &[&wallet]).unwrap();
    assert_eq!(world.open_of(&owner), 8 * OPEN);
}

#[test]
fn amounts_at_the_edges_are_refused() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(OPEN);
    let owner = wallet.pubkey();
    refused(
        world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 0)], &[&wallet]),
        StakeError::ZeroAmount,
    );
    refused_with(
        world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, u64::MAX)], &[&wallet]),
        "insufficient funds",
    );
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, OPEN)], &[&wallet]).unwrap();
    for (amount, error) in [
        (0, StakeError::ZeroAmount),
        (OPEN + 1, StakeError::InsufficientStake),
        (u64::MAX, StakeError::InsufficientStake),
    ] {
        refused(world.send(&[ix::stake::request_unbond(&owner, 0, Role::Operator, amount)], &[&wallet]), error);
    }
}

#[test]
fn nobody_moves_anothers_stake() {
    let mut world = World::with_stake(&[]);
    let (victim, thief) = (world.wallet(10 * OPEN), world.wallet(10 * OPEN));
    let (v, t) = (victim.pubkey(), thief.pubkey());
    world.send(&[ix::stake::deposit(&v, &world.mint, Role::Operator, 5 * OPEN)], &[&victim]).unwrap();
    // Refused: a deposit from the victim's tokens.
    let from = swapped(ix::stake::deposit(&t, &world.mint, Role::Operator, OPEN), world.ata(&t), world.ata(&v));
    refused(world.send(&[from], &[&thief]), ErrorCode::ConstraintTokenOwner);
    // Refused: a withdrawal from the victim's position.
    let position = pda::position(&v, Role::Operator);
    let out =
        swapped(ix::stake::request_unbond(&t, 0, Role::Operator, OPEN), pda::position(&t, Role::Operator), position);
    refused(world.send(&[out], &[&thief]), ErrorCode::ConstraintSeeds);
    world.send(&[ix::stake::request_unbond(&v, 0, Role::Operator, OPEN)], &[&victim]).unwrap();
    world.pass(UNBOND_SLOTS);
    let out =
        swapped(ix::stake::withdraw(&t, &world.mint, Role::Operator), pda::position(&t, Role::Operator), position);
    refused(world.send(&[out], &[&thief]), ErrorCode::ConstraintSeeds);
    // Refused: a withdrawal to a token account that is not the owner's.
    let away = swapped(ix::stake::withdraw(&v, &world.mint, Role::Operator), world.ata(&v), world.ata(&t));
    refused(world.send(&[away], &[&victim]), ErrorCode::ConstraintTokenOwner);
    // Refused: without the owner's signature.
    let mut unsigned = ix::stake::withdraw(&v, &world.mint, Role::Operator);
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
}

#[test]
fn only_open_and_only_the_vault() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(10 * OPEN);
    let owner = wallet.pubkey();
    let deposit = ix::stake::deposit(&owner, &world.mint, Role::Operator, OPEN);
    let (other_mint, other_token) = (address("other mint"), address("token of the other mint"));
    world.put_mint(other_mint, 9);
    world.put_token(other_token, other_mint, owner, 10 * OPEN);
    let ata = world.ata(&owner);
    refused(world.send(&[swapped(deposit.clone(), ata, other_token)], &[&wallet]), ErrorCode::ConstraintTokenMint);
    // A token account of the config that is not its vault; the vault of forfeited bonds.
    let fake = address("fake vault");
    world.put_token(fake, world.mint, pda::stake_config(), 0);
    for wrong in [fake, pda::insurance_vault()] {
        refused(
            world.send(&[swapped(deposit.clone(), pda::stake_vault(), wrong)], &[&wallet]),
            ErrorCode::ConstraintSeeds,
        );
    }
    // A program that is not the token program.
    let wrong = swapped(deposit, spl_token_interface::ID, spl_token_2022_interface::ID);
    refused(world.send(&[wrong], &[&wallet]), ErrorCode::InvalidProgramId);
}

#[test]
fn a_position_whose_address_was_sent_lamports_before_can_be_made() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(2 * MIN_OPERATOR);
    world.airdrop(&pda::position(&wallet.pubkey(), Role::Operator));
    let deposit = ix::stake::deposit(&wallet.pubkey(), &world.mint, Role::Operator, MIN_OPERATOR);
    world.send(&[deposit], &[&wallet]).unwrap();
    let position = world.get::<Position>(&pda::position(&wallet.pubkey(), Role::Operator));
    assert_eq!((position.owner, position.amount), (wallet.pubkey(), MIN_OPERATOR));
}
