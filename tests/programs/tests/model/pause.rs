//! A pause stops everything but the config's own changes, and takes nobody's time.

use ::stake::error::SharedError;
use datanet::state::Access;
use model::{
    error::ModelError,
    events::Paused,
    state::{Config, Job},
};
use openledger_shared::MAX_PAUSE_SLOTS;
use program_tests::{
    Key, OPEN, attest,
    model::{self as net, BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, message, register_args, result},
    refused,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;

fn pause(lab: &mut Lab, until: u64) -> Paused {
    let authority = lab.world.authority.insecure_clone();
    lab.world.send(&[net::pause(&authority.pubkey(), until)], &[&authority]).expect("pauses").event()
}

/// G1: only the authority, and not for ever.
#[test]
fn only_the_authority_pauses_and_for_a_bounded_time() {
    let mut lab = Lab::new();
    let (owner, authority, slot) = (lab.owner.insecure_clone(), lab.world.authority.insecure_clone(), lab.world.slot());
    refused(lab.world.send(&[net::pause(&owner.pubkey(), slot + 1)], &[&owner]), ModelError::NotAuthority);
    let too_long = net::pause(&authority.pubkey(), slot + MAX_PAUSE_SLOTS + 1);
    refused(lab.world.send(&[too_long], &[&authority]), SharedError::PauseTooLong);
    let event = pause(&mut lab, slot + MAX_PAUSE_SLOTS);
    assert_eq!(event.paused_until, slot + MAX_PAUSE_SLOTS);
    // A slot that is past ends it, now.
    lab.world.pass(5);
    pause(&mut lab, 0);
    assert_eq!(lab.world.get::<Config>(&net::config()).paused_until, slot + 5);
    lab.requested(BUDGET);
}

#[test]
fn nothing_moves_while_paused_and_everything_after() {
    let mut lab = Lab::new();
    let (owner, trainer, epoch) = (lab.owner.insecure_clone(), lab.trainer(0), lab.committee.epoch);
    let (o, t, model) = (owner.pubkey(), trainer.pubkey(), lab.model);
    let (waiting, running, trained, owing) =
        (lab.requested(BUDGET), lab.running(BUDGET), lab.trained(BUDGET), lab.trained(BUDGET));
    lab.attest(owing, result(&lab.world, &[(t, OPEN)])).expect("is attested");
    let args = result(&lab.world, &[(t, OPEN)]);
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, trained, &args));
    let reads = [(lab.datanet, Access::Open)];
    let request = net::request_job(&lab.world, &o, model, 4, net::request_args(BUDGET), &reads);
    let all: Vec<(Vec<Instruction>, Option<&Key>)> = vec![
        (vec![net::register_model(&o, None, register_args(2))], Some(&owner)),
        (vec![net::set_price(&o, model, 1, 2)], Some(&owner)),
        (vec![request], Some(&owner)),
        (vec![net::assign_job(&t, waiting, epoch)], Some(&trainer)),
        (vec![net::heartbeat(&t, running)], Some(&trainer)),
        (vec![net::post_log(&t, running, [1; 32])], Some(&trainer)),
        (vec![signed, net::attest_result(&lab.world, trained, epoch, args)], None),
        (vec![net::pay_data_share(&lab.world, owing, 0)], None),
        (vec![net::retire_model(&o, model)], Some(&owner)),
    ];
    let until = lab.world.slot() + 20;
    pause(&mut lab, until);
    let signers = |key: &Option<&Key>| key.map_or(vec![], |k| vec![k.insecure_clone()]);
    lab.world.pass(19);
    for (instructions, by) in &all {
        let by = signers(by);
        refused(lab.world.send(instructions, &by.iter().collect::<Vec<_>>()), SharedError::Paused);
    }
    refused(lab.world.send(&[net::cancel_job(&lab.world, &o, waiting)], &[&owner]), SharedError::Paused);
    for out in [net::expire_job(&lab.world, running), net::release_job(running)] {
        refused(lab.world.send(&[out], &[]), SharedError::Paused);
    }
    lab.world.pass(1);
    for (instructions, by) in &all {
        let by = signers(by);
        lab.world.send(instructions, &by.iter().collect::<Vec<_>>()).expect("runs again in the slot named");
    }
}

#[test]
fn a_pause_takes_nobodys_time() {
    let mut lab = Lab::new();
    let (trained, running) = (lab.trained(BUDGET), lab.running(BUDGET));
    let (trainer, epoch) = (lab.trainer(0), lab.committee.epoch);
    let resumed = lab.world.slot() + 2 * JOB_SLOTS;
    pause(&mut lab, resumed);
    lab.world.pass(2 * JOB_SLOTS);
    assert!(lab.world.slot() > lab.world.get::<Job>(&running).deadline_slot);
    let expire = net::expire_job(&lab.world, running);
    refused(lab.world.send(std::slice::from_ref(&expire), &[]), ModelError::ExpireTooEarly);
    lab.world.pass(HEARTBEAT_SLOTS);
    refused(lab.world.send(&[net::release_job(running)], &[]), ModelError::OperatorAlive);
    let args = result(&lab.world, &[(trainer.pubkey(), OPEN)]);
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, trained, &args));
    let attested = [signed, net::attest_result(&lab.world, trained, epoch, args)];
    lab.world.send(&attested, &[]).expect("the work done before the pause is paid");
    lab.world.send(&[net::post_log(&trainer.pubkey(), running, [1; 32])], &[&trainer]).expect("posts");
    lab.world.pass(resumed + JOB_SLOTS - lab.world.slot());
    refused(lab.world.send(std::slice::from_ref(&expire), &[]), ModelError::ExpireTooEarly);
    lab.world.pass(1);
    lab.world.send(&[expire], &[]).expect("the time of a whole job after the pause is over");
}
