//! Actions of delegators, judges and provers.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd, identity},
    dice::Dice,
};
use ::stake::{
    instructions::{ProposeNextCommitteeArgs, ProveEquivocationArgs, SlashAttestedArgs},
    roster::roster,
    state::{Committee, CommitteeStatus, Delegation, MAX_BPS, Operator, Pool, Position, Role},
};
use openledger_interface::{attestation, ix, pda};
use program_tests::{Key, OPEN, attest, stake as net};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("open_pool", 1, open_pool),
    ("set_commission", 1, set_commission),
    ("delegate", 3, delegate),
    ("undelegate", 3, undelegate),
    ("withdraw_delegation", 2, withdraw),
    ("rewards arrive", 2, reward),
    ("harvest", 2, harvest),
    ("claim_delegation_rewards", 2, claim),
    ("slash_attested", 1, slash_attested),
    ("slash_by_authority", 1, slash_by_authority),
    ("prove_equivocation", 1, prove),
    ("pay_insurance", 1, pay_insurance),
    ("propose_next_committee", 2, propose_next),
    ("seat_members", 4, seat),
    ("expire_committee", 1, expire_committee),
];

fn open_pool(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, operator) = crowd.some::<Operator>(dice)?;
    let who = crowd.actor(&operator.owner)?;
    Attempt::new(ix::stake::open_pool(&who.pubkey(), &crowd.world.mint, dice.between(0, 10_100) as u16), &[&who])
}

/// Some pool and its operator.
fn pool(crowd: &Crowd, dice: &mut Dice) -> Option<(Pool, Key)> {
    let (_, pool) = crowd.some::<Pool>(dice)?;
    let operator = crowd.actor(&pool.operator)?;
    Some((pool, operator))
}

fn set_commission(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, operator) = pool(crowd, dice)?;
    Attempt::new(ix::stake::set_commission(&operator.pubkey(), dice.below(5_000) as u16), &[&operator])
}

fn delegate(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let ((pool, _), who) = (pool(crowd, dice)?, crowd.anyone(dice));
    let amount = dice.amount(300 * OPEN);
    Attempt::new(ix::stake::delegate(&who.pubkey(), &crowd.world.mint, &pool.operator, amount), &[&who])
}

/// Some delegation, its owner and the operator.
fn delegation(crowd: &Crowd, dice: &mut Dice, fits: impl Fn(&Delegation) -> bool) -> Option<(Delegation, Key, Pubkey)> {
    let any = dice.one_in(6);
    let (_, delegation) = crowd.some_that(dice, |d: &Delegation| any || fits(d))?;
    let owner = crowd.actor(&delegation.owner)?;
    let operator = crowd.world.get::<Pool>(&delegation.pool).operator;
    Some((delegation, owner, operator))
}

fn undelegate(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (delegation, owner, operator) = delegation(crowd, dice, |d| d.shares > 0)?;
    let shares = match dice.below(4) {
        0 => delegation.shares,
        1 => u128::from(dice.next()),
        _ => delegation.shares / u128::from(dice.between(1, 9)),
    };
    Attempt::new(ix::stake::undelegate(&owner.pubkey(), &operator, shares), &[&owner])
}

fn withdraw(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (delegation, owner, operator) = delegation(crowd, dice, |d| d.unbonding_shares > 0)?;
    if dice.one_in(2) {
        crowd.pass(delegation.unbond_slot.saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::stake::withdraw_delegation(&owner.pubkey(), &crowd.world.mint, &operator), &[&owner])
}

fn reward(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let ((pool, _), who) = (pool(crowd, dice)?, crowd.anyone(dice));
    let (from, to, amount) =
        (crowd.world.ata(&who.pubkey()), pda::reward_vault(&pool.operator), dice.amount(50 * OPEN));
    let token = spl_token_interface::ID;
    let gift = spl_token_interface::instruction::transfer(&token, &from, &to, &who.pubkey(), &[], amount);
    Attempt::new(gift.expect("an instruction"), &[&who])
}

fn harvest(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (pool, _) = pool(crowd, dice)?;
    Attempt::new(ix::stake::harvest(&crowd.world.mint, &pool.operator), &[])
}

fn claim(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, owner, operator) = delegation(crowd, dice, |d| d.shares > 0)?;
    Attempt::new(ix::stake::claim_delegation_rewards(&owner.pubkey(), &crowd.world.mint, &operator), &[&owner])
}

fn slash_attested(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let ((subject, position), (epoch, key)) = (crowd.some::<Position>(dice)?, crowd.committee());
    let expiry_slot = crowd.world.slot() + 20;
    let args = SlashAttestedArgs { bps: dice.between(0, 2_000) as u16, evidence: dice.hash(), expiry_slot };
    let stake = crowd.world.get(&pda::stake_config());
    let message = attestation::fault(&stake, &subject, position.faults, &args);
    let slash = ix::stake::slash_attested(epoch, &position, args);
    Attempt::several(vec![attest::signed(&key, &message), slash], &[])
}

fn slash_by_authority(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, (_, position)) = (crowd.authority(), crowd.some::<Position>(dice)?);
    let bps = dice.between(0, u64::from(MAX_BPS) / 8) as u16;
    let slash = ix::stake::slash_by_authority(&by.pubkey(), &position, bps, [0xed; 32]);
    Attempt::new(slash, &[&by])
}

/// Two observations of one subject by a member; sometimes the same one twice, which proves nothing.
fn prove(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (epoch, _)) = (crowd.anyone(dice), crowd.committee());
    let members = crowd.world.get::<Committee>(&pda::committee(epoch)).members;
    let wallet = crowd.actor(dice.pick(&members)?)?;
    crowd.world.find::<Operator>(&pda::operator(&wallet.pubkey()))?;
    let args = ProveEquivocationArgs { epoch, subject: [dice.below(3) as u8; 32], sequence: dice.below(2) };
    let guilty = net::Operator { identity: identity(&wallet.pubkey()), wallet };
    let same = dice.one_in(4);
    let contents = [[1; 32], if same { [1; 32] } else { [2; 32] }];
    let [a, b] = contents.map(|content| net::observation(&crowd.world, &guilty, &args, content));
    let proof = ix::stake::prove_equivocation(
        &who.pubkey(),
        &crowd.world.get(&pda::position(&guilty.wallet.pubkey(), Role::Operator)),
        args,
    );
    let attempt = Attempt::several(vec![net::evidence(&guilty.identity, [&a, &b]), proof], &[&who])?;
    if same { attempt.forbidden() } else { Some(attempt) }
}

fn pay_insurance(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, who, amount) = (crowd.authority(), crowd.anyone(dice), dice.amount(OPEN));
    Attempt::new(ix::stake::pay_insurance(&by.pubkey(), &crowd.world.ata(&who.pubkey()), amount), &[&by])
}

/// The members that the present committee names as its successor: the operators with enough stake, in order.
fn heirs(crowd: &Crowd) -> Vec<Pubkey> {
    let staked = |o: &Pubkey| {
        let position = crowd.world.find::<Position>(&pda::position(o, Role::Operator));
        position.is_some_and(|p| p.amount >= net::MIN_OPERATOR)
    };
    let all = crowd.world.all::<Operator>().into_iter().map(|(_, o)| o.owner);
    all.filter(staked).take(2).collect()
}

fn propose_next(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (payer, (epoch, key), members) = (crowd.anyone(dice), crowd.committee(), heirs(crowd));
    let (size, expiry_slot) = (members.len() as u16, crowd.world.slot() + 20);
    let args = ProposeNextCommitteeArgs { threshold: size / 2 + 1, size, roster: roster(&members), expiry_slot };
    let message = attestation::next_committee(&crowd.world.get(&pda::stake_config()), &args);
    let attested = attest::signed(&key, &message);
    Attempt::several(vec![attested, ix::stake::propose_next_committee(&payer.pubkey(), epoch, args)], &[&payer])
}

/// The committee that is forming.
fn forming(crowd: &Crowd) -> Option<Committee> {
    let epoch = crowd.committee().0 + 1;
    crowd.world.find::<Committee>(&pda::committee(epoch)).filter(|c| c.status == CommitteeStatus::Forming)
}

fn seat(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let next = forming(crowd)?;
    let members = heirs(crowd);
    let left = members.get(next.members.len()..)?;
    let now = &left[..(dice.between(1, 2) as usize).min(left.len())];
    if now.is_empty() {
        return None;
    }
    Attempt::new(ix::stake::seat_members(next.epoch - 1, now, roster(&left[now.len()..])), &[])
}

fn expire_committee(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let epoch = crowd.committee().0;
    let next = crowd.world.find::<Committee>(&pda::committee(epoch + 1))?;
    if dice.one_in(3) {
        crowd.pass((next.deadline_slot + 1).saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::stake::expire_committee(epoch, &next.payer), &[])
}
