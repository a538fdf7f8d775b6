//! Scenarios of the governance program.

use super::honest::{ANYONE, Attack::*, Listed, NOWHERE_ELSE, SELF_CPI, SETS, Scenario};
use crate::{
    governance::{self as net, PARAMETERS},
    town::Town,
};
use ::governance::state::{Choice, Config, Parameters, Proposal};
use openledger_interface::{ix, pda};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub(super) const ALL: &[Listed] = &[
    ("initialize", "", initialize),
    ("create_proposal", "", create_proposal),
    ("add_instruction", "", add_instruction),
    ("open_voting", "", open_voting),
    ("cast_vote", "", cast_vote),
    ("close_vote", "", close_vote),
    ("queue", "passed", queue),
    ("queue", "defeated", queue_defeated),
    ("execute_instruction", "", execute_instruction),
    ("expire", "", expire),
    ("cancel", "", cancel),
    ("veto", "", veto),
    ("close_instruction", "", close_instruction),
    ("guardian_pause", "", guardian_pause),
    ("set_parameters", "", set_parameters),
    ("set_guardian", "", set_guardian),
    ("voting_weight", "", voting_weight),
];

/// The proposed instruction: it changes the parameters of governance itself.
fn change() -> Instruction {
    ix::governance::set_parameters(Parameters { voting_slots: 60, ..PARAMETERS })
}

fn initialize(t: Town) -> Scenario {
    let by = t.bare.authority.insecure_clone();
    let instruction = ix::governance::initialize(&by.pubkey(), net::initialize_args());
    Scenario::new(t.bare, instruction, &[&by])
}

fn by_proposer(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.assembly.voters[0].insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn create_proposal(t: Town) -> Scenario {
    let number = t.lab.world.get::<Config>(&pda::governance_config()).proposals;
    by_proposer(t, |_, by| net::own_proposal(by, number)).free(Copy, &["lock"], NOWHERE_ELSE)
}

fn add_instruction(mut t: Town) -> Scenario {
    let draft = t.assembly.clone().draft(t.world(), &[]);
    by_proposer(t, |_, by| ix::governance::add_instruction(by, &draft, 0, &change()))
}

fn open_voting(mut t: Town) -> Scenario {
    let draft = t.assembly.clone().draft(t.world(), &[change()]);
    by_proposer(t, |_, by| ix::governance::open_voting(by, by, &draft)).free(Copy, &["lock"], NOWHERE_ELSE)
}

/// Makes a proposal whose vote is open.
fn opened(t: &mut Town) -> Pubkey {
    t.assembly.clone().open(t.world(), &[change()])
}

fn cast_vote(mut t: Town) -> Scenario {
    let proposal = opened(&mut t);
    by_proposer(t, |_, by| ix::governance::cast_vote(by, by, &proposal, Choice::For))
}

/// Advances to `slot`.
fn until(t: &mut Town, slot: u64) {
    let slots = slot - t.lab.world.slot();
    t.world().pass(slots);
}

fn close_vote(mut t: Town) -> Scenario {
    let (proposal, assembly) = (opened(&mut t), t.assembly.clone());
    assembly.vote(t.world(), 1, proposal, Choice::For).expect("votes");
    let end = t.lab.world.get::<Proposal>(&proposal).voting_end_slot;
    until(&mut t, end);
    let voter = assembly.voters[1].pubkey();
    Scenario::new(t.lab.world, ix::governance::close_vote(&voter, &voter, &proposal), &[])
}

fn queue(mut t: Town) -> Scenario {
    let (proposal, assembly) = (opened(&mut t), t.assembly.clone());
    for voter in 0..assembly.voters.len() {
        assembly.vote(t.world(), voter, proposal, Choice::For).expect("votes");
    }
    let end = t.lab.world.get::<Proposal>(&proposal).voting_end_slot;
    until(&mut t, end);
    Scenario::new(t.lab.world, ix::governance::queue(&proposal), &[]).free(
        Sibling,
        &["proposal"],
        "anyone counts the votes of any proposal that are over",
    )
}

fn queue_defeated(mut t: Town) -> Scenario {
    let proposal = opened(&mut t);
    let end = t.lab.world.get::<Proposal>(&proposal).voting_end_slot;
    until(&mut t, end);
    Scenario::new(t.lab.world, ix::governance::queue(&proposal), &[]).free(
        Sibling,
        &["proposal"],
        "anyone counts the votes of any proposal that are over",
    )
}

fn execute_instruction(mut t: Town) -> Scenario {
    let proposal = t.assembly.clone().ripe(t.world(), &[change()]);
    Scenario::new(t.lab.world, ix::governance::execute_instruction(&proposal, 0, &change()), &[]).free(
        OtherProgram,
        &["program"],
        SELF_CPI,
    )
}

fn expire(mut t: Town) -> Scenario {
    let proposal = opened(&mut t);
    let end = t.lab.world.get::<Proposal>(&proposal).expiry_slot;
    until(&mut t, end);
    Scenario::new(t.lab.world, ix::governance::expire(&proposal), &[]).free(
        Sibling,
        &["proposal"],
        "anyone ends any proposal that is late",
    )
}

fn cancel(mut t: Town) -> Scenario {
    let proposal = opened(&mut t);
    by_proposer(t, |_, by| ix::governance::cancel(by, &proposal)).free(
        Sibling,
        &["proposal"],
        "another proposal of the same proposer's",
    )
}

fn veto(mut t: Town) -> Scenario {
    let proposal = opened(&mut t);
    let guardian = t.assembly.guardian.insecure_clone();
    Scenario::new(t.lab.world, ix::governance::veto(&guardian.pubkey(), &proposal), &[&guardian])
}

fn close_instruction(mut t: Town) -> Scenario {
    let (proposal, proposer) = (opened(&mut t), t.assembly.voters[0].insecure_clone());
    t.world().send(&[ix::governance::cancel(&proposer.pubkey(), &proposal)], &[&proposer]).expect("cancels");
    Scenario::new(t.lab.world, ix::governance::close_instruction(&proposer.pubkey(), &proposal, 0), &[])
}

fn guardian_pause(mut t: Town) -> Scenario {
    let (by, to) = (t.lab.world.authority.insecure_clone(), pda::governance_authority());
    t.world().send(&[ix::stake::propose_authority(&by.pubkey(), &to)], &[&by]).expect("proposes");
    let (assembly, accept) = (t.assembly.clone(), ix::stake::accept_authority(&to));
    assembly.enact(t.world(), &[accept]).expect("hands over");
    let (guardian, end) = (assembly.guardian.insecure_clone(), t.lab.world.slot() + 1_000);
    let pause = ix::governance::guardian_pause(&guardian.pubkey(), &::stake::ID, &pda::stake_config(), end);
    Scenario::new(t.lab.world, pause, &[&guardian])
}

fn set_parameters(t: Town) -> Scenario {
    by_governance(t, change())
}

fn set_guardian(t: Town) -> Scenario {
    let guardian = t.rival.pubkey();
    by_governance(t, ix::governance::set_guardian(&guardian))
}

/// A scenario in which governance calls itself, as it does when a proposal is executed. Its authority signs, which no
/// key can.
fn by_governance(t: Town, instruction: Instruction) -> Scenario {
    let mut world = t.lab.world;
    world.let_sign(pda::governance_authority());
    Scenario::new(world, instruction, &[]).free(Replay, &[""], SETS)
}

fn voting_weight(t: Town) -> Scenario {
    let owner = t.assembly.voters[0].pubkey();
    Scenario::new(t.lab.world, ix::governance::voting_weight(&owner), &[])
        .free(Replay, &[""], ANYONE)
        .free(Copy, &["lock"], NOWHERE_ELSE)
        .free(Sibling, &["lock"], "anyone may read any lock")
}
