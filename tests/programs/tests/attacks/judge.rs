//! Sends every case in a world of its own and judges the result.

use crate::case::{Bench, Case, Expect};
use program_tests::{Key, World, books, scenario::Attack};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The results of the attacks on one program.
pub struct Court {
    program: &'static str,
    attempts: BTreeMap<Attack, usize>,
    instructions: usize,
    /// Number of changes that were accepted and are allowed.
    free: usize,
    /// Changes that were accepted and are not allowed, and refusals that would block honest senders.
    holes: Vec<String>,
}

impl Court {
    pub fn new(program: &'static str) -> Self {
        Self { program, attempts: BTreeMap::new(), instructions: 0, free: 0, holes: vec![] }
    }

    /// Tries every case of one honest transaction, and a replay of the transaction.
    pub fn try_all(&mut self, bench: &Bench, cases: Vec<Case>) {
        self.instructions += 1;
        let mut used = BTreeSet::new();
        for case in cases {
            if let Some(verdict) = attempt(bench, &case) {
                self.note(bench, &case, verdict, &mut used);
            }
        }
        let replay = bench.whole(Attack::Replay, "", bench.changed(|_| {}));
        let verdict = attempt_in(bench, &replay, bench.honest.clone()).expect("everyone who must sign can");
        self.note(bench, &replay, verdict, &mut used);
        for (i, free) in bench.scenario.free.iter().enumerate() {
            if !used.contains(&i) && !free.is_unreachable() {
                self.holes.push(format!("{}: {free:?} is listed as free, but always refused", bench.name));
            }
        }
    }

    fn note(&mut self, bench: &Bench, case: &Case, verdict: Result<(), String>, used: &mut BTreeSet<usize>) {
        *self.attempts.entry(case.attack).or_default() += 1;
        let Err(problem) = verdict else { return };
        let free = bench.scenario.free.iter().position(|f| f.attack == case.attack && f.what == case.what);
        match free.filter(|_| problem == ACCEPTED) {
            Some(i) => {
                used.insert(i);
                self.free += 1;
            }
            None => {
                let (name, attack, what, how) = (&bench.name, case.attack, &case.what, &case.how);
                self.holes.push(format!("{name}: {attack:?} of {what:?} ({how}): {problem}"));
            }
        }
    }

    /// Prints the counts, and fails if there are holes.
    pub fn close(self) {
        let all: usize = self.attempts.values().sum();
        println!(
            "{}: {all} attacks on {} honest transactions, {} of them free to anyone: {:?}",
            self.program, self.instructions, self.free, self.attempts
        );
        assert!(self.holes.is_empty(), "{} got through:\n{}", self.holes.len(), self.holes.join("\n"));
    }
}

const ACCEPTED: &str = "accepted";

/// Tries one case. `None` if a required signer has no key.
fn attempt(bench: &Bench, case: &Case) -> Option<Result<(), String>> {
    let mut world = bench.scenario.world.clone();
    for (address, account) in &case.put {
        world.svm.set_account(*address, account.clone()).expect("an ordinary account");
    }
    if case.pass > 0 {
        world.pass(case.pass);
    }
    attempt_in(bench, case, world)
}

fn attempt_in(bench: &Bench, case: &Case, mut world: World) -> Option<Result<(), String>> {
    let signers = signers(bench, case)?;
    let before = world.clone();
    let result = world.send(&case.instructions, &signers);
    Some(match result {
        Err(failed) => {
            if let Some(difference) = difference(&before, &world) {
                Err(format!("refused, but {difference} changed"))
            } else if failed.meta.logs.iter().any(|l| l.contains("panicked at")) {
                Err(format!("the program panicked: {:?}", failed.meta.logs))
            } else if case.expect == Expect::Accepted {
                Err(format!("refused, which lets anybody block it: {:?}\n{}", failed.err, failed.meta.logs.join("\n")))
            } else {
                Ok(())
            }
        }
        Ok(_) if world.open_in_all() != before.open_in_all() => Err("OPEN appeared or vanished".into()),
        Ok(_) => match case.expect {
            Expect::Accepted => Ok(()),
            Expect::Refused => Err(ACCEPTED.into()),
            Expect::SameEffect => {
                difference(&bench.honest, &world).map_or(Ok(()), |d| Err(format!("accepted with another {d}")))
            }
            Expect::Balanced => {
                books::check(&world).map_err(|e| format!("accepted, and the books do not balance: {e}"))
            }
        },
    })
}

/// The keys that must sign the transaction. `None` if one of them is unknown.
fn signers<'a>(bench: &'a Bench, case: &Case) -> Option<Vec<&'a Key>> {
    let metas = case.instructions.iter().flat_map(|i| &i.accounts).filter(|m| m.is_signer);
    let needed: BTreeSet<Pubkey> = metas.map(|m| m.pubkey).filter(|k| *k != bench.scenario.world.payer()).collect();
    let needed = needed.into_iter().filter(|k| !bench.scenario.world.is_puppet(k));
    needed.map(|k| bench.ring.iter().find(|r| r.pubkey() == k)).collect()
}

/// The first account that differs between both worlds, except for fees and blockhashes.
fn difference(a: &World, b: &World) -> Option<Pubkey> {
    let (a_all, b_all) = (&a.svm.accounts_db().inner, &b.svm.accounts_db().inner);
    let ignored = [a.payer(), solana_sdk_ids::sysvar::recent_blockhashes::ID];
    let differs = |all: &HashMap<Pubkey, AccountSharedData>, k: &Pubkey, x: &AccountSharedData| {
        !ignored.contains(k)
            && all.get(k).is_none_or(|y| y.lamports() != x.lamports() || y.owner() != x.owner() || y.data() != x.data())
    };
    let first = a_all.iter().find(|(k, x)| differs(b_all, k, x));
    first.or_else(|| b_all.iter().find(|(k, x)| differs(a_all, k, x))).map(|(k, _)| *k)
}
