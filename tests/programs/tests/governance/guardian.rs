//! `veto`, `guardian_pause`: G1, the guardian can stop things for a time. It can neither change nor spend anything.

use ::governance::{
    error::GovernanceError,
    events::{GuardianPaused, ProposalEnded},
    state::{Choice, Config, Proposal, ProposalState},
};
use ::stake::{
    error::{SharedError, StakeError},
    state::Role,
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_shared::MAX_PAUSE_SLOTS;
use program_tests::{
    OPEN, World, datanet,
    governance::{self, PARAMETERS},
    keys::address,
    model, payout, refused, swapped,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;

fn replace_guardian() -> Instruction {
    ix::governance::set_guardian(&address("new guardian"))
}

fn change_parameters() -> Instruction {
    ix::governance::set_parameters(PARAMETERS)
}

#[test]
fn the_guardian_stops_a_proposal_while_it_is_voted_on_and_while_it_waits() {
    let (mut world, assembly) = World::with_governance(&[]);
    let guardian = &assembly.guardian;
    let veto = |proposal| ix::governance::veto(&guardian.pubkey(), &proposal);
    let draft = assembly.draft(&mut world, &[change_parameters()]);
    refused(world.send(&[veto(draft)], &[guardian]), GovernanceError::WrongState);

    let running = assembly.open(&mut world, &[change_parameters()]);
    let event = world.send(&[veto(running)], &[guardian]).unwrap().event::<ProposalEnded>();
    assert_eq!((event.proposal, event.state), (running, ProposalState::Vetoed));
    refused(assembly.vote(&mut world, 0, running, Choice::For), GovernanceError::WrongState);
    refused(world.send(&[ix::governance::queue(&running)], &[]), GovernanceError::WrongState);
    refused(world.send(&[veto(running)], &[guardian]), GovernanceError::WrongState);

    let calls = [change_parameters(), change_parameters()];
    let ripe = assembly.ripe(&mut world, &calls);
    world.send(&[ix::governance::execute_instruction(&ripe, 0, &calls[0])], &[]).unwrap();
    let event = world.send(&[veto(ripe)], &[guardian]).unwrap().event::<ProposalEnded>();
    assert_eq!((event.state, event.executed), (ProposalState::Vetoed, 1));
    let rest = ix::governance::execute_instruction(&ripe, 1, &calls[1]);
    refused(world.send(&[rest], &[]), GovernanceError::WrongState);
}

#[test]
fn nobody_else_vetoes() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposal = assembly.open(&mut world, &[change_parameters()]);
    let deployer = world.authority.insecure_clone();
    for who in [&assembly.voters[0], &deployer] {
        let veto = ix::governance::veto(&who.pubkey(), &proposal);
        refused(world.send(&[veto], &[who]), GovernanceError::NotGuardian);
    }
    let mut unsigned = ix::governance::veto(&assembly.guardian.pubkey(), &proposal);
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_guardian_cannot_prevent_its_own_replacement_but_whatever_comes_with_it() {
    let (mut world, assembly) = World::with_governance(&[]);
    let guardian = &assembly.guardian;
    let mixed = assembly.open(&mut world, &[replace_guardian(), change_parameters()]);
    world.send(&[ix::governance::veto(&guardian.pubkey(), &mixed)], &[guardian]).unwrap();
    let only = assembly.ripe(&mut world, &[replace_guardian()]);
    let veto = ix::governance::veto(&guardian.pubkey(), &only);
    refused(world.send(&[veto], &[guardian]), GovernanceError::GuardianMayNotVeto);
    world.send(&[ix::governance::execute_instruction(&only, 0, &replace_guardian())], &[]).unwrap();
    // A replaced guardian cannot veto any more.
    let next = assembly.open(&mut world, &[change_parameters()]);
    let veto = ix::governance::veto(&guardian.pubkey(), &next);
    refused(world.send(&[veto], &[guardian]), GovernanceError::NotGuardian);
}

#[test]
fn the_guardian_pauses_a_program_for_a_week_at_most_and_not_again_at_once() {
    let (mut world, assembly) = World::under_governance();
    let (guardian, wallet) = (&assembly.guardian, world.wallet(1_000 * OPEN));
    let pause = |until| ix::governance::guardian_pause(&guardian.pubkey(), &::stake::ID, &pda::stake_config(), until);
    let deposit = ix::stake::deposit(&wallet.pubkey(), &world.mint, Role::Validator, OPEN);
    let until = world.slot() + MAX_PAUSE_SLOTS;
    refused(world.send(&[pause(until + 1)], &[guardian]), SharedError::PauseTooLong);
    refused(world.send(&[pause(u64::MAX)], &[guardian]), SharedError::Overflow);
    refused(world.send(&[pause(world.slot())], &[guardian]), GovernanceError::NoPauseToEnd);
    let event = world.send(&[pause(until)], &[guardian]).unwrap().event::<GuardianPaused>();
    assert_eq!((event.config, event.program, event.until_slot), (pda::governance_config(), ::stake::ID, until));
    assert_eq!(world.get::<::stake::state::Config>(&pda::stake_config()).paused_until, until);
    refused(world.send(&[deposit.clone()], &[&wallet]), SharedError::Paused);
    // A pause cannot be longer than the maximum, and the next one must wait as long as the maximum.
    refused(world.send(&[pause(until)], &[guardian]), GovernanceError::PausedLately);
    world.pass(MAX_PAUSE_SLOTS);
    world.send(&[deposit.clone()], &[&wallet]).unwrap();
    refused(world.send(&[pause(world.slot() + 1)], &[guardian]), GovernanceError::PausedLately);
    refused(world.send(&[pause(0)], &[guardian]), GovernanceError::NoPauseToEnd);
    world.pass(MAX_PAUSE_SLOTS - 1);
    refused(world.send(&[pause(world.slot() + 1)], &[guardian]), GovernanceError::PausedLately);
    world.pass(1);
    world.send(&[pause(world.slot() + 100)], &[guardian]).unwrap();
    // The guardian may end its own pause. That does not allow a new one sooner.
    refused(world.send(&[deposit.clone()], &[&wallet]), SharedError::Paused);
    world.send(&[pause(0)], &[guardian]).unwrap();
    world.send(&[deposit.clone()], &[&wallet]).unwrap();
    refused(world.send(&[pause(world.slot() + 100)], &[guardian]), GovernanceError::PausedLately);
    // A proposal may pause at any time.
    let call = ix::stake::pause(&pda::governance_authority(), world.slot() + 10_000);
    assembly.enact(&mut world, &[call]).unwrap();
    refused(world.send(&[deposit], &[&wallet]), SharedError::Paused);
}

#[test]
fn the_guardian_stops_each_of_the_four_programs_and_each_has_its_own_time_without() {
    let (mut world, assembly) = World::under_governance();
    let (guardian, wallet) = (&assembly.guardian, world.wallet(1_000 * OPEN));
    let me = wallet.pubkey();
    let paused = |world: &World| {
        [
            world.get::<::stake::state::Config>(&pda::stake_config()).paused_until,
            world.get::<::datanet::state::Config>(&pda::datanet_config()).paused_until,
            world.get::<::model::state::Config>(&pda::model_config()).paused_until,
            world.get::<::payout::state::Config>(&pda::payout_config()).paused_until,
        ]
    };
    // For each program, an instruction that its pause refuses. Payout has none without a market (see
    // `payout/pause.rs`).
    let programs = [
        (::stake::ID, pda::stake_config(), Some(ix::stake::deposit(&me, &world.mint, Role::Validator, OPEN))),
        (::datanet::ID, pda::datanet_config(), Some(ix::datanet::create_datanet(&me, datanet::create_args(1)))),
        (::model::ID, pda::model_config(), Some(ix::model::register_model(&me, None, model::register_args(1)))),
        (::payout::ID, pda::payout_config(), None),
    ];
    let until = world.slot() + MAX_PAUSE_SLOTS;
    for (place, (program, config, call)) in programs.iter().enumerate() {
        let pause = ix::governance::guardian_pause(&guardian.pubkey(), program, config, until);
        let event = world.send(&[pause.clone()], &[guardian]).unwrap().event::<GuardianPaused>();
        assert_eq!((event.program, event.until_slot), (*program, until));
        refused(world.send(&[pause], &[guardian]), GovernanceError::PausedLately);
        // The other programs keep running, and the pause of one does not delay the pause of the next.
        let stopped = [0, 1, 2, 3].map(|p| if p <= place { until } else { 0 });
        assert_eq!(paused(&world), stopped);
        if let Some(call) = call {
            refused(world.send(&[call.clone()], &[&wallet]), SharedError::Paused);
        }
        for call in programs[place + 1..].iter().filter_map(|(_, _, call)| call.clone()) {
            world.clone().send(&[call], &[&wallet]).unwrap();
        }
    }
    world.pass(MAX_PAUSE_SLOTS);
    let calls: Vec<Instruction> = programs.into_iter().filter_map(|(_, _, call)| call).collect();
    world.send(&calls, &[&wallet]).unwrap();
}

#[test]
fn the_guardian_pauses_only_the_four_programs_and_nobody_else_does() {
    let (mut world, assembly) = World::under_governance();
    let (guardian, until) = (&assembly.guardian, world.slot() + 100);
    let me = guardian.pubkey();
    for other in [::governance::ID, spl_token_interface::ID, solana_sdk_ids::bpf_loader_upgradeable::ID] {
        let pause = ix::governance::guardian_pause(&me, &other, &pda::stake_config(), until);
        refused(world.send(&[pause], &[guardian]), GovernanceError::NotPausable);
    }
    // Refused: another account of the program than its config, another program's config, a read-only config.
    let good = ix::governance::guardian_pause(&me, &::stake::ID, &pda::stake_config(), until);
    for wrong in [pda::lock(&assembly.voters[0].pubkey()), pda::stake_vault()] {
        world.send(&[swapped(good.clone(), pda::stake_config(), wrong)], &[guardian]).unwrap_err();
    }
    let crossed = swapped(good.clone(), pda::stake_config(), pda::datanet_config());
    refused(world.send(&[crossed], &[guardian]), ErrorCode::AccountOwnedByWrongProgram);
    let mut frozen = good.clone();
    frozen.accounts[4].is_writable = false;
    refused(world.send(&[frozen], &[guardian]), ErrorCode::ConstraintMut);
    let deployer = world.authority.insecure_clone();
    for who in [&assembly.voters[0], &deployer] {
        let pause = ix::governance::guardian_pause(&who.pubkey(), &::stake::ID, &pda::stake_config(), until);
        refused(world.send(&[pause], &[who]), GovernanceError::NotGuardian);
    }
    let mut unsigned = good.clone();
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let other = swapped(good, pda::governance_authority(), me);
    refused(world.send(&[other], &[guardian]), ErrorCode::ConstraintSeeds);
    assert_eq!(world.get::<Config>(&pda::governance_config()).pause_again_from, [0; 4]);
}

#[test]
fn g1_the_guardian_changes_and_spends_nothing() {
    let (mut world, assembly) = World::under_governance();
    let guardian = &assembly.guardian;
    let me = guardian.pubkey();
    let proposal = assembly.queued(&mut world, &[change_parameters()]);
    // Refused: the guardian in the authority's place.
    refused(world.send(&[ix::stake::pause(&me, 5_000)], &[guardian]), StakeError::NotAuthority);
    refused(world.send(&[ix::stake::propose_authority(&me, &me)], &[guardian]), StakeError::NotAuthority);
    let fees = ix::payout::set_fees(&me, payout::FEES);
    refused(world.send(&[fees], &[guardian]), ::payout::error::PayoutError::NotAuthority);
    let windows = ::datanet::InitializeArgs { commit_slots: 1, reveal_slots: 1 };
    let windows = ix::datanet::set_windows(&me, windows);
    refused(world.send(&[windows], &[guardian]), ::datanet::error::DatanetError::NotAuthority);
    let jobs = ix::model::set_windows(
        &me,
        ::model::InitializeArgs { job_slots: 1, assign_slots: 1, data_share_bps: 0, heartbeat_slots: 1 },
    );
    refused(world.send(&[jobs], &[guardian]), ::model::error::ModelError::NotAuthority);
    refused(
        world.send(&[swapped(ix::governance::set_guardian(&me), pda::governance_authority(), me)], &[guardian]),
        GovernanceError::NotAuthority,
    );
    // Refused: the authority without its signature.
    let mut fees = ix::payout::set_fees(&pda::governance_authority(), payout::FEES);
    fees.accounts[0].is_signer = false;
    refused(world.send(&[fees], &[]), ErrorCode::AccountNotSigner);
    // Without locked OPEN the guardian can neither propose nor vote, and it cannot shorten a timelock.
    refused(world.send(&[governance::own_proposal(&me, 2)], &[guardian]), ErrorCode::AccountNotInitialized);
    let execute = ix::governance::execute_instruction(&proposal, 0, &change_parameters());
    refused(world.send(&[execute], &[]), GovernanceError::TimelockNotOver);
    // Nothing that the guardian may do moves a token.
    let vaults = [pda::stake_vault(), pda::insurance_vault(), pda::bond_vault(), payout::treasury()];
    let balances = vaults.map(|v| world.balance(&v));
    let until = world.slot() + 10;
    let pause = ix::governance::guardian_pause(&me, &::stake::ID, &pda::stake_config(), until);
    world.send(&[pause, ix::governance::veto(&me, &proposal)], &[guardian]).unwrap();
    assert_eq!(vaults.map(|v| world.balance(&v)), balances);
    assert_eq!(world.get::<Proposal>(&proposal).state, ProposalState::Vetoed);
}
