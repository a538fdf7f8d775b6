//! What a job inherits from the model that its model builds on.

use crate::documents::{Compared, Document};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{LograSettings, ProjectionSettings, QueryStates, states::evenly_spaced};
use openledger_lm::{Adapter, AdapterLayout, BaseModel, LoraConfig, TrainConfig, TrainState};
use openledger_sdk::{
    Store,
    artifact::{InheritedExample, LogEntry, TrainingManifest},
};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// The result that a job builds on: the last one of the parent model that was attested up to the slot of the job's
/// request. It is the same at every member, because it is read from the finalized ledger.
pub struct Parent {
    /// Its training manifest, which names the parent's job.
    pub manifest: TrainingManifest,
    /// Shape of its adapter.
    pub lora: LoraConfig,
    /// How the rows of its influence index were made.
    pub projection: ProjectionSettings,
    /// The documents that its influence index has rows of, in index order: what it inherited itself, and its own.
    pub documents: Vec<Inherited>,
}

/// A document that a parent learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// The job that was trained on it.
    pub job: Pubkey,
    /// Number of that job in the chain of parents, the oldest being 0.
    pub layer: usize,
    /// The document.
    pub document: Document,
    /// The text of it that was learned.
    pub text: String,
    /// Number of windows in which it was learned. Each has a row of the index.
    pub windows: usize,
}

impl Inherited {
    /// The document as it is compared with others.
    pub fn compared(&self) -> Compared<'_> {
        Compared { document: &self.document, layer: self.layer, text: &self.text }
    }

    /// Its windows as manifests name them.
    pub fn examples(&self) -> impl Iterator<Item = InheritedExample> {
        std::iter::repeat_n(InheritedExample { job: self.job, leaf: self.document.leaf }, self.windows)
    }
}

impl Parent {
    /// Fails unless a job with these settings can build on the parent: its adapter has the same shape, and the rows of
    /// its influence index were made alike.
    pub fn check(&self, train: &TrainConfig, index: &LograSettings) -> Result<()> {
        ensure!(
            self.lora == train.lora,
            "the parent's adapter has {:?} and the config asks for {:?}; use the parent's `train.lora`",
            self.lora,
            train.lora
        );
        ensure!(
            self.projection == index.projection,
            "the parent's influence index has {:?} and the config asks for {:?}; use the parent's `train.runs`, \
             `index.projection`, `index.k`, `index.states` and `index.query`",
            self.projection,
            index.projection
        );
        Ok(())
    }

    /// Fails unless answers can be asked at as many states of a run that logs these steps as of the parent's run. It
    /// matters only where an answer is asked at every state: then a row has a section for each.
    pub fn check_states(&self, logged: &[u64]) -> Result<()> {
        if self.projection.query_states == QueryStates::End {
            return Ok(());
        }
        let above: Vec<u64> = self.run(0).iter().map(|e| e.step).collect();
        let [above, own] = [&above[..], logged].map(|logged| evenly_spaced(logged, self.projection.states).len());
        ensure!(
            above == own,
            "the parent's influence index has {above} states and the job's would have {own}, and `index.query` is \
             \"all\"; log as many states, by `train.checkpoint_every`"
        );
        Ok(())
    }

    /// Seed of the projections of its influence index.
    pub fn index_seed(&self) -> u64 {
        self.manifest.index_seed
    }

    /// Number of jobs in the chain of parents, this one included.
    pub fn layers(&self) -> usize {
        self.documents.last().map_or(0, |d| d.layer + 1)
    }

    /// The logged states of run number `run` of the parent's training. Empty if it had no such run.
    fn run(&self, run: usize) -> &[LogEntry] {
        LogEntry::runs(&self.manifest.log).nth(run).unwrap_or_default()
    }

    /// The adapter that run number `run` of the parent's training ended with, of its last logged state. Fails if `store`
    /// does not have the state, or if it does not fit the `base` model.
    pub async fn adapter(&self, store: &Store, base: &BaseModel, run: usize) -> Result<Adapter> {
        let name = || format!("the last logged state of run {run} of the parent's job");
        let last = self.run(run).last().with_context(|| format!("the parent's job has no run {run}"))?;
        let state = store.get_blob(&last.state).await.with_context(name)?;
        let state = TrainState::from_bytes(&state).with_context(name)?;
        let layout = Arc::new(AdapterLayout::new(base.config(), &self.lora)?);
        Ok(Adapter::from_flat(layout, &state.params, base.hash(), base.device())?)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use openledger_sdk::artifact::Metrics;

    /// A parent without a training, which has these documents.
    pub fn parent(
        train: &TrainConfig,
        index: &LograSettings,
        documents: impl IntoIterator<Item = (Document, String)>,
    ) -> Parent {
        let job = Pubkey::new_from_array([77; 32]);
        let inherited = |(document, text)| Inherited { job, layer: 0, document, text, windows: 1 };
        let documents: Vec<Inherited> = documents.into_iter().map(inherited).collect();
        let manifest = TrainingManifest {
            version: TrainingManifest::VERSION,
            job,
            model: Pubkey::default(),
            operator: Pubkey::default(),
            base_hash: [0; 32],
            config_hash: [0; 32],
            seed: index.projection.seed,
            kernel: String::new(),
            inherited: vec![],
            examples: documents.iter().map(|d| d.document.leaf).collect(),
            eval: vec![],
            log: vec![],
            log_root: [0; 32],
            adapter_hash: [0; 32],
            index_hash: [0; 32],
            index_settings: [0; 32],
            index_seed: index.projection.seed,
            targets: vec![1; documents.len()],
            repeated: vec![],
            weights: [0; 32],
            health: None,
            tokens: 0,
            metrics: Metrics::default(),
            signature: String::new(),
        };
        let (lora, projection) = (train.lora.clone(), index.projection.clone());
        Parent { manifest, lora, projection, documents }
    }
}
