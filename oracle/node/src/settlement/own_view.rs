//! This member's own view of an epoch: which answers there are, and how far their receipts' weights are from those that
//! it works out itself.

use super::{
    facts::{Facts, Payment},
    gather::Epochs,
    proposal::Proposal,
    question::Question,
    verdict::BAND_PPM,
    view::{MOST_PAYMENTS, Seen, View},
    well_formed::{self, Limits},
};
use crate::{
    ledger::{JobResult, Ledger},
    operator::{Board, Chain, LazyEngine, Memo},
    plans::{FinishedJob, FinishedJobs},
};
use anyhow::{Context, Result, ensure};
use openledger_protocol::{
    Hash32,
    weights::{self, Weights},
};
use openledger_sdk::{Store, receipt::Answer, store::StoreError};
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, RwLock},
    time::Duration,
};
use tokio::sync::Mutex;

/// Most questions whose views are held in memory.
const MOST: usize = 4;

/// Longest blob of weights that is read.
const MOST_BYTES: u64 = 8 * weights::MOST as u64;

/// Longest time that the store may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// This member's views of the epochs that it settles. Cheap to clone.
#[derive(Clone)]
pub struct Observations {
    parts: Arc<Parts>,
    known: Memo<Question, Observed>,
    /// The proposal that this member settles, and how often the members were asked about it before, as far as it knows.
    reached: Arc<RwLock<Option<(Proposal, u32)>>>,
    /// Held while working a view out: one at a time keeps a node's cores and memory for its other work.
    at_work: Arc<Mutex<()>>,
}

/// What views are made with.
pub struct Parts {
    /// Reads who the operators are.
    pub chain: Chain,
    /// Has the answers and the weights.
    pub store: Store,
    /// Names the results of jobs.
    pub ledger: Ledger,
    /// Works weights out.
    pub engine: LazyEngine,
    /// The facts of the epochs.
    pub epochs: Epochs,
    /// The jobs that divide the fees.
    pub jobs: FinishedJobs,
    /// Shows the progress, and how far the weights of receipts are from this member's.
    pub status: Board,
}

/// What this member sees of an epoch.
pub struct Observed {
    /// The facts that it is about.
    pub facts: Arc<Facts>,
    /// The view that it tells the others.
    pub view: View,
    /// For each payment that it looked at: the answer that it found, if it is well formed.
    pub answers: Vec<Option<FoundAnswer>>,
    /// The jobs that it could read, by address.
    pub jobs: BTreeMap<Pubkey, Arc<FinishedJob>>,
}

/// A well-formed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAnswer {
    /// SHA-256 of its canonical JSON.
    pub hash: Hash32,
    /// The job whose adapter gave it.
    pub job: Pubkey,
    /// Hash of the blob with its receipt's weights.
    pub weights_hash: Hash32,
    /// Its receipt's weights.
    pub weights: Weights,
}

impl Observations {
    /// Makes views with these parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), known: Memo::new(MOST), reached: Arc::default(), at_work: Arc::default() }
    }

    /// This member's view. It is worked out at first use: one call does the work, and the others wait for its result.
    /// Fails if the question is not the one that follows from the ledger.
    pub async fn of(&self, question: &Question) -> Result<Arc<Observed>> {
        let facts = self.parts.epochs.of(&question.proposal).await?;
        if *question != Question::new(&question.proposal, &facts, question.attempt) {
            // Perhaps this member read the ledger too early: it reads again when it is asked again.
            self.parts.epochs.forget(&question.proposal).await;
            anyhow::bail!("epoch {} has other facts here than those asked about", question.proposal.epoch);
        }
        let reached = self.reached(&question.proposal);
        ensure!(
            question.attempt <= reached,
            "this member has not come to attempt {} at epoch {} yet",
            question.attempt,
            question.proposal.epoch
        );
        self.known.get_or_try(question.clone(), || self.look(question, facts)).await
    }

    /// Says that this member has come to this attempt by its own clock. Others can ask it about no later one, so that nobody
    /// uses attempts up.
    pub fn reach(&self, question: &Question) {
        let now = (question.proposal.clone(), question.attempt);
        *self.reached.write().expect("no panic holds this lock") = Some(now);
    }

    /// The attempt that this member has come to.
    pub fn reached(&self, proposal: &Proposal) -> u32 {
        match &*self.reached.read().expect("no panic holds this lock") {
            Some((known, attempt)) if known == proposal => *attempt,
            _ => 0,
        }
    }

    /// Drops what this member saw. The next caller looks again.
    pub async fn forget(&self, question: &Question) {
        self.known.forget(question).await;
    }

    async fn look(&self, question: &Question, facts: Arc<Facts>) -> Result<Observed> {
        let _at_work = self.at_work.lock().await;
        let parts = &self.parts;
        let (epoch, total) = (question.proposal.epoch, facts.payments.len());
        let mut looker = Looker {
            parts,
            identities: parts.chain.identities().await?,
            cutoff: question.proposal.cutoff_slot,
            jobs: BTreeMap::new(),
        };
        let (mut ready, mut answers, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (n, payment) in facts.payments.iter().take(MOST_PAYMENTS).enumerate() {
            parts.status.settling(epoch, &format!("working out answer {} of {total}", n + 1));
            let (own, found) = looker.see(payment).await;
            seen.push(own);
            answers.push(found);
        }
        for job in facts.jobs() {
            ready.push(looker.is_ready(&facts, &job).await);
        }
        Ok(Observed { view: View { jobs: ready, answers: seen }, answers, jobs: looker.jobs, facts })
    }
}

/// Looks at one payment after the other. A fault of one of them, or of one model, stops that one alone.
struct Looker<'a> {
    parts: &'a Parts,
    identities: HashMap<Pubkey, Pubkey>,
    cutoff: u64,
    jobs: BTreeMap<Pubkey, Arc<FinishedJob>>,
}

impl Looker<'_> {
    async fn see(&mut self, payment: &Payment) -> (Seen, Option<FoundAnswer>) {
        let request = hex::encode(payment.request);
        let (answer, found, result) = match tokio::time::timeout(PATIENCE, self.find(payment)).await {
            Ok(Ok(Some(found))) => found,
            Ok(Ok(None)) => return (Seen::None, None),
            Ok(Err(e)) => {
                tracing::warn!(request, "its answer could not be looked for: {e:#}");
                return (Seen::Unknown, None);
            }
            Err(_) => {
                tracing::warn!(request, "its answer could not be looked for within {} s", PATIENCE.as_secs());
                return (Seen::Unknown, None);
            }
        };
        let distance = match self.distance(&answer, &found, &result).await {
            Ok(distance) => Some(distance),
            Err(e) => {
                tracing::warn!(request, "its weights could not be worked out: {e:#}");
                None
            }
        };
        (Seen::Answer { hash: found.hash, distance }, Some(found))
    }

    /// The answer to a payment. `None` if there is none, or none that is well formed.
    async fn find(&mut self, payment: &Payment) -> Result<Option<(Answer, FoundAnswer, JobResult)>> {
        let taken_for_unanswered = |why: String| {
            tracing::warn!(request = hex::encode(payment.request), "taken for unanswered: {why}");
            Ok(None)
        };
        let store = &self.parts.store;
        let answer = match store.get_answer(&payment.request).await {
            Ok(answer) => answer,
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(e @ (StoreError::Content { .. } | StoreError::Hash { .. })) => {
                return taken_for_unanswered(e.to_string());
            }
            // Other members may be able to read the answer. A failure of the store must not count as a missing answer.
            Err(e) => return Err(e.into()),
        };
        let Some(identity) = self.identities.get(&payment.operator) else {
            return taken_for_unanswered(format!("{} is not registered", payment.operator));
        };
        let engine = self.parts.engine.get().await?;
        let config = engine.base().config();
        let tokenizer = engine.tokenizer();
        let vocabulary = config.vocab.min(tokenizer.vocab_size());
        let limits = Limits { tokenizer, vocabulary, context: config.max_len };
        if let Err(e) = well_formed::check(&answer, payment, identity, &limits) {
            return taken_for_unanswered(format!("{e:#}"));
        }
        let results = self.parts.ledger.job_results(&payment.model, self.cutoff).await?;
        let Some(result) = adapters(&results, payment.slot).find(|r| r.adapter_hash == answer.adapter_hash) else {
            return taken_for_unanswered("the model did not have the adapter that answered since it was paid".into());
        };
        let result = result.clone();
        let weights_hash = answer.receipt.weights;
        let bytes = match store.get_blob_within(&weights_hash, MOST_BYTES).await {
            Ok(bytes) => bytes,
            Err(StoreError::Missing { .. } | StoreError::Hash { .. } | StoreError::Size { .. }) => {
                return taken_for_unanswered("its receipt's weights are not in the store".into());
            }
            Err(e) => return Err(e.into()),
        };
        let Some(weights) = Weights::from_bytes(&bytes, bytes.len() / 8) else {
            return taken_for_unanswered("its receipt's weights do not sum to the whole".into());
        };
        let found = FoundAnswer { hash: answer.hash()?, job: result.job, weights_hash, weights };
        Ok(Some((answer, found, result)))
    }

    /// Distance of the receipt's weights from those that this member works out, in parts per million. Weights of another
    /// number of documents are as far away as weights can be.
    async fn distance(&mut self, answer: &Answer, found: &FoundAnswer, result: &JobResult) -> Result<u64> {
        let job = self.job(result).await?;
        let (prompt, output) = (answer.prompt_tokens.clone(), answer.output_tokens.clone());
        let work = move |_: &openledger_serve::Engine| job.divider.weights(&prompt, &output);
        let own = self.parts.engine.get().await?.run(work).await?;
        let distance = own.distance_ppm(&found.weights).unwrap_or(2_000_000);
        let within = (distance <= BAND_PPM).then(|| distance_ppb(&own, &found.weights));
        self.parts.status.compared(|s| &mut s.answers, own == found.weights, within);
        Ok(distance)
    }

    async fn job(&mut self, result: &JobResult) -> Result<Arc<FinishedJob>> {
        let job = self.parts.jobs.of(&result.job, &result.adapter_hash, &result.manifest_hash).await?;
        self.jobs.insert(result.job, job.clone());
        Ok(job)
    }

    /// Whether this member has what paying a job's documents by its training weights needs.
    async fn is_ready(&mut self, facts: &Facts, job: &Pubkey) -> bool {
        let read = async {
            let model = match facts.payments.iter().find(|p| p.last_job == *job) {
                Some(payment) => payment.model,
                None => self.parts.chain.client.account::<model::state::Job>(job).await?.model,
            };
            let results = self.parts.ledger.job_results(&model, self.cutoff).await?;
            let result = results.iter().find(|r| r.job == *job).context("it had no result at the cutoff")?;
            self.job(result).await
        };
        match read.await {
            Ok(_) => true,
            Err(e) => {
                tracing::warn!(%job, "its documents cannot be paid yet: {e:#}");
                false
            }
        }
    }
}

/// Σ |a − b| of weights of the same documents, in parts per billion of the whole, rounded up. It shows what honest members
/// differ by, which parts per million round away.
fn distance_ppb(a: &Weights, b: &Weights) -> u64 {
    let apart: u64 = a.values().iter().zip(b.values()).map(|(a, b)| a.abs_diff(*b)).sum();
    apart.div_ceil(weights::WHOLE / 1_000_000_000)
}

/// The results whose adapters may have answered a payment of this slot: the one that the model had then, and later ones.
/// An operator must not choose among the adapters that a model once had.
fn adapters(results: &[JobResult], slot: u64) -> impl Iterator<Item = &JobResult> {
    let had = results.iter().rposition(|r| r.slot <= slot).unwrap_or(0);
    results[had.min(results.len())..].iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_that_was_replaced_before_the_payment_did_not_answer_it() {
        let result = |version: u64, slot| JobResult {
            job: Pubkey::new_from_array([version as u8; 32]),
            version,
            slot,
            signature: String::new(),
            adapter_hash: [version as u8; 32],
            manifest_hash: [0; 32],
        };
        let results = [result(1, 10), result(2, 20), result(3, 30)];
        let at = |slot| adapters(&results, slot).map(|r| r.version).collect::<Vec<_>>();
        assert_eq!((at(10), at(19), at(20), at(99)), (vec![1, 2, 3], vec![1, 2, 3], vec![2, 3], vec![3]));
        assert_eq!(adapters(&[], 5).count(), 0);
    }
}
