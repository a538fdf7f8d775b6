//! Models and their config: who may change what.

use anchor_lang::error::ErrorCode;
use model::{
    InitializeArgs,
    error::ModelError,
    events::{ConfigChanged, ModelChanged, ModelRegistered, ResultAttested},
    state::{Config, MAX_DEPTH, Model, ModelStatus},
};
use openledger_interface::{Program, ix, pda};
use program_tests::{
    OPEN, World, key,
    model::{self as net, BASE, BUDGET, Lab, reads, register_args},
    refused, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

#[test]
fn only_the_upgrade_authority_initialises_and_only_once() {
    let mut world = World::with_stake(&[Program::Model]);
    let (authority, mallory) = (world.authority.insecure_clone(), world.wallet(0));
    let by_mallory = ix::model::initialize(&mallory.pubkey(), net::INITIALIZE);
    refused(world.send(&[by_mallory], &[&mallory]), ModelError::NotUpgradeAuthority);
    let good = ix::model::initialize(&authority.pubkey(), net::INITIALIZE);
    let other_program =
        swapped(good.clone(), pda::program_data(&Program::Model.id()), pda::program_data(&Program::Stake.id()));
    refused(world.send(&[other_program], &[&authority]), ErrorCode::ConstraintSeeds);
    let fake = key("fake config").pubkey();
    world.put(fake, &world.get::<::stake::state::Config>(&pda::stake_config()));
    refused(world.send(&[swapped(good.clone(), pda::stake_config(), fake)], &[&authority]), ErrorCode::ConstraintSeeds);
    for (job_slots, assign_slots, heartbeat_slots) in
        [(0, 1, 1), (1, 0, 1), (1, 1, 0), (100_000_001, 1, 1), (1, u64::MAX, 1), (1, 1, 100_000_001)]
    {
        let args = InitializeArgs { job_slots, assign_slots, heartbeat_slots, ..net::INITIALIZE };
        let bad = ix::model::initialize(&authority.pubkey(), args);
        refused(world.send(&[bad], &[&authority]), ModelError::BadWindow);
    }
    world.airdrop(&pda::model_config());
    let event: ConfigChanged =
        world.send(std::slice::from_ref(&good), &[&authority]).expect("though prefunded").event();
    assert_eq!((event.sequence, event.authority), (0, authority.pubkey()));
    assert_eq!(world.get::<Config>(&pda::model_config()).open_mint, world.mint);
    refused_with(world.send(&[good], &[&authority]), "already in use");

    let (a, m) = (authority.pubkey(), mallory.pubkey());
    let longer = InitializeArgs { job_slots: 5, assign_slots: 6, heartbeat_slots: 7, data_share_bps: 5_000 };
    refused(world.send(&[ix::model::set_windows(&m, longer)], &[&mallory]), ModelError::NotAuthority);
    let zero = InitializeArgs { job_slots: 0, ..longer };
    refused(world.send(&[ix::model::set_windows(&a, zero)], &[&authority]), ModelError::BadWindow);
    let greedy = InitializeArgs { data_share_bps: 5_001, ..longer };
    refused(world.send(&[ix::model::set_windows(&a, greedy)], &[&authority]), ModelError::BadDataShare);
    let event: ConfigChanged =
        world.send(&[ix::model::set_windows(&a, longer)], &[&authority]).expect("changes").event();
    assert_eq!((event.job_slots, event.assign_slots, event.heartbeat_slots, event.data_share_bps), (5, 6, 7, 5_000));
    refused(world.send(&[ix::model::propose_authority(&m, &m)], &[&mallory]), ModelError::NotAuthority);
    refused(world.send(&[ix::model::accept_authority(&m)], &[&mallory]), ModelError::NotPendingAuthority);
    world.send(&[ix::model::propose_authority(&a, &m)], &[&authority]).expect("proposes");
    world.send(&[ix::model::accept_authority(&m)], &[&mallory]).expect("accepts");
    refused(world.send(&[ix::model::set_windows(&a, longer)], &[&authority]), ModelError::NotAuthority);
    let config: Config = world.get(&pda::model_config());
    assert_eq!((config.authority, config.job_slots, config.sequence), (m, 5, 4));
}

#[test]
fn a_model_is_registered_once_with_checked_fields() {
    let mut lab = Lab::new();
    let (world, maker) = (&mut lab.world, lab.curator.insecure_clone());
    let m = maker.pubkey();
    for (name, base_hash, error) in [
        (String::new(), BASE, ModelError::BadName),
        ("n".repeat(65), BASE, ModelError::BadName),
        ("a\0b".into(), BASE, ModelError::BadName),
        ("a\u{1b}[2J".into(), BASE, ModelError::BadName),
        ("n".into(), [0; 32], ModelError::ZeroHash),
    ] {
        let args = model::RegisterModelArgs { name, base_hash, ..register_args(1) };
        refused(world.send(&[ix::model::register_model(&m, None, args)], &[&maker]), error);
    }
    let address = pda::model(&m, 1);
    world.airdrop(&address);
    let long = model::RegisterModelArgs { name: "n".repeat(64), ..register_args(1) };
    let sent = world.send(&[ix::model::register_model(&m, None, long)], &[&maker]).expect("though prefunded");
    let event: ModelRegistered = sent.event();
    assert_eq!((event.model, event.sequence, event.owner, event.parent), (address, 0, m, None));
    assert_eq!(world.get::<Model>(&address).status, ModelStatus::Draft);
    refused_with(world.send(&[ix::model::register_model(&m, None, register_args(1))], &[&maker]), "already in use");
    let squat = swapped(
        ix::model::register_model(&m, None, register_args(2)),
        pda::model(&m, 2),
        pda::model(&lab.owner.pubkey(), 2),
    );
    refused(world.send(&[squat], &[&maker]), ErrorCode::ConstraintSeeds);
}

#[test]
fn a_layered_model_needs_a_ready_parent_of_the_same_base() {
    let mut lab = Lab::new();
    let maker = lab.curator.insecure_clone();
    let on_draft = ix::model::register_model(&maker.pubkey(), Some(&lab.model), register_args(1));
    refused(lab.world.send(std::slice::from_ref(&on_draft), &[&maker]), ModelError::ParentNotReady);
    let job = lab.trained(BUDGET);
    lab.attest(job, net::result(&lab.world, &[])).expect("is attested");
    let other_base = model::RegisterModelArgs { base_hash: [1; 32], ..register_args(1) };
    let other = ix::model::register_model(&maker.pubkey(), Some(&lab.model), other_base);
    refused(lab.world.send(&[other], &[&maker]), ModelError::ParentBaseDiffers);
    let not_a_model = ix::model::register_model(&maker.pubkey(), Some(&lab.datanet), register_args(1));
    refused(lab.world.send(&[not_a_model], &[&maker]), ErrorCode::AccountOwnedByWrongProgram);
    lab.world.send(&[on_draft], &[&maker]).expect("registers");
    let child: Model = lab.world.get(&pda::model(&maker.pubkey(), 1));
    assert_eq!((child.parent, child.parent_owner), (Some(lab.model), Some(lab.owner.pubkey())));
}

#[test]
fn the_owner_alone_prices_and_retires_for_good() {
    let mut lab = Lab::new();
    let (owner, mallory, model) = (lab.owner.insecure_clone(), lab.curator.insecure_clone(), lab.model);
    let (o, m) = (owner.pubkey(), mallory.pubkey());
    refused(lab.world.send(&[ix::model::set_price(&m, &model, 0, 0)], &[&mallory]), ModelError::NotModelOwner);
    refused(lab.world.send(&[ix::model::retire_model(&m, &model)], &[&mallory]), ModelError::NotModelOwner);
    let event: ModelChanged =
        lab.world.send(&[ix::model::set_price(&o, &model, 3, u64::MAX)], &[&owner]).expect("prices").event();
    assert_eq!((event.sequence, event.price_in, event.price_out, event.retired), (1, 3, u64::MAX, false));
    let job = lab.trained(BUDGET);
    let event: ModelChanged =
        lab.world.send(&[ix::model::retire_model(&o, &model)], &[&owner]).expect("retires").event();
    assert!(event.retired);
    refused(lab.world.send(&[ix::model::retire_model(&o, &model)], &[&owner]), ModelError::Retired);
    refused(lab.world.send(&[ix::model::set_price(&o, &model, 1, 1)], &[&owner]), ModelError::Retired);
    let reads = reads(&[(lab.datanet, datanet::state::Access::Open)]);
    let request = ix::model::request_job(&o, &model, 1, &lab.world.mint, &reads, net::request_args(BUDGET));
    refused(lab.world.send(&[request], &[&owner]), ModelError::Retired);
    // A job in progress is still paid, and its result does not end the model's retirement.
    let trainer = lab.trainer(0).pubkey();
    let before = lab.world.open_of(&trainer);
    lab.attest(job, net::result(&lab.world, &[(trainer, OPEN)])).expect("is attested");
    assert_eq!(lab.world.open_of(&trainer), before + OPEN);
    assert_eq!(lab.world.get::<Model>(&model).status, ModelStatus::Retired);
}

/// A parent is made before its child, never changes and has a smaller depth. So every chain of parents ends.
#[test]
fn a_chain_of_parents_ends() {
    let mut lab = Lab::new();
    let maker = lab.curator.insecure_clone();
    let mut parent = lab.model;
    for depth in 0..=MAX_DEPTH {
        let mut state: Model = lab.world.get(&parent);
        assert_eq!(state.depth, depth);
        state.status = ModelStatus::Ready;
        lab.world.put(parent, &state);
        let id = u64::from(depth) + 1;
        // A model cannot be its own parent, because it does not exist yet.
        let own = pda::model(&maker.pubkey(), id);
        let looped = ix::model::register_model(&maker.pubkey(), Some(&own), register_args(id));
        assert!(lab.world.send(&[looped], &[&maker]).is_err(), "a model cannot be its own parent");
        let child = ix::model::register_model(&maker.pubkey(), Some(&parent), register_args(id));
        if depth == MAX_DEPTH {
            refused(lab.world.send(&[child], &[&maker]), ModelError::TooDeep);
        } else {
            lab.world.send(&[child], &[&maker]).expect("registers");
            parent = own;
        }
    }
}

#[test]
fn every_result_is_a_version_of_the_model() {
    let mut lab = Lab::new();
    for version in 1..=3 {
        let job = lab.trained(BUDGET);
        let args = model::AttestResultArgs { adapter_hash: [version as u8; 32], ..net::result(&lab.world, &[]) };
        let event: ResultAttested = lab.attest(job, args).expect("is attested").event();
        assert_eq!((event.model, event.version, event.adapter_hash), (lab.model, version, [version as u8; 32]));
        let state: Model = lab.world.get(&lab.model);
        assert_eq!((state.versions, state.adapter_hash, state.job), (version, event.adapter_hash, Some(job)));
    }
}
