//! Config, Datanets and access: who may change what.

use anchor_lang::error::ErrorCode;
use datanet::{
    InitializeArgs,
    error::DatanetError,
    events::{ConfigChanged, DatanetChanged, DatanetCreated, GrantChanged, UseRecorded},
    state::{Access, Config, Datanet, Grant, GrantStatus},
};
use openledger_interface::{Program, ix, pda};
use program_tests::{
    Key, OPEN, World,
    datanet::{COMMIT_SLOTS, MIN_BOND, REVEAL_SLOTS, create_args},
    key, refused, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const ARGS: InitializeArgs = InitializeArgs { commit_slots: COMMIT_SLOTS, reveal_slots: REVEAL_SLOTS };

#[test]
fn only_the_upgrade_authority_initialises_and_only_once() {
    let mut world = World::with_stake(&[Program::Datanet]);
    let (authority, mallory) = (world.authority.insecure_clone(), world.wallet(0));
    let by_mallory = ix::datanet::initialize(&mallory.pubkey(), &world.mint, ARGS);
    refused(world.send(&[by_mallory], &[&mallory]), DatanetError::NotUpgradeAuthority);
    let good = ix::datanet::initialize(&authority.pubkey(), &world.mint, ARGS);
    let other_program =
        swapped(good.clone(), pda::program_data(&Program::Datanet.id()), pda::program_data(&Program::Stake.id()));
    refused(world.send(&[other_program], &[&authority]), ErrorCode::ConstraintSeeds);
    let vault = swapped(good.clone(), pda::insurance_vault(), pda::stake_vault());
    refused(world.send(&[vault], &[&authority]), ErrorCode::ConstraintSeeds);
    let mint = key("other mint").pubkey();
    world.put_mint(mint, 9);
    refused(world.send(&[swapped(good.clone(), world.mint, mint)], &[&authority]), DatanetError::WrongMint);
    for (commit_slots, reveal_slots) in [(0, 1), (1, 0), (10_000_001, 1), (1, u64::MAX)] {
        let args = InitializeArgs { commit_slots, reveal_slots };
        let bad = ix::datanet::initialize(&authority.pubkey(), &world.mint, args);
        refused(world.send(&[bad], &[&authority]), DatanetError::BadWindow);
    }
    world.airdrop(&pda::datanet_config());
    world.airdrop(&pda::bond_vault());
    let event: ConfigChanged =
        world.send(std::slice::from_ref(&good), &[&authority]).expect("though prefunded").event();
    assert_eq!((event.sequence, event.authority), (0, authority.pubkey()));
    let config: Config = world.get(&pda::datanet_config());
    assert_eq!((config.open_mint, config.forfeit_to), (world.mint, pda::insurance_vault()));
    refused_with(world.send(&[good], &[&authority]), "already in use");
}

#[test]
fn the_authority_changes_windows_and_hands_over_in_two_steps() {
    let mut world = World::with_datanet(&[]);
    let (authority, next) = (world.authority.insecure_clone(), world.wallet(0));
    let (a, n) = (authority.pubkey(), next.pubkey());
    let longer = InitializeArgs { commit_slots: 50, reveal_slots: 60 };
    refused(world.send(&[ix::datanet::set_windows(&n, longer)], &[&next]), DatanetError::NotAuthority);
    let zero = InitializeArgs { commit_slots: 0, ..longer };
    refused(world.send(&[ix::datanet::set_windows(&a, zero)], &[&authority]), DatanetError::BadWindow);
    world.send(&[ix::datanet::set_windows(&a, longer)], &[&authority]).expect("changes");
    assert_eq!(world.get::<Config>(&pda::datanet_config()).commit_slots, 50);

    refused(world.send(&[ix::datanet::propose_authority(&n, &n)], &[&next]), DatanetError::NotAuthority);
    refused(world.send(&[ix::datanet::accept_authority(&n)], &[&next]), DatanetError::NotPendingAuthority);
    world.send(&[ix::datanet::propose_authority(&a, &n)], &[&authority]).expect("proposes");
    refused(world.send(&[ix::datanet::accept_authority(&a)], &[&authority]), DatanetError::NotPendingAuthority);
    let event: ConfigChanged = world.send(&[ix::datanet::accept_authority(&n)], &[&next]).expect("accepts").event();
    assert_eq!((event.sequence, event.authority, event.pending_authority), (3, n, None));
    refused(world.send(&[ix::datanet::set_windows(&a, longer)], &[&authority]), DatanetError::NotAuthority);
    refused(world.send(&[ix::datanet::accept_authority(&n)], &[&next]), DatanetError::NotPendingAuthority);
}

#[test]
fn a_datanet_is_made_once_with_checked_fields() {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(0);
    let o = owner.pubkey();
    type Change = (fn(&mut datanet::CreateDatanetArgs), DatanetError);
    let bad: [Change; 15] = [
        (|a| a.name.clear(), DatanetError::BadName),
        (|a| a.name = "n".repeat(65), DatanetError::BadName),
        // Each would blind an index, or command a terminal.
        (|a| a.name = "a\0b".into(), DatanetError::BadName),
        (|a| a.name = "a\u{1b}[2J".into(), DatanetError::BadName),
        (|a| a.metadata_uri = "blob:\u{9b}".into(), DatanetError::BadUri),
        (|a| a.licence = "MIT\n".into(), DatanetError::BadLicence),
        (|a| a.metadata_uri.clear(), DatanetError::BadUri),
        (|a| a.metadata_uri = "u".repeat(129), DatanetError::BadUri),
        (|a| a.licence.clear(), DatanetError::BadLicence),
        (|a| a.licence = "l".repeat(65), DatanetError::BadLicence),
        (|a| a.metadata_hash = [0; 32], DatanetError::ZeroHash),
        (|a| a.panel_size = 0, DatanetError::BadPanel),
        (|a| a.panel_size = 10, DatanetError::BadPanel),
        (|a| a.quorum = 0, DatanetError::BadPanel),
        (|a| (a.panel_size, a.quorum) = (3, 4), DatanetError::BadPanel),
    ];
    for (change, error) in bad {
        let mut args = create_args(1);
        change(&mut args);
        refused(world.send(&[ix::datanet::create_datanet(&o, args)], &[&owner]), error);
    }
    let mut longest = create_args(1);
    longest.name = "n".repeat(64);
    longest.metadata_uri = "u".repeat(128);
    longest.licence = "l".repeat(64);
    let address = pda::datanet(&o, 1);
    world.airdrop(&address);
    let event: DatanetCreated =
        world.send(&[ix::datanet::create_datanet(&o, longest)], &[&owner]).expect("though prefunded").event();
    assert_eq!((event.datanet, event.sequence, event.owner), (address, 0, o));
    refused_with(world.send(&[ix::datanet::create_datanet(&o, create_args(1))], &[&owner]), "already in use");
    let mallory = world.wallet(0);
    let elsewhere = swapped(
        ix::datanet::create_datanet(&mallory.pubkey(), create_args(2)),
        pda::datanet(&mallory.pubkey(), 2),
        pda::datanet(&o, 2),
    );
    refused(world.send(&[elsewhere], &[&mallory]), ErrorCode::ConstraintSeeds);
}

#[test]
fn the_owner_pauses_and_hands_over_in_two_steps() {
    let mut world = World::with_datanet(&[]);
    let (owner, next, alice) = (world.wallet(0), world.wallet(0), world.wallet(100 * OPEN));
    let (o, n, a) = (owner.pubkey(), next.pubkey(), alice.pubkey());
    let datanet = world.datanet(&owner, 1, |_| {});
    refused(world.send(&[ix::datanet::set_paused(&a, &datanet, true)], &[&alice]), DatanetError::NotOwner);
    let event: DatanetChanged =
        world.send(&[ix::datanet::set_paused(&o, &datanet, true)], &[&owner]).expect("pauses").event();
    assert!(event.paused);
    let open = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND);
    refused(world.send(std::slice::from_ref(&open), &[&alice]), DatanetError::Paused);
    world.send(&[ix::datanet::set_paused(&o, &datanet, false)], &[&owner]).expect("resumes");
    world.send(&[open], &[&alice]).expect("opens again");

    refused(world.send(&[ix::datanet::propose_owner(&n, &datanet, &n)], &[&next]), DatanetError::NotOwner);
    refused(world.send(&[ix::datanet::accept_owner(&n, &datanet)], &[&next]), DatanetError::NotPendingOwner);
    world.send(&[ix::datanet::propose_owner(&o, &datanet, &n)], &[&owner]).expect("proposes");
    refused(world.send(&[ix::datanet::accept_owner(&a, &datanet)], &[&alice]), DatanetError::NotPendingOwner);
    world.send(&[ix::datanet::accept_owner(&n, &datanet)], &[&next]).expect("accepts");
    refused(world.send(&[ix::datanet::set_paused(&o, &datanet, true)], &[&owner]), DatanetError::NotOwner);
    let state: Datanet = world.get(&datanet);
    assert_eq!((state.owner, state.creator, state.pending_owner), (n, o, None));
    assert_eq!(state.sequence, 6, "created, paused, resumed, opened, proposed, accepted");
}

fn permissioned() -> (World, Key, Pubkey, Key) {
    let mut world = World::with_datanet(&[]);
    let (owner, developer) = (world.wallet(0), world.wallet(0));
    let datanet = world.datanet(&owner, 1, |a| a.access = Access::Permissioned);
    (world, owner, datanet, developer)
}

/// Rule D2: each use of a permissioned Datanet needs a live grant and is recorded.
#[test]
fn a_use_needs_a_live_grant_of_ones_own_and_is_recorded() {
    let (mut world, owner, datanet, developer) = permissioned();
    let (o, d, job) = (owner.pubkey(), developer.pubkey(), Pubkey::new_from_array([4; 32]));
    let use_it = ix::datanet::record_use(&d, &datanet, &job);
    refused(world.send(std::slice::from_ref(&use_it), &[&developer]), ErrorCode::AccountNotInitialized);
    world.send(&[ix::datanet::request_access(&d, &datanet, "a study".into())], &[&developer]).expect("requests");
    refused(world.send(std::slice::from_ref(&use_it), &[&developer]), DatanetError::GrantNotLive);
    let expiry = world.slot() + 10;
    world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]).expect("grants");
    let event: UseRecorded = world.send(std::slice::from_ref(&use_it), &[&developer]).expect("uses").event();
    assert_eq!((event.job, event.grantee, event.datanet, event.sequence), (job, d, datanet, 2));

    let mallory = world.wallet(0);
    let grant = pda::grant(&datanet, &d);
    let m = mallory.pubkey();
    let stolen = swapped(ix::datanet::record_use(&m, &datanet, &job), pda::grant(&datanet, &m), grant);
    refused(world.send(&[stolen], &[&mallory]), DatanetError::WrongGrant);
    let other = world.datanet(&owner, 2, |a| a.access = Access::Permissioned);
    refused(world.send(&[swapped(use_it.clone(), datanet, other)], &[&developer]), DatanetError::WrongGrant);

    world.pass(10);
    world.send(std::slice::from_ref(&use_it), &[&developer]).expect("the last slot counts");
    world.pass(1);
    refused(world.send(std::slice::from_ref(&use_it), &[&developer]), DatanetError::GrantNotLive);
    world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry + 100)], &[&owner]).expect("extends");
    world.send(&[ix::datanet::revoke_access(&o, &datanet, &d)], &[&owner]).expect("revokes");
    refused(world.send(&[use_it], &[&developer]), DatanetError::GrantNotLive);
    assert_eq!(world.get::<Grant>(&grant).uses, 2);
}

#[test]
fn only_the_owner_grants_and_revokes() {
    let (mut world, owner, datanet, developer) = permissioned();
    let (o, d) = (owner.pubkey(), developer.pubkey());
    world.send(&[ix::datanet::request_access(&d, &datanet, "a study".into())], &[&developer]).expect("requests");
    let expiry = world.slot() + 10;
    refused(world.send(&[ix::datanet::grant_access(&d, &datanet, &d, expiry)], &[&developer]), DatanetError::NotOwner);
    refused(world.send(&[ix::datanet::revoke_access(&d, &datanet, &d)], &[&developer]), DatanetError::NotOwner);
    // The owner of another Datanet cannot reach this one's grants.
    let other = world.datanet(&developer, 5, |_| {});
    let reached =
        swapped(ix::datanet::grant_access(&d, &other, &d, expiry), pda::grant(&other, &d), pda::grant(&datanet, &d));
    refused(world.send(&[reached], &[&developer]), ErrorCode::ConstraintSeeds);
    let past = ix::datanet::grant_access(&o, &datanet, &d, world.slot());
    refused(world.send(&[past], &[&owner]), DatanetError::BadExpiry);
    let event: GrantChanged =
        world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]).expect("grants").event();
    assert_eq!((event.status, event.expiry_slot, event.purpose.as_str()), (GrantStatus::Granted, expiry, "a study"));
}

#[test]
fn a_request_is_checked_and_cannot_be_exchanged_while_pending_or_live() {
    let (mut world, owner, datanet, developer) = permissioned();
    let (o, d) = (owner.pubkey(), developer.pubkey());
    let ask = |purpose: &str| ix::datanet::request_access(&d, &datanet, purpose.into());
    refused(world.send(&[ask("")], &[&developer]), DatanetError::BadPurpose);
    refused(world.send(&[ask(&"p".repeat(129))], &[&developer]), DatanetError::BadPurpose);
    refused(world.send(&[ask("a\0b")], &[&developer]), DatanetError::BadPurpose);
    let open = world.datanet(&owner, 2, |_| {});
    refused(
        world.send(&[ix::datanet::request_access(&d, &open, "x".into())], &[&developer]),
        DatanetError::AccessIsOpen,
    );
    world.airdrop(&pda::grant(&datanet, &d));
    world.send(&[ask("a study")], &[&developer]).expect("though prefunded");
    refused(world.send(&[ask("a weapon")], &[&developer]), DatanetError::AlreadyRequested);
    let expiry = world.slot() + 10;
    world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]).expect("grants");
    refused(world.send(&[ask("a weapon")], &[&developer]), DatanetError::AlreadyGranted);
    world.send(&[ix::datanet::revoke_access(&o, &datanet, &d)], &[&owner]).expect("revokes");
    refused(world.send(&[ix::datanet::revoke_access(&o, &datanet, &d)], &[&owner]), DatanetError::GrantRevoked);
    refused(world.send(&[ix::datanet::grant_access(&o, &datanet, &d, expiry)], &[&owner]), DatanetError::GrantRevoked);
    let event: GrantChanged = world.send(&[ask("another study")], &[&developer]).expect("asks again").event();
    assert_eq!((event.sequence, event.status, event.expiry_slot), (3, GrantStatus::Requested, 0));
    let mallory = world.wallet(0);
    let squat = swapped(
        ix::datanet::request_access(&mallory.pubkey(), &datanet, "x".into()),
        pda::grant(&datanet, &mallory.pubkey()),
        pda::grant(&datanet, &d),
    );
    refused(world.send(&[squat], &[&mallory]), ErrorCode::ConstraintSeeds);
}
