//! Proposals, votes, and the OPEN that is locked for them.

use super::super::schema::{Address, Hash, Hex, ProposalStatus, Signature, VoteChoice};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/proposals`: instructions that holders of locked OPEN vote on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// Its number, from 0.
    pub number: u64,
    /// The proposer's wallet.
    #[schema(value_type = Address)]
    pub proposer: String,
    /// SHA-256 of the description.
    #[schema(value_type = Hash)]
    pub description_hash: String,
    /// URI of the description.
    pub description_uri: String,
    /// `draft`, `voting`, `queued`, `executed`, `defeated`, `vetoed`, `cancelled` or `expired`.
    #[schema(value_type = ProposalStatus)]
    pub status: String,
    /// Number of its instructions.
    pub instructions: u64,
    /// Number of those that were executed.
    pub executed: u64,
    /// Slot in which voting began. Locks have weight as they were before it.
    pub snapshot_slot: Option<u64>,
    /// All OPEN that was locked then.
    pub snapshot_locked: Option<Amount>,
    /// Least weight that must vote.
    pub quorum: Option<Amount>,
    /// First slot in which votes are no longer accepted.
    pub voting_end_slot: Option<u64>,
    /// First slot in which it can be executed, once queued.
    pub executable_slot: Option<u64>,
    /// First slot in which it can no longer be executed, once queued.
    pub expiry_slot: Option<u64>,
    /// Weight for it.
    pub votes_for: Amount,
    /// Weight against it.
    pub votes_against: Amount,
    /// Weight of abstentions, which counts for the quorum alone.
    pub votes_abstain: Amount,
    /// Number of votes.
    pub votes: u64,
    /// Slot of the draft.
    pub created_slot: u64,
    /// Transaction of the draft.
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// `GET /v1/proposals/{address}`: a proposal with its instructions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposalDetail {
    /// The proposal.
    #[serde(flatten)]
    #[schema(inline)]
    pub proposal: Proposal,
    /// What it would do, in the order of execution.
    pub calls: Vec<ProposedCall>,
}

/// An instruction of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposedCall {
    /// Its place, from 0.
    pub index: u8,
    /// The program that it calls.
    #[schema(value_type = Address)]
    pub program: String,
    /// Its accounts.
    pub accounts: Vec<CallAccount>,
    /// Its data.
    #[schema(value_type = Hex)]
    pub data: String,
    /// Whether it was executed.
    pub executed: bool,
}

/// An account of a proposed instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallAccount {
    /// Its address.
    #[schema(value_type = Address)]
    pub address: String,
    /// Whether it signs. Only governance itself can.
    pub signer: bool,
    /// Whether the instruction may change it.
    pub writable: bool,
}

/// `GET /v1/votes`: a vote of one lock on one proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vote {
    /// The proposal.
    #[schema(value_type = Address)]
    pub proposal: String,
    /// The lock.
    #[schema(value_type = Address)]
    pub lock: String,
    /// The wallet that voted with it.
    #[schema(value_type = Address)]
    pub voter: String,
    /// `for`, `against` or `abstain`.
    #[schema(value_type = VoteChoice)]
    pub choice: String,
    /// Its weight.
    pub weight: Amount,
    /// Slot.
    pub slot: u64,
    /// Transaction.
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// `GET /v1/locks`, `GET /v1/locks/{address}`: OPEN that a wallet has locked for weight in votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoteLock {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The wallet that owns the OPEN.
    #[schema(value_type = Address)]
    pub owner: String,
    /// The wallet that votes with it.
    #[schema(value_type = Address)]
    pub delegate: String,
    /// What is locked.
    pub amount: Amount,
    /// First slot in which it can be unlocked, unless it was.
    pub end_slot: Option<u64>,
    /// Slot of the first lock.
    pub created_slot: u64,
}
