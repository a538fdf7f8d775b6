//! A pause stops what the program's documentation says, and every committed validator can still reveal after it.

use ::stake::error::SharedError;
use datanet::{
    ContributeBulkArgs,
    error::DatanetError,
    events::{BatchAccepted, Paused},
    state::{Access, Config},
};
use openledger_interface::{ix, pda};
use openledger_shared::MAX_PAUSE_SLOTS;
use program_tests::{
    Key, OPEN, World,
    datanet::{COMMIT_SLOTS, MANIFEST, MIN_BOND, REVEAL_SLOTS, commitment, create_args, leaves, salt},
    refused, stake,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;

fn pause(world: &mut World, until: u64) -> Paused {
    let authority = world.authority.insecure_clone();
    world.send(&[ix::datanet::pause(&authority.pubkey(), until)], &[&authority]).expect("pauses").event()
}

#[test]
fn only_the_authority_pauses_and_for_a_bounded_time() {
    let mut world = World::with_datanet(&[]);
    let (authority, mallory, slot) = (world.authority.insecure_clone(), world.wallet(0), world.slot());
    refused(world.send(&[ix::datanet::pause(&mallory.pubkey(), slot + 1)], &[&mallory]), DatanetError::NotAuthority);
    let too_long = ix::datanet::pause(&authority.pubkey(), slot + MAX_PAUSE_SLOTS + 1);
    refused(world.send(&[too_long], &[&authority]), SharedError::PauseTooLong);
    assert_eq!(pause(&mut world, slot + 9).paused_until, slot + 9);
    world.pass(4);
    pause(&mut world, 0);
    assert_eq!(world.get::<Config>(&pda::datanet_config()).paused_until, slot + 4, "ended now");
    world.datanet(&mallory, 1, |_| {});
}

#[test]
fn nothing_is_made_reviewed_or_paid_while_paused() {
    let mut world = World::with_datanet(&[]);
    let (owner, alice, reader) = (world.wallet(0), world.wallet(100 * OPEN), world.wallet(0));
    let (o, a, r) = (owner.pubkey(), alice.pubkey(), reader.pubkey());
    let validator = world.validator(stake::MIN_VALIDATOR);
    let v = validator.pubkey();
    let datanet = world.datanet(&owner, 1, |d| (d.access, d.panel_size, d.quorum) = (Access::Permissioned, 9, 1));
    let (open, taken_back, bulk) = (
        world.open(&alice, datanet, &leaves(1, 3)),
        world.open(&alice, datanet, &[]),
        world.open(&alice, datanet, &[]),
    );
    let review = world.submitted(&alice, datanet, &leaves(2, 3));
    world.send(&[ix::datanet::request_access(&r, &datanet, "a study".into())], &[&reader]).expect("asks");
    let other = world.wallet(0);
    let expiry = world.slot() + 1_000;
    let root = ContributeBulkArgs { root: [5; 32], count: 9, manifest: [6; 32] };
    let configure = datanet::ConfigureArgs {
        metadata_uri: "sha256:03".into(),
        metadata_hash: [3; 32],
        min_bond: MIN_BOND,
        panel_size: 9,
        quorum: 1,
    };
    let refused_while_paused: Vec<(Instruction, &Key)> = vec![
        (ix::datanet::create_datanet(&o, create_args(2)), &owner),
        (ix::datanet::configure(&o, &datanet, configure), &owner),
        (ix::datanet::set_paused(&o, &datanet, false), &owner),
        (ix::datanet::open_batch(&a, &datanet, 4, &world.mint, MIN_BOND), &alice),
        (ix::datanet::submit_batch(&a, &open, MANIFEST), &alice),
        (ix::datanet::contribute_bulk(&a, &bulk, root), &alice),
        (ix::datanet::cancel_batch(&a, &datanet, &taken_back, &world.mint), &alice),
        (ix::datanet::commit_verdict(&v, &datanet, &review, commitment(&v, &review, true, 9)), &validator),
        (ix::datanet::request_access(&other.pubkey(), &datanet, "another".into()), &other),
        (ix::datanet::grant_access(&o, &datanet, &r, expiry), &owner),
    ];
    let until = world.slot() + 10;
    pause(&mut world, until);
    world.pass(9);
    for (instruction, by) in &refused_while_paused {
        refused(world.send(std::slice::from_ref(instruction), &[by]), SharedError::Paused);
    }
    let reveal = ix::datanet::reveal_verdict(&v, &datanet, &review, true, 9, salt(&v));
    refused(world.send(&[reveal], &[&validator]), SharedError::Paused);
    refused(world.finalise(review), SharedError::Paused);
    refused(world.expire(review), SharedError::Paused);
    // Adding leaves, fixing a panel's seed and revoking access are still possible.
    world.send(&[ix::datanet::contribute(&a, &open, &leaves(3, 2))], &[&alice]).expect("adds");
    world.send(&[ix::datanet::draw_panel(&review)], &[]).expect("draws");
    world.send(&[ix::datanet::revoke_access(&o, &datanet, &r)], &[&owner]).expect("revokes");
    world.pass(1);
    world.send(&[ix::datanet::request_access(&r, &datanet, "a study".into())], &[&reader]).expect("asks again");
    for (instruction, by) in &refused_while_paused {
        world.send(std::slice::from_ref(instruction), &[by]).expect("runs again in the slot named");
    }
}

#[test]
fn validators_kept_from_revealing_get_a_window_after_the_pause() {
    let mut world = World::with_datanet(&[]);
    let (owner, alice) = (world.wallet(0), world.wallet(100 * OPEN));
    let datanet = world.datanet(&owner, 1, |_| {});
    let validators: Vec<Key> = (0..5).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let batch = world.submitted(&alice, datanet, &leaves(1, 3));
    for (i, v) in validators.iter().enumerate() {
        world.commit(v, batch, i >= 2, 8_000).expect("commits");
    }
    world.pass(COMMIT_SLOTS);
    // Two of five reject. That would decide if the others stayed silent, but the pause keeps them from revealing.
    for v in &validators[..2] {
        world.reveal(v, batch, false, 8_000).expect("reveals");
    }
    let until = world.slot() + 2 * REVEAL_SLOTS;
    pause(&mut world, until);
    world.pass(2 * REVEAL_SLOTS);
    refused(world.finalise(batch), DatanetError::NotDecided);
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    for v in &validators[2..] {
        world.reveal(v, batch, true, 8_000).expect("reveals after the pause");
    }
    let event: BatchAccepted = world.finalise(batch).expect("is accepted").event();
    assert_eq!(event.approved_by.len(), 3);
    // Nobody may commit after a pause, because verdicts may be known by then.
    let late = world.submitted(&alice, datanet, &leaves(2, 3));
    let until = world.slot() + COMMIT_SLOTS;
    pause(&mut world, until);
    world.pass(COMMIT_SLOTS);
    refused(world.commit(&validators[0], late, true, 1), DatanetError::CommitClosed);
    world.expire(late).expect("too few committed: the bond returns");
}
