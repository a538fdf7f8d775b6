//! An honest transaction prepared for attacks, and the description of one attack.

use program_tests::{
    Key, World, idl,
    scenario::{Attack, Scenario},
    town::Town,
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// The expected result of a changed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Refused, unless the scenario lists it as free.
    Refused,
    /// Refused, or accepted with exactly the effect of the honest transaction.
    SameEffect,
    /// Refused, or accepted with books that balance.
    Balanced,
    /// Accepted, because a refusal would let a stranger block the instruction.
    Accepted,
}

/// One change of an honest transaction.
pub struct Case {
    /// The kind of change.
    pub attack: Attack,
    /// The account or argument.
    pub what: String,
    /// How.
    pub how: String,
    /// The changed transaction.
    pub instructions: Vec<Instruction>,
    /// Accounts that are set in the world before.
    pub put: Vec<(Pubkey, Account)>,
    /// Slots that pass before.
    pub pass: u64,
    /// The expected result.
    pub expect: Expect,
}

/// The role of an account in the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Program,
    EventAuthority,
    Sysvar,
    Mint,
    Token,
    /// An account of a program that exists.
    State,
    /// An account that the instruction makes.
    Made,
    /// A wallet, or an empty address.
    Wallet,
    /// An optional account that is left out.
    LeftOut,
}

/// An account of the instruction.
pub struct Seat {
    pub name: String,
    pub role: Role,
    pub meta: AccountMeta,
    pub writable: bool,
    pub before: Account,
    pub after: Account,
}

/// An honest transaction with everything that attacks on it need.
pub struct Bench<'a> {
    pub name: String,
    pub scenario: &'a Scenario,
    pub instruction: &'a idl::Instruction,
    /// The world after the honest transaction.
    pub honest: World,
    pub seats: Vec<Seat>,
    /// All keys that could sign.
    pub ring: Vec<Key>,
    pub mallory: Pubkey,
    pub rival: Pubkey,
}

impl<'a> Bench<'a> {
    pub fn new(name: &str, scenario: &'a Scenario, instruction: &'a idl::Instruction, town: &Town) -> Self {
        let mut honest = scenario.world.clone();
        let sent = scenario.send(&mut honest);
        assert!(sent.is_ok(), "{name}: the honest transaction is refused: {sent:?}");
        let ring = scenario.signers.iter().chain([&town.mallory, &town.rival]).map(Key::insecure_clone).collect();
        let seats = seats(scenario, instruction, &honest);
        let (mallory, rival) = (town.mallory.pubkey(), town.rival.pubkey());
        Self { name: name.into(), scenario, instruction, honest, seats, ring, mallory, rival }
    }

    /// The transaction with the attacked instruction changed by `change`.
    pub fn changed(&self, change: impl FnOnce(&mut Instruction)) -> Vec<Instruction> {
        let mut all = self.scenario.instructions();
        change(all.last_mut().expect("there is an instruction"));
        all
    }

    /// With another address in an account's place.
    pub fn with(&self, seat: usize, address: Pubkey) -> Vec<Instruction> {
        self.changed(|i| i.accounts[seat].pubkey = address)
    }

    /// A case in which `seat` is attacked.
    pub fn on(&self, seat: usize, attack: Attack, how: impl Into<String>, instructions: Vec<Instruction>) -> Case {
        let (what, how) = (self.seats[seat].name.clone(), how.into());
        Case { attack, what, how, instructions, put: vec![], pass: 0, expect: Expect::Refused }
    }

    /// A case about the whole transaction.
    pub fn whole(&self, attack: Attack, how: impl Into<String>, instructions: Vec<Instruction>) -> Case {
        let how = how.into();
        Case { attack, what: String::new(), how, instructions, put: vec![], pass: 0, expect: Expect::Refused }
    }

    /// Accounts of the world before the transaction, in order of address.
    pub fn accounts(&self) -> Vec<(Pubkey, Account)> {
        let all = self.scenario.world.svm.accounts_db().inner.iter();
        let mut all: Vec<_> = all.map(|(k, a)| (*k, Account::from(a.clone()))).filter(|(_, a)| !a.executable).collect();
        all.sort_by_key(|(k, _)| *k);
        all
    }
}

impl Case {
    pub fn put(mut self, address: Pubkey, account: Account) -> Self {
        self.put.push((address, account));
        self
    }

    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }
}

fn seats(scenario: &Scenario, instruction: &idl::Instruction, honest: &World) -> Vec<Seat> {
    let metas = &scenario.instruction.accounts;
    let count = instruction.accounts.len();
    assert!(metas.len() >= count, "{}: fewer accounts than described", instruction.name);
    metas
        .iter()
        .enumerate()
        .map(|(i, meta)| {
            let described = instruction.accounts.get(i).cloned().unwrap_or_else(|| idl::Account {
                name: format!("remaining[{}]", i - count),
                writable: meta.is_writable,
                signer: meta.is_signer,
                optional: false,
            });
            let before = scenario.world.svm.get_account(&meta.pubkey).unwrap_or_default();
            let after = honest.svm.get_account(&meta.pubkey).unwrap_or_default();
            let role = role(scenario, &described, meta, &before, &after);
            if role != Role::LeftOut {
                let flags = (described.writable, described.signer);
                assert_eq!((meta.is_writable, meta.is_signer), flags, "{}: {}", instruction.name, described.name);
            }
            Seat { name: described.name, role, meta: meta.clone(), writable: described.writable, before, after }
        })
        .collect()
}

fn role(scenario: &Scenario, described: &idl::Account, meta: &AccountMeta, before: &Account, after: &Account) -> Role {
    if described.optional && meta.pubkey == scenario.instruction.program_id {
        Role::LeftOut
    } else if before.executable {
        Role::Program
    } else if described.name.ends_with("event_authority") {
        Role::EventAuthority
    } else if meta.pubkey == solana_sdk_ids::sysvar::instructions::ID || before.owner == solana_sdk_ids::sysvar::ID {
        Role::Sysvar
    } else if before.owner == solana_sdk_ids::system_program::ID {
        if after.owner == before.owner { Role::Wallet } else { Role::Made }
    } else if before.owner == spl_token_interface::ID {
        if before.data.len() == 82 { Role::Mint } else { Role::Token }
    } else {
        Role::State
    }
}
