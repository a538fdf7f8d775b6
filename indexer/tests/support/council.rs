//! A history of delegation, grants, slashes and votes.

use super::{created, hash, key};
use anchor_lang::prelude::Pubkey;
use governance::{
    events::{
        InstructionExecuted, InstructionProposed, ProposalCreated, ProposalEnded, ProposalQueued, VoteCast,
        VotingOpened,
    },
    state::{Choice, ProposalState, ProposedAccount},
};
use openledger_indexer::ingest::TransactionRecord;
use openledger_interface::{events::Event, pda};
use stake::{
    events::*,
    state::{Role, SlashReason},
};

/// The accounts and wallets that the history is about.
pub struct Council {
    pub operator: Pubkey,
    pub delegator: Pubkey,
    pub pool: Pubkey,
    pub delegation: Pubkey,
    pub datanet: Pubkey,
    pub grant: Pubkey,
    pub lock: Pubkey,
    pub proposal: Pubkey,
    pub withdrawn: Pubkey,
    pub history: Vec<TransactionRecord>,
}

/// Shares that no number of JavaScript holds.
pub const SHARES: u128 = (1 << 70) + 1;

/// An operator with delegations is slashed, a permissioned Datanet is granted without end, and of two proposals one is
/// executed.
pub fn council() -> Council {
    let (operator, delegator, grantee) = (key(101), key(102), key(103));
    let (pool, delegation) = (pda::stake_pool(&operator), pda::delegation(&operator, &delegator));
    let datanet = pda::datanet(&key(104), 1);
    let grant = pda::grant(&datanet, &grantee);
    let (lock, other) = (pda::lock(&delegator), pda::lock(&grantee));
    let (proposal, withdrawn) = (pda::proposal(0), pda::proposal(1));
    let mut events = stake_events(operator, delegator, pool, delegation);
    events.extend(grant_events(datanet, grant, grantee));
    events.extend(lock_events(delegator, lock));
    events.extend(votes(proposal, [lock, other], delegator));
    events.extend([
        Event::ProposalCreated(proposal_created(withdrawn, 1)),
        Event::ProposalEnded(ProposalEnded {
            proposal: withdrawn,
            sequence: 1,
            state: ProposalState::Cancelled,
            executed: 0,
        }),
    ]);
    let record = |(n, event): (usize, Event)| {
        let mut signature = [n as u8 + 1; 64];
        signature[0] = 255;
        TransactionRecord {
            signature: bs58::encode(signature).into_string(),
            slot: 1_000 + n as u64,
            place: None,
            block_time: None,
            failed: false,
            events: vec![event],
            unread: vec![],
        }
    };
    let history = events.into_iter().enumerate().map(record).collect();
    Council { operator, delegator, pool, delegation, datanet, grant, lock, proposal, withdrawn, history }
}

fn stake_events(operator: Pubkey, owner: Pubkey, pool: Pubkey, delegation: Pubkey) -> Vec<Event> {
    let (role, evidence, reason) = (Role::Operator, hash(9), SlashReason::Equivocation);
    let position = pda::position(&operator, role);
    let commission = |sequence, next| {
        Event::CommissionSet(CommissionSet {
            pool,
            sequence,
            operator,
            commission_bps: 100,
            next_commission_bps: next,
            commission_slot: 2_000,
        })
    };
    let delegated =
        |sequence, added, shares| Event::Delegated(Delegated { delegation, sequence, operator, owner, added, shares });
    let (amount, bonded, unbonding) = (450, 450, 0);
    vec![
        Event::Staked(Staked { position, sequence: 0, owner: operator, role, added: 900, amount: 900 }),
        commission(0, 100),
        delegated(0, 120, 120),
        delegated(1, 30, SHARES + 20),
        Event::Undelegated(Undelegated {
            delegation,
            sequence: 2,
            amount: 20,
            shares: SHARES,
            unbonding_shares: 20,
            unbond_slot: 3_000,
        }),
        Event::Harvested(Harvested { pool, sequence: 1, arrived: 50, owed: 45, paid: 5 }),
        Event::Harvested(Harvested { pool, sequence: 2, arrived: 40, owed: 80, paid: 5 }),
        Event::RewardsClaimed(RewardsClaimed { delegation, sequence: 3, paid: 60 }),
        Event::RewardsClaimed(RewardsClaimed { delegation, sequence: 4, paid: 20 }),
        commission(3, 200),
        Event::Slashed(Slashed {
            position,
            sequence: 1,
            owner: operator,
            role,
            amount,
            bonded,
            unbonding,
            reason,
            evidence,
        }),
        Event::PoolSlashed(PoolSlashed {
            pool,
            sequence: 4,
            operator,
            amount: 60,
            bonded: 50,
            unbonding: 10,
            reason,
            evidence,
        }),
        Event::InsurancePaid(InsurancePaid { config: pda::stake_config(), sequence: 0, to: key(105), amount: 5 }),
    ]
}

fn grant_events(datanet: Pubkey, grant: Pubkey, grantee: Pubkey) -> Vec<Event> {
    use datanet::{
        events::{DatanetCreated, GrantChanged, UseRecorded},
        state::{Access, GrantStatus},
    };
    let changed = |sequence, status, expiry_slot| {
        let purpose = "to write manuals".to_owned();
        Event::GrantChanged(GrantChanged { grant, sequence, datanet, grantee, purpose, status, expiry_slot })
    };
    vec![
        Event::DatanetCreated(DatanetCreated {
            datanet,
            access: Access::Permissioned,
            ..created(key(104), 1, "Dictionary")
        }),
        changed(0, GrantStatus::Requested, 0),
        // Its giver chose the last slot that there can be, which no number of the database holds.
        changed(1, GrantStatus::Granted, u64::MAX),
        Event::UseRecorded(UseRecorded { grant, sequence: 2, datanet, grantee, job: key(106) }),
    ]
}

fn lock_events(owner: Pubkey, lock: Pubkey) -> Vec<Event> {
    vec![
        Event::VotesLocked(VotesLocked {
            lock,
            sequence: 0,
            owner,
            delegate: owner,
            added: 1000,
            amount: 1000,
            end_slot: 9_000,
        }),
        Event::VotesDelegated(VotesDelegated { lock, sequence: 1, delegate: key(107) }),
    ]
}

fn proposal_created(proposal: Pubkey, number: u64) -> ProposalCreated {
    ProposalCreated {
        proposal,
        sequence: 0,
        number,
        proposer: key(108),
        description_hash: hash(3),
        description_uri: "ipfs://why".into(),
    }
}

fn votes(proposal: Pubkey, locks: [Pubkey; 2], voter: Pubkey) -> Vec<Event> {
    let vote =
        |sequence, lock, choice, weight| Event::VoteCast(VoteCast { proposal, sequence, lock, voter, choice, weight });
    let account = ProposedAccount { address: pda::payout_config(), signer: false, writable: true };
    vec![
        Event::ProposalCreated(proposal_created(proposal, 0)),
        Event::InstructionProposed(InstructionProposed {
            proposal,
            sequence: 1,
            index: 0,
            program: payout::ID,
            accounts: vec![account],
            data: vec![1, 2, 255],
        }),
        Event::VotingOpened(VotingOpened {
            proposal,
            sequence: 2,
            snapshot_slot: 1_015,
            snapshot_locked: 2000,
            quorum: 100,
            voting_end_slot: 1_100,
        }),
        vote(3, locks[0], Choice::For, 900),
        vote(4, locks[1], Choice::Against, 40),
        Event::ProposalQueued(ProposalQueued { proposal, sequence: 5, executable_slot: 1_200, expiry_slot: 1_300 }),
        Event::InstructionExecuted(InstructionExecuted { proposal, sequence: 6, index: 0, last: true }),
    ]
}
