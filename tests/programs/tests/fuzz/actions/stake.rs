//! Actions of stakers, operators and committees.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd, identity},
    dice::Dice,
};
use ::stake::{
    instructions::{ProposeCommitteeArgs, RegisterOperatorArgs},
    state::{Committee, CommitteeStatus, Config, Operator, Position, Role, VoteLock, capability},
    vote_lock::{MAX_LOCK_SLOTS, MIN_LOCK_SLOTS},
};
use openledger_interface::{ix, pda};
use program_tests::{OPEN, attest, stake::MIN_OPERATOR};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("deposit", 4, deposit),
    ("request_unbond", 3, request_unbond),
    ("withdraw", 3, withdraw),
    ("register_operator", 2, register),
    ("update_operator", 1, update),
    ("propose_committee", 3, propose),
    ("add_members", 6, add),
    ("confirm_committee", 8, confirm),
    ("abandon_committee", 1, abandon),
    ("stake::propose_authority", 1, propose_authority),
    ("lock_votes", 2, lock_votes),
    ("add_to_lock", 1, add_to_lock),
    ("extend_lock", 1, extend_lock),
    ("unlock_votes", 1, unlock_votes),
    ("delegate_votes", 1, delegate_votes),
];

fn role(dice: &mut Dice) -> Role {
    if dice.one_in(2) { Role::Operator } else { Role::Validator }
}

fn deposit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, role, amount) = (crowd.anyone(dice), role(dice), dice.amount(3_000 * OPEN));
    let amount = if role == Role::Validator { amount.min(300 * OPEN) } else { amount };
    Attempt::new(ix::stake::deposit(&who.pubkey(), &crowd.world.mint, role, amount), &[&who])
}

fn request_unbond(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, position) = crowd.some::<Position>(dice)?;
    let who = crowd.actor(&position.owner)?;
    let amount = if dice.one_in(3) { position.amount } else { dice.amount(position.amount) };
    let epoch = crowd.committee().0;
    Attempt::new(ix::stake::request_unbond(&who.pubkey(), epoch, position.role, amount), &[&who])
}

fn withdraw(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, position) = crowd.some_that(dice, |p: &Position| p.unbonding > 0)?;
    let who = crowd.actor(&position.owner)?;
    Attempt::new(ix::stake::withdraw(&who.pubkey(), &crowd.world.mint, position.role), &[&who])
}

fn register(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, position) = crowd.some_that(dice, |p: &Position| p.role == Role::Operator)?;
    let who = if dice.one_in(3) { crowd.anyone(dice) } else { crowd.actor(&position.owner)? };
    let (wallet, own) = (who.pubkey(), identity(&who.pubkey()));
    let mut all = vec![ix::stake::register_operator(
        &wallet,
        &own.pubkey(),
        RegisterOperatorArgs { endpoint: "http://node.example".into(), capabilities: capability::ALL },
    )];
    if dice.one_in(2) {
        all.insert(0, ix::stake::deposit(&wallet, &crowd.world.mint, Role::Operator, MIN_OPERATOR));
    }
    Attempt::several(all, &[&who, &own])
}

fn update(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, operator) = crowd.some::<Operator>(dice)?;
    let who = crowd.actor(&operator.owner)?;
    let capabilities = if dice.one_in(4) { dice.next() as u32 } else { capability::ALL };
    Attempt::new(ix::stake::update_operator(&who.pubkey(), "https://other.example".into(), capabilities), &[&who])
}

/// Some operators, mostly with enough stake, sometimes with one twice.
fn operators(crowd: &Crowd, dice: &mut Dice, count: u64) -> Option<Vec<Pubkey>> {
    let careless = dice.one_in(6);
    let all: Vec<Pubkey> = crowd.world.all::<Operator>().into_iter().map(|(_, o)| o.owner).collect();
    let staked = |o: &Pubkey| {
        let position = crowd.world.find::<Position>(&pda::position(o, Role::Operator));
        position.is_some_and(|p| p.amount >= MIN_OPERATOR)
    };
    let mut fit: Vec<Pubkey> = all.into_iter().filter(|o| careless || staked(o)).collect();
    let mut out = vec![];
    for _ in 0..count {
        let at = dice.below(fit.len().max(1) as u64) as usize;
        out.push(*fit.get(at)?);
        if !careless {
            fit.remove(at);
        }
    }
    Some(out)
}

fn propose(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, epoch, size) = (crowd.authority(), crowd.committee().0, dice.between(1, 3));
    let named = if dice.one_in(2) { 1 } else { size };
    let members = operators(crowd, dice, named)?;
    let threshold = if dice.one_in(6) { dice.below(4) } else { size / 2 + 1 };
    let propose = ix::stake::propose_committee(
        &by.pubkey(),
        epoch,
        ProposeCommitteeArgs { threshold: threshold as u16, size: size as u16, members },
    );
    Attempt::new(propose, &[&by])
}

/// The next committee, if one is proposed.
fn next(crowd: &Crowd) -> Option<Committee> {
    let epoch = crowd.world.get::<Config>(&pda::stake_config()).committee_epoch + 1;
    crowd.world.find::<Committee>(&pda::committee(epoch))
}

fn add(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, next) = (crowd.authority(), next(crowd)?);
    let missing = u64::from(next.size) - next.members.len() as u64;
    let members = operators(crowd, dice, missing.max(1))?;
    Attempt::new(ix::stake::add_members(&by.pubkey(), next.epoch - 1, &members), &[&by])
}

fn confirm(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let next = next(crowd).filter(|n| n.status == CommitteeStatus::Confirming)?;
    let waiting: Vec<&Pubkey> =
        next.members.iter().zip(&next.confirmed).filter(|(_, c)| !**c).map(|(m, _)| m).collect();
    let who = if dice.one_in(8) { crowd.anyone(dice) } else { crowd.actor(dice.pick(&waiting)?)? };
    // A committee whose key nobody holds could attest nothing. So only a later confirmation may name another key.
    let other = next.confirmed.contains(&true) && dice.one_in(8);
    let key = if other { dice.hash() } else { attest::group_key(next.epoch as u8).verifying_key().to_bytes() };
    Attempt::new(ix::stake::confirm_committee(&who.pubkey(), next.epoch - 1, key), &[&who])
}

fn abandon(crowd: &mut Crowd, _: &mut Dice) -> Option<Attempt> {
    let (by, next) = (crowd.authority(), next(crowd)?);
    Attempt::new(ix::stake::abandon_committee(&by.pubkey(), next.epoch - 1, &by.pubkey()), &[&by])
}

fn propose_authority(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, who) = (crowd.authority(), crowd.anyone(dice));
    Attempt::new(ix::stake::propose_authority(&by.pubkey(), &who.pubkey()), &[&by])
}

fn lock_votes(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, amount) = (crowd.anyone(dice), dice.amount(20_000 * OPEN));
    let most = if dice.one_in(2) { 2 * MIN_LOCK_SLOTS } else { MAX_LOCK_SLOTS + 10 };
    let end = crowd.world.slot() + dice.between(MIN_LOCK_SLOTS - 10, most);
    Attempt::new(ix::stake::lock_votes(&who.pubkey(), &crowd.world.mint, amount, end), &[&who])
}

fn lock(crowd: &Crowd, dice: &mut Dice) -> Option<(VoteLock, program_tests::Key)> {
    let (_, lock) = crowd.some::<VoteLock>(dice)?;
    let owner = crowd.actor(&lock.owner)?;
    Some((lock, owner))
}

fn add_to_lock(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, owner) = lock(crowd, dice)?;
    Attempt::new(ix::stake::add_to_lock(&owner.pubkey(), &crowd.world.mint, dice.amount(1_000 * OPEN)), &[&owner])
}

fn extend_lock(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (lock, owner) = lock(crowd, dice)?;
    let most = crowd.world.slot() + MAX_LOCK_SLOTS;
    let end = if dice.one_in(3) { most } else { lock.end_slot.saturating_add(dice.amount(1_000_000)) };
    Attempt::new(ix::stake::extend_lock(&owner.pubkey(), end), &[&owner])
}

/// Tries to unlock votes. The lock has rarely ended, because its end is years away.
fn unlock_votes(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (lock, owner) = lock(crowd, dice)?;
    if dice.one_in(3) && lock.end_slot - crowd.world.slot().min(lock.end_slot) < 20_000_000 {
        crowd.pass(lock.end_slot.saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::stake::unlock_votes(&owner.pubkey(), &crowd.world.mint), &[])
}

fn delegate_votes(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let ((_, owner), who) = (lock(crowd, dice)?, crowd.anyone(dice));
    Attempt::new(ix::stake::delegate_votes(&owner.pubkey(), &who.pubkey()), &[&owner])
}
