//! The demo's machine-readable summary. Amounts are base units as decimal strings.

use crate::genesis::Deployed;
use openledger_sdk::amount::Amount;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Deployed programs by name.
    pub programs: BTreeMap<String, Deployed>,
    /// The governing accounts and their decisions.
    pub governance: GovernanceSummary,
    /// Datanets.
    pub datanets: Vec<DatanetSummary>,
    /// Number of batches that validators rejected.
    pub rejected_batches: u64,
    /// The committee.
    pub committee: CommitteeSummary,
    /// The training job.
    pub job: JobSummary,
    /// Answers in the order of asking.
    pub answers: Vec<AnswerSummary>,
    /// The amount paid for an answer that nobody fetched.
    pub unanswered: Amount,
    /// How well the answers' receipts name the documents asked about.
    pub attribution: AttributionSummary,
    /// The model that builds on the first. `None` if the settings ask for none.
    pub layers: Option<LayersSummary>,
    /// The epoch's settlement.
    pub settlement: SettlementSummary,
    /// The receipts, added up by hand.
    pub receipts: ReceiptsSummary,
    /// An operator's lies about answers.
    pub lies: LiesSummary,
    /// Two operators that lied in the quorum's protocol while an epoch was settled.
    pub liars: LiarsSummary,
    /// What the operators computed with, and how far they were apart.
    pub fleet: FleetSummary,
    /// Claims.
    pub claims: ClaimsSummary,
    /// The destinations of every fee.
    pub books: Books,
    /// Attempts to cheat, and what refused them.
    pub refused: Vec<Refusal>,
    /// Seconds by step, and in all.
    pub seconds: BTreeMap<String, f64>,
}

/// The governing accounts and their decisions.
#[derive(Debug, Default, Serialize)]
pub struct GovernanceSummary {
    /// The PDA that is the authority of all programs.
    pub authority: String,
    /// The guardian, which may veto and pause.
    pub guardian: String,
    /// OPEN locked for votes.
    pub locked: Amount,
    /// Proposals in order.
    pub proposals: Vec<ProposalSummary>,
    /// The parameter that a vote changed.
    pub changed: ParameterChange,
}

/// A proposal.
#[derive(Debug, Serialize)]
pub struct ProposalSummary {
    /// Its number.
    pub number: u64,
    /// Its description.
    pub title: String,
    /// Weight for it.
    pub votes_for: Amount,
    /// Weight that had to vote.
    pub quorum: Amount,
    /// How many instructions it has.
    pub instructions: u8,
    /// Where it stands.
    pub state: String,
}

/// A parameter before and after a vote.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct ParameterChange {
    pub parameter: String,
    pub before: u64,
    pub after: u64,
    /// Number of the proposal.
    pub proposal: u64,
    /// The first payout epoch in which it is in force.
    pub from_epoch: u64,
}

/// A Datanet.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct DatanetSummary {
    pub id: String,
    pub name: String,
    pub access: String,
    pub licence: String,
    pub documents: u64,
    pub contributors: u64,
    pub root: String,
}

/// The committee.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct CommitteeSummary {
    pub n: u16,
    pub t: u16,
    pub group_key: String,
    pub confirmed_slot: u64,
}

/// The training job.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct JobSummary {
    pub id: String,
    pub base_sha256: String,
    pub adapter_sha256: String,
    pub examples: usize,
    pub steps: usize,
    /// Training loss of the first and of the last step.
    pub train_loss: [f32; 2],
    /// Validation loss before the first and after the last step.
    pub eval_loss: [f32; 2],
    pub escrow: Amount,
    pub paid: Amount,
    /// Paid into the contributors' pool.
    pub data_share: Amount,
    pub refunded: Amount,
}

/// A document in an answer's receipt.
#[derive(Clone, Debug, Serialize)]
pub struct TopDocument {
    /// Its title.
    pub doc: String,
    /// Its owner's wallet.
    pub owner: String,
    /// Parts per million.
    pub ppm: u64,
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct AnswerSummary {
    pub request: String,
    pub fee: Amount,
    pub tokens_in: usize,
    pub tokens_out: usize,
    /// Title of the document that the question was made from.
    pub source_doc: Option<String>,
    /// Its place in the receipt, from 1; `None` if the receipt does not name it.
    pub rank_of_source: Option<usize>,
    pub top: Vec<TopDocument>,
}

/// Recall of the source documents.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct AttributionSummary {
    pub method: String,
    pub recall_at_1: f64,
    pub recall_at_5: f64,
    pub chance_at_5: f64,
}

/// A model that builds on another.
#[derive(Debug, Default, Serialize)]
pub struct LayersSummary {
    /// The child.
    pub model: String,
    /// Its job.
    pub job: String,
    /// The parent's job, on whose adapter it was trained.
    pub parent_job: String,
    /// Examples of the parent: windows of its documents.
    pub inherited: usize,
    /// Examples of its own.
    pub examples: usize,
    /// Paid into the contributors' pool for its training.
    pub data_share: Amount,
    /// Answers about documents of the parent.
    pub answers: usize,
    /// Their fees.
    pub fees: Amount,
    /// Part of the fees that the parent's owner got.
    pub upstream: Amount,
    /// What their receipts pay to documents of the parent.
    pub to_parent: Amount,
    /// What their receipts pay to documents of its own.
    pub to_own: Amount,
    /// The parent's documents that they pay most.
    pub top: Vec<PaidDocument>,
}

/// The settlement.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct SettlementSummary {
    /// The last settled epoch.
    pub epoch: u64,
    /// All settled epochs.
    pub epochs: Vec<u64>,
    /// Root of the contributors' pool.
    pub root: String,
    /// Root of the validators' pool.
    pub validators_root: String,
    /// Both pools.
    pub lifetime_total: Amount,
    /// Both pools.
    pub lifetime_funded: Amount,
    /// The amount of both pools that the next epoch will divide.
    pub carried: Amount,
    /// The amount of the contributors' pool that was divided by the training weights, because its payments have no
    /// answers.
    pub unanswered: Amount,
    /// Number of documents left out of training and pay because they repeat others.
    pub repeated: usize,
    pub signers_alive: usize,
}

/// The receipts, added up by hand and compared with the settlements.
#[derive(Debug, Default, Serialize)]
pub struct ReceiptsSummary {
    /// The method whose scores pay.
    pub method: String,
    /// Whether the training was healthy enough for its scores to pay.
    pub paid_by_scores: bool,
    /// Rank correlation of the estimate with the exact attribution, in parts per million.
    pub agreement_ppm: i64,
    /// Roughness of the training, in thousandths.
    pub roughness_milli: u64,
    /// Answers that were paid exactly as their receipts say.
    pub exact: usize,
    /// Payments that wait for the next settlement.
    pub held: usize,
    /// Largest median distance of a receipt from what members worked out, in parts per million.
    pub largest_distance_ppm: u64,
    /// The documents that earned most.
    pub top: Vec<PaidDocument>,
}

/// Lies of an operator about answers, and whether the settlement named them.
#[derive(Debug, Default, Serialize)]
pub struct LiesSummary {
    /// Base units paid for the two answers.
    pub paid: Amount,
    /// Whether an answer with an impossible token was taken for none.
    pub poisoned: bool,
    /// Whether a receipt with forged weights was found out.
    pub forged: bool,
}

/// Two of five operators that lie in the quorum's protocol, and what came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiarsSummary {
    /// The epochs that were settled among them.
    pub epochs: Vec<u64>,
    /// Fees of these epochs' answers.
    pub paid: Amount,
    /// Answers that were divided by their own receipts, although both liars denied it.
    pub honest_paid: usize,
    /// Whether the receipt that both liars vouched for was found out.
    pub forged_refused: bool,
    /// What the contributors' pool got for answers that two liars and any one honest member would have divided otherwise.
    pub would_have_moved: Amount,
    /// What the liars proposed. The committee signed none of it.
    pub proposals: Vec<RefusedProposal>,
    /// What it took.
    pub seconds: u64,
}

/// A settlement that a liar proposed.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedProposal {
    /// The lie, in words.
    pub lie: String,
    /// Number of the operator that proposed it.
    pub by: usize,
    /// The epoch that was being settled.
    pub epoch: u64,
    /// In how many honest operators' logs it stands under its proposer's name, refused by the check that is there for it.
    pub judged_by: usize,
    /// Why an honest operator refused.
    pub reason: String,
}

/// What the operators computed with, and how far they were apart.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FleetSummary {
    /// The operators in order.
    pub operators: Vec<OperatorSummary>,
    /// Whether they computed with more than one class of arithmetic.
    pub mixed: bool,
    /// The largest distance of a re-executed segment from what was logged, in parts per billion.
    pub segments_ppb: u64,
    /// The largest distance of the weights that an operator worked out for an answer from its receipt's, in parts per
    /// billion. Receipts that do not hold are left out.
    pub answers_ppb: u64,
    /// The largest distance at which either holds, in parts per billion.
    pub band_ppb: u64,
}

/// One operator.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OperatorSummary {
    /// Its number, from 1.
    pub operator: usize,
    /// The class of arithmetic, as its node names it.
    pub kernel: String,
    /// Threads of its node.
    pub threads: usize,
    /// The segments that it re-executed, beside what was logged.
    pub segments: Compared,
    /// The weights that it worked out for answers, beside their receipts'.
    pub answers: Compared,
}

/// A document with what it earned.
#[derive(Debug, Serialize)]
pub struct PaidDocument {
    /// Its title.
    pub doc: String,
    /// Base units.
    pub amount: Amount,
}

/// Claims.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct ClaimsSummary {
    pub count: usize,
    pub total: Amount,
}

/// The destinations of every fee.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Books {
    /// Sum of all fees.
    pub funded: Amount,
    /// Sum of the training jobs' data shares.
    pub data_shares: Amount,
    /// Paid to the treasury's token account.
    pub treasury: Amount,
    /// Paid to the model's owner, including upstream shares.
    pub model_owner: Amount,
    /// Paid to the operators for answers.
    pub compute: Amount,
    /// Claimed from the validators' pool.
    pub validators: Amount,
    /// Claimed from the contributors' pool.
    pub contributors_paid: Amount,
    /// Held in the vaults.
    pub held: Amount,
    /// Whether these amounts sum to the fees and data shares, and all token accounts sum to the supply.
    pub balanced: bool,
}

/// An attempt to cheat.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// The attempt, in words.
    pub attempt: String,
    /// The program's own error that refused it.
    pub error: String,
}

/// What a node computed again, beside what others had published, as its status says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Equal bit for bit.
    pub equal: u64,
    /// Not equal, and within the band.
    pub near: u64,
    /// Outside of the band.
    pub outside: u64,
    /// The largest distance within the band, in parts per billion.
    pub largest_ppb: u64,
}
