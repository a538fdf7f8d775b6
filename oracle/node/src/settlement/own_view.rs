//! This member's own view of an epoch: which answers there are, and how far their receipts' weights are from those that
//! it works out itself.

use super::{
    facts::{Facts, Payment},
    gather::Epochs,
    kept::{Kept, Place},
    proposal::Proposal,
    question::Question,
    verdict::{BAND_PPM, FARTHEST_SIGNED},
    view::{MOST_PAYMENTS, Seen, View},
    well_formed::{self, Limits},
};
use crate::{
    ledger::{JobResult, Ledger},
    operator::{Board, Chain, Files, LazyEngine, Memo},
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

/// Longest time that the store may take for one artifact, and the chain for the results of one model.
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
    /// Where the weights of receipts are kept.
    pub files: Files,
    /// Shows the progress, and how far the weights of receipts are from this member's.
    pub status: Board,
}

/// What this member sees of an epoch.
pub struct Observed {
    /// The facts that it is about.
    pub facts: Arc<Facts>,
    /// The view that it tells the others.
    pub view: View,
    /// For each payment that it looked at: the answer that it found, if the receipt is near what it worked out.
    pub answers: Vec<Option<FoundAnswer>>,
    /// The weights of these answers' receipts.
    pub kept: Kept,
    /// The jobs that it could read, by address.
    pub jobs: BTreeMap<Pubkey, Arc<FinishedJob>>,
}

/// An answer whose receipt this member may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAnswer {
    /// SHA-256 of its canonical JSON.
    pub hash: Hash32,
    /// The job whose adapter gave it.
    pub job: Pubkey,
    /// Hash of the blob with its receipt's weights.
    pub weights_hash: Hash32,
    /// Where its receipt's weights are kept.
    pub weights: Place,
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
        self.known.get_or_try(question.clone(), || Box::pin(self.look(question, facts))).await
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
        let identities = parts.chain.identities().await?;
        Looker::new(parts, identities, question.proposal.cutoff_slot)?.look(question.proposal.epoch, facts).await
    }
}

/// Looks at one payment after the other. A fault of one of them, or of one model, stops that one alone.
struct Looker<'a> {
    parts: &'a Parts,
    identities: HashMap<Pubkey, Pubkey>,
    cutoff: u64,
    kept: Kept,
    /// The results of each model at the cutoff.
    results: HashMap<Pubkey, Arc<Vec<JobResult>>>,
    /// What was read of each job. A job that cannot be read is not tried again for each of its answers.
    jobs: BTreeMap<Pubkey, Result<Arc<FinishedJob>, String>>,
}

/// What can be found out about something that is stored.
enum Stored<T> {
    /// It is there.
    Is(T),
    /// It is not there, or is nothing that could count. Why.
    Not(String),
}

impl<'a> Looker<'a> {
    fn new(parts: &'a Parts, identities: HashMap<Pubkey, Pubkey>, cutoff: u64) -> Result<Self> {
        let kept = Kept::new(parts.files.folder())?;
        Ok(Self { parts, identities, cutoff, kept, results: HashMap::new(), jobs: BTreeMap::new() })
    }

    async fn look(mut self, epoch: u64, facts: Arc<Facts>) -> Result<Observed> {
        let total = facts.payments.len();
        let (mut ready, mut answers, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (n, payment) in facts.payments.iter().take(MOST_PAYMENTS).enumerate() {
            self.parts.status.settling(epoch, &format!("working out answer {} of {total}", n + 1));
            let (own, found) = self.see(payment).await;
            seen.push(own);
            answers.push(found);
        }
        for job in facts.jobs() {
            ready.push(self.is_ready(&facts, &job).await);
        }
        let jobs = self.jobs.into_iter().filter_map(|(address, read)| Some((address, read.ok()?))).collect();
        Ok(Observed { view: View { jobs: ready, answers: seen }, answers, kept: self.kept, jobs, facts })
    }

    /// What this member sees of the answer to a payment. The answer comes with it if its receipt may be signed.
    async fn see(&mut self, payment: &Payment) -> (Seen, Option<FoundAnswer>) {
        match self.look_at(payment).await {
            Ok(Stored::Is(seen)) => seen,
            Ok(Stored::Not(why)) => {
                tracing::warn!(request = hex::encode(payment.request), "taken for unanswered: {why}");
                (Seen::None, None)
            }
            Err(e) => {
                tracing::warn!(request = hex::encode(payment.request), "its answer could not be looked for: {e:#}");
                (Seen::Unknown, None)
            }
        }
    }

    /// Fails if the store fails.
    async fn look_at(&mut self, payment: &Payment) -> Result<Stored<(Seen, Option<FoundAnswer>)>> {
        let (answer, hash, result) = match self.find(payment).await? {
            Stored::Is(found) => found,
            Stored::Not(why) => return Ok(Stored::Not(why)),
        };
        let not_worked_out = |e| {
            tracing::warn!(request = hex::encode(payment.request), "its weights could not be worked out: {e:#}");
            Ok(Stored::Is((Seen::Answer { hash, distance: None }, None)))
        };
        let job = match self.job(&result).await {
            Ok(job) => job,
            Err(e) => return not_worked_out(e),
        };
        let weights_hash = answer.receipt.weights;
        let documents = job.divider.training().values().len();
        let weights = match self.weights(&weights_hash, documents, &result).await? {
            Stored::Is(weights) => weights,
            Stored::Not(why) => return Ok(Stored::Not(why)),
        };
        let distance = match self.distance(answer, &weights, job).await {
            Ok(distance) => distance,
            Err(e) => return not_worked_out(e),
        };
        let found = match distance <= FARTHEST_SIGNED {
            true => {
                let weights = self.kept.keep(weights_hash, &weights)?;
                Some(FoundAnswer { hash, job: result.job, weights_hash, weights })
            }
            // This member signs no settlement that it divides, so its weights are not needed.
            false => None,
        };
        Ok(Stored::Is((Seen::Answer { hash, distance: Some(distance) }, found)))
    }

    /// The well-formed answer to a payment, its hash, and the result that gave it.
    async fn find(&mut self, payment: &Payment) -> Result<Stored<(Answer, Hash32, JobResult)>> {
        let results = self.results(&payment.model).await?;
        let Some(last) = results.last() else {
            return Ok(Stored::Not("its model had no adapter at the cutoff".into()));
        };
        let answer = match self.read(self.parts.store.get_answer(&payment.request), last).await? {
            Stored::Is(answer) => answer,
            Stored::Not(why) => return Ok(Stored::Not(why)),
        };
        let Some(identity) = self.identities.get(&payment.operator) else {
            return Ok(Stored::Not(format!("{} is not registered", payment.operator)));
        };
        let engine = self.parts.engine.get().await?;
        let config = engine.base().config();
        let tokenizer = engine.tokenizer();
        let vocabulary = config.vocab.min(tokenizer.vocab_size());
        let limits = Limits { tokenizer, vocabulary, context: config.max_len };
        if let Err(e) = well_formed::check(&answer, payment, identity, &limits) {
            return Ok(Stored::Not(format!("{e:#}")));
        }
        let Some(result) = answered_by(&results, payment.slot, &answer) else {
            return Ok(Stored::Not("the model did not have the result that answered since it was paid".into()));
        };
        let hash = answer.hash()?;
        Ok(Stored::Is((answer, hash, result.clone())))
    }

    /// The weights that a receipt names. A blob of another number of `documents` than the result's is not read.
    async fn weights(&self, hash: &Hash32, documents: usize, result: &JobResult) -> Result<Stored<Weights>> {
        let read = self.parts.store.get_blob_within(hash, 8 * documents as u64);
        Ok(match self.read(read, result).await? {
            Stored::Is(bytes) => match Weights::from_bytes(&bytes, documents) {
                Some(weights) => Stored::Is(weights),
                None => Stored::Not(format!("its receipt's weights are not {documents} that sum to the whole")),
            },
            Stored::Not(why) => Stored::Not(format!("its receipt's weights: {why}")),
        })
    }

    /// What an artifact holds that a stranger may have stored. Fails if the store does.
    ///
    /// A failure of the store must not count as a missing artifact, because other members may be able to read it. But an
    /// artifact that cannot be read while others can is nothing: whoever stored it could hold a payment over for ever. The
    /// manifest of `result` is what is read to tell the two apart.
    async fn read<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
        result: &JobResult,
    ) -> Result<Stored<T>> {
        let error = match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(value)) => return Ok(Stored::Is(value)),
            Ok(Err(
                e @ (StoreError::Missing { .. }
                | StoreError::Hash { .. }
                | StoreError::Size { .. }
                | StoreError::Content { .. }),
            )) => return Ok(Stored::Not(e.to_string())),
            Ok(Err(e @ (StoreError::Open { .. } | StoreError::Backend(_)))) => e.to_string(),
            Err(_) => format!("the store took longer than {} s", PATIENCE.as_secs()),
        };
        let other = self.parts.store.get_blob(&result.manifest_hash);
        match tokio::time::timeout(PATIENCE, other).await {
            Ok(Ok(_)) => Ok(Stored::Not(error)),
            _ => Err(anyhow::Error::msg(error)),
        }
    }

    /// Distance of the receipt's weights from those that this member works out, in parts per million.
    async fn distance(&self, answer: Answer, weights: &Weights, job: Arc<FinishedJob>) -> Result<u64> {
        let work =
            move |_: &openledger_serve::Engine| job.divider.weights(&answer.prompt_tokens, &answer.output_tokens);
        let own = self.parts.engine.get().await?.run(work).await?;
        let distance = own.distance_ppm(weights).context("they are of another number of documents")?;
        let within = (distance <= BAND_PPM).then(|| distance_ppb(&own, weights));
        self.parts.status.compared(|s| &mut s.answers, own == *weights, within);
        Ok(distance)
    }

    /// The results that a model had at the cutoff.
    async fn results(&mut self, model: &Pubkey) -> Result<Arc<Vec<JobResult>>> {
        if let Some(known) = self.results.get(model) {
            return Ok(known.clone());
        }
        let read = self.parts.ledger.job_results(model, self.cutoff);
        let read = tokio::time::timeout(PATIENCE, read).await.context("the chain does not say what the model had")?;
        let results = Arc::new(read?);
        self.results.insert(*model, results.clone());
        Ok(results)
    }

    async fn job(&mut self, result: &JobResult) -> Result<Arc<FinishedJob>> {
        if !self.jobs.contains_key(&result.job) {
            let read = self.parts.jobs.of(&result.job, &result.adapter_hash, &result.manifest_hash).await;
            self.jobs.insert(result.job, read.map_err(|e| format!("{e:#}")));
        }
        self.jobs[&result.job].clone().map_err(anyhow::Error::msg)
    }

    /// Whether this member has what paying a job's documents by its training weights needs.
    async fn is_ready(&mut self, facts: &Facts, job: &Pubkey) -> bool {
        let read = async {
            let model = match facts.payments.iter().find(|p| p.last_job == *job) {
                Some(payment) => payment.model,
                None => self.parts.chain.client.account::<model::state::Job>(job).await?.model,
            };
            let results = self.results(&model).await?;
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

/// The result that answered a payment of this slot. It is one of those that may have: the one that the model had then, and
/// later ones. An operator must not choose among the results that a model once had.
///
/// Two results may have one adapter and divide fees otherwise: a job that trains once more begins with the same run. So the
/// manifest tells them apart.
fn answered_by<'a>(results: &'a [JobResult], slot: u64, answer: &Answer) -> Option<&'a JobResult> {
    let had = results.iter().rposition(|r| r.slot <= slot).unwrap_or(0);
    let named = |r: &&JobResult| (r.manifest_hash, r.adapter_hash) == (answer.manifest_hash, answer.adapter_hash);
    results[had.min(results.len())..].iter().find(named)
}

#[cfg(test)]
pub mod tests;
