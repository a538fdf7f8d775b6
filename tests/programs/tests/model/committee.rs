//! A job is pinned to the committee in which it was taken. When another committee is active, the job can only be released,
//! and anybody may do that at once.

use anchor_lang::error::ErrorCode;
use model::{
    error::ModelError,
    events::JobReleased,
    state::{Job, JobStatus},
};
use openledger_interface::{ix, pda};
use openledger_protocol::hash::ZERO;
use program_tests::{
    Key, OPEN, attest, key,
    model::{ASSIGN_SLOTS, BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, log_args, message, result},
    refused,
    stake::Committee,
    swapped,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;
use stake::{error::SharedError, instructions::ProposeCommitteeArgs};

/// Cancels the job in its present state.
fn cancel(lab: &Lab, by: &Key, job: Pubkey) -> Instruction {
    ix::model::cancel_job(&by.pubkey(), &lab.world.get(&job), &lab.world.mint)
}

/// The same operators are the next committee.
fn stay(lab: &mut Lab) {
    let epoch = lab.committee.epoch + 1;
    let members: Vec<_> = lab.committee.members.iter().collect();
    let group = attest::group_key(epoch as u8);
    lab.world.seat(&members, 2, group.verifying_key().to_bytes()).expect("is seated");
    lab.committee = Committee { epoch, key: group, ..lab.committee.clone() };
}

/// Makes another committee active, and returns the one before.
fn succeed(lab: &mut Lab) -> Committee {
    let next = lab.world.committee(3);
    std::mem::replace(&mut lab.committee, next)
}

/// Rule A1: neither the former nor the present committee attests a job that is pinned to the former.
#[test]
fn the_next_committee_attests_nothing_for_a_job_of_the_former() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let paid = [(lab.trainer(0).pubkey(), OPEN)];
    let former = succeed(&mut lab);
    let (by_next, by_former) = (result(&lab.world, &[]), result(&lab.world, &paid));
    refused(lab.attest(job, by_next), ModelError::OtherCommittee);
    let next = std::mem::replace(&mut lab.committee, former);
    refused(lab.attest(job, by_former), ModelError::OtherCommittee);

    // An attestation by the present committee that was made before the release does not fit the job after it.
    lab.committee = next;
    let early = result(&lab.world, &[]);
    let early = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, job, &early));
    lab.world.send(&[ix::model::release_job(&job)], &[]).expect("releases");
    let (epoch, mint, trainer) = (lab.committee.epoch, lab.world.mint, lab.trainer(1));
    let attested = |lab: &Lab| ix::model::attest_result(epoch, &lab.world.get(&job), &mint, result(&lab.world, &[]));
    refused(lab.world.send(&[early.clone(), attested(&lab)], &[]), ModelError::JobNotRunning);
    let take = ix::model::assign_job(&trainer.pubkey(), epoch, &job);
    lab.world.send(&[take], &[&trainer]).expect("takes it");
    refused(lab.world.send(&[early.clone(), attested(&lab)], &[]), ModelError::LogMissing);
    let log = ix::model::post_log(&trainer.pubkey(), &job, log_args([2; 32]));
    lab.world.send(&[log], &[&trainer]).expect("posts its own");
    refused(lab.world.send(&[early, attested(&lab)], &[]), SharedError::AttestationMessage);
    lab.attest(job, result(&lab.world, &[(trainer.pubkey(), OPEN)])).expect("the job is the present committee's now");
    let state: Job = lab.world.get(&job);
    assert_eq!((state.committee_epoch, state.operator), (epoch, Some(trainer.pubkey())));
}

/// Rule M5: a release moves no token. Rule T1: it does not change what the job builds on.
#[test]
fn a_job_of_the_former_committee_is_released_by_anybody_with_its_log() {
    let mut lab = Lab::new();
    let (job, running) = (lab.trained(BUDGET), lab.slot_unless_paused(BUDGET));
    let trainer = lab.trainer(0);
    let former = succeed(&mut lab);
    // Two successions are no more than one.
    succeed(&mut lab);
    for (job, kept_for) in [(job, Some(trainer.pubkey())), (running, None)] {
        let before: Job = lab.world.get(&job);
        assert_eq!(before.log_root != ZERO, kept_for.is_some());
        let event: JobReleased = lab.world.send(&[ix::model::release_job(&job)], &[]).expect("anyone may").event();
        assert_eq!((event.job, event.operator, event.former), (job, trainer.pubkey(), kept_for));
        assert_eq!((event.committee_epoch, event.committee_replaced), (former.epoch, true));
        let state: Job = lab.world.get(&job);
        assert_eq!((state.status, state.operator, state.committee_epoch), (JobStatus::Requested, None, 0));
        assert_eq!((state.log_root, state.log_slot, state.segments), (ZERO, 0, 0));
        assert_eq!((state.deadline_slot, state.heartbeat_slot), (0, 0));
        assert_eq!(state.waiting_slot, lab.world.slot(), "the time to find another runs anew");
        assert_eq!((state.requested_slot, state.taking_slot), (before.requested_slot, before.taking_slot));
        assert_eq!(state.former, kept_for);
        assert_eq!(lab.world.balance(&pda::escrow(&job)), BUDGET);
        refused(lab.world.send(&[ix::model::release_job(&job)], &[]), ModelError::JobNotRunning);
        let log = ix::model::post_log(&trainer.pubkey(), &job, log_args([1; 32]));
        refused(lab.world.send(&[log], &[&trainer]), ModelError::NotAssigned);
    }
    let (owner, stranger) = (lab.owner.insecure_clone(), lab.curator.insecure_clone());
    let before = lab.world.open_of(&owner.pubkey());
    let own = cancel(&lab, &owner, running);
    lab.world.send(&[own], &[&owner]).expect("the requester of a job without a log does not have to wait");
    let early = cancel(&lab, &stranger, job);
    lab.world.pass(HEARTBEAT_SLOTS.max(ASSIGN_SLOTS));
    refused(lab.world.send(std::slice::from_ref(&early), &[&stranger]), ModelError::JobKept);
    lab.world.pass(1);
    lab.world.send(&[early], &[&stranger]).expect("anybody cancels what nobody takes");
    assert_eq!(lab.world.open_of(&owner.pubkey()), before + 2 * BUDGET);
}

/// Nobody can take a job from an operator that is at work, or stop the signing of its result, while its committee is
/// active.
#[test]
fn no_job_is_released_for_a_committee_that_is_not_active_yet() {
    let mut lab = Lab::new();
    let (trained, running) = (lab.trained(BUDGET), lab.slot_unless_paused(BUDGET));
    let authority = lab.world.authority.insecure_clone();
    let members: Vec<_> = (0..2).map(|_| lab.world.operator()).collect();
    let wallets: Vec<_> = members.iter().map(|m| m.wallet.pubkey()).collect();
    let epoch = lab.committee.epoch;
    let args = ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets };
    lab.world
        .send(&[ix::stake::propose_committee(&authority.pubkey(), epoch, args)], &[&authority])
        .expect("is proposed");
    let confirm = |n: usize| ix::stake::confirm_committee(&members[n].wallet.pubkey(), epoch, [9; 32]);
    lab.world.send(&[confirm(0)], &[&members[0].wallet]).expect("confirms");
    refused(lab.world.send(&[ix::model::release_job(&trained)], &[]), ModelError::LogPosted);
    refused(lab.world.send(&[ix::model::release_job(&running)], &[]), ModelError::OperatorAlive);
    lab.world.pass(HEARTBEAT_SLOTS + 1);
    refused(lab.world.send(&[ix::model::release_job(&trained)], &[]), ModelError::LogPosted);
    lab.world.send(&[confirm(1)], &[&members[1].wallet]).expect("the last one seats the committee");
    lab.world.send(&[ix::model::release_job(&trained)], &[]).expect("now its committee is succeeded");
}

#[test]
fn the_active_committee_is_read_from_the_stake_programs_config_alone() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    // Configs in which another committee would be active.
    let mut later: stake::state::Config = lab.world.get(&pda::stake_config());
    later.committee_epoch += 1;
    let copy = key("copy of the config").pubkey();
    lab.world.put(copy, &later);
    let bytes = lab.world.svm.get_account(&copy).unwrap().data;
    let foreign = key("config of another program").pubkey();
    lab.world.put_raw(foreign, model::ID, bytes);
    let release = |config| swapped(ix::model::release_job(&job), pda::stake_config(), config);
    refused(lab.world.send(&[release(copy)], &[]), ErrorCode::ConstraintSeeds);
    refused(lab.world.send(&[release(foreign)], &[]), ErrorCode::AccountOwnedByWrongProgram);
    let committee = pda::committee(lab.committee.epoch);
    refused(lab.world.send(&[release(committee)], &[]), ErrorCode::AccountDiscriminatorMismatch);
    let own = pda::model_config();
    refused(lab.world.send(&[release(own)], &[]), ErrorCode::AccountOwnedByWrongProgram);
    refused(lab.world.send(&[release(pda::stake_config())], &[]), ModelError::LogPosted);
}

/// The rules of the deadline are the same for a job whose committee was succeeded: it expires, and refunds everything.
#[test]
fn after_its_deadline_a_job_of_the_former_committee_only_expires() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let before = lab.world.open_of(&lab.owner.pubkey());
    succeed(&mut lab);
    let expire = ix::model::expire_job(&lab.world.get(&job), &lab.world.mint);
    lab.world.pass(JOB_SLOTS);
    refused(lab.world.send(std::slice::from_ref(&expire), &[]), ModelError::ExpireTooEarly);
    lab.world.pass(1);
    refused(lab.world.send(&[ix::model::release_job(&job)], &[]), ModelError::DeadlinePassed);
    lab.world.send(&[expire], &[]).expect("expires");
    assert_eq!(lab.world.open_of(&lab.owner.pubkey()), before + BUDGET);
}

/// The trainer of the former committee may be in the present one. It takes the job again and posts the same log.
#[test]
fn a_trainer_that_stays_takes_its_job_again() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let root = lab.world.get::<Job>(&job).log_root;
    stay(&mut lab);
    let (trainer, epoch) = (lab.trainer(0), lab.committee.epoch);
    let args = result(&lab.world, &[(trainer.pubkey(), OPEN)]);
    refused(lab.attest(job, args.clone()), ModelError::OtherCommittee);
    let again = [
        ix::model::release_job(&job),
        ix::model::assign_job(&trainer.pubkey(), epoch, &job),
        ix::model::post_log(&trainer.pubkey(), &job, log_args(root)),
    ];
    lab.world.send(&again, &[&trainer]).expect("in one transaction");
    lab.attest(job, args).expect("is attested");
    assert_eq!(lab.world.get::<Job>(&job).committee_epoch, epoch);
}

/// An attack: states, index and weights are public with the log, so that another member could post the same root and be
/// paid for the training.
#[test]
fn nobody_takes_a_training_whose_log_is_posted_from_its_operator_at_a_succession() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let root = lab.world.get::<Job>(&job).log_root;
    stay(&mut lab);
    let (trainer, thief, epoch) = (lab.trainer(0), lab.trainer(1), lab.committee.epoch);
    let release = ix::model::release_job(&job);
    let steal = [
        ix::model::assign_job(&thief.pubkey(), epoch, &job),
        ix::model::post_log(&thief.pubkey(), &job, log_args(root)),
    ];
    let at_once = [std::slice::from_ref(&release), &steal[..]].concat();
    refused(lab.world.send(&at_once, &[&thief]), ModelError::JobKept);
    lab.world.send(std::slice::from_ref(&release), &[]).expect("releases");
    lab.world.pass(HEARTBEAT_SLOTS);
    refused(lab.world.send(&steal, &[&thief]), ModelError::JobKept);
    let mut late = lab.clone();
    late.world.pass(1);
    late.world.send(&steal, &[&thief]).expect("its operator had as long as any may be silent");
    assert_eq!(late.world.get::<Job>(&job).former, None, "it does not come back for it");

    // A second succession before the log is posted again changes nothing: the log is public still.
    let back = ix::model::assign_job(&trainer.pubkey(), epoch, &job);
    lab.world.send(&[back], &[&trainer]).expect("takes it back");
    stay(&mut lab);
    let steal = ix::model::assign_job(&thief.pubkey(), lab.committee.epoch, &job);
    refused(lab.world.send(&[release.clone(), steal], &[&thief]), ModelError::JobKept);
    // But an operator that takes it back and is silent loses it, like any other.
    let back = ix::model::assign_job(&trainer.pubkey(), lab.committee.epoch, &job);
    lab.world.send(&[release.clone(), back], &[&trainer]).expect("takes it back again");
    lab.world.pass(HEARTBEAT_SLOTS + 1);
    let take = ix::model::assign_job(&thief.pubkey(), lab.committee.epoch, &job);
    lab.world.send(&[release, take], &[&thief]).expect("the silent one loses it");
}

/// An attack: the last member to confirm the next committee chooses the moment of the succession.
#[test]
fn no_requester_has_a_finished_training_for_nothing_by_a_succession_that_it_times() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let (authority, owner) = (lab.world.authority.insecure_clone(), lab.owner.insecure_clone());
    let members: Vec<_> = (0..2).map(|_| lab.world.operator()).collect();
    let wallets: Vec<_> = members.iter().map(|m| m.wallet.pubkey()).collect();
    let epoch = lab.committee.epoch;
    let args = ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets };
    let propose = ix::stake::propose_committee(&authority.pubkey(), epoch, args);
    lab.world.send(&[propose], &[&authority]).expect("is proposed");
    let confirm = |n: usize| ix::stake::confirm_committee(&members[n].wallet.pubkey(), epoch, [9; 32]);
    lab.world.send(&[confirm(0)], &[&members[0].wallet]).expect("confirms");
    let all = [confirm(1), ix::model::release_job(&job), cancel(&lab, &owner, job)];
    refused(lab.world.send(&all, &[&members[1].wallet, &owner]), ModelError::JobKept);
    // The trainer is not in the next committee. Only its members are paid, so that it keeps no member from the job.
    lab.world.send(&all[..2], &[&members[1].wallet]).expect("releases");
    refused(lab.world.send(&all[2..], &[&owner]), ModelError::JobKept);
    let take = ix::model::assign_job(&members[0].wallet.pubkey(), epoch + 1, &job);
    lab.world.send(&[take], &[&members[0].wallet]).expect("a member takes it at once");
    refused(lab.world.send(&all[2..], &[&owner]), ModelError::JobNotRequested);
}

/// While the program is paused, no operator can take anything back.
#[test]
fn a_job_is_kept_for_its_operator_as_long_after_a_pause() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    stay(&mut lab);
    lab.world.send(&[ix::model::release_job(&job)], &[]).expect("releases");
    let (authority, thief, trainer) = (lab.world.authority.insecure_clone(), lab.trainer(1), lab.trainer(0));
    let pause = ix::model::pause(&authority.pubkey(), lab.world.slot() + 2 * HEARTBEAT_SLOTS);
    lab.world.send(&[pause], &[&authority]).expect("pauses");
    lab.world.pass(3 * HEARTBEAT_SLOTS);
    let take = |by: &Key| ix::model::assign_job(&by.pubkey(), lab.committee.epoch, &job);
    let (steal, back) = (take(&thief), take(&trainer));
    refused(lab.world.send(&[steal], &[&thief]), ModelError::JobKept);
    lab.world.send(&[back], &[&trainer]).expect("takes it back");
}
