//! Accounts of the governance program.

use anchor_lang::prelude::*;
pub use openledger_shared::version::Version;

/// Longest URI of a proposal's description in bytes.
pub const MAX_URI: usize = 128;
/// Most instructions of a proposal.
pub const MAX_INSTRUCTIONS: u8 = 16;
/// Most accounts of a proposed instruction: executing it names them all in one transaction of 1,232 bytes.
pub const MAX_ACCOUNTS: usize = 24;
/// Most bytes of data of a proposed instruction: proposing it carries them in one transaction of 1,232 bytes.
pub const MAX_DATA: usize = 768;
/// The programs that the guardian may pause, in the order of [`Config::pause_again_from`].
pub const PAUSABLE: [Pubkey; 4] = [stake::ID, datanet::ID, model::ID, payout::ID];

/// What proposals are decided by.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Least weight that must vote, for, against or abstaining, in basis points of all OPEN locked at the snapshot.
    pub quorum_bps: u16,
    /// Least weight of whoever proposes.
    pub proposal_threshold: u64,
    /// Slots in which votes are cast.
    pub voting_slots: u64,
    /// Slots between queueing a proposal that passed and its execution.
    pub timelock_slots: u64,
    /// Slots after the vote to queue it, and after the timelock to execute it.
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
    /// May veto proposals and pause programs, nothing else.
    pub guardian: Pubkey,
    /// What proposals are decided by. Those whose vote has begun keep what they began with.
    pub parameters: Parameters,
    /// No proposal can set `voting_slots` lower.
    pub min_voting_slots: u64,
    /// No proposal can set `timelock_slots` lower.
    pub min_timelock_slots: u64,
    /// Number of proposals so far; the next one's number.
    pub proposals: u64,
    /// First slot in which the guardian may pause each of [`PAUSABLE`] again.
    pub pause_again_from: [u64; 4],
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// Where a proposal stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// Instructions are being added.
    Draft,
    /// Votes are cast, or were and await the count.
    Voting,
    /// It passed and waits for its timelock, or for somebody to execute it.
    Queued,
    /// Every instruction was executed.
    Executed,
    /// Too few voted, or not more for than against it.
    Defeated,
    /// The guardian stopped it.
    Vetoed,
    /// The proposer withdrew it.
    Cancelled,
    /// It passed, but was not queued or executed in time.
    Expired,
}

impl ProposalState {
    /// Whether nothing can happen any more.
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
    /// Who proposed it, paid its rent and may withdraw it.
    pub proposer: Pubkey,
    /// SHA-256 of the description.
    pub description_hash: [u8; 32],
    /// Where the description is.
    #[max_len(MAX_URI)]
    pub description_uri: String,
    /// Where it stands.
    pub state: ProposalState,
    /// Number of its instructions.
    pub instructions: u8,
    /// How many of them only replace the guardian, who cannot veto a proposal of nothing else.
    pub replaces_guardian: u8,
    /// How many were executed: the index of the next one.
    pub executed: u8,
    /// Slot in which voting began. Locks count as they were before it.
    pub snapshot_slot: u64,
    /// All OPEN locked at the snapshot.
    pub snapshot_locked: u64,
    /// Least weight that must vote.
    pub quorum: u64,
    /// First slot in which no vote is taken.
    pub voting_end_slot: u64,
    /// Slots between queueing and execution, as they were when voting began.
    pub timelock_slots: u64,
    /// Slots to queue and to execute, as they were when voting began.
    pub grace_slots: u64,
    /// First slot in which it can be executed; 0 before it is queued.
    pub executable_slot: u64,
    /// First slot in which it cannot be queued or, once queued, executed any more.
    pub expiry_slot: u64,
    /// Weight for it.
    pub votes_for: u64,
    /// Weight against it.
    pub votes_against: u64,
    /// Weight that only makes the quorum.
    pub votes_abstain: u64,
    /// Number of the next event of this account.
    pub sequence: u64,
}

/// An account of a proposed instruction.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, PartialEq, Eq)]
pub struct ProposedAccount {
    /// Its address.
    pub address: Pubkey,
    /// Whether it signs; only the authority can.
    pub signer: bool,
    /// Whether it may change.
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
    /// Its place there.
    pub index: u8,
    /// The program that is called.
    pub program: Pubkey,
    /// Its accounts in order.
    pub accounts: Vec<ProposedAccount>,
    /// Its data.
    pub data: Vec<u8>,
}

impl ProposedInstruction {
    /// Account size for so many accounts and bytes of data.
    pub fn space(accounts: usize, data: usize) -> usize {
        8 + 1 + 1 + 32 + 1 + 32 + (4 + 34 * accounts) + (4 + data)
    }
}

/// What a vote says.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// For the proposal.
    For,
    /// Against it.
    Against,
    /// Neither; counts for the quorum.
    Abstain,
}

/// That a lock has voted on a proposal.
#[account]
#[derive(InitSpace)]
pub struct Vote {
    /// Layout version of this account.
    pub version: Version,
    /// PDA bump.
    pub bump: u8,
    /// The proposal.
    pub proposal: Pubkey,
    /// The lock, of the stake program.
    pub lock: Pubkey,
    /// Who cast it, paid its rent and gets it back.
    pub voter: Pubkey,
    /// What it says.
    pub choice: Choice,
    /// The lock's weight at the snapshot.
    pub weight: u64,
}
