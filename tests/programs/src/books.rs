//! The books of a world: the rules that must hold after any history, checked from the accounts alone.

use crate::{SUPPLY, world::World};
use ::datanet::state::Batch;
use ::governance::state::{Choice, Proposal, ProposalState, Vote};
use ::model::state::{Job, JobStatus};
use ::payout::state::{Balance, Challenge, Claim, Config as PayoutConfig, POOLS, Settlement, Shard};
use ::stake::state::{Committee, CommitteeStatus, Config as StakeConfig, Pool, Position, Role, VoteLock};
use openledger_interface::pda;

/// Checks every rule. The error names the broken rule and the values found.
pub fn check(world: &World) -> Result<(), String> {
    equal("OPEN in all token accounts", world.open_in_all(), u128::from(SUPPLY))?;
    check_stake(world)?;
    check_datanet(world)?;
    check_model(world)?;
    check_payout(world)?;
    check_governance(world)
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}

fn at_most(what: &str, found: u64, most: u64) -> Result<(), String> {
    if found <= most { Ok(()) } else { Err(format!("{what}: {found}, more than {most}")) }
}

/// The stake vault holds the sum of the positions, and the totals are their sums. Exactly one committee is active.
fn check_stake(world: &World) -> Result<(), String> {
    let Some(config) = world.find::<StakeConfig>(&pda::stake_config()) else { return Ok(()) };
    let positions = world.all::<Position>();
    let all = |of: &dyn Fn(&Position) -> u64| positions.iter().map(|(_, p)| of(p)).sum::<u64>();
    let bonded = |role| all(&|p: &Position| if p.role == role { p.amount } else { 0 });
    equal("bonded operator stake", config.operator_stake, bonded(Role::Operator))?;
    equal("bonded validator stake", config.validator_stake, bonded(Role::Validator))?;
    equal("unbonding stake", config.unbonding, all(&|p| p.unbonding))?;
    let locked = world.all::<VoteLock>().iter().map(|(_, l)| l.amount).sum::<u64>();
    equal("locked votes", config.locked, locked)?;
    let pools = world.all::<Pool>();
    let sum = |of: &dyn Fn(&Pool) -> u64| pools.iter().map(|(_, p)| of(p)).sum::<u64>();
    equal("delegated stake", config.delegated, sum(&|p| p.bonded.assets))?;
    equal("delegated stake on its way out", config.delegated_unbonding, sum(&|p| p.unbonding.assets))?;
    for (_, pool) in &pools {
        let vault = world.balance(&pda::reward_vault(&pool.operator));
        at_most("M1: what a pool owes", pool.owed + pool.commission, vault)?;
    }
    let own = config.operator_stake + config.validator_stake + config.unbonding;
    let held = own + config.locked + config.delegated + config.delegated_unbonding;
    equal("M1: the stake vault", world.balance(&pda::stake_vault()), held)?;
    let active = world.all::<Committee>().into_iter().filter(|(_, c)| c.status == CommitteeStatus::Active);
    let epochs: Vec<u64> = active.map(|(_, c)| c.epoch).collect();
    let expected: Vec<u64> = (config.committee_epoch > 0).then_some(config.committee_epoch).into_iter().collect();
    equal("A1: active committees", epochs, expected)
}

/// The bond vault holds the bonds of the pending batches.
fn check_datanet(world: &World) -> Result<(), String> {
    if world.svm.get_account(&pda::bond_vault()).is_none() {
        return Ok(());
    }
    let bonds = world.all::<Batch>().iter().map(|(_, b)| b.bond).sum::<u64>();
    equal("M1: the bond vault", world.balance(&pda::bond_vault()), bonds)
}

/// A job's escrow holds its budget until the job ends. Then everything in it is paid or refunded, and the escrow is
/// closed.
fn check_model(world: &World) -> Result<(), String> {
    for (address, job) in world.all::<Job>() {
        let escrow = pda::escrow(&address);
        let there = world.svm.get_account(&escrow).is_some();
        match job.status {
            JobStatus::Requested | JobStatus::Running => {
                equal("M5: a pending job's escrow", there.then(|| world.balance(&escrow)), Some(job.budget))?;
            }
            _ => {
                let waits = job.data_share > 0 && job.data_paid == 0;
                let held = waits.then_some(job.data_share);
                equal("M5: an ended job's escrow", there.then(|| world.balance(&escrow)), held)?;
                equal("M5: paid and refunded", job.paid + job.data_share + job.refunded, job.budget)?;
            }
        }
    }
    Ok(())
}

/// Every vault holds what was paid in and not claimed. No pool pays for the other. Totals do not exceed funding, and
/// claims do not exceed totals.
fn check_payout(world: &World) -> Result<(), String> {
    let Some(config) = world.find::<PayoutConfig>(&pda::payout_config()) else { return Ok(()) };
    let (mut funded, mut claimed) = ([0u64; POOLS], [0u64; POOLS]);
    let shards = world.all::<Shard>();
    equal("shards", shards.len(), usize::from(config.shards))?;
    for (_, shard) in shards {
        let held = shard.funded.iter().sum::<u64>() - shard.claimed.iter().sum::<u64>();
        equal(&format!("M1: vault {}", shard.index), world.balance(&shard.vault), held)?;
        at_most(&format!("the breaker of shard {}", shard.index), shard.outflow, config.parameters.breaker_cap)?;
        for pool in 0..POOLS {
            at_most("M1: what a shard paid of a pool", shard.claimed[pool], shard.funded[pool])?;
            funded[pool] += shard.funded[pool];
            claimed[pool] += shard.claimed[pool];
        }
    }
    let records = world.all::<Claim>();
    for pool in 0..POOLS {
        at_most("M3: the active total", config.active[pool].lifetime_total, config.posted[pool].lifetime_total)?;
        at_most("M3: the posted total", config.posted[pool].lifetime_total, funded[pool])?;
        at_most("M2: what was claimed", claimed[pool], config.active[pool].lifetime_total)?;
        let paid = records.iter().map(|(_, r)| r.claimed[pool]).sum::<u64>();
        equal("M2: what records say was claimed", paid, claimed[pool])?;
    }
    let mut settlements: Vec<_> = world.all::<Settlement>().into_iter().map(|(_, s)| s).collect();
    settlements.sort_by_key(|s| s.epoch);
    for pair in settlements.windows(2) {
        for pool in 0..POOLS {
            at_most("M3: a total before", pair[0].pools[pool].lifetime_total, pair[1].pools[pool].lifetime_total)?;
        }
    }
    for (_, balance) in world.all::<Balance>() {
        equal("M1: a prepaid balance", world.balance(&balance.vault), balance.amount)?;
        at_most("what is on its way out of a balance", balance.withdrawing, balance.amount)?;
    }
    for (address, challenge) in world.all::<Challenge>() {
        equal("M1: a challenge's bond", world.balance(&pda::challenge_bond(&address)), challenge.bond)?;
    }
    equal("settlements", settlements.len() as u64, config.posted_epoch)
}

/// During a vote, a proposal's sums are those of the votes cast. Nothing is executed twice.
fn check_governance(world: &World) -> Result<(), String> {
    let votes = world.all::<Vote>();
    for (address, proposal) in world.all::<Proposal>() {
        at_most("executed instructions", proposal.executed.into(), proposal.instructions.into())?;
        if proposal.state != ProposalState::Voting || world.slot() >= proposal.voting_end_slot {
            continue;
        }
        let sum = |choice| {
            let cast = votes.iter().filter(|(_, v)| v.proposal == address && v.choice == choice);
            cast.map(|(_, v)| v.weight).sum::<u64>()
        };
        let sums = [proposal.votes_for, proposal.votes_against, proposal.votes_abstain];
        equal("G1: votes", sums, [Choice::For, Choice::Against, Choice::Abstain].map(sum))?;
    }
    Ok(())
}
