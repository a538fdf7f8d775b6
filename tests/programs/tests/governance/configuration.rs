//! `initialize`, `set_parameters`, `set_guardian`: G1, only a proposal that passed changes the config.

use ::governance::{
    error::GovernanceError,
    events::ConfigChanged,
    instructions::InitializeArgs,
    rules::{MAX_QUORUM_BPS, MAX_THRESHOLD, MAX_WINDOW},
    state::{Config, Parameters, Version},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{Program, ix, pda};
use program_tests::{
    World,
    governance::{MIN_TIMELOCK, MIN_VOTING, PARAMETERS, initialize_args},
    key,
    keys::address,
    refused, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

#[test]
fn the_upgrade_authority_initialises_once() {
    let mut world = World::new(&[Program::Governance]);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let by_thief = ix::governance::initialize(&thief.pubkey(), initialize_args());
    refused(world.send(&[by_thief.clone()], &[&thief]), GovernanceError::NotUpgradeAuthority);
    let own = address("record of another program");
    let data = world.svm.get_account(&pda::program_data(&Program::Governance.id())).unwrap();
    world.put_raw(own, data.owner, data.data);
    let with_own = swapped(by_thief, pda::program_data(&Program::Governance.id()), own);
    refused(world.send(&[with_own], &[&thief]), ErrorCode::ConstraintSeeds);
    let make = ix::governance::initialize(&authority.pubkey(), initialize_args());
    let other_authority = swapped(make.clone(), pda::governance_authority(), thief.pubkey());
    refused(world.send(&[other_authority], &[&authority]), ErrorCode::ConstraintSeeds);
    // Lamports sent to the address before do not block it.
    world.airdrop(&pda::governance_config());
    let event = world.send(&[make.clone()], &[&authority]).unwrap().event::<ConfigChanged>();
    assert_eq!((event.sequence, event.guardian, event.parameters), (0, key("guardian").pubkey(), PARAMETERS));
    let config = world.get::<Config>(&pda::governance_config());
    assert_eq!((config.version, config.proposals, config.sequence), (Version::CURRENT, 0, 1));
    assert_eq!((config.min_voting_slots, config.min_timelock_slots), (MIN_VOTING, MIN_TIMELOCK));
    refused_with(world.send(&[make], &[&authority]), "already in use");
}

#[test]
fn parameters_that_could_decide_nothing_are_refused_at_initialisation() {
    let mut world = World::new(&[Program::Governance]);
    let authority = world.authority.insecure_clone();
    for (parameters, error) in broken() {
        let make = ix::governance::initialize(&authority.pubkey(), InitializeArgs { parameters, ..initialize_args() });
        refused(world.send(&[make], &[&authority]), error);
    }
}

/// Invalid parameters, and parameters below the floors of test worlds.
fn broken() -> Vec<(Parameters, GovernanceError)> {
    vec![
        (Parameters { quorum_bps: 0, ..PARAMETERS }, GovernanceError::BadQuorum),
        (Parameters { quorum_bps: MAX_QUORUM_BPS + 1, ..PARAMETERS }, GovernanceError::BadQuorum),
        (Parameters { proposal_threshold: MAX_THRESHOLD + 1, ..PARAMETERS }, GovernanceError::BadThreshold),
        (Parameters { voting_slots: MIN_VOTING - 1, ..PARAMETERS }, GovernanceError::BadWindow),
        (Parameters { voting_slots: MAX_WINDOW + 1, ..PARAMETERS }, GovernanceError::BadWindow),
        (Parameters { timelock_slots: MIN_TIMELOCK - 1, ..PARAMETERS }, GovernanceError::BadWindow),
        (Parameters { timelock_slots: u64::MAX, ..PARAMETERS }, GovernanceError::BadWindow),
        (Parameters { grace_slots: 0, ..PARAMETERS }, GovernanceError::BadWindow),
    ]
}

#[test]
fn g1_a_proposal_that_passed_changes_parameters_and_guardian_within_bounds() {
    let (mut world, assembly) = World::with_governance(&[]);
    let next = Parameters { quorum_bps: 100, voting_slots: MIN_VOTING, timelock_slots: MIN_TIMELOCK, ..PARAMETERS };
    let calls = [ix::governance::set_parameters(next), ix::governance::set_guardian(&address("new guardian"))];
    let event = assembly.enact(&mut world, &calls).unwrap().event::<ConfigChanged>();
    assert_eq!((event.sequence, event.parameters, event.guardian), (2, next, address("new guardian")));
    let config = world.get::<Config>(&pda::governance_config());
    assert_eq!((config.parameters, config.guardian), (next, address("new guardian")));
    // The floors cannot change, and the execution of a proposal with invalid parameters fails.
    for (parameters, error) in broken() {
        refused(assembly.enact(&mut world, &[ix::governance::set_parameters(parameters)]), error);
    }
}

#[test]
fn g1_nobody_else_sets_parameters_or_guardian() {
    let (mut world, assembly) = World::with_governance(&[]);
    let deployer = world.authority.insecure_clone();
    for who in [&assembly.guardian, &assembly.voters[0], &deployer] {
        let me = who.pubkey();
        refused(
            world.send(&[swapped(ix::governance::set_parameters(PARAMETERS), pda::governance_authority(), me)], &[who]),
            GovernanceError::NotAuthority,
        );
        refused(
            world.send(&[swapped(ix::governance::set_guardian(&me), pda::governance_authority(), me)], &[who]),
            GovernanceError::NotAuthority,
        );
    }
    // A forged call that names the authority, for which no key can sign.
    let mut forged = ix::governance::set_guardian(&deployer.pubkey());
    forged.accounts[0].is_signer = false;
    refused(world.send(&[forged], &[]), ErrorCode::AccountNotSigner);
}

#[test]
fn nobody_can_forge_an_event() {
    let (mut world, _) = World::with_governance(&[]);
    let mut forged = ix::governance::queue(&pda::proposal(0));
    forged.data = [anchor_lang::event::EVENT_IX_TAG_LE, &[0; 80]].concat();
    forged.accounts =
        vec![solana_instruction::AccountMeta::new_readonly(pda::event_authority(&::governance::ID), false)];
    refused(world.send(&[forged], &[]), ErrorCode::ConstraintSigner);
}
