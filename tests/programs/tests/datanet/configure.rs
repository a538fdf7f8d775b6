//! What a Datanet's owner may change, for which batches, and which addresses may be owners.

use datanet::{
    ConfigureArgs,
    error::DatanetError,
    events::{DatanetChanged, DatanetConfigured},
    state::{Access, Batch, Datanet},
};
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, World,
    datanet::{COMMIT_SLOTS, MIN_BOND, leaves},
    refused, stake, swapped,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

fn args() -> ConfigureArgs {
    ConfigureArgs {
        metadata_uri: "sha256:0a0b".into(),
        metadata_hash: [9; 32],
        min_bond: 3 * MIN_BOND,
        panel_size: 5,
        quorum: 3,
    }
}

#[test]
fn the_owner_configures_with_checked_fields() {
    let mut world = World::with_datanet(&[]);
    let (owner, mallory) = (world.wallet(0), world.wallet(0));
    let (o, m) = (owner.pubkey(), mallory.pubkey());
    let datanet = world.datanet(&owner, 1, |_| {});
    refused(world.send(&[ix::datanet::configure(&m, &datanet, args())], &[&mallory]), DatanetError::NotOwner);
    let other = world.datanet(&mallory, 1, |_| {});
    let foreign = swapped(ix::datanet::configure(&m, &other, args()), other, datanet);
    refused(world.send(&[foreign], &[&mallory]), DatanetError::NotOwner);
    type Wrong = (fn(&mut ConfigureArgs), DatanetError);
    let wrong: [Wrong; 7] = [
        (|a| a.metadata_uri.clear(), DatanetError::BadUri),
        (|a| a.metadata_uri = "u".repeat(129), DatanetError::BadUri),
        (|a| a.metadata_hash = [0; 32], DatanetError::ZeroHash),
        (|a| a.panel_size = 0, DatanetError::BadPanel),
        (|a| a.panel_size = 10, DatanetError::BadPanel),
        (|a| a.quorum = 0, DatanetError::BadPanel),
        (|a| a.quorum = 6, DatanetError::BadPanel),
    ];
    for (change, error) in wrong {
        let mut args = args();
        change(&mut args);
        refused(world.send(&[ix::datanet::configure(&o, &datanet, args)], &[&owner]), error);
    }
    let event: DatanetConfigured =
        world.send(&[ix::datanet::configure(&o, &datanet, args())], &[&owner]).expect("configures").event();
    assert_eq!((event.sequence, event.min_bond, event.panel_size, event.quorum), (1, 3 * MIN_BOND, 5, 3));
    let state: Datanet = world.get(&datanet);
    assert_eq!((state.metadata_uri.as_str(), state.metadata_hash), ("sha256:0a0b", [9; 32]));
    assert_eq!((state.min_bond, state.panel_size, state.quorum), (3 * MIN_BOND, 5, 3));
}

/// An owner cannot change the rules of a review in progress.
#[test]
fn a_change_is_for_new_batches() {
    let mut world = World::with_datanet(&[]);
    let (owner, alice) = (world.wallet(0), world.wallet(100 * OPEN));
    let datanet = world.datanet(&owner, 1, |_| {});
    let validators: Vec<Key> = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let before = world.submitted(&alice, datanet, &leaves(1, 3));
    world.send(&[ix::datanet::configure(&owner.pubkey(), &datanet, args())], &[&owner]).expect("configures");
    assert_eq!((world.get::<Batch>(&before).panel_size, world.get::<Batch>(&before).quorum), (9, 2));
    for v in &validators {
        world.commit(v, before, true, 8_000).expect("commits");
    }
    world.pass(COMMIT_SLOTS);
    for v in &validators {
        world.reveal(v, before, true, 8_000).expect("two were enough when the batch was opened");
    }
    world.finalise(before).expect("is accepted");
    let cheap = ix::datanet::open_batch(&alice.pubkey(), &datanet, 1, &world.mint, MIN_BOND);
    refused(world.send(&[cheap], &[&alice]), DatanetError::BondTooSmall);
    let open = ix::datanet::open_batch(&alice.pubkey(), &datanet, 1, &world.mint, 3 * MIN_BOND);
    world.send(&[open], &[&alice]).expect("opens");
    let after: Batch = world.get(&pda::batch(&datanet, 1));
    assert_eq!((after.panel_size, after.quorum), (5, 3));
}

/// A council's address is a PDA without a key. It signs in calls by its program. Here the SVM does not verify
/// signatures, so that such an address can sign as in a call by its program.
#[test]
fn a_council_owns_a_datanet_like_a_wallet() {
    let mut world = World::with_datanet(&[]);
    let (founder, reader) = (world.wallet(0), world.wallet(0));
    let datanet = world.datanet(&founder, 1, |a| a.access = Access::Permissioned);
    let council = Pubkey::find_program_address(&[b"council"], &::stake::ID).0;
    assert!(!council.is_on_curve());
    world.send(&[ix::datanet::propose_owner(&founder.pubkey(), &datanet, &council)], &[&founder]).expect("proposes");
    world.send(&[ix::datanet::request_access(&reader.pubkey(), &datanet, "a study".into())], &[&reader]).expect("asks");
    let expiry = world.slot() + 100;
    let steps = [
        ix::datanet::accept_owner(&council, &datanet),
        ix::datanet::configure(&council, &datanet, args()),
        ix::datanet::set_paused(&council, &datanet, true),
        ix::datanet::grant_access(&council, &datanet, &reader.pubkey(), expiry),
        ix::datanet::revoke_access(&council, &datanet, &reader.pubkey()),
    ];
    // Without the council's signature the instruction is refused, whoever sends it.
    let mut unsigned: Instruction = steps[0].clone();
    unsigned.accounts[0].is_signer = false;
    assert!(world.send(&[unsigned], &[]).is_err());
    world.svm = std::mem::take(&mut world.svm).with_sigverify(false);
    world.send_unverified(&steps).expect("the council's word is the owner's");
    let state: Datanet = world.get(&datanet);
    assert_eq!((state.owner, state.paused, state.quorum), (council, true, 3));
    let deposed = ix::datanet::set_paused(&founder.pubkey(), &datanet, false);
    refused(world.send(&[deposed], &[&founder]), DatanetError::NotOwner);
    let back: DatanetChanged = world
        .send_unverified(&[ix::datanet::propose_owner(&council, &datanet, &founder.pubkey())])
        .expect("and hands it on like one")
        .event();
    assert_eq!((back.owner, back.pending_owner), (council, Some(founder.pubkey())));
}
