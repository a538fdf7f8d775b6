//! What each instruction costs. Keys are the same in every run, so the numbers are too.

use datanet::state::Access;
use openledger_interface::{ix, pda};
use program_tests::{
    Key, World, attest,
    model::{self as net, BUDGET, JOB_SLOTS, Lab, log_args, message, reads, register_args, request_args},
};
use solana_keypair::Signer;

/// Compute units of each instruction, at most: what was measured and 3 % more.
const CEILINGS: [(&str, u64); 10] = [
    ("register_model", 14_200),
    ("set_price", 8_350),
    ("request_job", 40_300),
    ("assign_job", 13_700),
    ("heartbeat", 8_500),
    ("post_log", 8_800),
    ("attest_result, 3 paid", 25_200),
    ("pay_data_share", 28_100),
    ("cancel_job", 17_400),
    ("expire_job", 15_600),
];

#[test]
fn instructions_stay_within_their_ceilings() {
    let mut lab = Lab::new();
    let (owner, trainer, model, epoch) = (lab.owner.insecure_clone(), lab.trainer(0), lab.model, lab.committee.epoch);
    let (o, t) = (owner.pubkey(), trainer.pubkey());
    let mut units = vec![];
    let mut send = |world: &mut World, name, instructions: &[_], by: &[&Key]| {
        units.push((name, world.send(instructions, by).expect(name).units));
    };

    send(&mut lab.world, "register_model", &[ix::model::register_model(&o, None, register_args(2))], &[&owner]);
    send(&mut lab.world, "set_price", &[ix::model::set_price(&o, &model, 1, 2)], &[&owner]);
    let reads = reads(&[(lab.datanet, Access::Open)]);
    let request = ix::model::request_job(&o, &model, 0, &lab.world.mint, &reads, request_args(BUDGET));
    send(&mut lab.world, "request_job", &[request], &[&owner]);
    let job = pda::job(&model, 0);
    send(&mut lab.world, "assign_job", &[ix::model::assign_job(&t, epoch, &job)], &[&trainer]);
    send(&mut lab.world, "heartbeat", &[ix::model::heartbeat(&t, &job)], &[&trainer]);
    send(&mut lab.world, "post_log", &[ix::model::post_log(&t, &job, log_args([1; 32]))], &[&trainer]);
    let shares: Vec<_> = lab.committee.members.iter().map(|m| (m.wallet.pubkey(), BUDGET / 4)).collect();
    let args = net::result(&lab.world, &shares);
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, job, &args));
    let pay = ix::model::attest_result(epoch, &lab.world.get(&job), &lab.world.mint, args);
    let result = [signed, pay];
    let bytes = lab.world.size(&result, &[]);
    println!("attest_result, 3 paid: {bytes} bytes");
    assert!(bytes <= 1_232, "more than a transaction holds: {bytes}");
    send(&mut lab.world, "attest_result, 3 paid", &result, &[]);
    let pay = ix::model::pay_data_share(&lab.world.get(&job), 0);
    send(&mut lab.world, "pay_data_share", &[pay], &[]);
    let waiting = lab.requested(BUDGET);
    let cancel = ix::model::cancel_job(&o, &lab.world.get(&waiting), &lab.world.mint);
    send(&mut lab.world, "cancel_job", &[cancel], &[&owner]);
    let running = lab.slot_unless_paused(BUDGET);
    lab.world.pass(JOB_SLOTS + 1);
    let expire = ix::model::expire_job(&lab.world.get(&running), &lab.world.mint);
    send(&mut lab.world, "expire_job", &[expire], &[]);

    for ((name, cost), (expected, ceiling)) in units.iter().zip(CEILINGS) {
        println!("{name:26} {cost:>7} CU of {ceiling}");
        assert_eq!(*name, expected);
    }
    let over: Vec<_> = units.iter().zip(CEILINGS).filter(|((_, cost), (_, ceiling))| cost > ceiling).collect();
    assert!(over.is_empty() && units.len() == CEILINGS.len(), "over the ceiling: {over:?}");
}
