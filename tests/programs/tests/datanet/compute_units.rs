//! The cost of each instruction. Keys are the same in every run, so the numbers are too.

use ::stake::state::Role;
use datanet::state::{Access, Batch};
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, World,
    datanet::{COMMIT_SLOTS, MANIFEST, MIN_BOND, commitment, create_args, leaves, salt},
    stake,
};
use solana_keypair::Signer;

/// Most compute units of each instruction: the measured number plus 3 %.
const CEILINGS: [(&str, u64); 12] = [
    ("create_datanet", 18_400),
    ("open_batch", 30_100),
    ("contribute 28 leaves", 17_700),
    ("submit_batch", 12_400),
    ("draw_panel", 11_600),
    ("commit_verdict", 19_200),
    ("reveal_verdict", 14_700),
    ("finalise_batch accepted", 31_400),
    ("finalise_batch rejected", 29_300),
    ("expire_batch", 26_800),
    ("request_access", 19_800),
    ("record_use", 14_100),
];

#[test]
fn instructions_stay_within_their_ceilings() {
    let mut world = World::with_datanet(&[]);
    let (owner, alice) = (world.wallet(0), world.wallet(100 * OPEN));
    let validators: Vec<Key> = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let (o, a, v) = (owner.pubkey(), alice.pubkey(), validators[0].pubkey());
    let mut units = vec![];
    let mut send = |world: &mut World, name, instruction, by: &[&Key]| {
        units.push((name, world.send(&[instruction], by).expect(name).units));
    };

    let permissioned = datanet::CreateDatanetArgs { access: Access::Permissioned, ..create_args(1) };
    send(&mut world, "create_datanet", ix::datanet::create_datanet(&o, permissioned), &[&owner]);
    let datanet = pda::datanet(&o, 1);
    let open = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND);
    send(&mut world, "open_batch", open, &[&alice]);
    let batch = pda::batch(&datanet, 0);
    send(&mut world, "contribute 28 leaves", ix::datanet::contribute(&a, &batch, &leaves(1, 28)), &[&alice]);
    send(&mut world, "submit_batch", ix::datanet::submit_batch(&a, &batch, MANIFEST), &[&alice]);
    world.pass(2);
    world.slot_hashes(0);
    send(&mut world, "draw_panel", ix::datanet::draw_panel(&batch), &[]);
    let commit = ix::datanet::commit_verdict(&v, &datanet, &batch, commitment(&v, &batch, true, 1));
    send(&mut world, "commit_verdict", commit, &[&validators[0]]);
    world.commit(&validators[1], batch, true, 1).expect("commits");
    world.pass(COMMIT_SLOTS);
    let reveal = ix::datanet::reveal_verdict(&v, &datanet, &batch, true, 1, salt(&v));
    send(&mut world, "reveal_verdict", reveal, &[&validators[0]]);
    world.reveal(&validators[1], batch, true, 1).expect("reveals");
    let finalise = ix::datanet::finalise_batch(&datanet, &batch, &a, &world.mint);
    send(&mut world, "finalise_batch accepted", finalise, &[]);

    let rejected = world.submitted(&alice, datanet, &leaves(2, 1));
    world.judge(&validators, rejected, false);
    let finalise = ix::datanet::finalise_batch(&datanet, &rejected, &a, &world.mint);
    send(&mut world, "finalise_batch rejected", finalise, &[]);

    let expired = world.submitted(&alice, datanet, &leaves(3, 1));
    world.pass(world.get::<Batch>(&expired).reveal_until + 1 - world.slot());
    let expire = ix::datanet::expire_batch(&datanet, &expired, &a, &world.mint);
    send(&mut world, "expire_batch", expire, &[]);

    send(&mut world, "request_access", ix::datanet::request_access(&a, &datanet, "a study".into()), &[&alice]);
    let expiry = world.slot() + 10;
    world.send(&[ix::datanet::grant_access(&o, &datanet, &a, expiry)], &[&owner]).expect("grants");
    send(
        &mut world,
        "record_use",
        ix::datanet::record_use(&a, &datanet, &pda::position(&a, Role::Operator)),
        &[&alice],
    );

    for ((name, cost), (expected, ceiling)) in units.iter().zip(CEILINGS) {
        println!("{name:26} {cost:>7} CU of {ceiling}");
        assert_eq!(*name, expected);
    }
    let over: Vec<_> = units.iter().zip(CEILINGS).filter(|((_, cost), (_, ceiling))| cost > ceiling).collect();
    assert!(over.is_empty() && units.len() == CEILINGS.len(), "over the ceiling: {over:?}");
}
