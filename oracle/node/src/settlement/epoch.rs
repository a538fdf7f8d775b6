//! What the division of an epoch follows from: payments, answers, the documents behind the models, and the previous
//! settlement.

use super::{
    columns::{Columns, JobDocument},
    proposal::{Proposal, Question},
};
use crate::{
    documents::Document,
    plans::{DocumentStanding, JobPlan},
};
use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{CountedFunding, LogEntry, SettlementReport},
    receipt::Answer,
};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// A payment for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPayment {
    /// The request.
    pub request: Hash32,
    /// The model.
    pub model: Pubkey,
    /// The job whose documents it pays. For an answer this is the job that trained the adapter which gave the answer.
    pub job: Pubkey,
    /// Whether the answer is known. A payment without a known answer is divided by the validation loss, as the
    /// training's fee is. This also holds for debits from a prepaid balance.
    pub answered: bool,
    /// Base units that it put into the contributors' pool.
    pub contributors: u64,
    /// Base units that it put into the validators' pool.
    pub validators: u64,
}

/// A training job that earned in the epoch, by its model's answers or by its training. Its documents are paid.
pub struct EpochModel {
    /// The model's account.
    pub address: Pubkey,
    /// The job.
    pub job: Pubkey,
    /// The operator that trained.
    pub trainer: Pubkey,
    /// Hash of the job's config.
    pub config: Hash32,
    /// What the job computed. Its documents are in index order.
    pub plan: Arc<JobPlan>,
    /// The standing of its documents under the rules of pay.
    pub standing: Arc<DocumentStanding>,
    /// The training's logged states.
    pub log: Vec<LogEntry>,
    /// Its known answers that were paid for.
    pub answers: Vec<Answer>,
    /// Base units that these answers put into the contributors' pool.
    pub fees: u64,
    /// Base units that payments without a known answer put into the contributors' pool.
    pub unanswered: u64,
    /// Base units that the job itself put into the contributors' pool: the data share of its fee.
    pub data_share: u64,
}

impl EpochModel {
    /// Base units that are divided among the job's documents. Fails if the sum exceeds `u64`.
    pub fn funded(&self) -> Result<u64> {
        self.fees.checked_add(self.by_validation()?).context("what a model earned exceeds u64")
    }

    /// Base units that are divided by the validation loss: all but the fees of known answers. Fails if the sum exceeds
    /// `u64`.
    pub fn by_validation(&self) -> Result<u64> {
        self.unanswered.checked_add(self.data_share).context("what a model earned exceeds u64")
    }
}

/// Everything that the division of an epoch follows from.
pub struct Epoch {
    /// Counted payments in ascending order of request.
    pub payments: Vec<CountedPayment>,
    /// Payments into the pools that are not fees for answers, since the previous cutoff, oldest first.
    pub funding: Vec<CountedFunding>,
    /// Jobs in ascending order of model and job.
    pub models: Vec<EpochModel>,
    /// The previous settlement, whose lifetime amounts this one adds to. `None` for the first settlement.
    pub previous: Option<Previous>,
}

/// A published settlement.
pub struct Previous {
    /// Hash of its report.
    pub hash: Hash32,
    /// Its report. The report's roots are those on chain.
    pub report: SettlementReport,
}

impl Epoch {
    /// The documents of all jobs, each with its job, in the order of [`Epoch::columns`].
    pub fn documents(&self) -> impl Iterator<Item = (Pubkey, &Document)> {
        self.models.iter().flat_map(|m| m.plan.documents.iter().map(|d| (m.job, d)))
    }

    /// The order in which members write down the documents' shares. Fails if a document appears twice in a job.
    pub fn columns(&self) -> Result<Columns> {
        Columns::new(self.documents().map(|(job, d)| JobDocument { job, leaf: d.leaf }))
    }

    /// The question about this epoch that members are asked.
    pub fn question(&self, proposal: &Proposal) -> Result<Question> {
        Ok(Question { proposal: proposal.clone(), documents: self.columns()?.hash() })
    }
}
