//! `initialize`, `create_shard`, `set_fees`, `propose_authority`, `accept_authority`.

use ::payout::{
    error::PayoutError,
    events::{ConfigChanged, ShardCreated},
    instructions::InitializeArgs,
    parameters::{MAX_CHALLENGE_BOND, MAX_WITHDRAWAL_SLOTS, Parameters},
    state::{Config, FeeShares, MAX_SHARDS, Shard},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{Program, ix, pda};
use openledger_protocol::fees::{MAX_STEP_BPS, MIN_CONTRIBUTORS_BPS};
use program_tests::{
    OPEN, World,
    keys::address,
    payout::{self, FEES, RESOLVE_SLOTS, initialize_args},
    refused, stake, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

/// A world where payout is deployed and not initialised.
fn fresh() -> World {
    let mut world = World::with_stake(&[Program::Payout]);
    world.put_token(payout::treasury(), world.mint, address("treasury"), 0);
    world
}

#[test]
fn the_upgrade_authority_initialises_once() {
    let mut world = fresh();
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let stolen = ix::payout::initialize(&thief.pubkey(), &world.mint, &payout::treasury(), initialize_args());
    refused(world.send(&[stolen], &[&thief]), PayoutError::NotUpgradeAuthority);
    world.airdrop(&pda::payout_config());
    let make = ix::payout::initialize(&authority.pubkey(), &world.mint, &payout::treasury(), initialize_args());
    let event = world.send(&[make.clone()], &[&authority]).unwrap().event::<ConfigChanged>();
    assert_eq!((event.sequence, event.authority, event.fees), (0, authority.pubkey(), FEES));
    let config = world.get::<Config>(&pda::payout_config());
    assert_eq!((config.epoch, config.epoch_start_slot, config.active_epoch), (1, world.slot(), 0));
    assert_eq!((config.treasury, config.open_mint), (payout::treasury(), world.mint));
    refused_with(world.send(&[make], &[&authority]), "already in use");
}

#[test]
fn arguments_that_cannot_work_are_refused() {
    let mut world = fresh();
    let authority = world.authority.insecure_clone();
    let good = initialize_args();
    let p = good.parameters;
    let with = |parameters: Parameters| InitializeArgs { parameters, ..good.clone() };
    for (args, error) in [
        (InitializeArgs { fees: FeeShares { compute: 2_001, ..FEES }, ..good.clone() }, PayoutError::SharesNotWhole),
        (
            InitializeArgs { fees: FeeShares { treasury: 2_001, model_owner: 499, ..FEES }, ..good.clone() },
            PayoutError::FeesOutOfBounds,
        ),
        (with(Parameters { epoch_slots: 0, ..p }), PayoutError::BadWindows),
        (with(Parameters { challenge_slots: 0, ..p }), PayoutError::BadWindows),
        (with(Parameters { challenge_slots: stake::UNBOND_SLOTS, ..p }), PayoutError::BadWindows),
        (with(Parameters { challenge_bond: 0, ..p }), PayoutError::BadBond),
        (with(Parameters { breaker_slots: 0, ..p }), PayoutError::BadBreaker),
        (with(Parameters { breaker_cap: p.breaker_slots - 1, ..p }), PayoutError::BadBreaker),
    ] {
        let make = ix::payout::initialize(&authority.pubkey(), &world.mint, &payout::treasury(), args);
        refused(world.send(&[make], &[&authority]), error);
    }
    let make = ix::payout::initialize(&authority.pubkey(), &world.mint, &payout::treasury(), good.clone());
    let (mint, other) = (world.mint, address("other mint"));
    world.put_mint(other, 9);
    // Refused: a treasury of another mint, another mint throughout, and a stake config that the stake program did not
    // make.
    refused(world.send(&[swapped(make.clone(), mint, other)], &[&authority]), ErrorCode::ConstraintTokenMint);
    world.put_token(payout::treasury(), other, address("treasury"), 0);
    refused(world.send(&[swapped(make.clone(), mint, other)], &[&authority]), PayoutError::WrongMint);
    world.put_token(payout::treasury(), mint, address("treasury"), 0);
    let data = world.svm.get_account(&pda::stake_config()).unwrap().data;
    world.put_raw(address("fake stake config"), ::payout::ID, data);
    let fake = swapped(make, pda::stake_config(), address("fake stake config"));
    refused(world.send(&[fake], &[&authority]), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn shards_are_made_in_order_by_the_authority_up_to_the_most() {
    let (mut world, _) = World::with_market(0, 1);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    refused(
        world.send(&[ix::payout::create_shard(&thief.pubkey(), &world.mint, 0)], &[&thief]),
        PayoutError::NotAuthority,
    );
    let make = |world: &World, index| ix::payout::create_shard(&authority.pubkey(), &world.mint, index);
    refused(world.send(&[make(&world, 1)], &[&authority]), PayoutError::WrongShardIndex);
    let wrong = swapped(make(&world, 0), pda::shard(0), pda::shard(1));
    refused(world.send(&[wrong], &[&authority]), ErrorCode::ConstraintSeeds);
    world.airdrop(&pda::shard(0));
    world.airdrop(&pda::vault(0));
    for index in 0..MAX_SHARDS {
        let event = world.send(&[make(&world, index)], &[&authority]).unwrap().event::<ShardCreated>();
        assert_eq!((event.index, event.shard, event.vault), (index, pda::shard(index), pda::vault(index)));
        let shard = world.get::<Shard>(&pda::shard(index));
        assert_eq!((shard.index, shard.vault, shard.funded, shard.claimed), (index, pda::vault(index), [0; 2], [0; 2]));
        refused_with(world.send(&[make(&world, index)], &[&authority]), "already in use");
    }
    refused(world.send(&[make(&world, MAX_SHARDS)], &[&authority]), PayoutError::TooManyShards);
    assert_eq!(world.get::<Config>(&pda::payout_config()).shards, MAX_SHARDS);
}

#[test]
fn a_shards_vault_is_of_the_open_mint() {
    let (mut world, _) = World::with_market(0, 1);
    let authority = world.authority.insecure_clone();
    let (mint, other) = (world.mint, address("other mint"));
    world.put_mint(other, 9);
    let make = swapped(ix::payout::create_shard(&authority.pubkey(), &world.mint, 0), mint, other);
    refused(world.send(&[make], &[&authority]), PayoutError::WrongMint);
}

#[test]
fn fees_change_at_the_edge_of_the_epoch_only() {
    let (mut world, market) = World::with_market(1, 1);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let next = FeeShares { treasury: 600, contributors: 3_900, ..FEES };
    refused(world.send(&[ix::payout::set_fees(&thief.pubkey(), next)], &[&thief]), PayoutError::NotAuthority);
    let broken = FeeShares { treasury: 601, ..next };
    refused(
        world.send(&[ix::payout::set_fees(&authority.pubkey(), broken)], &[&authority]),
        PayoutError::SharesNotWhole,
    );
    let event =
        world.send(&[ix::payout::set_fees(&authority.pubkey(), next)], &[&authority]).unwrap().event::<ConfigChanged>();
    assert_eq!((event.fees, event.next_fees), (FEES, Some(next)));
    assert_eq!(world.get::<Config>(&pda::payout_config()).fees, FEES);
    let empty = payout::tree(&[]);
    market.settle(&mut world, [&empty, &empty]);
    let config = world.get::<Config>(&pda::payout_config());
    assert_eq!((config.fees, config.next_fees, config.epoch), (next, None, 2));
}

#[test]
fn fees_stay_within_bounds_and_move_one_step_an_epoch() {
    let (mut world, market) = World::with_market(1, 1);
    let authority = world.authority.insecure_clone();
    let set = |world: &mut World, next| world.send(&[ix::payout::set_fees(&authority.pubkey(), next)], &[&authority]);
    let step =
        FeeShares { contributors: FEES.contributors - MAX_STEP_BPS, compute: FEES.compute + MAX_STEP_BPS, ..FEES };
    let further = FeeShares { contributors: step.contributors - 1, compute: step.compute + 1, ..FEES };
    refused(set(&mut world, further), PayoutError::FeesOutOfBounds);
    set(&mut world, step).unwrap();
    // A second call in the same epoch starts from the shares in force, not from those noted.
    refused(set(&mut world, further), PayoutError::FeesOutOfBounds);
    let empty = payout::tree(&[]);
    market.settle(&mut world, [&empty, &empty]);
    set(&mut world, further).unwrap();
    // The shares move step by step down to the contributors' least share, and no further.
    loop {
        let now = world.get::<Config>(&pda::payout_config()).next_fees.unwrap();
        let left = now.contributors - MIN_CONTRIBUTORS_BPS;
        market.settle(&mut world, [&empty, &empty]);
        if left == 0 {
            break;
        }
        let by = left.min(MAX_STEP_BPS);
        let to = |now: FeeShares, by: u16| FeeShares {
            contributors: now.contributors - by,
            model_owner: now.model_owner + by,
            ..now
        };
        if left < MAX_STEP_BPS {
            refused(set(&mut world, to(now, left + 1)), PayoutError::FeesOutOfBounds);
        }
        set(&mut world, to(now, by)).unwrap();
    }
    let now = world.get::<Config>(&pda::payout_config()).fees;
    assert_eq!(now.contributors, MIN_CONTRIBUTORS_BPS);
    let below = FeeShares { contributors: now.contributors - 1, model_owner: now.model_owner + 1, ..now };
    refused(set(&mut world, below), PayoutError::FeesOutOfBounds);
}

#[test]
fn parameters_change_at_once_within_their_bounds_by_the_authority() {
    let (mut world, market) = World::with_market(1, 1);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let good = Parameters { epoch_slots: 7, challenge_slots: 5, breaker_cap: 2 * OPEN, ..initialize_args().parameters };
    refused(world.send(&[ix::payout::set_parameters(&thief.pubkey(), good)], &[&thief]), PayoutError::NotAuthority);
    for (bad, error) in [
        (Parameters { challenge_slots: stake::UNBOND_SLOTS - 3 * RESOLVE_SLOTS, ..good }, PayoutError::BadWindows),
        (Parameters { withdrawal_slots: MAX_WITHDRAWAL_SLOTS + 1, ..good }, PayoutError::BadWindows),
        (Parameters { challenge_bond: MAX_CHALLENGE_BOND + 1, ..good }, PayoutError::BadBond),
        (Parameters { breaker_cap: OPEN - 1, ..good }, PayoutError::BadBreaker),
    ] {
        refused(world.send(&[ix::payout::set_parameters(&authority.pubkey(), bad)], &[&authority]), error);
    }
    let set = ix::payout::set_parameters(&authority.pubkey(), good);
    // Refused: a stake config of another program, which could hold another unbonding time.
    let data = world.svm.get_account(&pda::stake_config()).unwrap().data;
    world.put_raw(address("fake stake config"), ::payout::ID, data);
    let fake = swapped(set.clone(), pda::stake_config(), address("fake stake config"));
    refused(world.send(&[fake], &[&authority]), ErrorCode::AccountOwnedByWrongProgram);
    let event = world.send(&[set], &[&authority]).unwrap().event::<ConfigChanged>();
    assert_eq!((event.parameters, event.fees), (good, FEES));
    // The new parameters hold from now on: the epoch and the window are shorter.
    world.pass(7);
    let empty = payout::tree(&[]);
    let args = payout::settlement_args(&world, [&empty, &empty]);
    market.post(&mut world, &args).unwrap();
    world.pass(5);
    world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
}

#[test]
fn the_authority_passes_on_only_when_proposed_and_accepted() {
    let (mut world, _) = World::with_market(0, 1);
    let (old, new, thief) = (world.authority.insecure_clone(), world.wallet(0), world.wallet(0));
    refused(
        world.send(&[ix::payout::propose_authority(&thief.pubkey(), &thief.pubkey())], &[&thief]),
        PayoutError::NotAuthority,
    );
    world.send(&[ix::payout::propose_authority(&old.pubkey(), &new.pubkey())], &[&old]).unwrap();
    refused(world.send(&[ix::payout::accept_authority(&thief.pubkey())], &[&thief]), PayoutError::NotPendingAuthority);
    world.send(&[ix::payout::accept_authority(&new.pubkey())], &[&new]).unwrap();
    refused(world.send(&[ix::payout::set_fees(&old.pubkey(), FEES)], &[&old]), PayoutError::NotAuthority);
    world.send(&[ix::payout::set_fees(&new.pubkey(), FEES)], &[&new]).unwrap();
}
