//! `create_proposal`, `add_instruction`, `open_voting`, `cancel`, `close_instruction`.

use ::governance::{
    error::GovernanceError,
    events::{InstructionClosed, InstructionProposed, ProposalCreated, ProposalEnded, VotingOpened},
    state::{Choice, Config, MAX_ACCOUNTS, MAX_INSTRUCTIONS, Parameters, Proposal, ProposalState, ProposedInstruction},
};
use ::stake::vote_lock::{MAX_LOCK_SLOTS, MIN_LOCK_SLOTS};
use anchor_lang::{AnchorSerialize, Discriminator, error::ErrorCode};
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World,
    governance::{self, LOCKED, PARAMETERS},
    keys::address,
    refused, swapped,
    tx::refused_with,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;

/// Something harmless to propose.
fn call() -> Instruction {
    ix::governance::set_guardian(&address("somebody"))
}

#[test]
fn a_draft_grows_and_opens_and_says_so() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let (me, proposal) = (proposer.pubkey(), pda::proposal(0));
    world.airdrop(&proposal);
    let event = world.send(&[governance::own_proposal(&me, 0)], &[proposer]).unwrap().event::<ProposalCreated>();
    assert_eq!((event.proposal, event.sequence, event.number, event.proposer), (proposal, 0, 0, me));
    assert_eq!((event.description_hash, event.description_uri.as_str()), ([3; 32], "sha256:0303"));
    let add = ix::governance::add_instruction(&me, &proposal, 0, &call());
    let event = world.send(&[add], &[proposer]).unwrap().event::<InstructionProposed>();
    assert_eq!((event.sequence, event.index, event.program), (1, 0, ::governance::ID));
    let accounts: Vec<_> = event.accounts.iter().map(|a| (a.address, a.signer, a.writable)).collect();
    let wanted: Vec<_> = call().accounts.iter().map(|a| (a.pubkey, a.is_signer, a.is_writable)).collect();
    assert_eq!(accounts, wanted);
    assert_eq!(event.data, call().data);
    let kept = world.get::<ProposedInstruction>(&pda::proposed_instruction(&proposal, 0));
    assert_eq!((kept.proposal, kept.index, kept.program, kept.data), (proposal, 0, ::governance::ID, call().data));
    let event =
        world.send(&[ix::governance::open_voting(&me, &me, &proposal)], &[proposer]).unwrap().event::<VotingOpened>();
    let locked: u64 = LOCKED.iter().sum();
    assert_eq!((event.sequence, event.snapshot_slot, event.snapshot_locked), (2, world.slot(), locked));
    assert_eq!((event.quorum, event.voting_end_slot), (locked / 5, world.slot() + PARAMETERS.voting_slots));
    let state = world.get::<Proposal>(&proposal);
    assert_eq!((state.state, state.instructions, state.quorum), (ProposalState::Voting, 1, locked / 5));
    assert_eq!(world.get::<Config>(&pda::governance_config()).proposals, 1);
    // The draft is final now.
    let late = ix::governance::add_instruction(&me, &proposal, 1, &call());
    refused(world.send(&[late], &[proposer]), GovernanceError::WrongState);
    refused(world.send(&[ix::governance::open_voting(&me, &me, &proposal)], &[proposer]), GovernanceError::WrongState);
}

#[test]
fn proposing_takes_weight() {
    let (mut world, assembly) = World::with_governance(&[]);
    let poor = world.wallet(100_000 * OPEN);
    let me = poor.pubkey();
    let propose = governance::own_proposal(&me, 0);
    refused(world.send(&[propose.clone()], &[&poor]), ErrorCode::AccountNotInitialized);
    // As much OPEN as the threshold, locked for half of the longest time, has half of the needed weight.
    let end = world.slot() + MAX_LOCK_SLOTS / 2;
    let lock = ix::stake::lock_votes(&me, &world.mint, PARAMETERS.proposal_threshold, end);
    world.send(&[lock], &[&poor]).unwrap();
    refused(world.send(&[propose.clone()], &[&poor]), GovernanceError::BelowThreshold);
    world.send(&[ix::stake::add_to_lock(&me, &world.mint, PARAMETERS.proposal_threshold)], &[&poor]).unwrap();
    world.send(&[propose], &[&poor]).unwrap();
    world.send(&[ix::governance::add_instruction(&me, &pda::proposal(0), 0, &call())], &[&poor]).unwrap();
    // One slot later the lock weighs a little less.
    world.pass(1);
    let open = ix::governance::open_voting(&me, &me, &pda::proposal(0));
    refused(world.send(&[open.clone()], &[&poor]), GovernanceError::BelowThreshold);
    // A lock of somebody else does not count, unless it is delegated to the proposer.
    let rich = &assembly.voters[1];
    let borrowed = swapped(open.clone(), pda::lock(&me), pda::lock(&rich.pubkey()));
    refused(world.send(&[borrowed.clone()], &[&poor]), GovernanceError::NotDelegate);
    let draft = governance::own_proposal(&me, 1);
    let draft = swapped(draft, pda::lock(&me), pda::lock(&rich.pubkey()));
    refused(world.send(&[draft.clone()], &[&poor]), GovernanceError::NotDelegate);
    world.send(&[ix::stake::delegate_votes(&rich.pubkey(), &me)], &[rich]).unwrap();
    world.send(&[draft], &[&poor]).unwrap();
    world.send(&[borrowed], &[&poor]).unwrap();
    // An owner that named a delegate no longer votes with the lock.
    refused(world.send(&[governance::own_proposal(&rich.pubkey(), 2)], &[rich]), GovernanceError::NotDelegate);
}

#[test]
fn a_lock_without_weight_proposes_nothing_even_where_nothing_is_asked() {
    let (mut world, assembly) = World::with_governance(&[]);
    let free = Parameters { proposal_threshold: 0, ..PARAMETERS };
    assembly.enact(&mut world, &[ix::governance::set_parameters(free)]).unwrap();
    let wallet = world.wallet(OPEN);
    let end = world.slot() + MIN_LOCK_SLOTS;
    world.send(&[ix::stake::lock_votes(&wallet.pubkey(), &world.mint, OPEN, end)], &[&wallet]).unwrap();
    world.send(&[governance::own_proposal(&wallet.pubkey(), 1)], &[&wallet]).unwrap();
    world.pass(MIN_LOCK_SLOTS);
    let late = governance::own_proposal(&wallet.pubkey(), 2);
    refused(world.send(&[late], &[&wallet]), GovernanceError::BelowThreshold);
}

#[test]
fn descriptions_have_an_address_of_bounded_length() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let propose = governance::own_proposal(&proposer.pubkey(), 0);
    let with = |uri: String| {
        let mut data = ::governance::instruction::CreateProposal::DISCRIMINATOR.to_vec();
        ([3u8; 32], uri).serialize(&mut data).unwrap();
        Instruction { data, ..propose.clone() }
    };
    for bad in [String::new(), "u".repeat(129)] {
        refused(world.send(&[with(bad)], &[proposer]), GovernanceError::BadUri);
    }
    world.send(&[with("u".repeat(128))], &[proposer]).unwrap();
    // Proposals are numbered in order.
    for wrong in [0, 2] {
        let propose = swapped(propose.clone(), pda::proposal(0), pda::proposal(wrong + 5));
        refused(world.send(&[propose], &[proposer]), ErrorCode::ConstraintSeeds);
    }
}

#[test]
fn only_the_proposer_adds_opens_and_cancels() {
    let (mut world, assembly) = World::with_governance(&[]);
    let (proposer, thief) = (&assembly.voters[0], &assembly.voters[1]);
    let proposal = assembly.draft(&mut world, &[call()]);
    let me = thief.pubkey();
    for act in [
        ix::governance::add_instruction(&me, &proposal, 1, &call()),
        ix::governance::open_voting(&me, &me, &proposal),
        ix::governance::cancel(&me, &proposal),
    ] {
        refused(world.send(&[act], &[thief]), GovernanceError::NotProposer);
    }
    for mut act in [
        ix::governance::add_instruction(&proposer.pubkey(), &proposal, 1, &call()),
        ix::governance::open_voting(&proposer.pubkey(), &proposer.pubkey(), &proposal),
        ix::governance::cancel(&proposer.pubkey(), &proposal),
    ] {
        act.accounts[0].is_signer = false;
        refused(world.send(&[act], &[]), ErrorCode::AccountNotSigner);
    }
}

#[test]
fn a_proposal_needs_an_instruction_and_holds_sixteen() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let (me, proposal) = (proposer.pubkey(), assembly.draft(&mut world, &[]));
    refused(
        world.send(&[ix::governance::open_voting(&me, &me, &proposal)], &[proposer]),
        GovernanceError::NoInstructions,
    );
    for index in 0..MAX_INSTRUCTIONS {
        world.send(&[ix::governance::add_instruction(&me, &proposal, index, &call())], &[proposer]).unwrap();
    }
    let more = ix::governance::add_instruction(&me, &proposal, MAX_INSTRUCTIONS, &call());
    refused(world.send(&[more], &[proposer]), GovernanceError::TooManyInstructions);
    // Instructions are added in order, each once.
    let other = assembly.draft(&mut world, &[call()]);
    let again = ix::governance::add_instruction(&me, &other, 0, &call());
    refused(world.send(&[again], &[proposer]), ErrorCode::ConstraintSeeds);
    let ahead = ix::governance::add_instruction(&me, &other, 2, &call());
    refused(world.send(&[ahead], &[proposer]), ErrorCode::ConstraintSeeds);
}

#[test]
fn instructions_are_bounded_signed_by_the_authority_alone_and_leave_proposals_and_votes_alone() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let (me, proposal) = (proposer.pubkey(), assembly.draft(&mut world, &[]));
    let add = |call: &Instruction| ix::governance::add_instruction(&me, &proposal, 0, call);
    let elsewhere =
        |accounts, data: usize| Instruction { program_id: address("program"), accounts, data: vec![7; data] };
    let account = AccountMeta::new(address("account"), false);
    refused(
        world.send(&[add(&elsewhere(vec![account.clone(); MAX_ACCOUNTS + 1], 0))], &[proposer]),
        GovernanceError::InstructionTooLarge,
    );
    refused(world.send(&[add(&elsewhere(vec![], 769))], &[proposer]), GovernanceError::InstructionTooLarge);
    // Refused as signers: a wallet, the proposer itself, other PDAs of governance.
    for signer in [address("wallet"), me, pda::governance_config(), proposal, pda::event_authority(&::governance::ID)] {
        let signed = elsewhere(vec![AccountMeta::new(signer, true)], 3);
        refused(world.send(&[add(&signed)], &[proposer]), GovernanceError::ForeignSigner);
    }
    // Of governance's own instructions, only set_parameters and set_guardian are allowed.
    let authority = pda::governance_authority();
    for call in [
        ix::governance::queue(&proposal),
        ix::governance::cast_vote(&authority, &me, &proposal, Choice::For),
        ix::governance::veto(&authority, &proposal),
        ix::governance::cancel(&authority, &proposal),
        ix::governance::expire(&proposal),
        governance::own_proposal(&authority, 1),
        ix::governance::guardian_pause(&authority, &::stake::ID, &pda::stake_config(), 5_000),
        ix::governance::execute_instruction(&proposal, 0, &call()),
        ix::governance::voting_weight(&me),
        Instruction { program_id: ::governance::ID, accounts: vec![], data: vec![] },
        Instruction {
            program_id: ::governance::ID,
            accounts: vec![],
            data: anchor_lang::event::EVENT_IX_TAG_LE.to_vec(),
        },
    ] {
        let mut call = call;
        call.accounts.iter_mut().for_each(|a| a.is_signer &= a.pubkey == authority);
        refused(world.send(&[add(&call)], &[proposer]), GovernanceError::SelfCall);
    }
    // The largest instruction that fits in a transaction.
    let largest = elsewhere(vec![account; 16], 180);
    world.send(&[add(&largest)], &[proposer]).unwrap();
    let longest = elsewhere(vec![], 690);
    world.send(&[ix::governance::add_instruction(&me, &proposal, 1, &longest)], &[proposer]).unwrap();
}

#[test]
fn a_proposer_withdraws_a_draft_or_a_running_vote_but_not_what_was_decided() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let me = proposer.pubkey();
    let draft = assembly.draft(&mut world, &[call()]);
    let event = world.send(&[ix::governance::cancel(&me, &draft)], &[proposer]).unwrap().event::<ProposalEnded>();
    assert_eq!((event.proposal, event.sequence, event.state), (draft, 2, ProposalState::Cancelled));
    for act in [ix::governance::open_voting(&me, &me, &draft), ix::governance::cancel(&me, &draft)] {
        refused(world.send(&[act], &[proposer]), GovernanceError::WrongState);
    }
    let running = assembly.open(&mut world, &[call()]);
    assembly.vote(&mut world, 1, running, Choice::For).unwrap();
    world.send(&[ix::governance::cancel(&me, &running)], &[proposer]).unwrap();
    refused(assembly.vote(&mut world, 2, running, Choice::For), GovernanceError::WrongState);
    let over = assembly.open(&mut world, &[call()]);
    assembly.vote(&mut world, 2, over, Choice::For).unwrap();
    world.pass(PARAMETERS.voting_slots);
    refused(world.send(&[ix::governance::cancel(&me, &over)], &[proposer]), GovernanceError::VotingOver);
    world.send(&[ix::governance::queue(&over)], &[]).unwrap();
    refused(world.send(&[ix::governance::cancel(&me, &over)], &[proposer]), GovernanceError::WrongState);
}

#[test]
fn rent_of_instructions_returns_to_the_proposer_when_all_is_over() {
    let (mut world, assembly) = World::with_governance(&[]);
    let proposer = &assembly.voters[0];
    let me = proposer.pubkey();
    let proposal = assembly.ripe(&mut world, &[call(), call()]);
    let close = ix::governance::close_instruction(&me, &proposal, 1);
    refused(world.send(&[close.clone()], &[]), GovernanceError::WrongState);
    for index in 0..2 {
        world.send(&[ix::governance::execute_instruction(&proposal, index, &call())], &[]).unwrap();
    }
    let thief = &assembly.voters[1];
    refused(world.send(&[swapped(close.clone(), me, thief.pubkey())], &[]), GovernanceError::NotProposer);
    let other = assembly.draft(&mut world, &[call()]);
    let mixed = swapped(close.clone(), pda::proposed_instruction(&proposal, 1), pda::proposed_instruction(&other, 0));
    refused(world.send(&[mixed], &[]), ErrorCode::ConstraintSeeds);
    let before = world.svm.get_balance(&me).unwrap();
    let rent = world.svm.get_balance(&pda::proposed_instruction(&proposal, 1)).unwrap();
    let event = world.send(&[close.clone()], &[]).unwrap().event::<InstructionClosed>();
    assert_eq!((event.proposal, event.index), (proposal, 1));
    assert_eq!(world.svm.get_balance(&me).unwrap(), before + rent);
    refused(world.send(&[close], &[]), ErrorCode::AccountNotInitialized);
    refused_with(world.send(&[governance::own_proposal(&me, 0)], &[proposer]), "ConstraintSeeds");
}
