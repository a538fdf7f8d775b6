//! The stake program in tests: an operator, a validator and a committee that are ready to use.

use crate::{
    attest,
    keys::{Key, key},
    tx::{Failed, Sent},
    world::World,
};
use ::stake::{
    instructions::{
        InitializeArgs, ProposeCommitteeArgs, ProveEquivocationArgs, RegisterOperatorArgs, SlashAttestedArgs,
    },
    state::{Config, Position, Role, capability},
};
use ed25519_dalek::SigningKey;
use openledger_interface::{Program, attestation, ix, pda};
use openledger_protocol::{
    attest::Message,
    observation::{Observation, evidence_data},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Least stake of an operator in test worlds.
pub const MIN_OPERATOR: u64 = 1_000 * crate::OPEN;
/// Least stake of a validator in test worlds.
pub const MIN_VALIDATOR: u64 = 100 * crate::OPEN;
/// Cooldown in test worlds.
pub const UNBOND_SLOTS: u64 = 500;

/// The arguments that test worlds are initialised with.
pub fn initialize_args(world: &World) -> InitializeArgs {
    InitializeArgs {
        cluster: world.cluster,
        min_operator_stake: MIN_OPERATOR,
        min_validator_stake: MIN_VALIDATOR,
        unbond_slots: UNBOND_SLOTS,
    }
}

/// An observation by `operator` in this world.
pub fn observation(world: &World, operator: &Operator, args: &ProveEquivocationArgs, content: [u8; 32]) -> Observation {
    Observation {
        cluster: world.cluster,
        epoch: args.epoch,
        operator: operator.wallet.pubkey().to_bytes(),
        subject: args.subject,
        sequence: args.sequence,
        content,
    }
}

/// The Ed25519 instruction that proves two observations to be signed by `identity`.
pub fn evidence(identity: &Key, observations: [&Observation; 2]) -> Instruction {
    let signatures: [[u8; 64]; 2] = observations.map(|o| identity.sign_message(&o.to_bytes()).into());
    let [first, second] = &signatures;
    Instruction {
        program_id: solana_sdk_ids::ed25519_program::ID,
        accounts: vec![],
        data: evidence_data(&identity.pubkey().to_bytes(), [first, second], observations).to_vec(),
    }
}

/// A registered operator.
pub struct Operator {
    /// Its wallet.
    pub wallet: Key,
    /// Its identity key.
    pub identity: Key,
}

impl Clone for Operator {
    fn clone(&self) -> Self {
        Self { wallet: self.wallet.insecure_clone(), identity: self.identity.insecure_clone() }
    }
}

/// An active committee.
#[derive(Clone)]
pub struct Committee {
    /// Its epoch.
    pub epoch: u64,
    /// Its members in order.
    pub members: Vec<Operator>,
    /// Its group key.
    pub key: SigningKey,
}

impl World {
    /// A world whose stake program is initialised, with `programs` beside it.
    pub fn with_stake(programs: &[Program]) -> Self {
        let mut all = vec![Program::Stake];
        all.extend(programs);
        let mut world = Self::new(&all);
        let authority = world.authority.insecure_clone();
        let make = ix::stake::initialize(&authority.pubkey(), &world.mint, initialize_args(&world));
        world.send(&[make], &[&authority]).expect("initialises");
        world
    }

    /// Deposits and registers a new operator with every capability.
    pub fn operator(&mut self) -> Operator {
        let wallet = self.wallet(2 * MIN_OPERATOR);
        let identity = key(&format!("identity of {}", wallet.pubkey()));
        let owner = wallet.pubkey();
        let args = RegisterOperatorArgs { endpoint: "http://127.0.0.1:7000".into(), capabilities: capability::ALL };
        let instructions = [
            ix::stake::deposit(&owner, &self.mint, Role::Operator, MIN_OPERATOR),
            ix::stake::register_operator(&owner, &identity.pubkey(), args),
        ];
        self.send(&instructions, &[&wallet, &identity]).expect("registers");
        Operator { wallet, identity }
    }

    /// Deposits for a new validator.
    pub fn validator(&mut self, stake: u64) -> Key {
        let wallet = self.wallet(2 * stake);
        self.send(&[ix::stake::deposit(&wallet.pubkey(), &self.mint, Role::Validator, stake)], &[&wallet])
            .expect("deposits");
        wallet
    }

    /// Makes the next committee active: `members` in order, any `threshold`, this group key.
    pub fn seat(&mut self, members: &[&Operator], threshold: u16, group_key: [u8; 32]) -> Result<Sent, Failed> {
        let epoch = self.get::<Config>(&pda::stake_config()).committee_epoch;
        let authority = self.authority.insecure_clone();
        let wallets: Vec<Pubkey> = members.iter().map(|m| m.wallet.pubkey()).collect();
        let (first, rest) = wallets.split_at(wallets.len().min(6));
        let args = ProposeCommitteeArgs { threshold, size: wallets.len() as u16, members: first.to_vec() };
        self.send(&[ix::stake::propose_committee(&authority.pubkey(), epoch, args)], &[&authority])?;
        for more in rest.chunks(8) {
            self.send(&[ix::stake::add_members(&authority.pubkey(), epoch, more)], &[&authority])?;
        }
        let mut last = None;
        for member in members {
            let confirm = ix::stake::confirm_committee(&member.wallet.pubkey(), epoch, group_key);
            last = Some(self.send(&[confirm], &[&member.wallet])?);
        }
        Ok(last.expect("a committee has members"))
    }

    /// The message that a committee signs for a fault of this position now.
    pub fn fault(&self, committee: &Committee, owner: &Pubkey, role: Role, args: &SlashAttestedArgs) -> Message {
        let position = pda::position(owner, role);
        let (stake, faults) = (self.get(&pda::stake_config()), self.get::<Position>(&position).faults);
        Message { committee_epoch: committee.epoch, ..attestation::fault(&stake, &position, faults, args) }
    }

    /// Slashes a position for a fault that `committee` attests.
    pub fn slash(&mut self, committee: &Committee, owner: &Pubkey, role: Role, bps: u16) -> Result<Sent, Failed> {
        let args = SlashAttestedArgs { bps, evidence: [0xfa; 32], expiry_slot: self.slot() + 20 };
        let attestation = attest::signed(&committee.key, &self.fault(committee, owner, role, &args));
        let slash = ix::stake::slash_attested(committee.epoch, &self.get(&pda::position(owner, role)), args);
        self.send(&[attestation, slash], &[])
    }

    /// Registers `size` new operators and makes them the active committee under a plain key.
    pub fn committee(&mut self, size: usize) -> Committee {
        let members: Vec<Operator> = (0..size).map(|_| self.operator()).collect();
        let epoch = self.get::<Config>(&pda::stake_config()).committee_epoch + 1;
        let key = attest::group_key(epoch as u8);
        let threshold = (size / 2 + 1) as u16;
        self.seat(&members.iter().collect::<Vec<_>>(), threshold, key.verifying_key().to_bytes()).expect("is seated");
        Committee { epoch, members, key }
    }
}
