//! Scenarios of the model program.

use super::honest::{Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS as OWN, PINNED, SELF_CPI, SETS, Scenario};
use crate::{
    OPEN,
    model::{self as net, BUDGET, JOB_SLOTS, log_args, message, reads, register_args, request_args, result},
    stake,
    town::Town,
};
use ::datanet::state::Access;
use ::model::state::Model;
use openledger_interface::ix;
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub(super) const ALL: &[Listed] = &[
    ("initialize", "", initialize),
    ("set_windows", "", set_windows),
    ("propose_authority", "", propose_authority),
    ("accept_authority", "", accept_authority),
    ("register_model", "", register_model),
    ("register_model", "on a parent", register_on_parent),
    ("set_price", "", set_price),
    ("retire_model", "", retire_model),
    ("request_job", "open", request_job),
    ("request_job", "permissioned", request_permissioned),
    ("assign_job", "", assign_job),
    ("post_log", "", post_log),
    ("attest_result", "2 paid", attest_result),
    ("pay_data_share", "", pay_data_share),
    ("cancel_job", "", cancel_job),
    ("expire_job", "", expire_job),
    ("pause", "", pause),
    ("heartbeat", "", heartbeat),
    ("release_job", "", release_job),
    ("release_job", "its committee succeeded", release_orphan),
];

/// Why a parent may be given or left out.
const CHOOSES: &str = "whoever registers a model says whether it has a parent, and which";

fn by_owner(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.owner.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn by_authority(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by]).free(Replay, &[""], SETS)
}

fn initialize(t: Town) -> Scenario {
    let mut world = t.bare;
    let by = world.authority.insecure_clone();
    world
        .send(&[ix::stake::initialize(&by.pubkey(), &world.mint, stake::initialize_args(&world))], &[&by])
        .expect("initialises stake");
    Scenario::new(world, ix::model::initialize(&by.pubkey(), net::INITIALIZE), &[&by])
}

fn set_windows(t: Town) -> Scenario {
    by_authority(t, |_, by| ix::model::set_windows(by, net::INITIALIZE))
}

fn propose_authority(t: Town) -> Scenario {
    by_authority(t, |t, by| ix::model::propose_authority(by, &t.rival.pubkey()))
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = ix::model::propose_authority(&by.pubkey(), &t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, ix::model::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn register_model(t: Town) -> Scenario {
    by_owner(t, |_, by| ix::model::register_model(by, None, register_args(9))).free(Given, &["parent"], CHOOSES).free(
        OtherProgram,
        &["program"],
        SELF_CPI,
    )
}

fn register_on_parent(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let instruction = ix::model::register_model(&signer.pubkey(), Some(&t.lab.model), register_args(9));
    Scenario::new(t.lab.world, instruction, &[&signer]).free(LeftOut, &["parent"], CHOOSES).free(
        Copy,
        &["parent"],
        NOWHERE_ELSE,
    )
}

fn set_price(t: Town) -> Scenario {
    by_owner(t, |t, by| ix::model::set_price(by, &t.lab.model, 1, 2)).free(Replay, &[""], SETS)
}

fn retire_model(t: Town) -> Scenario {
    by_owner(t, |t, by| ix::model::retire_model(by, &t.lab.model))
}

fn request_job(t: Town) -> Scenario {
    let number = t.lab.world.get::<Model>(&t.lab.model).jobs;
    by_owner(t, |t, by| {
        let reads = reads(&[(t.lab.datanet, Access::Open)]);
        ix::model::request_job(by, &t.lab.model, number, &t.lab.world.mint, &reads, request_args(BUDGET))
    })
    .free(Copy, &["requester_token"], OWN)
    .free(Copy, &["remaining[0]"], NOWHERE_ELSE)
    .free(EventAuthority, &["datanet_event_authority"], OPEN_READ)
    .free(LeftOut, &["datanet_event_authority"], OPEN_READ)
}

/// Why any account is allowed as the datanet program's event authority.
const OPEN_READ: &str = "an open Datanet's use is not recorded";

fn request_permissioned(t: Town) -> Scenario {
    let (signer, number) = (t.rival.insecure_clone(), t.lab.world.get::<Model>(&t.rivals_model).jobs);
    let reads = reads(&[(t.permissioned, Access::Permissioned)]);
    let instruction = ix::model::request_job(
        &signer.pubkey(),
        &t.rivals_model,
        number,
        &t.lab.world.mint,
        &reads,
        request_args(BUDGET),
    );
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["requester_token"], OWN)
}

fn assign_job(mut t: Town) -> Scenario {
    let (job, signer) = (t.lab.requested(BUDGET), t.lab.trainer(2));
    let instruction = ix::model::assign_job(&signer.pubkey(), t.lab.committee.epoch, &job);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["operator_entry", "committee"], NOWHERE_ELSE)
}

fn post_log(mut t: Town) -> Scenario {
    let (job, signer) = (t.lab.slot_unless_paused(BUDGET), t.lab.trainer(0));
    Scenario::new(t.lab.world, ix::model::post_log(&signer.pubkey(), &job, log_args([1; 32])), &[&signer])
}

fn attest_result(mut t: Town) -> Scenario {
    let job = t.lab.trained(BUDGET);
    let shares: Vec<_> = (0..2).map(|n| (t.lab.trainer(n).pubkey(), BUDGET / 4)).collect();
    let args = result(&t.lab.world, &shares);
    let message = message(&t.lab.world, &t.lab.committee, job, &args);
    let instruction = ix::model::attest_result(t.lab.committee.epoch, &t.lab.world.get(&job), &t.lab.world.mint, args);
    Scenario::new(t.lab.world, instruction, &[])
        .attested(&t.lab.committee.key, message)
        .free(Copy, &["committee"], NOWHERE_ELSE)
        .free(Copy, &["requester_token"], OWN)
        .free(Copy, &["remaining[0]", "remaining[1]"], OWN)
}

fn pay_data_share(mut t: Town) -> Scenario {
    let job = t.lab.trained(BUDGET);
    let paid = result(&t.lab.world, &[(t.lab.trainer(0).pubkey(), BUDGET / 2)]);
    t.lab.attest(job, paid).expect("is attested");
    Scenario::new(t.lab.world.clone(), ix::model::pay_data_share(&t.lab.world.get(&job), 0), &[]).free(
        OtherHolder,
        &["vault"],
        PINNED,
    )
}

fn cancel_job(mut t: Town) -> Scenario {
    let job = t.lab.requested(BUDGET);
    by_owner(t, |t, by| ix::model::cancel_job(by, &t.lab.world.get(&job), &t.lab.world.mint)).free(
        Copy,
        &["requester_token"],
        OWN,
    )
}

fn expire_job(mut t: Town) -> Scenario {
    let job = t.lab.slot_unless_paused(OPEN);
    t.world().pass(JOB_SLOTS + 1);
    let instruction = ix::model::expire_job(&t.lab.world.get(&job), &t.lab.world.mint);
    Scenario::new(t.lab.world, instruction, &[]).free(Copy, &["requester_token"], OWN)
}

fn pause(t: Town) -> Scenario {
    let until = t.lab.world.slot() + 100;
    by_authority(t, |_, by| ix::model::pause(by, until))
}

fn heartbeat(mut t: Town) -> Scenario {
    let (job, signer) = (t.lab.slot_unless_paused(BUDGET), t.lab.trainer(0));
    Scenario::new(t.lab.world, ix::model::heartbeat(&signer.pubkey(), &job), &[&signer]).free(
        Replay,
        &[""],
        "an operator may say again that it is there",
    )
}

fn release_job(mut t: Town) -> Scenario {
    let job = t.lab.slot_unless_paused(BUDGET);
    t.world().pass(net::HEARTBEAT_SLOTS + 1);
    Scenario::new(t.lab.world, ix::model::release_job(&job), &[])
}

fn release_orphan(mut t: Town) -> Scenario {
    let job = t.lab.trained(BUDGET);
    t.world().committee(2);
    Scenario::new(t.lab.world, ix::model::release_job(&job), &[]).free(
        Sibling,
        &["job"],
        "whoever releases says which job, and the former committee's jobs may all be released",
    )
}
