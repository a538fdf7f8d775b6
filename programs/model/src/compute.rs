//! The work that operators did for a job, and their pay for it.

use crate::{error::ModelError, state::Job};
use anchor_lang::prelude::*;
use openledger_protocol::fees;

/// One operator's work for a job and its pay, as the attested result carries them. An operator without work is not
/// paid.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeShare {
    /// The operator's wallet.
    pub operator: Pubkey,
    /// Work done, in tokens: tokens trained on, and tokens re-executed to verify. Each token counts once for every pass
    /// over it.
    pub units: u64,
    /// Base units paid for the work.
    pub amount: u64,
}

/// The division of a job's budget.
pub(crate) struct Division {
    /// Base units paid for compute.
    pub paid: u64,
    /// Base units for the contributors' pool.
    pub data_share: u64,
    /// Base units that return to the requester.
    pub refunded: u64,
}

impl Division {
    /// Divides the `held` base units in the job's escrow by `shares`. Fails with `OverBudget` if pay and data share
    /// together exceed the budget or `held`.
    pub(crate) fn of(shares: &[ComputeShare], job: &Job, held: u64) -> Result<Self> {
        let paid = shares.iter().try_fold(0u64, |sum, s| sum.checked_add(s.amount)).ok_or(ModelError::OverBudget)?;
        let data_share = fees::data_share(paid, job.data_share_bps).ok_or(ModelError::OverBudget)?;
        let fee = paid.checked_add(data_share).filter(|fee| *fee <= job.budget).ok_or(ModelError::OverBudget)?;
        let refunded = held.checked_sub(fee).ok_or(ModelError::OverBudget)?;
        Ok(Self { paid, data_share, refunded })
    }
}
