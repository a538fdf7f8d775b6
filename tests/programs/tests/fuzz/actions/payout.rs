//! Payers, settlements, claimants.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use ::model::state::{Model, ModelStatus};
use ::payout::state::{Config, FeeShares, POOLS, Pool, Settlement, SettlementStatus, Shard};
use ::stake::state::Committee;
use openledger_protocol::{allocate::largest_remainder, attest::Kind, rewards::RewardTree};
use program_tests::{
    OPEN, attest,
    payout::{self as net, Market, claim_args, settlement_args},
    stake::{self, Operator},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("create_shard", 1, create_shard),
    ("set_fees", 1, set_fees),
    ("pay", 12, pay),
    ("post_settlement", 6, post),
    ("activate_settlement", 6, activate),
    ("claim", 14, claim),
];

fn create_shard(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, shards) = (crowd.authority(), crowd.world.get::<Config>(&net::config()).shards);
    // A few are enough to choose from.
    let index = if dice.one_in(4) { dice.next() as u8 } else { shards };
    if shards >= 5 { None } else { Attempt::new(net::create_shard(&crowd.world, &by.pubkey(), index), &[&by]) }
}

fn set_fees(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let by = crowd.authority();
    let weights: Vec<u64> = (0..6).map(|_| dice.below(100)).collect();
    let whole = if dice.one_in(6) { dice.below(20_000) } else { 10_000 };
    let parts = largest_remainder(whole, &weights);
    let part = |i: usize| parts[i] as u16;
    let next = FeeShares {
        treasury: part(0),
        model_owner: part(1),
        upstream: part(2),
        compute: part(3),
        validators: part(4),
        contributors: part(5),
    };
    Attempt::new(net::set_fees(&by.pubkey(), next), &[&by])
}

fn pay(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (_, shard)) = (crowd.anyone(dice), crowd.some::<Shard>(dice)?);
    let (model, _) = crowd.some_that(dice, |m: &Model| m.status == ModelStatus::Ready)?;
    let epoch = crowd.committee().0;
    let committee = crowd.world.get::<Committee>(&stake::committee(epoch));
    let operator = crowd.actor(dice.pick(&committee.members)?)?;
    let members = vec![Operator { identity: crate::crowd::identity(&operator.pubkey()), wallet: operator }];
    let committee = stake::Committee { epoch, members, key: attest::group_key(epoch as u8) };
    let market = Market { committee, model, model_owner: who.insecure_clone() };
    let amount = dice.amount(500 * OPEN);
    Attempt::new(market.pay(&crowd.world, &who.pubkey(), shard.index, dice.hash(), amount), &[&who])
}

/// The tree before, with part of what is free given to some actors by weight.
fn grown(crowd: &Crowd, dice: &mut Dice, pool: usize) -> RewardTree {
    let funded: u64 = crowd.world.all::<Shard>().iter().map(|(_, s)| s.funded[pool]).sum();
    let free = funded - crowd.posted[pool].total();
    let given = if dice.one_in(4) { free } else { free / dice.between(2, 9) };
    let weights: Vec<u64> = crowd.actors.iter().map(|_| dice.below(50)).collect();
    let parts = largest_remainder(given, &weights);
    let mut leaves: std::collections::BTreeMap<[u8; 32], u64> = crowd.posted[pool].leaves().iter().copied().collect();
    for (actor, part) in crowd.actors.iter().zip(parts) {
        *leaves.entry(actor.pubkey().to_bytes()).or_default() += part;
    }
    RewardTree::new(leaves).expect("no wallet twice")
}

fn post(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (payer, (epoch, key)) = (crowd.anyone(dice), crowd.committee());
    let trees = [grown(crowd, dice, 0), grown(crowd, dice, 1)];
    let mut args = settlement_args(&crowd.world, [&trees[0], &trees[1]]);
    let mut honest = true;
    if dice.one_in(5) {
        // A committee that lies about one number.
        honest = false;
        let total = &mut args.pools[dice.below(2) as usize].lifetime_total;
        *total = if dice.one_in(2) { dice.amount(*total) } else { total.saturating_add(dice.amount(OPEN)) };
        honest |= args == settlement_args(&crowd.world, [&trees[0], &trees[1]]);
    }
    let config = crowd.world.get::<Config>(&net::config());
    let (cluster, subject) = (crowd.world.cluster, net::config());
    let expiry = args.expiry_slot;
    let message =
        attest::message(cluster, ::payout::ID, epoch, Kind::Settlement, subject, config.sequence, &args, expiry);
    if !honest {
        // What it would divide must be refused, or be no more than there is; histories go on from honest ones alone.
        let bad = args.pools.iter().zip(&config.posted).zip(funding(crowd)).any(|((after, before), funded)| {
            after.lifetime_total < before.lifetime_total || after.lifetime_total > funded
        });
        if !bad {
            return None;
        }
    }
    let instruction = net::post_settlement(&payer.pubkey(), args, epoch, config.shards);
    let attempt = Attempt::several(vec![attest::signed(&key, &message), instruction], &[&payer])?;
    if honest { attempt.then(move |crowd| crowd.posted = trees) } else { attempt.forbidden() }
}

fn funding(crowd: &Crowd) -> [u64; POOLS] {
    let shards = crowd.world.all::<Shard>();
    std::array::from_fn(|pool| shards.iter().map(|(_, s)| s.funded[pool]).sum())
}

fn activate(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, settlement) = crowd.some_that(dice, |s: &Settlement| s.status == SettlementStatus::Posted)?;
    Attempt::new(net::activate_settlement(settlement.epoch), &[])
}

fn claim(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let payer = crowd.anyone(dice);
    let pool = if dice.one_in(2) { Pool::Contributors } else { Pool::Validators };
    let tree = &crowd.active[pool as usize];
    let (wallet, _) = dice.pick(tree.leaves())?;
    let wallet = Pubkey::new_from_array(*wallet);
    let mut args = claim_args(tree, pool, &wallet);
    if dice.one_in(6) {
        args.lifetime = dice.amount(args.lifetime);
    }
    if dice.one_in(10) {
        args.pool = if pool == Pool::Contributors { Pool::Validators } else { Pool::Contributors };
    }
    let (_, shard) = crowd.some::<Shard>(dice)?;
    Attempt::new(net::claim(&crowd.world, &payer.pubkey(), &wallet, shard.index, args), &[&payer])
}
