//! Accounts of the governance program.

use anchor_lang::prelude::*;
pub use openledger_shared::version::Version;

/// Longest URI of a proposal's description in bytes.
pub const MAX_URI: usize = 128;
/// Most instructions of a proposal.
pub const MAX_INSTRUCTIONS: u8 = 16;
/// Most accounts of a proposed instruction. Executing it must name them all in one transaction of 1,232 bytes.
pub const MAX_ACCOUNTS: usize = 24;
/// Most bytes of data of a proposed instruction. Proposing it must carry them in one transaction of 1,232 bytes.
pub const MAX_DATA: usize = 768;
/// The programs that the guardian may pause, in the order of [`Config::pause_again_from`].
pub const PAUSABLE: [Pubkey; 4] = [stake::ID, datanet::ID, model::ID, payout::ID];

/// The parameters of votes.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Least weight that must vote, for, against or abstaining, in basis points of all OPEN locked at the snapshot.
    pub quorum_bps: u16,
    /// Least weight that a proposer's lock must have.
    pub proposal_threshold: u64,
    /// Slots in which votes are cast.
    pub voting_slots: u64,
    /// Slots between queueing a proposal that passed and its execution.
    pub timelock_slots: u64,
    /// Slots after the vote in which a proposal can be queued, and slots after the timelock in which it can be
    /// executed.
    pub grace_slots: u64,
}

/// The program's one config.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Bump of the authority.
    pub authority_bump: u8,
    /// The guardian. It may veto proposals and pause programs, and nothing else.
    pub guardian: Pubkey,
    /// The parameters of votes. A proposal whose vote has begun keeps the parameters of that time.
    pub parameters: Parameters,
    /// Floor of `voting_slots`: no proposal can set it lower.
    pub min_voting_slots: u64,
    /// Floor of `timelock_slots`: no proposal can set it lower.
    pub min_timelock_slots: u64,
    /// Number of proposals so far. It is the next proposal's number.
    pub proposals: u64,
    /// First slot in which the guardian may pause each of [`PAUSABLE`] again.
    pub pause_again_from: [u64; 4],
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// The status of a proposal.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// Instructions are being added.
    Draft,
    /// Votes are being cast, or await the count.
    Voting,
    /// It passed and waits for its timelock, or for somebody to execute it.
    Queued,
    /// Every instruction was executed.
    Executed,
    /// The quorum was not reached, or the weight for it did not exceed the weight against it.
    Defeated,
    /// The guardian vetoed it.
    Vetoed,
    /// The proposer withdrew it.
    Cancelled,
    /// It passed, but was not queued or executed in time.
    Expired,
}

impl ProposalState {
    /// Whether this state is final.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Draft | Self::Voting | Self::Queued)
    }
}

/// Instructions that OPEN holders vote on.
#[account]
#[derive(InitSpace)]
pub struct Proposal {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// Number of the proposal, from 0.
    pub number: u64,
    /// The proposer. It paid the rent and may withdraw the proposal.
    pub proposer: Pubkey,
    /// SHA-256 of the description.
    pub description_hash: [u8; 32],
    /// URI of the description.
    #[max_len(MAX_URI)]
    pub description_uri: String,
    /// Its status.
    pub state: ProposalState,
    /// Number of its instructions.
    pub instructions: u8,
    /// Number of its instructions that replace the guardian. The guardian cannot veto a proposal that has no other
    /// instructions.
    pub replaces_guardian: u8,
    /// Number of its executed instructions. It is the index of the next one.
    pub executed: u8,
    /// Slot in which voting began. Only locks that have not changed since before this slot have weight.
    pub snapshot_slot: u64,
    /// All OPEN locked at the snapshot.
    pub snapshot_locked: u64,
    /// Quorum: the least weight that must vote.
    pub quorum: u64,
    /// First slot in which votes are no longer accepted.
    pub voting_end_slot: u64,
    /// Slots between queueing and execution, as they were when voting began.
    pub timelock_slots: u64,
    /// Slots in which it can be queued, and then executed, as they were when voting began.
    pub grace_slots: u64,
    /// First slot in which it can be executed; 0 before it is queued.
    pub executable_slot: u64,
    /// First slot in which it can no longer be queued or, once queued, no longer be executed.
    pub expiry_slot: u64,
    /// Weight for it.
    pub votes_for: u64,
    /// Weight against it.
    pub votes_against: u64,
    /// Abstaining weight. It counts only for the quorum.
    pub votes_abstain: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// An account of a proposed instruction.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, PartialEq, Eq)]
pub struct ProposedAccount {
    /// Its address.
    pub address: Pubkey,
    /// Whether it signs. Only the authority can.
    pub signer: bool,
    /// Whether it is writable.
    pub writable: bool,
}

/// An instruction of a proposal, exactly as it will be executed.
#[account]
pub struct ProposedInstruction {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The proposal.
    pub proposal: Pubkey,
    /// Its index in the proposal.
    pub index: u8,
    /// The program that is called.
    pub program: Pubkey,
    /// Its accounts in order.
    pub accounts: Vec<ProposedAccount>,
    /// Its data.
    pub data: Vec<u8>,
}

impl ProposedInstruction {
    /// Account size in bytes for `accounts` accounts and `data` bytes of data.
    pub fn space(accounts: usize, data: usize) -> usize {
        8 + 1 + 1 + 32 + 1 + 32 + (4 + 34 * accounts) + (4 + data)
    }
}

/// The choice of a vote.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// For the proposal.
    For,
    /// Against it.
    Against,
    /// Neither. It counts for the quorum.
    Abstain,
}

/// Marks that a lock has voted on a proposal.
#[account]
#[derive(InitSpace)]
pub struct Vote {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The proposal.
    pub proposal: Pubkey,
    /// The lock, an account of the stake program.
    pub lock: Pubkey,
    /// The wallet that cast the vote and paid the rent. It gets the rent back.
    pub voter: Pubkey,
    /// The choice.
    pub choice: Choice,
    /// The lock's weight at the snapshot.
    pub weight: u64,
}
