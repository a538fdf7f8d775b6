//! Actions of proposers and voters.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use ::governance::state::{Choice, Config, Parameters, Proposal, ProposalState, ProposedInstruction, Vote};
use ::stake::state::VoteLock;
use openledger_interface::{ix, pda};
use program_tests::{
    Key,
    governance::{self as net, PARAMETERS},
    key,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("create_proposal", 3, create),
    ("add_instruction", 3, add),
    ("open_voting", 3, open),
    ("cast_vote", 12, vote),
    ("close_vote", 2, close_vote),
    ("queue", 4, queue),
    ("execute_instruction", 6, execute),
    ("expire", 1, expire),
    ("cancel", 1, cancel),
    ("veto", 1, veto),
    ("close_instruction", 1, close_instruction),
];

fn create(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, lock) = crowd.some::<VoteLock>(dice)?;
    let who = crowd.actor(&lock.owner)?;
    let number = crowd.world.get::<Config>(&pda::governance_config()).proposals;
    Attempt::new(net::own_proposal(&who.pubkey(), number), &[&who])
}

/// A proposal, mostly in this state, and its proposer.
fn proposal(crowd: &Crowd, dice: &mut Dice, state: ProposalState) -> Option<(Pubkey, Proposal, Key)> {
    let any = dice.one_in(8);
    let (address, proposal) = crowd.some_that(dice, |p: &Proposal| any || p.state == state)?;
    let proposer = crowd.actor(&proposal.proposer)?;
    Some((address, proposal, proposer))
}

fn add(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, state, proposer) = proposal(crowd, dice, ProposalState::Draft)?;
    let parameters = Parameters { voting_slots: dice.between(9, 500), ..PARAMETERS };
    let change = ix::governance::set_parameters(parameters);
    Attempt::new(
        ix::governance::add_instruction(&proposer.pubkey(), &address, state.instructions, &change),
        &[&proposer],
    )
}

fn open(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let any = dice.one_in(8);
    let (address, draft) =
        crowd.some_that(dice, |p: &Proposal| any || (p.state == ProposalState::Draft && p.instructions > 0))?;
    let proposer = crowd.actor(&draft.proposer)?;
    crowd.world.find::<VoteLock>(&pda::lock(&proposer.pubkey()))?;
    Attempt::new(ix::governance::open_voting(&proposer.pubkey(), &proposer.pubkey(), &address), &[&proposer])
}

fn vote(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (any, slot) = (dice.one_in(8), crowd.world.slot());
    let open = |p: &Proposal| any || (p.state == ProposalState::Voting && slot < p.voting_end_slot);
    let (address, proposal) = crowd.some_that(dice, open)?;
    let counts = |l: &VoteLock| any || (l.amount > 0 && l.changed_slot < proposal.snapshot_slot);
    let (_, lock) = crowd.some_that(dice, counts)?;
    let voter = if dice.one_in(10) { crowd.anyone(dice) } else { crowd.actor(&lock.delegate)? };
    let choice = match dice.below(6) {
        0 => Choice::Against,
        1 => Choice::Abstain,
        _ => Choice::For,
    };
    Attempt::new(ix::governance::cast_vote(&voter.pubkey(), &lock.owner, &address, choice), &[&voter])
}

fn close_vote(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, vote) = crowd.some::<Vote>(dice)?;
    let lock = crowd.world.get::<VoteLock>(&vote.lock);
    Attempt::new(ix::governance::close_vote(&vote.voter, &lock.owner, &vote.proposal), &[])
}

/// Queues a proposal, mostly once the vote is over.
fn queue(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, state, _) = proposal(crowd, dice, ProposalState::Voting)?;
    if dice.one_in(2) {
        crowd.pass(state.voting_end_slot.saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::governance::queue(&address), &[])
}

fn execute(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, state, _) = proposal(crowd, dice, ProposalState::Queued)?;
    if dice.one_in(2) {
        crowd.pass(state.executable_slot.saturating_sub(crowd.world.slot()));
    }
    let proposed = crowd.world.find::<ProposedInstruction>(&pda::proposed_instruction(&address, state.executed))?;
    let meta = |a: &::governance::state::ProposedAccount| AccountMeta {
        pubkey: a.address,
        is_signer: a.signer,
        is_writable: a.writable,
    };
    let accounts = proposed.accounts.iter().map(meta).collect();
    let call = Instruction { program_id: proposed.program, accounts, data: proposed.data.clone() };
    Attempt::new(ix::governance::execute_instruction(&address, state.executed, &call), &[])
}

fn expire(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, state, _) = proposal(crowd, dice, ProposalState::Voting)?;
    if dice.one_in(4) {
        crowd.pass(state.expiry_slot.saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::governance::expire(&address), &[])
}

fn cancel(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _, proposer) = proposal(crowd, dice, ProposalState::Draft)?;
    Attempt::new(ix::governance::cancel(&proposer.pubkey(), &address), &[&proposer])
}

fn veto(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, ..) = proposal(crowd, dice, ProposalState::Voting)?;
    let who = if dice.one_in(4) { crowd.anyone(dice) } else { key("guardian") };
    Attempt::new(ix::governance::veto(&who.pubkey(), &address), &[&who])
}

fn close_instruction(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, proposed) = crowd.some::<ProposedInstruction>(dice)?;
    let proposer = crowd.world.get::<Proposal>(&proposed.proposal).proposer;
    Attempt::new(ix::governance::close_instruction(&proposer, &proposed.proposal, proposed.index), &[])
}
