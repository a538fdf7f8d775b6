//! M1, M2, M3, M4: whatever wallets, payers and committees do, no token appears, vanishes or changes pools.

use ::payout::{
    events::Paid,
    state::{Config, POOLS, Pool, Shard},
};
use openledger_protocol::{allocate::largest_remainder, rewards::RewardTree};
use program_tests::{
    Key, OPEN, SUPPLY, World, key,
    payout::{self, CHALLENGE_SLOTS, EPOCH_SLOTS, Market, claim_args, settlement_args},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use solana_keypair::Signer;

const SHARDS: u8 = 3;
const EARNERS: usize = 4;

/// What somebody does next.
#[derive(Clone, Debug)]
enum Step {
    /// A fee is paid into a shard.
    Pay { shard: u8, amount: u64 },
    /// The epoch ends: part of each pool's unassigned funding (in parts per 255) goes to the earners by weight.
    Settle { share: [u8; POOLS], weights: [u64; EARNERS] },
    /// The posted settlement is activated, if its window is over.
    Activate,
    /// Somebody claims for an earner from a shard.
    Claim { earner: usize, shard: u8, pool: bool },
    /// Time passes.
    Wait { slots: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SHARDS, 1..3_000 * OPEN).prop_map(|(shard, amount)| Step::Pay { shard, amount }),
        2 => (any::<[u8; POOLS]>(), prop::array::uniform4(0..100u64))
            .prop_map(|(share, weights)| Step::Settle { share, weights }),
        2 => Just(Step::Activate),
        6 => (0..EARNERS, 0..SHARDS, any::<bool>())
            .prop_map(|(earner, shard, pool)| Step::Claim { earner, shard, pool }),
        2 => (1..150u64).prop_map(|slots| Step::Wait { slots }),
    ]
}

/// The world and what an honest committee knows of it.
struct Run {
    world: World,
    market: Market,
    payer: Key,
    earners: Vec<Key>,
    lifetimes: [[u64; EARNERS]; POOLS],
    /// Trees of the posted and of the active settlement.
    trees: [Option<[RewardTree; POOLS]>; 2],
}

impl Run {
    fn new() -> Self {
        let (mut world, market) = World::with_market(SHARDS, 1);
        let payer = world.wallet(1_000_000 * OPEN);
        let earners = (0..EARNERS).map(|_| world.wallet(0)).collect();
        Self { world, market, payer, earners, lifetimes: Default::default(), trees: [None, None] }
    }

    fn shards(&self) -> Vec<Shard> {
        (0..SHARDS).map(|i| self.world.get(&payout::shard(i))).collect()
    }

    fn sum(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.shards().iter().map(of).sum()
    }

    fn tree(&self, pool: usize) -> RewardTree {
        let leaves = self.earners.iter().zip(self.lifetimes[pool]).map(|(e, l)| (e.pubkey().to_bytes(), l));
        RewardTree::new(leaves).unwrap()
    }

    /// Takes the step if the program lets it, and returns whether it did.
    fn take(&mut self, step: &Step) -> bool {
        let config = self.world.get::<Config>(&payout::config());
        match *step {
            Step::Wait { slots } => self.world.pass(slots),
            Step::Pay { shard, amount } => {
                let pay = self.market.pay(&self.world, &self.payer.pubkey(), shard, [1; 32], amount);
                let e = self.world.send(&[pay], &[&self.payer]).unwrap().event::<Paid>();
                let parts = e.treasury + e.model_owner + e.upstream + e.compute + e.validators + e.contributors;
                assert_eq!(parts, amount);
            }
            Step::Settle { share, weights } => {
                if self.trees[0].is_some() || self.world.slot() < config.epoch_start_slot + EPOCH_SLOTS {
                    return false;
                }
                for (pool, share) in share.into_iter().enumerate() {
                    let free = self.sum(|s| s.funded[pool]) - config.posted[pool].lifetime_total;
                    let given = (free as u128 * share as u128 / 255) as u64;
                    let parts = largest_remainder(given, &weights);
                    for (lifetime, part) in self.lifetimes[pool].iter_mut().zip(parts) {
                        *lifetime += part;
                    }
                }
                let trees = [self.tree(0), self.tree(1)];
                let args = settlement_args(&self.world, [&trees[0], &trees[1]]);
                self.market.post(&mut self.world, &args).unwrap();
                self.trees[0] = Some(trees);
            }
            Step::Activate => {
                let done = self.world.send(&[payout::activate_settlement(config.epoch - 1)], &[]).is_ok();
                if done {
                    self.trees[1] = self.trees[0].take();
                }
                return done;
            }
            Step::Claim { earner, shard, pool } => {
                let pool = if pool { Pool::Contributors } else { Pool::Validators };
                let Some(trees) = &self.trees[1] else { return false };
                let wallet = self.earners[earner].pubkey();
                let args = claim_args(&trees[pool as usize], pool, &wallet);
                let before = self.world.open_of(&wallet);
                let claim = payout::claim(&self.world, &self.payer.pubkey(), &wallet, shard, args.clone());
                let done = self.world.send(&[claim], &[&self.payer]).is_ok();
                let paid = self.world.open_of(&wallet) - before;
                assert!(paid <= args.lifetime && done == (paid > 0));
                return done;
            }
        }
        true
    }

    /// What must hold after every step.
    fn check(&self) {
        let config = self.world.get::<Config>(&payout::config());
        for (i, shard) in self.shards().iter().enumerate() {
            let held: u64 = shard.funded.iter().sum::<u64>() - shard.claimed.iter().sum::<u64>();
            assert_eq!(self.world.balance(&payout::vault(i as u8)), held, "shard {i} holds funded - claimed");
            for pool in 0..POOLS {
                assert!(shard.claimed[pool] <= shard.funded[pool], "shard {i} paid pool {pool} from the other");
            }
        }
        for pool in 0..POOLS {
            let (funded, claimed) = (self.sum(|s| s.funded[pool]), self.sum(|s| s.claimed[pool]));
            assert!(config.active[pool].lifetime_total <= config.posted[pool].lifetime_total);
            assert!(config.posted[pool].lifetime_total <= funded && claimed <= config.active[pool].lifetime_total);
        }
        let mut tokens: Vec<_> = vec![key("bank account").pubkey(), payout::treasury()];
        tokens.extend((0..SHARDS).map(payout::vault));
        let wallets = [&self.payer, &self.market.model_owner, &self.market.committee.members[0].wallet];
        tokens.extend(wallets.into_iter().chain(&self.earners).map(|k| self.world.ata(&k.pubkey())));
        tokens.push(program_tests::stake::vault());
        assert_eq!(tokens.iter().map(|t| self.world.balance(t)).sum::<u64>(), SUPPLY, "no OPEN appears or vanishes");
    }
}

proptest! {
    #![proptest_config(Runs { cases: 12, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Runs::default() })]

    #[test]
    fn no_sequence_of_payments_settlements_and_claims_breaks_the_books(steps in vec(step(), 10..40)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
        // In the end everyone can be paid everything: claims round after round until nothing is left.
        run.world.pass(EPOCH_SLOTS + CHALLENGE_SLOTS);
        run.take(&Step::Settle { share: [255; POOLS], weights: [1, 2, 3, 4] });
        run.world.pass(CHALLENGE_SLOTS);
        run.take(&Step::Activate);
        for _ in 0..100 {
            let mut paid = false;
            for earner in 0..EARNERS {
                for shard in 0..SHARDS {
                    for pool in [false, true] {
                        paid |= run.take(&Step::Claim { earner, shard, pool });
                    }
                }
            }
            run.check();
            run.world.pass(payout::BREAKER_SLOTS);
            if !paid {
                break;
            }
        }
        for pool in 0..POOLS {
            let promised: u64 = run.lifetimes[pool].iter().sum();
            let activated = run.world.get::<Config>(&payout::config()).active[pool].lifetime_total;
            prop_assert!(run.trees[0].is_some() || promised == activated);
            prop_assert_eq!(run.sum(|s| s.claimed[pool]), activated);
        }
    }
}
