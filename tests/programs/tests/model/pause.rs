//! A pause stops everything but changes of the config, and deadlines are extended by it.

use ::stake::error::SharedError;
use datanet::state::Access;
use model::{
    error::ModelError,
    events::Paused,
    state::{Config, Job},
};
use openledger_interface::{ix, pda};
use openledger_shared::MAX_PAUSE_SLOTS;
use program_tests::{
    Key, OPEN, attest,
    model::{self as net, BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, log_args, message, reads, register_args, result},
    refused,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;

fn pause(lab: &mut Lab, until: u64) -> Paused {
    let authority = lab.world.authority.insecure_clone();
    lab.world.send(&[ix::model::pause(&authority.pubkey(), until)], &[&authority]).expect("pauses").event()
}

/// G1: only the authority, and not for ever.
#[test]
fn only_the_authority_pauses_and_for_a_bounded_time() {
    let mut lab = Lab::new();
    let (owner, authority, slot) = (lab.owner.insecure_clone(), lab.world.authority.insecure_clone(), lab.world.slot());
    refused(lab.world.send(&[ix::model::pause(&owner.pubkey(), slot + 1)], &[&owner]), ModelError::NotAuthority);
    let too_long = ix::model::pause(&authority.pubkey(), slot + MAX_PAUSE_SLOTS + 1);
    refused(lab.world.send(&[too_long], &[&authority]), SharedError::PauseTooLong);
    let event = pause(&mut lab, slot + MAX_PAUSE_SLOTS);
    assert_eq!(event.paused_until, slot + MAX_PAUSE_SLOTS);
    // A past slot ends the pause at once.
    lab.world.pass(5);
    pause(&mut lab, 0);
    assert_eq!(lab.world.get::<Config>(&pda::model_config()).paused_until, slot + 5);
    lab.requested(BUDGET);
}

#[test]
fn nothing_moves_while_paused_and_everything_after() {
    let mut lab = Lab::new();
    let (owner, trainer, epoch) = (lab.owner.insecure_clone(), lab.trainer(0), lab.committee.epoch);
    let (o, t, model) = (owner.pubkey(), trainer.pubkey(), lab.model);
    let (waiting, running, trained, owing) =
        (lab.requested(BUDGET), lab.slot_unless_paused(BUDGET), lab.trained(BUDGET), lab.trained(BUDGET));
    lab.attest(owing, result(&lab.world, &[(t, OPEN)])).expect("is attested");
    let args = result(&lab.world, &[(t, OPEN)]);
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, trained, &args));
    let reads = reads(&[(lab.datanet, Access::Open)]);
    let request = ix::model::request_job(&o, &model, 4, &lab.world.mint, &reads, net::request_args(BUDGET));
    let all: Vec<(Vec<Instruction>, Option<&Key>)> = vec![
        (vec![ix::model::register_model(&o, None, register_args(2))], Some(&owner)),
        (vec![ix::model::set_price(&o, &model, 1, 2)], Some(&owner)),
        (vec![request], Some(&owner)),
        (vec![ix::model::assign_job(&t, epoch, &waiting)], Some(&trainer)),
        (vec![ix::model::heartbeat(&t, &running)], Some(&trainer)),
        (vec![ix::model::post_log(&t, &running, log_args([1; 32]))], Some(&trainer)),
        (vec![signed, ix::model::attest_result(epoch, &lab.world.get(&trained), &lab.world.mint, args)], None),
        (vec![ix::model::pay_data_share(&lab.world.get(&owing), 0)], None),
        (vec![ix::model::retire_model(&o, &model)], Some(&owner)),
    ];
    let until = lab.world.slot() + 20;
    pause(&mut lab, until);
    let signers = |key: &Option<&Key>| key.map_or(vec![], |k| vec![k.insecure_clone()]);
    lab.world.pass(19);
    for (instructions, by) in &all {
        let by = signers(by);
        refused(lab.world.send(instructions, &by.iter().collect::<Vec<_>>()), SharedError::Paused);
    }
    refused(
        lab.world.send(&[ix::model::cancel_job(&o, &lab.world.get(&waiting), &lab.world.mint)], &[&owner]),
        SharedError::Paused,
    );
    for out in [ix::model::expire_job(&lab.world.get(&running), &lab.world.mint), ix::model::release_job(&running)] {
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
    let (trained, running) = (lab.trained(BUDGET), lab.slot_unless_paused(BUDGET));
    let (trainer, epoch) = (lab.trainer(0), lab.committee.epoch);
    let resumed = lab.world.slot() + 2 * JOB_SLOTS;
    pause(&mut lab, resumed);
    lab.world.pass(2 * JOB_SLOTS);
    assert!(lab.world.slot() > lab.world.get::<Job>(&running).deadline_slot);
    let expire = ix::model::expire_job(&lab.world.get(&running), &lab.world.mint);
    refused(lab.world.send(std::slice::from_ref(&expire), &[]), ModelError::ExpireTooEarly);
    lab.world.pass(HEARTBEAT_SLOTS);
    refused(lab.world.send(&[ix::model::release_job(&running)], &[]), ModelError::OperatorAlive);
    let args = result(&lab.world, &[(trainer.pubkey(), OPEN)]);
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, trained, &args));
    let attested = [signed, ix::model::attest_result(epoch, &lab.world.get(&trained), &lab.world.mint, args)];
    lab.world.send(&attested, &[]).expect("the work done before the pause is paid");
    lab.world.send(&[ix::model::post_log(&trainer.pubkey(), &running, log_args([1; 32]))], &[&trainer]).expect("posts");
    lab.world.pass(resumed + JOB_SLOTS - lab.world.slot());
    refused(lab.world.send(std::slice::from_ref(&expire), &[]), ModelError::ExpireTooEarly);
    lab.world.pass(1);
    lab.world.send(&[expire], &[]).expect("the time of a whole job after the pause is over");
}
