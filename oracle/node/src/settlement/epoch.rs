//! What an epoch's division follows from: payments, answers, the documents behind the models, and the settlement before.

use super::{
    proposal::{Proposal, Question},
    shares::{Columns, JobDocument},
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
    /// The job whose documents it pays: of an answer the one that trained the adapter which gave it.
    pub job: Pubkey,
    /// Whether the answer is known. What was paid for any other, or debited from a prepaid balance, is divided as the
    /// training's fee is: by the validation loss.
    pub answered: bool,
    /// What it put into the contributors' pool.
    pub contributors: u64,
    /// What it put into the validators' pool.
    pub validators: u64,
}

/// A training job that earned in the epoch, by its model's answers or by its training: its documents are paid.
pub struct EpochModel {
    /// The model's account.
    pub address: Pubkey,
    /// The job.
    pub job: Pubkey,
    /// The operator that trained.
    pub trainer: Pubkey,
    /// Hash of the job's config.
    pub config: Hash32,
    /// What the job computed; its documents are in index order.
    pub plan: Arc<JobPlan>,
    /// Its documents as the rules of pay see them.
    pub standing: Arc<DocumentStanding>,
    /// The training's logged states.
    pub log: Vec<LogEntry>,
    /// Its counted answers.
    pub answers: Vec<Answer>,
    /// What they put into the contributors' pool.
    pub fees: u64,
    /// What payments without a known answer put there.
    pub unanswered: u64,
    /// What the job itself put there: the data share of its fee.
    pub data_share: u64,
}

impl EpochModel {
    /// What is divided among its documents.
    pub fn funded(&self) -> Result<u64> {
        self.fees.checked_add(self.by_validation()?).context("what a model earned exceeds u64")
    }

    /// What is divided by the validation loss: all but its answers' fees.
    pub fn by_validation(&self) -> Result<u64> {
        self.unanswered.checked_add(self.data_share).context("what a model earned exceeds u64")
    }
}

/// Everything that an epoch's division follows from.
pub struct Epoch {
    /// Counted payments in ascending order of request.
    pub payments: Vec<CountedPayment>,
    /// What was paid into the pools beside fees since the cutoff before, oldest first.
    pub funding: Vec<CountedFunding>,
    /// Jobs in ascending order of model and job.
    pub models: Vec<EpochModel>,
    /// The settlement before, whose lifetimes this one adds to; `None` for the first.
    pub previous: Option<Previous>,
}

/// A published settlement.
pub struct Previous {
    /// Hash of its report.
    pub hash: Hash32,
    /// Its report, whose roots are those on chain.
    pub report: SettlementReport,
}

impl Epoch {
    /// The documents of all jobs, each with its job, in the order of [`Epoch::columns`].
    pub fn documents(&self) -> impl Iterator<Item = (Pubkey, &Document)> {
        self.models.iter().flat_map(|m| m.plan.documents.iter().map(|d| (m.job, d)))
    }

    /// The order in which members write down what the documents earn.
    pub fn columns(&self) -> Result<Columns> {
        Columns::new(self.documents().map(|(job, d)| JobDocument { job, leaf: d.leaf }))
    }

    /// What members are asked about this epoch.
    pub fn question(&self, proposal: &Proposal) -> Result<Question> {
        Ok(Question { proposal: proposal.clone(), documents: self.columns()?.hash() })
    }
}
