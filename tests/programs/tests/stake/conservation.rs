//! M1, M4: no actions of stakers, delegators, judges and liars, in any order, make tokens, lose tokens, or give a token
//! two owners.

use ::stake::{
    events::{PoolSlashed, Slashed},
    instructions::ProveEquivocationArgs,
    state::{Config, Delegation, Pool, Position, Role},
};
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, SUPPLY, Sent, World, key,
    stake::{Committee, Operator, UNBOND_SLOTS, evidence, observation},
    swapped,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const OPERATORS: usize = 3;
const OTHERS: usize = 3;
const ROLES: [Role; 2] = [Role::Operator, Role::Validator];

/// A step of a history. `who` is the index of an operator or of another wallet. `pool` is the index of the operator
/// whose pool it concerns.
#[derive(Clone, Debug)]
enum Step {
    Deposit { who: usize, role: usize, amount: u64 },
    Unbond { who: usize, role: usize, part: u64 },
    Withdraw { who: usize, role: usize },
    Delegate { who: usize, pool: usize, amount: u64 },
    Undelegate { who: usize, pool: usize, part: u64 },
    WithdrawDelegation { who: usize, pool: usize },
    Reward { pool: usize, amount: u64 },
    Harvest { pool: usize },
    ClaimRewards { who: usize, pool: usize },
    Commission { pool: usize, bps: u16 },
    Attested { who: usize, role: usize, bps: u16 },
    Decided { who: usize, role: usize, bps: u16 },
    Equivocation { who: usize, sequence: u64 },
    Insurance { part: u64 },
    Wait { slots: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, pool, role, part) = (0..OPERATORS + OTHERS, 0..OPERATORS, 0..2usize, 0..=100u64);
    let amount = prop_oneof![0..20u64, 1..500 * OPEN];
    prop_oneof![
        2 => (who.clone(), role.clone(), amount.clone()).prop_map(|(who, role, amount)| Step::Deposit { who, role, amount }),
        2 => (who.clone(), role.clone(), part.clone()).prop_map(|(who, role, part)| Step::Unbond { who, role, part }),
        2 => (who.clone(), role.clone()).prop_map(|(who, role)| Step::Withdraw { who, role }),
        5 => (who.clone(), pool.clone(), amount.clone()).prop_map(|(who, pool, amount)| Step::Delegate { who, pool, amount }),
        3 => (who.clone(), pool.clone(), part.clone()).prop_map(|(who, pool, part)| Step::Undelegate { who, pool, part }),
        2 => (who.clone(), pool.clone()).prop_map(|(who, pool)| Step::WithdrawDelegation { who, pool }),
        3 => (pool.clone(), amount).prop_map(|(pool, amount)| Step::Reward { pool, amount }),
        1 => pool.clone().prop_map(|pool| Step::Harvest { pool }),
        3 => (who.clone(), pool.clone()).prop_map(|(who, pool)| Step::ClaimRewards { who, pool }),
        1 => (pool, 0..=10_000u16).prop_map(|(pool, bps)| Step::Commission { pool, bps }),
        2 => (who.clone(), role.clone(), 1..=10_000u16).prop_map(|(who, role, bps)| Step::Attested { who, role, bps }),
        1 => (who, role, 1..=10_000u16).prop_map(|(who, role, bps)| Step::Decided { who, role, bps }),
        2 => (0..OPERATORS, 0..6u64).prop_map(|(who, sequence)| Step::Equivocation { who, sequence }),
        2 => part.prop_map(|part| Step::Insurance { part }),
        2 => prop_oneof![1..UNBOND_SLOTS, Just(2_000_000)].prop_map(|slots| Step::Wait { slots }),
    ]
}

struct Run {
    world: World,
    committee: Committee,
    others: Vec<Key>,
    /// Base units that the insurance vault must hold.
    insured: u64,
    taken: usize,
}

impl Run {
    fn new() -> Self {
        let mut world = World::with_stake(&[]);
        let committee = world.committee(OPERATORS);
        for operator in &committee.members {
            let open = ix::stake::open_pool(&operator.wallet.pubkey(), &world.mint, 700);
            world.send(&[open], &[&operator.wallet]).unwrap();
            world.fund(&operator.wallet.pubkey(), 100_000 * OPEN);
        }
        let others = (0..OTHERS).map(|_| world.wallet(100_000 * OPEN)).collect();
        Self { world, committee, others, insured: 0, taken: 0 }
    }

    fn key(&self, who: usize) -> &Key {
        self.committee.members.get(who).map_or_else(|| &self.others[who - OPERATORS], |m| &m.wallet)
    }

    fn wallet(&self, who: usize) -> Pubkey {
        self.key(who).pubkey()
    }

    fn member(&self, who: usize) -> &Operator {
        &self.committee.members[who]
    }

    /// Sends `instructions` signed by `who`. A refused step changes nothing.
    fn send(&mut self, who: usize, instructions: &[Instruction]) -> Option<Sent> {
        let key = self.key(who).insecure_clone();
        self.world.send(instructions, &[&key]).ok()
    }

    /// Counts what slashes have moved.
    fn slashed(&mut self, sent: Option<Sent>) -> bool {
        let Some(sent) = sent else { return false };
        self.insured += sent.event::<Slashed>().amount;
        self.insured += sent.events::<PoolSlashed>().iter().map(|e| e.amount).sum::<u64>();
        true
    }

    fn take(&mut self, step: &Step) {
        let done = match *step {
            Step::Wait { slots } => {
                self.world.pass(slots);
                true
            }
            Step::Deposit { who, role, amount } => {
                let call = ix::stake::deposit(&self.wallet(who), &self.world.mint, ROLES[role], amount);
                self.send(who, &[call]).is_some()
            }
            Step::Unbond { who, role, part } => {
                let wallet = self.wallet(who);
                let position = self.world.find::<Position>(&pda::position(&wallet, ROLES[role]));
                let amount = position.map_or(0, |p| p.amount * part / 100);
                self.send(who, &[ix::stake::request_unbond(&wallet, 1, ROLES[role], amount)]).is_some()
            }
            Step::Withdraw { who, role } => {
                let call = ix::stake::withdraw(&self.wallet(who), &self.world.mint, ROLES[role]);
                self.send(who, &[call]).is_some()
            }
            Step::Delegate { who, pool, amount } => {
                let call = ix::stake::delegate(&self.wallet(who), &self.world.mint, &self.wallet(pool), amount);
                self.send(who, &[call]).is_some()
            }
            Step::Undelegate { who, pool, part } => {
                let (wallet, pool) = (self.wallet(who), self.wallet(pool));
                let delegation = self.world.find::<Delegation>(&pda::delegation(&pool, &wallet));
                let shares = delegation.map_or(0, |d| d.shares * u128::from(part) / 100);
                self.send(who, &[ix::stake::undelegate(&wallet, &pool, shares)]).is_some()
            }
            Step::WithdrawDelegation { who, pool } => {
                let call = ix::stake::withdraw_delegation(&self.wallet(who), &self.world.mint, &self.wallet(pool));
                self.send(who, &[call]).is_some()
            }
            Step::Reward { pool, amount } => {
                // Taken from the bank, so that the supply stays the same.
                let (vault, owner) = (pda::reward_vault(&self.wallet(pool)), pda::stake_pool(&self.wallet(pool)));
                let (bank, mint) = (key("bank account").pubkey(), self.world.mint);
                let (has, left) = (self.world.balance(&vault), self.world.balance(&bank));
                self.world.put_token(bank, mint, key("bank").pubkey(), left - amount);
                self.world.put_token(vault, mint, owner, has + amount);
                true
            }
            Step::Harvest { pool } => {
                let call = ix::stake::harvest(&self.world.mint, &self.wallet(pool));
                self.world.send(&[call], &[]).is_ok()
            }
            Step::ClaimRewards { who, pool } => {
                let call = ix::stake::claim_delegation_rewards(&self.wallet(who), &self.world.mint, &self.wallet(pool));
                self.send(who, &[call]).is_some()
            }
            Step::Commission { pool, bps } => {
                self.send(pool, &[ix::stake::set_commission(&self.wallet(pool), bps)]).is_some()
            }
            Step::Attested { who, role, bps } => {
                let wallet = self.wallet(who);
                if self.world.find::<Position>(&pda::position(&wallet, ROLES[role])).is_none() {
                    return;
                }
                let sent = self.world.slash(&self.committee, &wallet, ROLES[role], bps).ok();
                self.slashed(sent)
            }
            Step::Decided { who, role, bps } => {
                let authority = self.world.authority.insecure_clone();
                let slash = |p: &Position| ix::stake::slash_by_authority(&authority.pubkey(), p, bps, [0xed; 32]);
                let position = pda::position(&self.wallet(who), ROLES[role]);
                // If the position does not exist, an operator's position is used.
                let operators = pda::position(&self.wallet(0), Role::Operator);
                let call = match self.world.find(&position) {
                    Some(found) => slash(&found),
                    None => swapped(slash(&self.world.get(&operators)), operators, position),
                };
                let sent = self.world.send(&[call], &[&authority]).ok();
                self.slashed(sent)
            }
            Step::Equivocation { who, sequence } => {
                let args = ProveEquivocationArgs { epoch: 1, subject: [8; 32], sequence };
                let member = self.member(who);
                let [a, b] = [[1; 32], [2; 32]].map(|c| observation(&self.world, member, &args, c));
                let before = evidence(&member.identity, [&a, &b]);
                let (prover, operator) = (self.wallet(OPERATORS), self.wallet(who));
                let main = ix::stake::prove_equivocation(
                    &prover,
                    &self.world.get(&pda::position(&operator, Role::Operator)),
                    args,
                );
                let sent = self.send(OPERATORS, &[before, main]);
                self.slashed(sent)
            }
            Step::Insurance { part } => {
                let authority = self.world.authority.insecure_clone();
                let amount = self.insured * part / 100;
                let to = self.world.ata(&self.wallet(OPERATORS));
                let call = ix::stake::pay_insurance(&authority.pubkey(), &to, amount);
                let done = self.world.send(&[call], &[&authority]).is_ok();
                self.insured -= if done { amount } else { 0 };
                done
            }
        };
        self.taken += usize::from(done);
    }

    fn positions(&self, role: Role) -> Vec<Position> {
        let addresses = (0..OPERATORS + OTHERS).map(|who| pda::position(&self.wallet(who), role));
        addresses.filter_map(|a| self.world.find(&a)).collect()
    }

    /// Checks the rules that must hold after every step.
    fn check(&self) {
        let config = self.world.get::<Config>(&pda::stake_config());
        let (operators, validators) = (self.positions(Role::Operator), self.positions(Role::Validator));
        let sum = |of: &dyn Fn(&Position) -> u64, all: &[Position]| all.iter().map(of).sum::<u64>();
        assert_eq!(config.operator_stake, sum(&|p| p.amount, &operators));
        assert_eq!(config.validator_stake, sum(&|p| p.amount, &validators));
        assert_eq!(config.unbonding, sum(&|p| p.unbonding, &operators) + sum(&|p| p.unbonding, &validators));
        let (mut delegated, mut leaving, mut rewards) = (0, 0, 0);
        for operator in 0..OPERATORS {
            let wallet = self.wallet(operator);
            let pool = self.world.get::<Pool>(&pda::stake_pool(&wallet));
            (delegated, leaving) = (delegated + pool.bonded.assets, leaving + pool.unbonding.assets);
            let mut held: Vec<Delegation> = (0..OPERATORS + OTHERS)
                .filter_map(|who| self.world.find(&pda::delegation(&wallet, &self.wallet(who))))
                .collect();
            assert_eq!(pool.bonded.shares, held.iter().map(|d| d.shares).sum::<u128>());
            assert_eq!(pool.unbonding.shares, held.iter().map(|d| d.unbonding_shares).sum::<u128>());
            for shares in [pool.bonded, pool.unbonding] {
                assert!(u128::from(shares.assets) <= shares.shares, "a share is never worth more than a unit");
            }
            held.iter_mut().for_each(|d| d.settle(&pool).unwrap());
            let due: u64 = held.iter().map(|d| d.rewards).sum();
            let vault = self.world.balance(&pda::reward_vault(&wallet));
            assert!(due <= pool.owed && pool.owed + pool.commission <= vault, "{due} {} {vault}", pool.owed);
            rewards += vault;
        }
        assert_eq!((config.delegated, config.delegated_unbonding), (delegated, leaving));
        let staked = config.operator_stake + config.validator_stake + config.unbonding + delegated + leaving;
        assert_eq!(self.world.balance(&pda::stake_vault()), staked, "the stake vault holds every position and pool");
        assert_eq!(self.world.balance(&pda::insurance_vault()), self.insured, "the insurance holds slashes - payments");
        let held: u64 = (0..OPERATORS + OTHERS).map(|who| self.world.open_of(&self.wallet(who))).sum();
        let bank = self.world.balance(&key("bank account").pubkey());
        assert_eq!(bank + held + staked + self.insured + rewards, SUPPLY, "no OPEN appears or vanishes");
    }
}

proptest! {
    #![proptest_config(Runs { cases: 10, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Runs::default() })]

    #[test]
    fn m1_m4_no_sequence_of_stakes_slashes_and_delegations_breaks_the_books(steps in vec(step(), 40..100)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
        prop_assert!(run.taken * 3 > steps.len(), "most steps are refused: {} of {}", run.taken, steps.len());
        // In the end every delegator can withdraw what its shares are worth, whatever happened before.
        for operator in 0..OPERATORS {
            for who in 0..OPERATORS + OTHERS {
                run.take(&Step::ClaimRewards { who, pool: operator });
                run.take(&Step::Undelegate { who, pool: operator, part: 100 });
                run.world.pass(UNBOND_SLOTS);
                run.take(&Step::WithdrawDelegation { who, pool: operator });
                run.check();
            }
            let pool = run.world.get::<Pool>(&pda::stake_pool(&run.wallet(operator)));
            prop_assert_eq!((pool.bonded, pool.unbonding), Default::default());
        }
    }
}
