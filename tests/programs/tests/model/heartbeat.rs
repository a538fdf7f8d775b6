//! Only operators that have been silent for too long lose their job.

use anchor_lang::error::ErrorCode;
use model::{
    error::ModelError,
    events::{Heartbeat, JobReleased},
    state::{Job, JobStatus},
};
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN,
    model::{BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, log_args, result},
    refused,
};
use solana_keypair::Signer;

#[test]
fn an_operator_that_speaks_keeps_its_job() {
    let mut lab = Lab::new();
    let job = lab.slot_unless_paused(BUDGET);
    let (trainer, other) = (lab.trainer(0), lab.trainer(1));
    for _ in 0..3 {
        lab.world.pass(HEARTBEAT_SLOTS);
        refused(lab.world.send(&[ix::model::release_job(&job)], &[]), ModelError::OperatorAlive);
        let beat = ix::model::heartbeat(&trainer.pubkey(), &job);
        let event: Heartbeat = lab.world.send(&[beat], &[&trainer]).expect("says so").event();
        assert_eq!((event.job, event.slot), (job, lab.world.slot()));
        assert_eq!(lab.world.get::<Job>(&job).heartbeat_slot, lab.world.slot());
    }
    refused(lab.world.send(&[ix::model::heartbeat(&other.pubkey(), &job)], &[&other]), ModelError::NotAssigned);
    let mut unsigned = ix::model::heartbeat(&trainer.pubkey(), &job);
    unsigned.accounts[0].is_signer = false;
    refused(lab.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
}

/// M5: a release moves no token, and the next operator can complete the job.
#[test]
fn a_silent_operators_job_goes_to_another() {
    let mut lab = Lab::new();
    let job = lab.slot_unless_paused(BUDGET);
    let (silent, next) = (lab.trainer(0), lab.trainer(1));
    let before: Job = lab.world.get(&job);
    lab.world.pass(HEARTBEAT_SLOTS + 1);
    let release = ix::model::release_job(&job);
    let event: JobReleased = lab.world.send(std::slice::from_ref(&release), &[]).expect("anyone may").event();
    assert_eq!((event.job, event.operator), (job, silent.pubkey()));
    assert_eq!((event.committee_epoch, event.committee_replaced), (lab.committee.epoch, false));
    let state: Job = lab.world.get(&job);
    assert_eq!((state.status, state.operator, state.deadline_slot), (JobStatus::Requested, None, 0));
    assert_eq!(state.committee_epoch, 0);
    assert_eq!(state.waiting_slot, lab.world.slot(), "the time to find another runs anew");
    assert_eq!((state.requested_slot, state.taking_slot), (before.requested_slot, before.taking_slot));
    assert_eq!((state.former, event.former), (None, None), "nothing is kept for whoever was silent");
    assert_eq!(lab.world.balance(&pda::escrow(&job)), BUDGET);
    refused(lab.world.send(&[release], &[]), ModelError::JobNotRunning);
    // The silent operator can neither send a heartbeat nor post a log any more.
    let (beat, log) =
        (ix::model::heartbeat(&silent.pubkey(), &job), ix::model::post_log(&silent.pubkey(), &job, log_args([1; 32])));
    refused(lab.world.send(&[beat], &[&silent]), ModelError::NotAssigned);
    refused(lab.world.send(&[log], &[&silent]), ModelError::NotAssigned);
    let take = ix::model::assign_job(&next.pubkey(), lab.committee.epoch, &job);
    lab.world.send(&[take], &[&next]).expect("takes it");
    lab.world.send(&[ix::model::post_log(&next.pubkey(), &job, log_args([1; 32]))], &[&next]).expect("posts");
    lab.attest(job, result(&lab.world, &[(next.pubkey(), 8 * OPEN)])).expect("is attested");
    let state: Job = lab.world.get(&job);
    assert_eq!(state.paid + state.data_share + state.refunded, BUDGET);
}

#[test]
fn a_job_is_not_released_with_its_log_posted_or_its_time_up_nor_does_it_beat() {
    let mut lab = Lab::new();
    let (trained, running) = (lab.trained(BUDGET), lab.slot_unless_paused(BUDGET));
    let trainer = lab.trainer(0);
    lab.world.pass(HEARTBEAT_SLOTS + 1);
    // After the log, the committee signs the result. No event may change the job's sequence number before the
    // attestation arrives.
    refused(lab.world.send(&[ix::model::release_job(&trained)], &[]), ModelError::LogPosted);
    let beat = ix::model::heartbeat(&trainer.pubkey(), &trained);
    refused(lab.world.send(&[beat], &[&trainer]), ModelError::LogPosted);
    let requested = lab.requested(BUDGET);
    refused(lab.world.send(&[ix::model::release_job(&requested)], &[]), ModelError::JobNotRunning);
    lab.world.pass(JOB_SLOTS);
    refused(lab.world.send(&[ix::model::release_job(&running)], &[]), ModelError::DeadlinePassed);
    let late = ix::model::heartbeat(&trainer.pubkey(), &running);
    refused(lab.world.send(&[late], &[&trainer]), ModelError::DeadlinePassed);
    lab.world.send(&[ix::model::expire_job(&lab.world.get(&running), &lab.world.mint)], &[]).expect("expires");
}
