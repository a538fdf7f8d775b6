//! Rule M5: a budget always comes back within a number of slots that is known at the request, whatever operators do.

use model::{
    error::ModelError,
    events::JobEnded,
    state::{Job, JobStatus, TAKING_TERMS},
};
use openledger_interface::{ix, pda};
use openledger_protocol::hash::ZERO;
use program_tests::{
    Key,
    model::{ASSIGN_SLOTS, BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, log_args},
    refused,
    stake::Committee,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Slots after its request in which a budget is back at the latest, if anybody asks for it: the time to take the job, and
/// the time of the last operator that took it.
const BACK: u64 = ASSIGN_SLOTS + (TAKING_TERMS + 1) * JOB_SLOTS;

/// The instruction by which a stranger ends the job.
fn end(lab: &Lab, job: Pubkey) -> Instruction {
    let state: Job = lab.world.get(&job);
    match state.status {
        JobStatus::Requested => ix::model::cancel_job(&lab.curator.pubkey(), &state, &lab.world.mint),
        _ => ix::model::expire_job(&state, &lab.world.mint),
    }
}

/// Has a stranger end the job now, which returns the whole budget.
fn comes_back(lab: &mut Lab, job: Pubkey) {
    let (stranger, before) = (lab.curator.insecure_clone(), lab.world.open_of(&lab.owner.pubkey()));
    let end = end(lab, job);
    let signers = if end.accounts[0].pubkey == stranger.pubkey() { vec![&stranger] } else { vec![] };
    let event: JobEnded = lab.world.send(&[end], &signers).expect("the budget comes back").event();
    assert_eq!(event.refunded, BUDGET);
    assert_eq!(lab.world.open_of(&lab.owner.pubkey()), before + BUDGET);
}

/// An attack: one member releases the job from itself and takes it again in one transaction, whenever it has been silent
/// for long enough. The job never waits, so that nobody can cancel it, and its deadline moves each time.
#[test]
fn a_member_that_takes_a_job_again_and_again_holds_its_budget_for_a_bounded_time() {
    let mut lab = Lab::new();
    let job = lab.slot_unless_paused(BUDGET);
    let (asked, member) = (lab.world.get::<Job>(&job).requested_slot, lab.trainer(0));
    let again = [ix::model::release_job(&job), ix::model::assign_job(&member.pubkey(), lab.committee.epoch, &job)];
    loop {
        lab.world.pass(HEARTBEAT_SLOTS + 1);
        if lab.world.slot() > lab.world.get::<Job>(&job).taking_slot {
            break;
        }
        lab.world.send(&again, &[&member]).expect("takes it again");
    }
    refused(lab.world.send(&again, &[&member]), ModelError::TakingOver);
    // Whoever says something now and then keeps the job to its deadline, and not longer.
    let deadline = lab.world.get::<Job>(&job).deadline_slot;
    while lab.world.slot() < deadline {
        lab.world.send(&[ix::model::heartbeat(&member.pubkey(), &job)], &[&member]).ok();
        lab.world.pass(HEARTBEAT_SLOTS.min(deadline - lab.world.slot()));
    }
    lab.world.pass(1);
    assert!(lab.world.slot() <= asked + BACK + 1);
    comes_back(&mut lab, job);
}

#[test]
fn a_job_that_nobody_may_take_any_more_is_cancelled_by_anybody_at_once() {
    let mut lab = Lab::new();
    let job = lab.slot_unless_paused(BUDGET);
    let (state, member) = (lab.world.get::<Job>(&job), lab.trainer(0));
    assert_eq!(state.taking_slot, state.requested_slot + ASSIGN_SLOTS + TAKING_TERMS * JOB_SLOTS);
    let (release, take) =
        (ix::model::release_job(&job), ix::model::assign_job(&member.pubkey(), lab.committee.epoch, &job));
    while lab.world.slot() + HEARTBEAT_SLOTS < state.taking_slot {
        lab.world.pass(HEARTBEAT_SLOTS + 1);
        lab.world.send(&[release.clone(), take.clone()], &[&member]).expect("takes it again");
    }
    lab.world.pass(HEARTBEAT_SLOTS + 1);
    lab.world.send(&[release], &[]).expect("was silent");
    refused(lab.world.send(&[take], &[&member]), ModelError::TakingOver);
    comes_back(&mut lab, job);
}

/// Two members do what they can, in one transaction where that helps, and the committee is succeeded at the worst times.
/// No pause and no change of the windows happens here.
#[test]
fn a_budget_comes_back_within_the_stated_slots_whatever_two_members_do() {
    let start = Lab::new();
    for seed in 0..24 {
        let (mut lab, mut dice) = (start.clone(), ChaCha8Rng::seed_from_u64(seed));
        let mut below = |n: u32| (dice.next_u32() % n) as usize;
        let job = lab.requested(BUDGET);
        let asked = lab.world.slot();
        let two = [lab.trainer(0), lab.trainer(1)];
        while lab.world.slot() <= asked + BACK {
            let (state, who) = (lab.world.get::<Job>(&job), &two[below(2)]);
            let (by, epoch) = (who.pubkey(), lab.committee.epoch);
            let (release, take) = (ix::model::release_job(&job), ix::model::assign_job(&by, epoch, &job));
            let log = ix::model::post_log(&by, &job, log_args([7; 32]));
            let act = match below(6) {
                0 => vec![take],
                1 => vec![release, take],
                2 => vec![release, take, log],
                3 => vec![ix::model::heartbeat(&by, &job)],
                4 if state.log_root == ZERO => vec![log],
                _ => vec![release],
            };
            let signs = act.iter().any(|i| i.accounts.iter().any(|a| a.is_signer));
            let signers: &[&Key] = if signs { &[who] } else { &[] };
            lab.world.send(&act, signers).ok();
            if below(12) == 0 {
                let (epoch, members) = (epoch + 1, lab.committee.members.iter().collect::<Vec<_>>());
                let group = program_tests::attest::group_key(epoch as u8);
                lab.world.seat(&members, 2, group.verifying_key().to_bytes()).expect("is seated");
                lab.committee = Committee { epoch, key: group, ..lab.committee.clone() };
            }
            let slots = [1, ASSIGN_SLOTS / 2, HEARTBEAT_SLOTS + 1, JOB_SLOTS / 2][below(4)];
            lab.world.pass(slots.min(asked + BACK + 1 - lab.world.slot()));
        }
        assert_eq!(lab.world.balance(&pda::escrow(&job)), BUDGET, "seed {seed}");
        comes_back(&mut lab, job);
    }
}
