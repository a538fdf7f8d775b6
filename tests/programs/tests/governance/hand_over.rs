//! The four other programs under governance: a two-step hand-over, after which only proposals change them (G1).

use ::governance::{error::GovernanceError, state::Choice};
use ::payout::state::FeeShares;
use ::stake::{
    instructions::ProposeCommitteeArgs,
    state::{Committee, CommitteeStatus},
};
use openledger_interface::{ix, pda};
use program_tests::{World, governance::PARAMETERS, payout, refused, tx::refused_with};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const NEXT: FeeShares = FeeShares { treasury: 400, contributors: 4_100, ..payout::FEES };

/// The authority of each program.
fn authorities(world: &World) -> [Pubkey; 4] {
    [
        world.get::<::stake::state::Config>(&pda::stake_config()).authority,
        world.get::<::datanet::state::Config>(&pda::datanet_config()).authority,
        world.get::<::model::state::Config>(&pda::model_config()).authority,
        world.get::<::payout::state::Config>(&pda::payout_config()).authority,
    ]
}

#[test]
fn g1_a_proposal_takes_all_four_over_and_the_old_authority_is_out() {
    let (mut world, _) = World::under_governance();
    assert_eq!(authorities(&world), [pda::governance_authority(); 4]);
    let old = world.authority.insecure_clone();
    let me = old.pubkey();
    refused(world.send(&[ix::stake::propose_authority(&me, &me)], &[&old]), ::stake::error::StakeError::NotAuthority);
    let windows = ::datanet::InitializeArgs { commit_slots: 5, reveal_slots: 5 };
    refused(
        world.send(&[ix::datanet::set_windows(&me, windows)], &[&old]),
        ::datanet::error::DatanetError::NotAuthority,
    );
    let jobs = ::model::InitializeArgs { job_slots: 5, assign_slots: 5, data_share_bps: 0, heartbeat_slots: 1 };
    refused(world.send(&[ix::model::set_windows(&me, jobs)], &[&old]), ::model::error::ModelError::NotAuthority);
    refused(world.send(&[ix::payout::set_fees(&me, NEXT)], &[&old]), ::payout::error::PayoutError::NotAuthority);
    refused(
        world.send(&[ix::payout::create_shard(&me, &world.mint, 0)], &[&old]),
        ::payout::error::PayoutError::NotAuthority,
    );
}

#[test]
fn g1_a_vote_changes_parameters_of_every_program() {
    let (mut world, assembly) = World::under_governance();
    let by = pda::governance_authority();
    let calls = [
        ix::payout::set_fees(&by, NEXT),
        ix::datanet::set_windows(&by, ::datanet::InitializeArgs { commit_slots: 6, reveal_slots: 7 }),
        ix::model::set_windows(
            &by,
            ::model::InitializeArgs { job_slots: 8, assign_slots: 9, data_share_bps: 0, heartbeat_slots: 1 },
        ),
    ];
    let proposal = assembly.ripe(&mut world, &calls);
    let before = world.get::<::payout::state::Config>(&pda::payout_config());
    assert_eq!(before.next_fees, None);
    for (index, call) in calls.iter().enumerate() {
        world.send(&[ix::governance::execute_instruction(&proposal, index as u8, call)], &[]).unwrap();
    }
    let fees = world.get::<::payout::state::Config>(&pda::payout_config()).next_fees;
    let windows = world.get::<::datanet::state::Config>(&pda::datanet_config());
    let jobs = world.get::<::model::state::Config>(&pda::model_config());
    assert_eq!((fees, windows.commit_slots, windows.reveal_slots), (Some(NEXT), 6, 7));
    assert_eq!((jobs.job_slots, jobs.assign_slots), (8, 9));
}

#[test]
fn g1_without_a_majority_the_authority_signs_nothing() {
    let (mut world, assembly) = World::under_governance();
    let call = ix::payout::set_fees(&pda::governance_authority(), NEXT);
    let proposal = assembly.open(&mut world, &[call.clone()]);
    assembly.vote(&mut world, 1, proposal, Choice::For).unwrap();
    assembly.vote(&mut world, 2, proposal, Choice::Against).unwrap();
    world.pass(PARAMETERS.voting_slots);
    world.send(&[ix::governance::queue(&proposal)], &[]).unwrap();
    world.pass(PARAMETERS.timelock_slots);
    refused(world.send(&[ix::governance::execute_instruction(&proposal, 0, &call)], &[]), GovernanceError::WrongState);
    assert_eq!(world.get::<::payout::state::Config>(&pda::payout_config()).next_fees, None);
}

#[test]
fn the_first_committee_is_proposed_by_a_vote_and_its_rent_paid_by_the_authority() {
    let (mut world, assembly) = World::under_governance();
    let operators: Vec<_> = (0..5).map(|_| world.operator()).collect();
    let wallets: Vec<Pubkey> = operators.iter().map(|o| o.wallet.pubkey()).collect();
    let by = pda::governance_authority();
    let call =
        ix::stake::propose_committee(&by, 0, ProposeCommitteeArgs { threshold: 3, size: 5, members: wallets.to_vec() });
    let proposal = assembly.ripe(&mut world, &[call.clone()]);
    let execute = ix::governance::execute_instruction(&proposal, 0, &call);
    // The authority pays rent from SOL that somebody gave it before.
    refused_with(world.send(&[execute.clone()], &[]), "insufficient lamports");
    world.airdrop(&by);
    world.send(&[execute], &[]).unwrap();
    for operator in &operators {
        let confirm = ix::stake::confirm_committee(&operator.wallet.pubkey(), 0, [5; 32]);
        world.send(&[confirm], &[&operator.wallet]).unwrap();
    }
    assert_eq!(world.get::<Committee>(&pda::committee(1)).status, CommitteeStatus::Active);
}

#[test]
fn governance_can_hand_a_program_on_in_the_same_two_steps() {
    let (mut world, assembly) = World::under_governance();
    let next = world.wallet(0);
    let propose = ix::stake::propose_authority(&pda::governance_authority(), &next.pubkey());
    assembly.enact(&mut world, &[propose]).unwrap();
    assert_eq!(authorities(&world)[0], pda::governance_authority());
    world.send(&[ix::stake::accept_authority(&next.pubkey())], &[&next]).unwrap();
    assert_eq!(authorities(&world)[0], next.pubkey());
}
