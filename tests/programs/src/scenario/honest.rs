//! An honest transaction, and what may be changed about it.

use crate::{
    keys::Key,
    town::Town,
    tx::{Failed, Sent},
    world::World,
};
use ed25519_dalek::SigningKey;
use openledger_protocol::attest::Message;
use solana_instruction::Instruction;
use solana_keypair::Signer;

/// The kind of change to an honest transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// The same bytes in an account of another program, at another address or in place.
    ForeignOwner,
    /// Another account of the same type, which belongs to another subject.
    Sibling,
    /// The same bytes and program at another address.
    Copy,
    /// Another type of account of the same program.
    OtherType,
    /// A token account of another mint, or another mint.
    OtherMint,
    /// A token account that somebody else owns.
    OtherHolder,
    /// A Token-2022 mint or account, with a fee or a hook.
    Token2022,
    /// A required signer does not sign.
    Unsigned,
    /// Another wallet. It signs if a signature is required.
    OtherWallet,
    /// An account is read-only although it must be writable.
    ReadOnly,
    /// The same account in the place of two writable accounts.
    Twice,
    /// Closed.
    Closed,
    /// An account that was closed and revived, or squatted, with other bytes.
    Garbage,
    /// An account that was made and not initialised.
    Zeroed,
    /// An account with a layout version that the program does not know.
    UnknownVersion,
    /// Another program.
    OtherProgram,
    /// Another event authority.
    EventAuthority,
    /// An account with a sysvar's bytes.
    Sysvar,
    /// The program's id in the account's place, which leaves an optional account out.
    LeftOut,
    /// An account in the place of an optional one that was left out.
    Given,
    /// Fewer accounts.
    Missing,
    /// Instruction data cut short or with another enum, option or length tag.
    Malformed,
    /// An integer of the arguments with an extreme value of its range.
    Edge,
    /// The same transaction again.
    Replay,
    /// A wrong attestation.
    Attestation,
}

/// A change that the program may accept, and the reason why it harms nobody.
#[derive(Clone, Copy, Debug)]
pub struct Free {
    /// The kind of change.
    pub attack: Attack,
    /// What is changed. Usually it is the account's name in the interface description. For [`Attack::Twice`] it is both
    /// accounts, `a = b`. For [`Attack::OtherWallet`] it may be `a and its tokens`. For [`Attack::Edge`] it is the
    /// argument's path. It is empty if the change concerns the whole transaction.
    pub what: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl Free {
    /// Whether a program may refuse the change nevertheless, because it only checks more than it must.
    pub fn is_unreachable(&self) -> bool {
        self.reason == NOWHERE_ELSE
    }
}

/// The attestation of a scenario.
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
    /// Instructions before the main one in the same transaction, such as its attestation.
    pub before: Vec<Instruction>,
    /// The instruction.
    pub instruction: Instruction,
    /// The signers.
    pub signers: Vec<Key>,
    /// The attestation, if the instruction needs one.
    pub attested: Option<Attested>,
    /// The changes that are allowed.
    pub free: Vec<Free>,
}

impl Scenario {
    pub(super) fn new(world: World, instruction: Instruction, signers: &[&Key]) -> Self {
        let signers = signers.iter().map(|k| k.insecure_clone()).collect();
        let scenario = Self { world, before: vec![], instruction, signers, attested: None, free: vec![] };
        scenario.free(Attack::Copy, &["config", "stake_config"], NOWHERE_ELSE)
    }

    /// Puts the committee's signature over `message` before the instruction.
    pub(super) fn attested(mut self, key: &SigningKey, message: Message) -> Self {
        self.before = vec![crate::attest::signed(key, &message)];
        self.attested = Some(Attested { key: key.clone(), message });
        self
    }

    /// Puts other evidence than a committee's signature before the instruction.
    pub(super) fn behind(mut self, evidence: Instruction) -> Self {
        self.before = vec![evidence];
        self
    }

    /// Allows an attack on the accounts or arguments `what`, with the reason.
    pub(super) fn free(mut self, attack: Attack, what: &[&'static str], reason: &'static str) -> Self {
        self.free.extend(what.iter().map(|what| Free { attack, what, reason }));
        self
    }

    /// All instructions of the transaction.
    pub fn instructions(&self) -> Vec<Instruction> {
        self.before.iter().chain([&self.instruction]).cloned().collect()
    }

    /// Sends the transaction in `world`, which is a clone of this scenario's world.
    pub fn send(&self, world: &mut World) -> Result<Sent, Failed> {
        world.send(&self.instructions(), &self.signers.iter().collect::<Vec<_>>())
    }

    /// The wallet that would pay the fees on a cluster.
    pub fn fee_payer(&self) -> solana_pubkey::Pubkey {
        self.signers.first().map_or_else(|| self.world.payer(), |k| k.pubkey())
    }
}

/// An entry of the programs' files: instruction, variant, and the function that makes the scenario.
pub(super) type Listed = (&'static str, &'static str, fn(Town) -> Scenario);

/// Why an account of a program may be at another address in these tests.
pub(super) const NOWHERE_ELSE: &str =
    "the program makes accounts of this type nowhere but at their PDA: the type is enough";
/// Why another owner of a vault is allowed.
pub(super) const PINNED: &str =
    "the address is the one vault's, and the program never hands it on: this state cannot be";
/// Why another token account of the same wallet is allowed.
pub(super) const OWN_TOKENS: &str = "another token account of the same wallet's own";
/// Why another account in the place of the program's id is allowed.
pub(super) const SELF_CPI: &str = "the event goes to the program's own id, which another account names as well";
/// Why another wallet that pays for itself is allowed.
pub(super) const PAYS_ITSELF: &str = "whoever pays for it with its own tokens may do the same";
/// Why a replay of a setting is allowed.
pub(super) const SETS: &str = "whoever may set it may set it again";
/// Why any wallet may send the instruction.
pub(super) const ANYONE: &str = "anyone may send it";
