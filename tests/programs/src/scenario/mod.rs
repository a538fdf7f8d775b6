//! Honest transactions, one or more for every instruction of every program: attacks change them one thing at a time,
//! the bill measures them.
//!
//! A new instruction needs an entry in its program's file; `every_instruction_has_a_scenario` names those without.

mod datanet;
mod governance;
mod model;
mod payout;
mod stake;

use crate::{
    keys::Key,
    town::Town,
    tx::{Failed, Sent},
    world::World,
};
use ed25519_dalek::SigningKey;
use openledger_interface::Program;
use openledger_protocol::attest::Message;
use solana_instruction::Instruction;
use solana_keypair::Signer;

/// What is changed about an honest transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// The same bytes in an account of another program, elsewhere or in place.
    ForeignOwner,
    /// Another account of the same type: another subject's.
    Sibling,
    /// The same bytes and program at another address.
    Copy,
    /// Another type of account of the same program.
    OtherType,
    /// A token account of another mint, or another mint.
    OtherMint,
    /// A token account that somebody else holds.
    OtherHolder,
    /// A Token-2022 mint or account, with a fee or a hook.
    Token2022,
    /// A signer that does not sign.
    Unsigned,
    /// Somebody else, signing where a signature is asked for.
    OtherWallet,
    /// Read-only where it must be writable.
    ReadOnly,
    /// Two writable accounts are the same.
    Twice,
    /// Closed.
    Closed,
    /// Closed and revived, or squatted, with other bytes.
    Garbage,
    /// Made and not initialised.
    Zeroed,
    /// Of a layout that the program does not know.
    UnknownVersion,
    /// Another program.
    OtherProgram,
    /// Another event authority.
    EventAuthority,
    /// An account with a sysvar's bytes.
    Sysvar,
    /// The program's id in the account's place: how an optional account is left out.
    LeftOut,
    /// An account given where an optional one was left out.
    Given,
    /// Fewer accounts.
    Missing,
    /// Instruction data cut short or with another enum, option or length tag.
    Malformed,
    /// An integer of the arguments at an end of its range.
    Edge,
    /// The same transaction again.
    Replay,
    /// Attested otherwise than the program asks for.
    Attestation,
}

/// Something that may be changed, and why that harms nobody.
#[derive(Clone, Copy, Debug)]
pub struct Free {
    /// What is changed.
    pub attack: Attack,
    /// The account, by its name in the interface description; for [`Attack::Twice`] both, `a = b`; for
    /// [`Attack::OtherWallet`] perhaps `a and its tokens`; for [`Attack::Edge`] the argument's path; empty for what
    /// concerns the whole transaction.
    pub what: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl Free {
    /// Whether a program that refuses it all the same only checks more than it must.
    pub fn is_unreachable(&self) -> bool {
        self.reason == NOWHERE_ELSE
    }
}

/// What a committee attested for a scenario.
pub struct Attested {
    /// The committee's key.
    pub key: SigningKey,
    /// The message.
    pub message: Message,
}

/// A world and a transaction that succeeds in it.
pub struct Scenario {
    /// The world.
    pub world: World,
    /// What stands before the instruction in the same transaction: its attestation.
    pub before: Vec<Instruction>,
    /// The instruction.
    pub instruction: Instruction,
    /// Who signs.
    pub signers: Vec<Key>,
    /// What the committee signed, where the instruction is attested.
    pub attested: Option<Attested>,
    /// What may be changed.
    pub free: Vec<Free>,
}

impl Scenario {
    fn new(world: World, instruction: Instruction, signers: &[&Key]) -> Self {
        let signers = signers.iter().map(|k| k.insecure_clone()).collect();
        let scenario = Self { world, before: vec![], instruction, signers, attested: None, free: vec![] };
        scenario.free(Attack::Copy, &["config", "stake_config"], NOWHERE_ELSE)
    }

    /// Behind the committee's signature over `message`.
    fn attested(mut self, key: &SigningKey, message: Message) -> Self {
        self.before = vec![crate::attest::signed(key, &message)];
        self.attested = Some(Attested { key: key.clone(), message });
        self
    }

    /// Behind other evidence than a committee's signature.
    fn behind(mut self, evidence: Instruction) -> Self {
        self.before = vec![evidence];
        self
    }

    /// Says what may be changed about which accounts or arguments, and why.
    fn free(mut self, attack: Attack, what: &[&'static str], reason: &'static str) -> Self {
        self.free.extend(what.iter().map(|what| Free { attack, what, reason }));
        self
    }

    /// All instructions of the transaction.
    pub fn instructions(&self) -> Vec<Instruction> {
        self.before.iter().chain([&self.instruction]).cloned().collect()
    }

    /// Sends it in `world`, a clone of this scenario's.
    pub fn send(&self, world: &mut World) -> Result<Sent, Failed> {
        world.send(&self.instructions(), &self.signers.iter().collect::<Vec<_>>())
    }

    /// Who would pay the fees on a cluster.
    pub fn fee_payer(&self) -> solana_pubkey::Pubkey {
        self.signers.first().map_or_else(|| self.world.payer(), |k| k.pubkey())
    }
}

/// Instruction, variant and how to make it, as the programs' files list them.
type Listed = (&'static str, &'static str, fn(Town) -> Scenario);

/// A scenario's name and how to make it.
pub struct Entry {
    /// The program.
    pub program: Program,
    /// The instruction, as the interface description calls it.
    pub instruction: &'static str,
    /// Which of several ways; empty where there is one.
    pub variant: &'static str,
    /// Makes it in the town.
    pub make: fn(Town) -> Scenario,
}

impl Entry {
    /// `program::instruction`, and the variant if there is one.
    pub fn name(&self) -> String {
        let (program, instruction, variant) = (self.program.name(), self.instruction, self.variant);
        if variant.is_empty() {
            format!("{program}::{instruction}")
        } else {
            format!("{program}::{instruction}, {variant}")
        }
    }
}

/// Every scenario of a program.
pub fn of(program: Program) -> Vec<Entry> {
    let list: &[Listed] = match program {
        Program::Stake => stake::ALL,
        Program::Datanet => datanet::ALL,
        Program::Model => model::ALL,
        Program::Payout => payout::ALL,
        Program::Governance => governance::ALL,
    };
    list.iter().map(|&(instruction, variant, make)| Entry { program, instruction, variant, make }).collect()
}

/// Every scenario.
pub fn all() -> Vec<Entry> {
    Program::ALL.into_iter().flat_map(of).collect()
}

/// Why an account of a program may stand at another address in these tests.
const NOWHERE_ELSE: &str = "the program makes accounts of this type nowhere but at their PDA: the type is enough";
/// Why nobody else can hold a vault.
const PINNED: &str = "the address is the one vault's, and the program never hands it on: this state cannot be";
/// Why anybody's own tokens will do.
const OWN_TOKENS: &str = "another token account of the same wallet's own";
/// Why an event is no weaker where the program's account was exchanged.
const SELF_CPI: &str = "the event goes to the program's own id, which another account names as well";
/// Why somebody else may do the same.
const PAYS_ITSELF: &str = "whoever pays for it with its own tokens may do the same";
/// Why setting something again is harmless.
const SETS: &str = "whoever may set it may set it again";
/// Why anybody may send it.
const ANYONE: &str = "anyone may send it";
