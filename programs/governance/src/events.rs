//! Events of the governance program. `sequence` counts the events of each subject account, so that a gap is visible.

use crate::state::{Choice, Config, Parameters, ProposalState, ProposedAccount};
use anchor_lang::prelude::*;
use openledger_shared::{event::Emitter, sequence};

/// Emits the events of this program.
pub(crate) const EMITTER: Emitter = Emitter::new(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1);

/// The config was made or changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigChanged {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The guardian now.
    pub guardian: Pubkey,
    /// The parameters of votes that begin from now on.
    pub parameters: Parameters,
}

impl ConfigChanged {
    /// The next event of `config`, as it stands now.
    pub(crate) fn of(config: &mut Account<Config>) -> Result<Self> {
        Ok(Self {
            config: config.key(),
            sequence: sequence::take(&mut config.sequence)?,
            guardian: config.guardian,
            parameters: config.parameters,
        })
    }
}

/// The guardian paused a program, or ended its pause.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct GuardianPaused {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The program.
    pub program: Pubkey,
    /// First slot in which it runs again.
    pub until_slot: u64,
}

/// A proposal was drafted.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalCreated {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// Its number.
    pub number: u64,
    /// The proposer.
    pub proposer: Pubkey,
    /// SHA-256 of its description.
    pub description_hash: [u8; 32],
    /// URI of its description.
    pub description_uri: String,
}

/// An instruction was added to a draft.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct InstructionProposed {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// Place of the instruction.
    pub index: u8,
    /// The program that it calls.
    pub program: Pubkey,
    /// Its accounts in order.
    pub accounts: Vec<ProposedAccount>,
    /// Its data.
    pub data: Vec<u8>,
}

/// Voting began.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VotingOpened {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// Slot of the snapshot.
    pub snapshot_slot: u64,
    /// All OPEN locked at the snapshot, in base units.
    pub snapshot_locked: u64,
    /// Quorum: the least weight that must vote.
    pub quorum: u64,
    /// First slot in which votes are no longer accepted.
    pub voting_end_slot: u64,
}

/// A lock voted.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VoteCast {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// The lock.
    pub lock: Pubkey,
    /// The wallet that voted with the lock.
    pub voter: Pubkey,
    /// For, against or neither.
    pub choice: Choice,
    /// The weight of the vote.
    pub weight: u64,
}

/// A vote's account was closed and its rent returned.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VoteClosed {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// The lock that had voted.
    pub lock: Pubkey,
}

/// A proposal passed and waits for its timelock.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalQueued {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// First slot in which it can be executed.
    pub executable_slot: u64,
    /// First slot in which it can no longer be executed.
    pub expiry_slot: u64,
}

/// A proposal's next instruction was executed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct InstructionExecuted {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// Place of the instruction.
    pub index: u8,
    /// Whether it was the last one, so that the proposal is executed.
    pub last: bool,
}

/// A proposed instruction's account was closed and its rent returned.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct InstructionClosed {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// Place of the instruction.
    pub index: u8,
}

/// A proposal ended without the execution of all its instructions.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalEnded {
    /// The proposal account.
    pub proposal: Pubkey,
    /// Event number of the proposal.
    pub sequence: u64,
    /// How it ended: defeated, vetoed, cancelled or expired.
    pub state: ProposalState,
    /// Number of its instructions that were executed before.
    pub executed: u8,
}
