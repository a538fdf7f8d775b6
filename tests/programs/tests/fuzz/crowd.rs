//! The actors, the knowledge of an honest committee, and the invariants.

use crate::dice::Dice;
use ::model::state::{Job, JobStatus, MAX_SEGMENTS};
use ::payout::{
    events::Paid,
    state::{Balance, Claim, Config as PayoutConfig, POOLS, Settlement},
};
use ::stake::state::{Committee, CommitteeStatus, Config as StakeConfig};
use anchor_lang::{AccountDeserialize, Discriminator, Owner};
use openledger_interface::pda;
use openledger_protocol::rewards::RewardTree;
use program_tests::{Key, OPEN, Sent, World, attest, books, key, town::Town};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Number of actors besides the town's.
const STRANGERS: usize = 3;
/// Number of transactions that are remembered for replays.
const REMEMBERED: usize = 64;

/// A continuation that runs once a transaction has been accepted.
pub type Then = Box<dyn FnOnce(&mut Crowd)>;

/// A transaction that an actor tries.
pub struct Attempt {
    pub instructions: Vec<Instruction>,
    pub signers: Vec<Key>,
    /// Whether it must be refused.
    pub forbidden: bool,
    /// Runs once it was accepted.
    pub then: Option<Then>,
}

impl Attempt {
    pub fn new(instruction: Instruction, signers: &[&Key]) -> Option<Self> {
        Self::several(vec![instruction], signers)
    }

    pub fn several(instructions: Vec<Instruction>, signers: &[&Key]) -> Option<Self> {
        let signers = signers.iter().map(|k| k.insecure_clone()).collect();
        Some(Self { instructions, signers, forbidden: false, then: None })
    }

    pub fn forbidden(mut self) -> Option<Self> {
        self.forbidden = true;
        Some(self)
    }

    pub fn then(mut self, then: impl FnOnce(&mut Crowd) + 'static) -> Option<Self> {
        self.then = Some(Box::new(then));
        Some(self)
    }

    fn is_attested(&self) -> bool {
        self.instructions.iter().any(|i| i.program_id == solana_sdk_ids::ed25519_program::ID)
    }
}

/// The world, all actors, and the state that the checks need.
pub struct Crowd {
    pub world: World,
    pub actors: Vec<Key>,
    /// Trees of the posted and of the active settlement.
    pub posted: [RewardTree; POOLS],
    pub active: [RewardTree; POOLS],
    /// Accepted transactions.
    pub past: Vec<(Vec<Instruction>, Vec<Key>)>,
}

impl Clone for Crowd {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            actors: self.actors.iter().map(Key::insecure_clone).collect(),
            posted: self.posted.clone(),
            active: self.active.clone(),
            past: vec![],
        }
    }
}

impl Crowd {
    pub fn new() -> Self {
        let mut town = Town::new();
        let mut actors: Vec<Key> = [&town.lab.curator, &town.lab.owner, &town.rival, &town.mallory]
            .into_iter()
            .chain(&town.lab.validators)
            .chain(town.lab.committee.members.iter().chain(&town.retired.members).map(|m| &m.wallet))
            .chain(town.assembly.voters.iter().chain([&town.assembly.guardian]))
            .map(Key::insecure_clone)
            .collect();
        for actor in &actors {
            town.world().fund(&actor.pubkey(), 100_000 * OPEN);
        }
        for _ in 0..STRANGERS {
            actors.push(town.world().wallet(100_000 * OPEN));
        }
        let (posted, active) = (town.trees.clone(), town.trees.clone());
        let world = town.lab.world;
        let mut crowd = Self { world, actors, posted, active, past: vec![] };
        crowd.world.slot_hashes(0);
        crowd
    }

    pub fn anyone(&self, dice: &mut Dice) -> Key {
        dice.pick(&self.actors).expect("there are actors").insecure_clone()
    }

    /// The actor with this address, if it is one.
    pub fn actor(&self, address: &Pubkey) -> Option<Key> {
        self.actors.iter().find(|a| a.pubkey() == *address).map(Key::insecure_clone)
    }

    pub fn authority(&self) -> Key {
        self.world.authority.insecure_clone()
    }

    /// Some account of this type.
    pub fn some<T: AccountDeserialize + Discriminator + Owner>(&self, dice: &mut Dice) -> Option<(Pubkey, T)> {
        self.some_that(dice, |_: &T| true)
    }

    /// Some account of this type that fits.
    pub fn some_that<T>(&self, dice: &mut Dice, fits: impl Fn(&T) -> bool) -> Option<(Pubkey, T)>
    where
        T: AccountDeserialize + Discriminator + Owner,
    {
        let mut all: Vec<_> = self.world.all::<T>().into_iter().filter(|(_, t)| fits(t)).collect();
        if all.is_empty() { None } else { Some(all.swap_remove(dice.below(all.len() as u64) as usize)) }
    }

    /// Epoch and key of the active committee.
    pub fn committee(&self) -> (u64, ed25519_dalek::SigningKey) {
        let epoch = self.world.get::<StakeConfig>(&pda::stake_config()).committee_epoch;
        (epoch, attest::group_key(epoch as u8))
    }

    /// Lets slots pass; the sysvar follows.
    pub fn pass(&mut self, slots: u64) {
        self.world.pass(slots);
        self.world.slot_hashes(0);
    }

    fn epochs(&self) -> (u64, u64) {
        let config = self.world.get::<PayoutConfig>(&pda::payout_config());
        (config.active_epoch, config.posted_epoch)
    }

    /// Numbers of settlements posted, results accepted and balances debited. Only an attestation can increase them.
    fn attested_now(&self) -> [u64; 3] {
        let jobs = self.world.all::<Job>();
        let accepted = jobs.iter().filter(|(_, j)| j.status == JobStatus::Attested).count();
        let metered = self.world.all::<Balance>().iter().map(|(_, b)| b.meter).sum();
        [self.world.all::<Settlement>().len() as u64, accepted as u64, metered]
    }

    /// The jobs with a result.
    fn results(&self) -> BTreeMap<Pubkey, Job> {
        self.world.all::<Job>().into_iter().filter(|(_, j)| j.status == JobStatus::Attested).collect()
    }

    /// Sends the transaction. Returns whether it was accepted.
    pub fn send(&mut self, attempt: Attempt) -> Result<bool, String> {
        let attested = attempt.is_attested();
        let results = self.results();
        let (before, epochs) = (self.attested_now(), self.epochs());
        let Ok(sent) = self.world.send(&attempt.instructions, &attempt.signers.iter().collect::<Vec<_>>()) else {
            return Ok(false);
        };
        if attempt.forbidden {
            return Err("A1, A2: what must be refused was accepted".into());
        }
        // A rejected settlement is closed, so a lower count is not an attested change.
        if !attested && self.attested_now().iter().zip(before).any(|(now, before)| *now > before) {
            return Err("A1: an attested change without an attestation".into());
        }
        let (active, _) = self.committee();
        if let Some((address, job)) =
            self.results().iter().find(|(a, j)| !results.contains_key(a) && j.committee_epoch != active)
        {
            return Err(format!("A1: {address} is of committee {}, and {active} attested it", job.committee_epoch));
        }
        check_split(&sent)?;
        // Any transaction may have activated or rejected the settlement.
        let (active, posted) = self.epochs();
        if active != epochs.0 {
            self.active = self.posted.clone();
        }
        if posted < epochs.1 {
            self.posted = self.active.clone();
        }
        if let Some(then) = attempt.then {
            then(self);
        }
        if self.past.len() == REMEMBERED {
            self.past.remove(0);
        }
        self.past.push((attempt.instructions, attempt.signers));
        Ok(true)
    }

    /// Checks the invariants. It runs after every step.
    pub fn check(&self) -> Result<(), String> {
        books::check(&self.world)?;
        let lifetimes: Vec<BTreeMap<_, _>> =
            self.active.iter().map(|tree| tree.leaves().iter().copied().collect()).collect();
        for (_, record) in self.world.all::<Claim>() {
            for (pool, lifetimes) in lifetimes.iter().enumerate() {
                let earned = lifetimes.get(&record.wallet.to_bytes()).copied().unwrap_or(0);
                if record.claimed[pool] > earned {
                    return Err(format!("M2: {} claimed {}, earned {earned}", record.wallet, record.claimed[pool]));
                }
            }
        }
        let active = self.committee().0;
        for (address, job) in self.world.all::<Job>() {
            let taken = match job.status {
                JobStatus::Requested | JobStatus::Cancelled => job.operator.is_none() && job.committee_epoch == 0,
                _ => job.operator.is_some() && (1..=active).contains(&job.committee_epoch),
            };
            let logged = (job.log_root == [0; 32]) == (job.segments == 0) && job.segments <= MAX_SEGMENTS;
            // Whoever else takes a job that is kept ends that.
            let kept = job.operator.is_none() || job.former.is_none() || job.former == job.operator;
            if !taken || !logged || !kept {
                return Err(format!("T1: {address} is {:?}, of committee {}", job.status, job.committee_epoch));
            }
            if job.requested_slot > job.waiting_slot || job.requested_slot >= job.taking_slot {
                return Err(format!("M5: {address} waits since {}", job.waiting_slot));
            }
        }
        for (_, committee) in self.world.all::<Committee>() {
            let all = committee.confirmed.len() == usize::from(committee.size) && !committee.confirmed.contains(&false);
            let was_active = matches!(committee.status, CommitteeStatus::Active | CommitteeStatus::Retired);
            if was_active != all {
                return Err(format!("A1: committee {} is {:?}", committee.epoch, committee.status));
            }
        }
        Ok(())
    }
}

/// M4: the parts of a fee sum to it.
fn check_split(sent: &Sent) -> Result<(), String> {
    for e in sent.events::<Paid>() {
        let parts = e.treasury + e.model_owner + e.upstream + e.compute + e.validators + e.contributors;
        if parts != e.amount {
            return Err(format!("M4: {e:?}"));
        }
    }
    Ok(())
}

/// The identity key of an operator.
pub fn identity(wallet: &Pubkey) -> Key {
    key(&format!("identity of {wallet}"))
}
