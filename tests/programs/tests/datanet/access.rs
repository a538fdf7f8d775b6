//! D2 at its edges: the exact slots in which a grant begins and ends.

use datanet::{
    error::DatanetError,
    events::GrantChanged,
    state::{Access, Grant, GrantStatus},
};
use openledger_interface::{ix, pda};
use program_tests::{Key, World, refused};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const JOB: Pubkey = Pubkey::new_from_array([4; 32]);

/// A permissioned Datanet, and a developer that has requested access.
fn asked() -> (World, Key, Pubkey, Key) {
    let mut world = World::with_datanet(&[]);
    let (owner, developer) = (world.wallet(0), world.wallet(0));
    let datanet = world.datanet(&owner, 1, |a| a.access = Access::Permissioned);
    world
        .send(&[ix::datanet::request_access(&developer.pubkey(), &datanet, "a study".into())], &[&developer])
        .expect("asks");
    (world, owner, datanet, developer)
}

#[test]
fn a_grant_ends_in_the_future_and_lasts_one_slot_at_least() {
    let (mut world, owner, datanet, developer) = asked();
    let (o, d) = (owner.pubkey(), developer.pubkey());
    let grant = |expiry| ix::datanet::grant_access(&o, &datanet, &d, expiry);
    for past in [0, world.slot() - 1, world.slot()] {
        refused(world.send(&[grant(past)], &[&owner]), DatanetError::BadExpiry);
    }
    let next = world.slot() + 1;
    world.send(&[grant(next)], &[&owner]).expect("grants");
    let read = ix::datanet::record_use(&d, &datanet, &JOB);
    for _ in 0..2 {
        world.send(std::slice::from_ref(&read), &[&developer]).expect("this slot and the next");
        world.pass(1);
    }
    refused(world.send(std::slice::from_ref(&read), &[&developer]), DatanetError::GrantNotLive);
    // The largest slot number is a valid expiry.
    world.send(&[grant(u64::MAX)], &[&owner]).expect("extends");
    world.pass(1_000_000);
    world.send(&[read], &[&developer]).expect("still lives");
    assert_eq!(world.get::<Grant>(&pda::grant(&datanet, &d)).uses, 3);
}

#[test]
fn an_owner_shortens_a_grant_and_a_new_request_after_its_end_starts_from_nothing() {
    let (mut world, owner, datanet, developer) = asked();
    let (o, d) = (owner.pubkey(), developer.pubkey());
    let (long, short) = (world.slot() + 1_000, world.slot() + 10);
    for expiry in [long, short] {
        world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]).expect("grants");
    }
    let again = ix::datanet::request_access(&d, &datanet, "another study".into());
    world.pass(10);
    refused(world.send(std::slice::from_ref(&again), &[&developer]), DatanetError::AlreadyGranted);
    world.pass(1);
    let event: GrantChanged = world.send(&[again], &[&developer]).expect("asks again").event();
    assert_eq!((event.status, event.expiry_slot, event.purpose.as_str()), (GrantStatus::Requested, 0, "another study"));
    refused(world.send(&[ix::datanet::record_use(&d, &datanet, &JOB)], &[&developer]), DatanetError::GrantNotLive);
    // The event numbers continue those of the first grant.
    assert_eq!(event.sequence, 3);
}

#[test]
fn a_new_owner_rules_over_grants_that_the_old_one_gave() {
    let (mut world, owner, datanet, developer) = asked();
    let next = world.wallet(0);
    let (o, n, d) = (owner.pubkey(), next.pubkey(), developer.pubkey());
    let expiry = world.slot() + 1_000;
    world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]).expect("grants");
    world.send(&[ix::datanet::propose_owner(&o, &datanet, &n)], &[&owner]).expect("proposes");
    world.send(&[ix::datanet::accept_owner(&n, &datanet)], &[&next]).expect("accepts");
    refused(world.send(&[ix::datanet::revoke_access(&o, &datanet, &d)], &[&owner]), DatanetError::NotOwner);
    world.send(&[ix::datanet::record_use(&d, &datanet, &JOB)], &[&developer]).expect("a grant outlives its giver");
    world.send(&[ix::datanet::revoke_access(&n, &datanet, &d)], &[&next]).expect("revokes");
    refused(world.send(&[ix::datanet::record_use(&d, &datanet, &JOB)], &[&developer]), DatanetError::GrantNotLive);
    refused(world.send(&[ix::datanet::grant_access(&n, &datanet, &d, expiry)], &[&next]), DatanetError::GrantRevoked);
}
