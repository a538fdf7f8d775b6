//! The answers of the indexer's REST API. The indexer and its clients share these types.
//!
//! - An [`Amount`](crate::amount::Amount) of OPEN is base units as a decimal string, since it can exceed what a
//!   JavaScript number holds.
//! - Hashes and leaf names are 64 hex digits. Addresses of accounts and wallets, and signatures, are Base58.
//! - Slots, counts, indices and sequence numbers are numbers. A number that somebody may choose freely is a string.
//! - Lists are newest first unless their type says otherwise, and come as a [`Page`].

mod datanets;
mod governance;
mod ledger;
mod models;
mod operators;
mod page;
mod payments;
mod settlements;
mod stake;
mod wallets;

pub use datanets::{Batch, Contribution, ContributionDetail, ContributionWithProof, Datanet, Grant, Review};
pub use governance::{CallAccount, Proposal, ProposalDetail, ProposedCall, Vote, VoteLock};
pub use ledger::{EventRow, Status};
pub use models::{ComputeShare, Job, Model, Snapshot};
pub use operators::{Committee, Operator};
pub use page::{ErrorBody, Final, Page};
pub use payments::{Balance, FeeParts, Funding, ReceiptRow};
pub use settlements::{Challenge, ClaimProof, ClaimProofs, PoolRoot, Settlement};
pub use stake::{Delegation, Insurance, InsurancePayment, Slash, StakePool};
pub use wallets::Wallet;
