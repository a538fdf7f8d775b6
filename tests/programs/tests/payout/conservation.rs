//! M1, M2, M3, M4: no actions of wallets, payers, challengers and committees make tokens, lose tokens, or move them
//! between pools.

use ::payout::{
    events::{BalanceDebited, Paid},
    state::{Balance, Config, POOLS, Pool, Settlement, Shard},
};
use openledger_interface::{ix, pda};
use openledger_protocol::{allocate::largest_remainder, rewards::RewardTree};
use program_tests::{
    Key, OPEN, SUPPLY, World, key,
    payout::{
        self, CHALLENGE_SLOTS, EPOCH_SLOTS, Market, RESOLVE_SLOTS, WITHDRAWAL_SLOTS, claim_args, settlement_args,
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const SHARDS: u8 = 3;
const EARNERS: usize = 4;
/// The shards' vaults and the payer's prepaid one.
const VAULTS: usize = SHARDS as usize + 1;

/// A step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A fee is paid into a shard.
    Pay { shard: u8, amount: u64 },
    /// Somebody pays into a pool without an answer.
    Fund { shard: u8, amount: u64, pool: bool },
    /// The epoch ends: part of each pool's unassigned funding (in parts per 255) goes to the earners by weight.
    Settle { share: [u8; POOLS], weights: [u64; EARNERS] },
    /// The posted settlement is activated, if its window is over.
    Activate,
    /// The posted settlement is challenged, if its window is open.
    Challenge,
    /// The authority decides the challenge.
    Resolve { uphold: bool },
    /// Somebody expires the challenge.
    Expire,
    /// Somebody claims for an earner from a shard.
    Claim { earner: usize, shard: u8, pool: bool },
    /// The payer deposits into its prepaid balance.
    Deposit { amount: u64 },
    /// A debit of `part` 200ths of what the balance holds.
    Debit { shard: u8, part: u64 },
    /// The payer requests `part` hundredths of its balance back.
    Request { part: u64 },
    /// The payer withdraws what it requested.
    Withdraw,
    /// A stranger sends tokens to a vault.
    Gift { vault: usize, amount: u64 },
    /// Somebody sweeps a vault.
    Sweep { vault: usize },
    /// The authority pauses the program.
    Pause { slots: u64 },
    /// Time passes.
    Wait { slots: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SHARDS, 1..2_000 * OPEN).prop_map(|(shard, amount)| Step::Pay { shard, amount }),
        1 => (0..SHARDS, 1..1_000 * OPEN, any::<bool>())
            .prop_map(|(shard, amount, pool)| Step::Fund { shard, amount, pool }),
        3 => (any::<[u8; POOLS]>(), prop::array::uniform4(0..100u64))
            .prop_map(|(share, weights)| Step::Settle { share, weights }),
        3 => Just(Step::Activate),
        2 => Just(Step::Challenge),
        2 => any::<bool>().prop_map(|uphold| Step::Resolve { uphold }),
        1 => Just(Step::Expire),
        6 => (0..EARNERS, 0..SHARDS, any::<bool>())
            .prop_map(|(earner, shard, pool)| Step::Claim { earner, shard, pool }),
        2 => (1..3_000 * OPEN).prop_map(|amount| Step::Deposit { amount }),
        3 => (0..SHARDS, 0..220u64).prop_map(|(shard, part)| Step::Debit { shard, part }),
        1 => (0..110u64).prop_map(|part| Step::Request { part }),
        1 => Just(Step::Withdraw),
        1 => (0..VAULTS, 1..OPEN).prop_map(|(vault, amount)| Step::Gift { vault, amount }),
        1 => (0..VAULTS).prop_map(|vault| Step::Sweep { vault }),
        1 => (1..40u64).prop_map(|slots| Step::Pause { slots }),
        3 => (1..150u64).prop_map(|slots| Step::Wait { slots }),
    ]
}

/// The world, and an honest committee's knowledge of it.
struct Run {
    world: World,
    market: Market,
    payer: Key,
    earners: Vec<Key>,
    /// Lifetimes of the posted and of the active settlement.
    lifetimes: [[[u64; EARNERS]; POOLS]; 2],
    /// Trees of the posted (while it waits) and of the active settlement.
    trees: [Option<[RewardTree; POOLS]>; 2],
    /// The open challenge.
    challenge: Option<Pubkey>,
    /// Base units that strangers sent to each vault since it was swept.
    gifts: [u64; VAULTS],
}

impl Run {
    fn new() -> Self {
        let (mut world, market) = World::with_market(SHARDS, 1);
        let payer = world.wallet(1_000_000 * OPEN);
        let earners = (0..EARNERS).map(|_| world.wallet(0)).collect();
        world.send(&[ix::payout::deposit_balance(&payer.pubkey(), &world.mint, 1)], &[&payer]).unwrap();
        let (lifetimes, trees, gifts) = Default::default();
        Self { world, market, payer, earners, lifetimes, trees, challenge: None, gifts }
    }

    fn shards(&self) -> Vec<Shard> {
        (0..SHARDS).map(|i| self.world.get(&pda::shard(i))).collect()
    }

    fn sum(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.shards().iter().map(of).sum()
    }

    fn config(&self) -> Config {
        self.world.get(&pda::payout_config())
    }

    fn balance(&self) -> Balance {
        self.world.get(&pda::prepaid_balance(&self.payer.pubkey()))
    }

    fn tree(&self, pool: usize) -> RewardTree {
        let leaves = self.earners.iter().zip(self.lifetimes[0][pool]).map(|(e, l)| (e.pubkey().to_bytes(), l));
        RewardTree::new(leaves).unwrap()
    }

    /// Each vault with the account that owns it.
    fn vault(&self, vault: usize) -> (Pubkey, Pubkey) {
        let me = self.payer.pubkey();
        match u8::try_from(vault) {
            Ok(shard) if shard < SHARDS => (pda::shard(shard), pda::vault(shard)),
            _ => (pda::prepaid_balance(&me), pda::prepaid_vault(&me)),
        }
    }

    /// The counted base units of each vault.
    fn counted(&self) -> Vec<u64> {
        let shards = self.shards();
        shards.iter().map(|s| s.held().unwrap()).chain([self.balance().amount]).collect()
    }

    /// Sends as the payer. Returns whether it was accepted.
    fn sends(&mut self, instruction: Instruction) -> bool {
        self.world.send(&[instruction], &[&self.payer]).is_ok()
    }

    /// Sends as anyone.
    fn anyone(&mut self, instruction: Instruction) -> bool {
        self.world.send(&[instruction], &[]).is_ok()
    }

    /// Sends as the authority.
    fn rules(&mut self, instruction: Instruction) -> bool {
        let authority = self.world.authority.insecure_clone();
        self.world.send(&[instruction], &[&authority]).is_ok()
    }

    /// Takes the step if the program lets it, and returns whether it did.
    fn take(&mut self, step: &Step) -> bool {
        let (config, me, authority) = (self.config(), self.payer.pubkey(), self.world.authority.pubkey());
        let slot = self.world.slot();
        let running = slot >= config.paused_until;
        match *step {
            Step::Wait { slots } => self.world.pass(slots),
            Step::Pause { slots } => assert!(self.rules(ix::payout::pause(&authority, slot + slots))),
            Step::Pay { shard, amount } => {
                let pay = self.market.pay(&self.world, &me, shard, [1; 32], amount);
                let sent = self.world.send(&[pay], &[&self.payer]);
                assert_eq!(sent.is_ok(), running);
                let Ok(sent) = sent else { return false };
                whole(&sent.event(), amount);
            }
            Step::Fund { shard, amount, pool } => {
                let pool = if pool { Pool::Contributors } else { Pool::Validators };
                let fund = ix::payout::fund(&me, &self.world.mint, shard, pool, &me, amount);
                assert!(self.sends(fund));
            }
            Step::Settle { share, weights } => {
                let ended = config.posted_epoch + 1 < config.epoch;
                let over = ended || slot >= config.epoch_start_slot + EPOCH_SLOTS;
                if self.trees[0].is_some() || !over || !running {
                    return false;
                }
                for (pool, share) in share.into_iter().enumerate() {
                    let free = self.sum(|s| s.funded[pool]) - config.posted[pool].lifetime_total;
                    let given = (free as u128 * share as u128 / 255) as u64;
                    let parts = largest_remainder(given, &weights);
                    for (lifetime, part) in self.lifetimes[0][pool].iter_mut().zip(parts) {
                        *lifetime += part;
                    }
                }
                let trees = [self.tree(0), self.tree(1)];
                let args = settlement_args(&self.world, [&trees[0], &trees[1]]);
                self.market.post(&mut self.world, &args).unwrap();
                self.trees[0] = Some(trees);
            }
            Step::Activate => {
                let activate = ix::payout::activate_settlement(config.posted_epoch);
                let done = self.anyone(activate);
                assert!(!done || (running && self.challenge.is_none()));
                if done {
                    (self.trees[1], self.lifetimes[1]) = (self.trees[0].take(), self.lifetimes[0]);
                }
                return done;
            }
            Step::Challenge => {
                if self.trees[0].is_none() {
                    return false;
                }
                let posted = self.world.get::<Settlement>(&pda::settlement(config.posted_epoch));
                let challenge = ix::payout::challenge_settlement(
                    &me,
                    &self.world.mint,
                    &self.world.get(&pda::settlement(config.posted_epoch)),
                    payout::evidence(),
                );
                let done = self.challenge.is_none() && self.sends(challenge);
                if done {
                    self.challenge = Some(pda::challenge(posted.sequence, posted.challenges));
                }
                return done;
            }
            Step::Resolve { uphold } => {
                let Some(challenge) = self.challenge.take() else { return false };
                assert!(self.rules(ix::payout::resolve_challenge(
                    &authority,
                    &self.world.mint,
                    &payout::treasury(),
                    &self.world.get(&challenge),
                    uphold
                )));
                if uphold {
                    (self.trees[0], self.lifetimes[0]) = (None, self.lifetimes[1]);
                }
            }
            Step::Expire => {
                let Some(challenge) = self.challenge else { return false };
                let done = self.anyone(ix::payout::expire_challenge(&self.world.mint, &self.world.get(&challenge)));
                if done {
                    self.challenge = None;
                }
                return done;
            }
            Step::Claim { earner, shard, pool } => {
                let pool = if pool { Pool::Contributors } else { Pool::Validators };
                let Some(trees) = &self.trees[1] else { return false };
                let wallet = self.earners[earner].pubkey();
                let args = claim_args(&trees[pool as usize], pool, &wallet);
                let before = self.world.open_of(&wallet);
                let claim = ix::payout::claim(&me, &wallet, &self.world.mint, shard, args.clone());
                let done = self.sends(claim);
                let paid = self.world.open_of(&wallet) - before;
                assert!(paid <= args.lifetime && done == (paid > 0) && (running || !done));
                return done;
            }
            Step::Deposit { amount } => assert!(self.sends(ix::payout::deposit_balance(&me, &self.world.mint, amount))),
            Step::Debit { shard, part } => {
                let before = self.balance();
                let taken = (before.amount as u128 * part as u128 / 200) as u64;
                let sent = self.market.send_debit(&mut self.world, &me, shard, before.debited + taken);
                assert_eq!(sent.is_ok(), running && taken > 0 && taken <= before.amount);
                let Ok(sent) = sent else { return false };
                whole(&sent.event(), taken);
                let left = sent.event::<BalanceDebited>();
                assert_eq!((left.taken, left.amount), (taken, before.amount - taken));
                assert!(left.withdrawing <= left.amount);
            }
            Step::Request { part } => {
                let amount = (self.balance().amount as u128 * part as u128 / 100) as u64;
                return self.sends(ix::payout::request_balance_withdrawal(&me, amount));
            }
            Step::Withdraw => {
                let (state, before) = (self.balance(), self.world.open_of(&me));
                let done = self.sends(ix::payout::withdraw_balance(&me, &self.world.mint));
                assert_eq!(done, state.withdrawing > 0 && slot >= state.withdraw_slot);
                assert_eq!(self.world.open_of(&me) - before, if done { state.withdrawing } else { 0 });
                return done;
            }
            Step::Gift { vault, amount } => {
                let (from, to) = (self.world.ata(&me), self.vault(vault).1);
                let gift =
                    spl_token_interface::instruction::transfer(&spl_token_interface::ID, &from, &to, &me, &[], amount);
                assert!(self.sends(gift.unwrap()));
                self.gifts[vault] += amount;
            }
            Step::Sweep { vault } => {
                let (holder, address) = self.vault(vault);
                let before = self.world.balance(&payout::treasury());
                let done = self.anyone(ix::payout::sweep_dust(&holder, &address, &payout::treasury()));
                assert_eq!(done, self.gifts[vault] > 0);
                assert_eq!(self.world.balance(&payout::treasury()) - before, std::mem::take(&mut self.gifts[vault]));
                return done;
            }
        }
        true
    }

    /// Checks the rules that must hold after every step.
    fn check(&self) {
        let config = self.config();
        for (vault, counted) in self.counted().into_iter().enumerate() {
            let holds = self.world.balance(&self.vault(vault).1);
            assert_eq!(holds, counted + self.gifts[vault], "vault {vault} holds what is counted and what was sent");
        }
        for (i, shard) in self.shards().iter().enumerate() {
            for pool in 0..POOLS {
                assert!(shard.claimed[pool] <= shard.funded[pool], "shard {i} paid pool {pool} from the other");
            }
        }
        for pool in 0..POOLS {
            let (funded, claimed) = (self.sum(|s| s.funded[pool]), self.sum(|s| s.claimed[pool]));
            assert!(config.active[pool].lifetime_total <= config.posted[pool].lifetime_total);
            assert!(config.posted[pool].lifetime_total <= funded && claimed <= config.active[pool].lifetime_total);
            let lifetimes = |which: usize| self.lifetimes[which][pool].iter().sum::<u64>();
            assert_eq!(config.posted[pool].lifetime_total, lifetimes(0), "what was rejected is not posted");
            assert_eq!(config.active[pool].lifetime_total, lifetimes(1));
        }
        assert_eq!(config.posted_epoch - config.active_epoch, u64::from(self.trees[0].is_some()));
        let mut tokens: Vec<_> = vec![key("bank account").pubkey(), payout::treasury()];
        tokens.extend((0..VAULTS).map(|v| self.vault(v).1));
        tokens.extend(self.challenge.map(|c| pda::challenge_bond(&c)));
        let wallets = [&self.payer, &self.market.model_owner, &self.market.committee.members[0].wallet];
        tokens.extend(wallets.into_iter().chain(&self.earners).map(|k| self.world.ata(&k.pubkey())));
        tokens.push(pda::stake_vault());
        assert_eq!(tokens.iter().map(|t| self.world.balance(t)).sum::<u64>(), SUPPLY, "no OPEN appears or vanishes");
    }
}

/// M4: the parts of a payment sum to it.
fn whole(e: &Paid, amount: u64) {
    let parts = e.treasury + e.model_owner + e.upstream + e.compute + e.validators + e.contributors;
    assert_eq!((parts, e.amount), (amount, amount));
}

proptest! {
    #![proptest_config(Runs { cases: 10, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Runs::default() })]

    #[test]
    fn no_sequence_of_instructions_breaks_the_books(steps in vec(step(), 20..50)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
        // In the end everyone can be paid in full. A challenged settlement continues. Rounds of claims follow until
        // nothing is left. The unused prepaid OPEN returns.
        run.world.pass(EPOCH_SLOTS + RESOLVE_SLOTS + CHALLENGE_SLOTS);
        run.take(&Step::Expire);
        run.world.pass(CHALLENGE_SLOTS);
        run.take(&Step::Activate);
        let settled = run.take(&Step::Settle { share: [255; POOLS], weights: [1, 2, 3, 4] });
        prop_assert!(settled, "nothing stands in the way of the last settlement");
        run.world.pass(CHALLENGE_SLOTS);
        prop_assert!(run.take(&Step::Activate));
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
            prop_assert_eq!(run.sum(|s| s.claimed[pool]), run.sum(|s| s.funded[pool]));
        }
        run.take(&Step::Request { part: 100 });
        run.world.pass(WITHDRAWAL_SLOTS);
        run.take(&Step::Withdraw);
        (0..VAULTS).for_each(|vault| { run.take(&Step::Sweep { vault }); });
        run.check();
        for vault in 0..VAULTS {
            prop_assert_eq!(run.world.balance(&run.vault(vault).1), 0);
        }
    }
}
