//! What operators did for a job and what they are paid for it.

use crate::{error::ModelError, state::Job};
use anchor_lang::prelude::*;
use openledger_protocol::fees;

/// What one operator did for a job, and what it is paid for it: its receipt, as the attested result carries it. Nobody is
/// paid without work.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeShare {
    /// The operator's wallet.
    pub operator: Pubkey,
    /// Work done: tokens trained on, or re-executed to verify, each counted once for every pass over it.
    pub units: u64,
    /// Base units paid for it.
    pub amount: u64,
}

/// What a job's budget is divided into.
pub(crate) struct Division {
    /// Base units paid for compute.
    pub paid: u64,
    /// Base units for the contributors.
    pub data_share: u64,
    /// Base units that return to the requester.
    pub refunded: u64,
}

impl Division {
    /// Divides `held` base units, which lie in the job's escrow, by these shares; refuses more than the budget.
    pub(crate) fn of(shares: &[ComputeShare], job: &Job, held: u64) -> Result<Self> {
        let paid = shares.iter().try_fold(0u64, |sum, s| sum.checked_add(s.amount)).ok_or(ModelError::OverBudget)?;
        let data_share = fees::data_share(paid, job.data_share_bps).ok_or(ModelError::OverBudget)?;
        let fee = paid.checked_add(data_share).filter(|fee| *fee <= job.budget).ok_or(ModelError::OverBudget)?;
        let refunded = held.checked_sub(fee).ok_or(ModelError::OverBudget)?;
        Ok(Self { paid, data_share, refunded })
    }
}
