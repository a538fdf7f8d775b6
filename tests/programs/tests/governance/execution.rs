//! `queue`, `execute_instruction`, `expire`: G1, nothing is executed without quorum, majority and timelock, and only
//! what was voted on.

use ::governance::{
    error::GovernanceError,
    events::{InstructionExecuted, ProposalEnded, ProposalQueued},
    state::{Choice, Config, Proposal, ProposalState},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{World, governance::PARAMETERS, keys::address, refused, swapped, tx::refused_with};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

fn call(who: &str) -> Instruction {
    ix::governance::set_guardian(&address(who))
}

fn guardian(world: &World) -> Pubkey {
    world.get::<Config>(&pda::governance_config()).guardian
}

fn state(world: &World, proposal: Pubkey) -> ProposalState {
    world.get::<Proposal>(&proposal).state
}

#[test]
fn g1_what_passes_waits_for_its_timelock_and_is_executed_in_order() {
    let (mut world, assembly) = World::with_governance(&[]);
    let calls = [call("first"), call("second")];
    let proposal = assembly.open(&mut world, &calls);
    assembly.vote(&mut world, 1, proposal, Choice::For).unwrap();
    assembly.vote(&mut world, 0, proposal, Choice::Against).unwrap();
    world.pass(PARAMETERS.voting_slots - 1);
    refused(world.send(&[ix::governance::queue(&proposal)], &[]), GovernanceError::VotingNotOver);
    let execute = |index: u8| ix::governance::execute_instruction(&proposal, index, &calls[index as usize]);
    refused(world.send(&[execute(0)], &[]), GovernanceError::WrongState);
    world.pass(1);
    refused(world.send(&[execute(0)], &[]), GovernanceError::WrongState);
    let event = world.send(&[ix::governance::queue(&proposal)], &[]).unwrap().event::<ProposalQueued>();
    let executable = world.slot() + PARAMETERS.timelock_slots;
    assert_eq!((event.executable_slot, event.expiry_slot), (executable, executable + PARAMETERS.grace_slots));
    refused(world.send(&[ix::governance::queue(&proposal)], &[]), GovernanceError::WrongState);
    world.pass(PARAMETERS.timelock_slots - 1);
    refused(world.send(&[execute(0)], &[]), GovernanceError::TimelockNotOver);
    world.pass(1);
    refused(world.send(&[execute(1)], &[]), ErrorCode::ConstraintSeeds);
    let event = world.send(&[execute(0)], &[]).unwrap().event::<InstructionExecuted>();
    assert_eq!((event.index, event.last, guardian(&world)), (0, false, address("first")));
    // Each instruction is executed only once.
    refused(world.send(&[execute(0)], &[]), ErrorCode::ConstraintSeeds);
    assert_eq!(state(&world, proposal), ProposalState::Queued);
    let event = world.send(&[execute(1)], &[]).unwrap().event::<InstructionExecuted>();
    assert_eq!((event.index, event.last, guardian(&world)), (1, true, address("second")));
    assert_eq!(state(&world, proposal), ProposalState::Executed);
    for again in [execute(0), execute(1)] {
        world.send(&[again], &[]).unwrap_err();
    }
    refused(world.send(&[ix::governance::expire(&proposal)], &[]), GovernanceError::WrongState);
}

#[test]
fn all_instructions_can_be_executed_in_one_transaction_and_fail_together() {
    let (mut world, assembly) = World::with_governance(&[]);
    let bad = ix::stake::pause(&pda::governance_authority(), 5_000);
    let calls = [call("first"), bad];
    let proposal = assembly.ripe(&mut world, &calls);
    let all: Vec<Instruction> =
        calls.iter().enumerate().map(|(i, c)| ix::governance::execute_instruction(&proposal, i as u8, c)).collect();
    let before = guardian(&world);
    // Governance is not the authority of stake in this world.
    refused(world.send(&all, &[]), ::stake::error::StakeError::NotAuthority);
    assert_eq!((guardian(&world), world.get::<Proposal>(&proposal).executed), (before, 0));
    world.send(&all[..1], &[]).unwrap();
    assert_eq!(guardian(&world), address("first"));
}

#[test]
fn g1_too_few_votes_or_a_tie_or_a_minority_decide_nothing() {
    let (mut world, assembly) = World::with_governance(&[]);
    use Choice::{Abstain, Against, For};
    // The voters have 100, 200 and 300 thousand OPEN; the quorum is 120 thousand.
    for (votes, passes) in [
        (vec![], false),
        (vec![(0, For)], false),
        (vec![(1, For)], true),
        (vec![(0, For), (1, Abstain)], true),
        (vec![(1, Abstain)], false),
        (vec![(1, For), (2, Against)], false),
        (vec![(0, For), (1, Against)], false),
        (vec![(2, For), (1, Against)], true),
    ] {
        let proposal = assembly.open(&mut world, &[call("somebody")]);
        for (voter, choice) in &votes {
            assembly.vote(&mut world, *voter, proposal, *choice).unwrap();
        }
        world.pass(PARAMETERS.voting_slots);
        let sent = world.send(&[ix::governance::queue(&proposal)], &[]).unwrap();
        assert_eq!(sent.events::<ProposalQueued>().len() == 1, passes, "{votes:?}");
        if !passes {
            assert_eq!(sent.event::<ProposalEnded>().state, ProposalState::Defeated);
            world.pass(PARAMETERS.timelock_slots);
            let execute = ix::governance::execute_instruction(&proposal, 0, &call("somebody"));
            refused(world.send(&[execute], &[]), GovernanceError::WrongState);
        }
    }
}

#[test]
fn g1_only_what_was_voted_on_is_executed() {
    let (mut world, assembly) = World::with_governance(&[]);
    let good = call("somebody");
    let proposal = assembly.ripe(&mut world, &[good.clone()]);
    let other = assembly.draft(&mut world, &[call("thief")]);
    let execute = ix::governance::execute_instruction(&proposal, 0, &good);
    // Refused: another proposal's instruction, another program, other accounts, fewer accounts, more accounts.
    let swap = |from, to| swapped(execute.clone(), from, to);
    let mixed = swap(pda::proposed_instruction(&proposal, 0), pda::proposed_instruction(&other, 0));
    refused(world.send(&[mixed], &[]), ErrorCode::ConstraintSeeds);
    let mut target = execute.clone();
    target.accounts[3].pubkey = ::stake::ID;
    refused(world.send(&[target], &[]), GovernanceError::WrongAccounts);
    let mut elsewhere = execute.clone();
    elsewhere.accounts[7].pubkey = pda::stake_config();
    refused(world.send(&[elsewhere], &[]), GovernanceError::WrongAccounts);
    let mut order = execute.clone();
    order.accounts.swap(6, 7);
    refused(world.send(&[order], &[]), GovernanceError::WrongAccounts);
    let mut fewer = execute.clone();
    fewer.accounts.pop();
    refused(world.send(&[fewer], &[]), GovernanceError::WrongAccounts);
    let mut more = execute.clone();
    more.accounts.push(more.accounts[6].clone());
    refused(world.send(&[more], &[]), GovernanceError::WrongAccounts);
    // Refused: an account that is read-only although it must be writable.
    let mut frozen = execute.clone();
    frozen.accounts[7].is_writable = false;
    refused_with(world.send(&[frozen], &[]), "PrivilegeEscalation");
    // A draft cannot be executed, even if another proposal's timelock is over.
    let early = ix::governance::execute_instruction(&other, 0, &call("thief"));
    refused(world.send(&[early], &[]), GovernanceError::WrongState);
    world.send(&[execute], &[]).unwrap();
}

#[test]
fn the_authoritys_signature_reaches_only_accounts_that_were_proposed_as_signing() {
    let (mut world, assembly) = World::with_governance(&[]);
    let mut unsigned = call("somebody");
    unsigned.accounts[0].is_signer = false;
    let proposal = assembly.ripe(&mut world, &[unsigned.clone()]);
    refused(
        world.send(&[ix::governance::execute_instruction(&proposal, 0, &unsigned)], &[]),
        ErrorCode::AccountNotSigner,
    );
}

#[test]
fn what_is_not_queued_or_executed_in_time_expires() {
    let (mut world, assembly) = World::with_governance(&[]);
    let calls = [call("first"), call("second")];
    let forgotten = assembly.open(&mut world, &calls);
    assembly.vote(&mut world, 2, forgotten, Choice::For).unwrap();
    world.pass(PARAMETERS.voting_slots + PARAMETERS.grace_slots - 1);
    refused(world.send(&[ix::governance::expire(&forgotten)], &[]), GovernanceError::NotTooLate);
    world.pass(1);
    refused(world.send(&[ix::governance::queue(&forgotten)], &[]), GovernanceError::TooLate);
    let event = world.send(&[ix::governance::expire(&forgotten)], &[]).unwrap().event::<ProposalEnded>();
    assert_eq!((event.state, event.executed), (ProposalState::Expired, 0));

    let half = assembly.ripe(&mut world, &calls);
    world.send(&[ix::governance::execute_instruction(&half, 0, &calls[0])], &[]).unwrap();
    world.pass(PARAMETERS.grace_slots - 1);
    refused(world.send(&[ix::governance::expire(&half)], &[]), GovernanceError::NotTooLate);
    world.pass(1);
    refused(world.send(&[ix::governance::execute_instruction(&half, 1, &calls[1])], &[]), GovernanceError::TooLate);
    let event = world.send(&[ix::governance::expire(&half)], &[]).unwrap().event::<ProposalEnded>();
    assert_eq!((event.state, event.executed), (ProposalState::Expired, 1));
    refused(world.send(&[ix::governance::execute_instruction(&half, 1, &calls[1])], &[]), GovernanceError::WrongState);
    // A draft never expires.
    let draft = assembly.draft(&mut world, &calls);
    world.pass(1_000_000);
    refused(world.send(&[ix::governance::expire(&draft)], &[]), GovernanceError::WrongState);
}

#[test]
fn a_running_vote_keeps_the_parameters_that_it_began_with() {
    let (mut world, assembly) = World::with_governance(&[]);
    let strict = ::governance::state::Parameters { quorum_bps: 5_000, timelock_slots: 1_000, ..PARAMETERS };
    let change = ix::governance::set_parameters(strict);
    let first = assembly.ripe(&mut world, &[change.clone()]);
    let running = assembly.open(&mut world, &[call("somebody")]);
    world.send(&[ix::governance::execute_instruction(&first, 0, &change)], &[]).unwrap();
    assembly.vote(&mut world, 1, running, Choice::For).unwrap();
    world.pass(PARAMETERS.voting_slots);
    let event = world.send(&[ix::governance::queue(&running)], &[]).unwrap().event::<ProposalQueued>();
    assert_eq!(event.executable_slot, world.slot() + PARAMETERS.timelock_slots);
    // The next proposal has the new parameters.
    let next = assembly.open(&mut world, &[call("somebody")]);
    assembly.vote(&mut world, 1, next, Choice::For).unwrap();
    world.pass(PARAMETERS.voting_slots);
    world.send(&[ix::governance::queue(&next)], &[]).unwrap();
    assert_eq!(state(&world, next), ProposalState::Defeated);
}
