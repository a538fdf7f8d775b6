//! `cast_vote`, `close_vote`, `voting_weight`: the weight of a lock at each time, and that a lock votes only once.

use ::governance::{
    error::GovernanceError,
    events::{VoteCast, VoteClosed},
    state::{Choice, Proposal, ProposalState, Vote},
};
use ::stake::{
    state::VoteLock,
    vote_lock::{MAX_LOCK_SLOTS, MIN_LOCK_SLOTS},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World,
    governance::{Assembly, LOCKED, PARAMETERS},
    keys::address,
    refused, swapped,
    tx::refused_with,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

fn call() -> Instruction {
    ix::governance::set_guardian(&address("somebody"))
}

fn tally(world: &World, proposal: Pubkey) -> [u64; 3] {
    let p = world.get::<Proposal>(&proposal);
    [p.votes_for, p.votes_against, p.votes_abstain]
}

/// The weight of a voter of the test world one slot after it locked.
fn weight(voter: usize) -> u64 {
    (u128::from(LOCKED[voter]) * u128::from(MAX_LOCK_SLOTS - 1) / u128::from(MAX_LOCK_SLOTS)) as u64
}

#[test]
fn a_lock_votes_with_its_weight_at_the_snapshot_whenever_it_votes() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposal = assembly.open(&mut world, &[call()]);
    let event = assembly.vote(&mut world, 0, proposal, Choice::For).unwrap().event::<VoteCast>();
    let voter = assembly.voters[0].pubkey();
    assert_eq!((event.proposal, event.sequence, event.lock), (proposal, 3, pda::lock(&voter)));
    assert_eq!((event.voter, event.choice, event.weight), (voter, Choice::For, weight(0)));
    let vote = world.get::<Vote>(&pda::vote(&proposal, &pda::lock(&voter)));
    assert_eq!((vote.voter, vote.weight, vote.choice), (voter, weight(0), Choice::For));
    // Later the lock weighs less, but not in this vote.
    world.pass(PARAMETERS.voting_slots - 1);
    assembly.vote(&mut world, 1, proposal, Choice::Against).unwrap();
    assembly.vote(&mut world, 2, proposal, Choice::Abstain).unwrap();
    assert_eq!(tally(&world, proposal), [weight(0), weight(1), weight(2)]);
}

#[test]
fn a_lock_votes_once_and_only_in_time() {
    let (mut world, assembly) = World::with_governance(&[]);
    let draft = assembly.draft(&mut world, &[call()]);
    refused(assembly.vote(&mut world, 1, draft, Choice::For), GovernanceError::WrongState);
    let proposal = assembly.open(&mut world, &[call()]);
    assembly.vote(&mut world, 0, proposal, Choice::For).unwrap();
    for choice in [Choice::For, Choice::Against] {
        refused_with(assembly.vote(&mut world, 0, proposal, choice), "already in use");
    }
    // No second vote either through a delegate or with the vote account of another lock.
    let (owner, friend) = (&assembly.voters[0], &assembly.voters[1]);
    world.send(&[ix::stake::delegate_votes(&owner.pubkey(), &friend.pubkey())], &[owner]).unwrap();
    let again = ix::governance::cast_vote(&friend.pubkey(), &owner.pubkey(), &proposal, Choice::For);
    refused_with(world.send(&[again.clone()], &[friend]), "already in use");
    let own = pda::vote(&proposal, &pda::lock(&friend.pubkey()));
    let elsewhere = swapped(again, pda::vote(&proposal, &pda::lock(&owner.pubkey())), own);
    refused(world.send(&[elsewhere], &[friend]), ErrorCode::ConstraintSeeds);
    // During the vote, the vote's account cannot be closed.
    let close = ix::governance::close_vote(&owner.pubkey(), &owner.pubkey(), &proposal);
    refused(world.send(&[close.clone()], &[]), GovernanceError::VotingNotOver);
    world.pass(PARAMETERS.voting_slots);
    refused(assembly.vote(&mut world, 2, proposal, Choice::For), GovernanceError::VotingOver);
    let before = world.svm.get_balance(&owner.pubkey()).unwrap();
    let wrong = swapped(close.clone(), owner.pubkey(), friend.pubkey());
    refused(world.send(&[wrong], &[]), ErrorCode::ConstraintHasOne);
    let event = world.send(&[close.clone()], &[]).unwrap().event::<VoteClosed>();
    assert_eq!((event.proposal, event.lock), (proposal, pda::lock(&owner.pubkey())));
    assert!(world.svm.get_balance(&owner.pubkey()).unwrap() > before);
    refused(world.send(&[close], &[]), ErrorCode::AccountNotInitialized);
    // A closed vote account does not allow a second vote.
    world.send(&[ix::stake::delegate_votes(&owner.pubkey(), &owner.pubkey())], &[owner]).unwrap();
    refused(assembly.vote(&mut world, 0, proposal, Choice::For), GovernanceError::VotingOver);
    world.send(&[ix::governance::queue(&proposal)], &[]).unwrap();
    refused(assembly.vote(&mut world, 0, proposal, Choice::For), GovernanceError::WrongState);
}

#[test]
fn locks_made_or_changed_since_the_snapshot_have_no_weight() {
    let (mut world, assembly) = World::with_governance(&[]);
    let late = world.wallet(1_000_000 * OPEN);
    let end = world.slot() + MAX_LOCK_SLOTS;
    let same_slot = world.wallet(OPEN);
    let lock = ix::stake::lock_votes(&same_slot.pubkey(), &world.mint, OPEN, end);
    world.send(&[lock], &[&same_slot]).unwrap();
    let proposal = assembly.open(&mut world, &[call()]);
    let vote = |who: &Pubkey| ix::governance::cast_vote(who, who, &proposal, Choice::For);
    // A lock made in the slot of the snapshot has no weight, even if it was made before the vote opened.
    refused(world.send(&[vote(&same_slot.pubkey())], &[&same_slot]), GovernanceError::NoWeight);
    // A lock made after the snapshot has no weight.
    world.pass(1);
    world.send(&[ix::stake::lock_votes(&late.pubkey(), &world.mint, OPEN, end)], &[&late]).unwrap();
    refused(world.send(&[vote(&late.pubkey())], &[&late]), GovernanceError::NoWeight);
    // A lock that grew or was extended after the snapshot has no weight.
    let (grown, extended) = (&assembly.voters[1], &assembly.voters[2]);
    world.send(&[ix::stake::add_to_lock(&grown.pubkey(), &world.mint, 1)], &[grown]).unwrap();
    refused(world.send(&[vote(&grown.pubkey())], &[grown]), GovernanceError::NoWeight);
    world.send(&[ix::stake::extend_lock(&extended.pubkey(), world.slot() + MAX_LOCK_SLOTS)], &[extended]).unwrap();
    refused(world.send(&[vote(&extended.pubkey())], &[extended]), GovernanceError::NoWeight);
    assert_eq!(tally(&world, proposal), [0; 3]);
    // In the next vote these locks count.
    world.pass(1);
    let next = assembly.open(&mut world, &[call()]);
    for voter in 1..3 {
        assembly.vote(&mut world, voter, next, Choice::For).unwrap();
    }
}

#[test]
fn the_same_open_does_not_vote_twice_from_another_wallet() {
    let (mut world, assembly) = World::with_governance(&[]);
    let (first, second) = (world.wallet(1_000 * OPEN), world.wallet(0));
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&first.pubkey(), &world.mint, 1_000 * OPEN, end)], &[&first]).unwrap();
    world.pass(MIN_LOCK_SLOTS - 10);
    let proposal = assembly.open(&mut world, &[call()]);
    world
        .send(&[ix::governance::cast_vote(&first.pubkey(), &first.pubkey(), &proposal, Choice::For)], &[&first])
        .unwrap();
    // The lock ends during the vote; its OPEN goes to another wallet and is locked there.
    world.pass(10);
    world.send(&[ix::stake::unlock_votes(&first.pubkey(), &world.mint)], &[]).unwrap();
    world.fund(&second.pubkey(), 1_000 * OPEN);
    let end = world.slot() + MAX_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&second.pubkey(), &world.mint, 1_000 * OPEN, end)], &[&second]).unwrap();
    let again = ix::governance::cast_vote(&second.pubkey(), &second.pubkey(), &proposal, Choice::For);
    refused(world.send(&[again], &[&second]), GovernanceError::NoWeight);
    // A lock that had ended when voting began has no weight either.
    let over = world.wallet(OPEN);
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&over.pubkey(), &world.mint, OPEN, end)], &[&over]).unwrap();
    world.pass(MIN_LOCK_SLOTS);
    let proposal = assembly.open(&mut world, &[call()]);
    let vote = ix::governance::cast_vote(&over.pubkey(), &over.pubkey(), &proposal, Choice::For);
    refused(world.send(&[vote], &[&over]), GovernanceError::NoWeight);
}

#[test]
fn the_delegate_votes_and_nobody_else() {
    let (mut world, assembly) = World::with_governance(&[]);
    let (owner, thief, delegate) = (&assembly.voters[1], &assembly.voters[2], world.wallet(0));
    let proposal = assembly.open(&mut world, &[call()]);
    let vote = |by: &Pubkey| ix::governance::cast_vote(by, &owner.pubkey(), &proposal, Choice::For);
    refused(world.send(&[vote(&thief.pubkey())], &[thief]), GovernanceError::NotDelegate);
    let mut unsigned = vote(&owner.pubkey());
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    world.send(&[ix::stake::delegate_votes(&owner.pubkey(), &delegate.pubkey())], &[owner]).unwrap();
    refused(world.send(&[vote(&owner.pubkey())], &[owner]), GovernanceError::NotDelegate);
    world.send(&[vote(&delegate.pubkey())], &[&delegate]).unwrap();
    assert_eq!(tally(&world, proposal), [weight(1), 0, 0]);
    // The rent returns to the delegate, which paid it.
    let paid = world.get::<Vote>(&pda::vote(&proposal, &pda::lock(&owner.pubkey())));
    assert_eq!(paid.voter, delegate.pubkey());
}

#[test]
fn accounts_that_only_look_like_locks_do_not_vote() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposal = assembly.open(&mut world, &[call()]);
    let thief = world.wallet(0);
    let fake = address("fake lock");
    let mut lock = world.get::<VoteLock>(&pda::lock(&assembly.voters[0].pubkey()));
    (lock.owner, lock.delegate, lock.amount) = (thief.pubkey(), thief.pubkey(), u64::MAX);
    world.put(fake, &lock);
    let data = world.svm.get_account(&fake).unwrap().data;
    world.put_raw(fake, ::governance::ID, data);
    let vote = ix::governance::cast_vote(&thief.pubkey(), &thief.pubkey(), &proposal, Choice::For);
    let vote = swapped(
        swapped(vote, pda::lock(&thief.pubkey()), fake),
        pda::vote(&proposal, &pda::lock(&thief.pubkey())),
        pda::vote(&proposal, &fake),
    );
    refused(world.send(&[vote.clone()], &[&thief]), ErrorCode::AccountOwnedByWrongProgram);
    let config = swapped(vote, fake, pda::stake_config());
    refused(world.send(&[config], &[&thief]), ErrorCode::AccountDiscriminatorMismatch);
}

#[test]
fn a_wallet_reads_its_weight() {
    let (mut world, assembly) = World::with_governance(&[]);
    let read = |world: &mut World| {
        let sent = world.send(&[ix::governance::voting_weight(&assembly.voters[0].pubkey())], &[]).unwrap();
        // The runtime cuts trailing zeros off the return data.
        let mut whole = [0; 8];
        whole[..sent.returned.len()].copy_from_slice(&sent.returned);
        u64::from_le_bytes(whole)
    };
    assert_eq!(read(&mut world), weight(0));
    world.pass(MAX_LOCK_SLOTS / 2 - 1);
    assert_eq!(read(&mut world), LOCKED[0] / 2);
    world.pass(MAX_LOCK_SLOTS);
    assert_eq!(read(&mut world), 0);
}

/// A vote in the naive model.
#[derive(Clone, Debug)]
struct Ballot {
    voter: usize,
    choice: Choice,
    grows: bool,
    delegated: bool,
}

fn ballot() -> impl Strategy<Value = Ballot> {
    let choice = prop_oneof![Just(Choice::For), Just(Choice::Against), Just(Choice::Abstain)];
    (0..3usize, choice, prop::bool::weighted(0.2), any::<bool>()).prop_map(|(voter, choice, grows, delegated)| Ballot {
        voter,
        choice,
        grows,
        delegated,
    })
}

fn cast(world: &mut World, assembly: &Assembly, proposal: Pubkey, b: &Ballot) -> bool {
    let owner = &assembly.voters[b.voter];
    let by = if b.delegated { &assembly.voters[(b.voter + 1) % 3] } else { owner };
    world.send(&[ix::stake::delegate_votes(&owner.pubkey(), &by.pubkey())], &[owner]).unwrap();
    if b.grows {
        world.send(&[ix::stake::add_to_lock(&owner.pubkey(), &world.mint, 1)], &[owner]).unwrap();
    }
    world.send(&[ix::governance::cast_vote(&by.pubkey(), &owner.pubkey(), &proposal, b.choice)], &[by]).is_ok()
}

proptest! {
    #![proptest_config(Runs { cases: 10, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Runs::default() })]

    /// For any votes in any order, the tally is the sum over the first vote of each lock that has not changed, and the
    /// outcome follows from the tally.
    #[test]
    fn the_tally_is_that_of_the_naive_model(ballots in vec(ballot(), 1..9)) {
        let (mut world, assembly) = World::with_governance(&[]);
        let proposal = assembly.open(&mut world, &[call()]);
        let (mut expected, mut voted, mut changed) = ([0u64; 3], [false; 3], [false; 3]);
        for b in &ballots {
            changed[b.voter] |= b.grows;
            let counts = !voted[b.voter] && !changed[b.voter];
            prop_assert_eq!(cast(&mut world, &assembly, proposal, b), counts);
            if counts {
                expected[b.choice as usize] += weight(b.voter);
                voted[b.voter] = true;
            }
            prop_assert_eq!(tally(&world, proposal), expected);
            world.pass(1);
        }
        world.pass(PARAMETERS.voting_slots);
        let passed = expected.iter().sum::<u64>() * 5 >= LOCKED.iter().sum() && expected[0] > expected[1];
        world.send(&[ix::governance::queue(&proposal)], &[]).unwrap();
        let state = world.get::<Proposal>(&proposal).state;
        prop_assert_eq!(state, if passed { ProposalState::Queued } else { ProposalState::Defeated });
    }
}
