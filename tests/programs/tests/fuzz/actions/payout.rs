//! Actions of payers, committees and claimants.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use ::model::state::{Model, ModelStatus};
use ::payout::state::{Balance, Challenge, Config, POOLS, Pool, Settlement, SettlementStatus, Shard};
use ::stake::state::Committee;
use openledger_interface::{attestation, ix, pda};
use openledger_protocol::{allocate::largest_remainder, rewards::RewardTree};
use program_tests::{
    Key, OPEN, attest,
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
    ("fund", 2, fund),
    ("challenge_settlement", 3, challenge),
    ("resolve_challenge", 3, resolve),
    ("expire_challenge", 2, expire_challenge),
    ("deposit_balance", 3, deposit),
    ("request_balance_withdrawal", 2, request),
    ("withdraw_balance", 2, withdraw),
    ("debit_balance", 4, debit),
    ("sweep_dust", 1, sweep),
];

fn create_shard(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, shards) = (crowd.authority(), crowd.world.get::<Config>(&pda::payout_config()).shards);
    // A few shards are enough.
    let index = if dice.one_in(4) { dice.next() as u8 } else { shards };
    if shards >= 5 {
        None
    } else {
        Attempt::new(ix::payout::create_shard(&by.pubkey(), &crowd.world.mint, index), &[&by])
    }
}

/// Moves some basis points from one share to another, sometimes more than the bounds allow.
fn set_fees(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let by = crowd.authority();
    let mut next = crowd.world.get::<Config>(&pda::payout_config()).fees;
    let most = if dice.one_in(4) { 10_000 } else { 200 };
    let shares = [
        &mut next.treasury,
        &mut next.model_owner,
        &mut next.upstream,
        &mut next.compute,
        &mut next.validators,
        &mut next.contributors,
    ];
    let (from, to, moved) = (dice.below(6) as usize, dice.below(6) as usize, dice.below(most) as u16);
    let moved = moved.min(*shares[from]);
    *shares[from] -= moved;
    *shares[to] += if dice.one_in(10) { moved + 1 } else { moved };
    Attempt::new(ix::payout::set_fees(&by.pubkey(), next), &[&by])
}

/// Some ready model, and a member of the committee that answers with it.
fn market(crowd: &Crowd, dice: &mut Dice) -> Option<Market> {
    let (model, state) = crowd.some_that(dice, |m: &Model| m.status == ModelStatus::Ready)?;
    let (epoch, key) = crowd.committee();
    let committee = crowd.world.get::<Committee>(&pda::committee(epoch));
    let operator = crowd.actor(dice.pick(&committee.members)?)?;
    crowd.world.find::<::stake::state::Operator>(&pda::operator(&operator.pubkey()))?;
    let members = vec![Operator { identity: crate::crowd::identity(&operator.pubkey()), wallet: operator }];
    let model_owner = crowd.actor(&state.owner)?;
    Some(Market { committee: stake::Committee { epoch, members, key }, model, model_owner })
}

fn pay(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (_, shard)) = (crowd.anyone(dice), crowd.some::<Shard>(dice)?);
    let market = market(crowd, dice)?;
    let amount = dice.amount(500 * OPEN);
    Attempt::new(market.pay(&crowd.world, &who.pubkey(), shard.index, dice.hash(), amount), &[&who])
}

fn fund(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (_, shard), amount) = (crowd.anyone(dice), crowd.some::<Shard>(dice)?, dice.amount(50 * OPEN));
    let pool = if dice.one_in(2) { Pool::Contributors } else { Pool::Validators };
    let subject = Pubkey::new_from_array(dice.hash());
    Attempt::new(ix::payout::fund(&who.pubkey(), &crowd.world.mint, shard.index, pool, &subject, amount), &[&who])
}

fn challenge(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, any) = (crowd.anyone(dice), dice.one_in(4));
    let (_, settlement) = crowd.some_that(dice, |s: &Settlement| any || s.status == SettlementStatus::Posted)?;
    Attempt::new(
        ix::payout::challenge_settlement(
            &who.pubkey(),
            &crowd.world.mint,
            &crowd.world.get(&pda::settlement(settlement.epoch)),
            net::evidence(),
        ),
        &[&who],
    )
}

fn resolve(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (by, (address, _)) = (crowd.authority(), crowd.some::<Challenge>(dice)?);
    Attempt::new(
        ix::payout::resolve_challenge(
            &by.pubkey(),
            &crowd.world.mint,
            &net::treasury(),
            &crowd.world.get(&address),
            dice.one_in(2),
        ),
        &[&by],
    )
}

fn expire_challenge(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, challenge) = crowd.some::<Challenge>(dice)?;
    if dice.one_in(2) {
        crowd.pass((challenge.resolve_by + 1).saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::payout::expire_challenge(&crowd.world.mint, &crowd.world.get(&address)), &[])
}

fn deposit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, amount) = (crowd.anyone(dice), dice.amount(100 * OPEN));
    Attempt::new(ix::payout::deposit_balance(&who.pubkey(), &crowd.world.mint, amount), &[&who])
}

fn balance(crowd: &Crowd, dice: &mut Dice) -> Option<(Balance, Key)> {
    let (_, balance) = crowd.some::<Balance>(dice)?;
    let owner = crowd.actor(&balance.owner)?;
    Some((balance, owner))
}

fn request(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (balance, owner) = balance(crowd, dice)?;
    let amount = if dice.one_in(3) { balance.amount } else { dice.amount(balance.amount) };
    Attempt::new(ix::payout::request_balance_withdrawal(&owner.pubkey(), amount), &[&owner])
}

fn withdraw(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let any = dice.one_in(4);
    let (_, balance) = crowd.some_that(dice, |b: &Balance| any || b.withdrawing > 0)?;
    let owner = crowd.actor(&balance.owner)?;
    if dice.one_in(2) {
        crowd.pass(balance.withdraw_slot.saturating_sub(crowd.world.slot()));
    }
    Attempt::new(ix::payout::withdraw_balance(&owner.pubkey(), &crowd.world.mint), &[&owner])
}

fn debit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (balance, owner) = balance(crowd, dice)?;
    let (market, (_, shard)) = (market(crowd, dice)?, crowd.some::<Shard>(dice)?);
    let used = balance.debited.saturating_add(dice.amount(balance.amount / 2));
    let args = market.debit_args(&crowd.world, used);
    let attested = market.metered(&crowd.world, &owner.pubkey(), &args);
    Attempt::several(vec![attested, market.debit(&crowd.world, &owner.pubkey(), shard.index, args)], &[])
}

/// A stranger's gift to a vault and its sweep in one transaction, because an unswept gift would unbalance the books.
fn sweep(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (address, shard)) = (crowd.anyone(dice), crowd.some::<Shard>(dice)?);
    let (from, amount) = (crowd.world.ata(&who.pubkey()), dice.between(1, 1_000));
    let token = spl_token_interface::ID;
    let gift = spl_token_interface::instruction::transfer(&token, &from, &shard.vault, &who.pubkey(), &[], amount);
    Attempt::several(
        vec![gift.expect("an instruction"), ix::payout::sweep_dust(&address, &shard.vault, &net::treasury())],
        &[&who],
    )
}

/// The previous tree, with a part of the unassigned funding added to some actors by weight.
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
        // The committee lies about one number.
        honest = false;
        let total = &mut args.pools[dice.below(2) as usize].lifetime_total;
        *total = if dice.one_in(2) { dice.amount(*total) } else { total.saturating_add(dice.amount(OPEN)) };
        honest |= args == settlement_args(&crowd.world, [&trees[0], &trees[1]]);
    }
    let config = crowd.world.get::<Config>(&pda::payout_config());
    let message = attestation::settlement(&crowd.world.get(&pda::stake_config()), config.sequence, &args);
    if !honest {
        // The lie must be refused, or divide no more than there is. Histories continue only from honest settlements.
        let bad = args.pools.iter().zip(&config.posted).zip(funding(crowd)).any(|((after, before), funded)| {
            after.lifetime_total < before.lifetime_total || after.lifetime_total > funded
        });
        if !bad {
            return None;
        }
    }
    let instruction = ix::payout::post_settlement(&payer.pubkey(), epoch, config.shards, args);
    let attempt = Attempt::several(vec![attest::signed(&key, &message), instruction], &[&payer])?;
    if honest { attempt.then(move |crowd| crowd.posted = trees) } else { attempt.forbidden() }
}

fn funding(crowd: &Crowd) -> [u64; POOLS] {
    let shards = crowd.world.all::<Shard>();
    std::array::from_fn(|pool| shards.iter().map(|(_, s)| s.funded[pool]).sum())
}

fn activate(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (_, settlement) = crowd.some_that(dice, |s: &Settlement| s.status == SettlementStatus::Posted)?;
    Attempt::new(ix::payout::activate_settlement(settlement.epoch), &[])
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
    Attempt::new(ix::payout::claim(&payer.pubkey(), &wallet, &crowd.world.mint, shard.index, args), &[&payer])
}
