//! What a job computes. It follows from the chain and the artifact store alone, so it is the same at every operator.

use super::{roles, settings};
use crate::documents::{self, Document, Repeat};
use anyhow::{Context, Result};
use model::{compute::ComputeShare, state::Job};
use openledger_attribution::{LograSettings, MagicSettings, QueryItem};
use openledger_lm::{Example, Tokenizer, TrainConfig};
use openledger_pay::PaySettings;
use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::{api::IndexerClient, artifact::JobConfig, store::Store};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// Name of the arithmetic. Results are bit-equal only between nodes with the same name.
pub const KERNEL: &str = concat!("openledger-lm ", env!("CARGO_PKG_VERSION"), " candle-0.11.1 cpu f32");

/// A job, ready to run.
pub struct JobPlan {
    /// The config that the job's account names by its hash.
    pub config: JobConfig,
    /// The trainer's settings.
    pub train: TrainConfig,
    /// The influence index's settings.
    pub index: LograSettings,
    /// The exact attribution's settings.
    pub magic: MagicSettings,
    /// The rules of pay.
    pub pay: PaySettings,
    /// Documents that are left out because they repeat others.
    pub repeats: Vec<Repeat>,
    /// Documents that the job trains on, in index order. None of them repeats another's text.
    pub documents: Vec<Document>,
    /// The training examples, made of `documents`.
    pub examples: Arc<[Example]>,
    /// Held-out documents.
    pub eval_documents: Vec<Document>,
    /// The held-out examples, made of `eval_documents`.
    pub eval: Arc<[Example]>,
}

impl JobPlan {
    /// Hash of everything in the job's account that its plan follows from.
    pub fn key(job: &Job) -> Result<Hash32> {
        Ok(sha256(&[&borsh::to_vec(&(job.config_hash, job.seed, &job.snapshots))?]))
    }

    /// Works out the plan of `job`. What is fetched is checked against the config's hash and the snapshots' roots.
    pub async fn new(job: &Job, indexer: &IndexerClient, store: &Store, tokenizer: &Arc<Tokenizer>) -> Result<Self> {
        let config = store.get_blob(&job.config_hash).await.with_context(|| {
            format!("the job's config {} is not in the artifact store", hex::encode(job.config_hash))
        })?;
        let config: JobConfig = serde_json::from_slice(&config).context("the job's config is not valid")?;
        let repeats_seed = documents::seed(job.seed, job.snapshots.iter().map(|s| s.root));
        let plan = Self::without_documents(config, job.seed, repeats_seed)?;
        let all = documents::documents(indexer, store, &job.snapshots).await?;
        let (tokenizer, seed) = (tokenizer.clone(), job.seed);
        tokio::task::spawn_blocking(move || plan.with_documents(all, seed, &tokenizer)).await?
    }

    /// A plan with checked settings and no documents.
    fn without_documents(config: JobConfig, seed: u64, repeats_seed: u64) -> Result<Self> {
        Ok(Self {
            train: openledger_serve::settings::train_config(&config.train, config.data.max_tokens, seed)?,
            index: openledger_serve::settings::index_settings(&config.index, seed)?,
            magic: settings::magic_settings(&config.audit)?,
            pay: openledger_serve::settings::pay_settings(&config, repeats_seed)?,
            repeats: Vec::new(),
            documents: Vec::new(),
            examples: Arc::default(),
            eval_documents: Vec::new(),
            eval: Arc::default(),
            config,
        })
    }

    /// Adds the documents. Chooses among all documents of the snapshots those that have something to learn and repeat
    /// no earlier one.
    fn with_documents(self, all: Vec<Document>, seed: u64, tokenizer: &Tokenizer) -> Result<Self> {
        let (mut documents, mut examples, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for document in all {
            match documents::example(tokenizer, &document, self.config.data.max_tokens) {
                Ok(example) => {
                    texts.push(documents::learned(tokenizer, &example));
                    documents.push(document);
                    examples.push(example);
                }
                Err(e) => tracing::debug!("not trained on: {e:#}"),
            }
        }
        let clusters = documents::clusters(&documents, &texts, None, &self.pay.clusters)?;
        let own: Vec<usize> = (0..documents.len()).filter(|i| clusters.owner(*i) == *i).collect();
        let (chosen, held_out) = documents::choose(own.len(), &self.config.data, seed)?;
        let pick = |places: &[usize]| -> (Vec<Document>, Arc<[Example]>) {
            let at = places.iter().map(|place| own[*place]);
            (at.clone().map(|i| documents[i].clone()).collect(), at.map(|i| examples[i].clone()).collect())
        };
        let repeats = documents::repeats(&documents, &clusters).collect();
        let ((documents, examples), (eval_documents, eval)) = (pick(&chosen), pick(&held_out));
        Ok(Self { repeats, documents, examples, eval_documents, eval, ..self })
    }

    /// The query for the validation loss, times `weight`. The validation loss is the mean loss of the held-out
    /// examples.
    pub fn validation(&self, weight: f64) -> Vec<QueryItem> {
        let weight = (weight / self.eval.len().max(1) as f64) as f32;
        let item = |e: &Example| QueryItem { tokens: e.tokens.clone(), loss_from: e.loss_from, weight };
        self.eval.iter().map(item).collect()
    }

    /// Number of training tokens over all epochs. Compute is paid by this number.
    pub fn tokens(&self) -> u64 {
        self.examples.iter().map(|e| e.tokens.len() as u64).sum::<u64>() * self.train.epochs as u64
    }

    /// Number of training steps.
    pub fn steps(&self) -> u64 {
        (self.examples.len().div_ceil(self.train.batch_size) * self.train.epochs) as u64
    }

    /// Number of segments of the training log.
    pub fn segments(&self) -> u64 {
        self.steps().div_ceil(self.train.checkpoint_every)
    }

    /// The pay of the operators if `trainer` trains the job.
    pub fn compute_shares(&self, job: &Pubkey, trainer: Pubkey, members: &[Pubkey]) -> Result<Vec<ComputeShare>> {
        let price = self.config.train.price_per_1k_tokens;
        roles::compute_shares(job, self.tokens(), self.segments(), price, trainer, members)
    }

    /// Leaves of the training documents, in index order.
    pub fn leaves(&self) -> Vec<Hash32> {
        self.documents.iter().map(|d| d.leaf).collect()
    }

    /// Leaves of the held-out documents.
    pub fn eval_leaves(&self) -> Vec<Hash32> {
        self.eval_documents.iter().map(|d| d.leaf).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Registered;

    #[test]
    fn repeated_and_unusable_documents_are_neither_trained_on_nor_held_out() {
        let document = |n: u8, registered: u64, text: String| Document {
            leaf: [n; 32],
            datanet: Pubkey::default(),
            owner: Pubkey::new_from_array([n; 32]),
            approved_by: vec![],
            title: if n == 99 { "a title without end ".repeat(20) } else { format!("term {n}") },
            text,
            registered: Registered { commit_until: registered, datanet: Pubkey::default(), batch: 0, place: n.into() },
        };
        let own = |n: u8| format!("{} is all that document {n} has to say", hex::encode(sha256(&[&[n]])));
        // The copy is listed first but was registered later. Only the text within the limit of tokens is compared.
        let mut all = vec![document(50, 9, format!("{} and more of its own besides", own(3).to_uppercase()))];
        all.extend((0..12).map(|n| document(n, 1, own(n))));
        all.push(document(99, 0, own(99)));
        let config: JobConfig =
            serde_json::from_str(r#"{"data": {"max_examples": 99, "eval_examples": 4, "max_tokens": 96}}"#).unwrap();
        let plan = JobPlan::without_documents(config, 7, 8).unwrap();
        let plan = plan.with_documents(all, 7, &Tokenizer::bytes()).unwrap();
        assert_eq!((plan.documents.len(), plan.eval_documents.len()), (8, 4));
        let used = plan.documents.iter().chain(&plan.eval_documents);
        assert!(used.map(|d| d.leaf[0]).all(|n| n < 12));
        assert_eq!(plan.repeats.iter().map(|r| (r.leaf, r.of)).collect::<Vec<_>>(), [([50; 32], [3; 32])]);
        assert!(plan.examples.iter().zip(&plan.documents).all(|(e, d)| e.id == d.leaf));
    }
}
