//! Divides an answer's fee among the documents that a job was trained on, by that answer's own scores (P2).
//!
//! The operator that answers uses it for the receipt. Every other member uses it to work the same out again before it
//! signs a settlement. So everything that it reads is published and named by the job's attested training manifest.

use crate::{Engine, settings};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{Attributor, IndexReader, Logra, Query, gradient::GradientSource, precondition::Fisher};
use openledger_lm::Adapter;
use openledger_pay::{Clusters, PayInput, PaySettings, by_tokens, weights};
use openledger_protocol::weights::Weights;
use openledger_sdk::artifact::{JobConfig, RepeatedExample, TrainingManifest};
use std::path::Path;

/// The documents of a job, and everything by which they are paid.
pub struct Divider {
    estimator: Box<dyn Attributor>,
    terms: Terms,
    /// Divides what has no scores: see [`Divider::training`].
    training: Weights,
    /// Whether scores pay.
    by_scores: bool,
}

/// What the rules of pay need to know of a job's documents besides scores. All lists are in index order.
pub struct Terms {
    /// The rules.
    pub rules: PaySettings,
    /// Tokens that are learned of each document.
    pub targets: Vec<u32>,
    /// Which documents repeat others.
    pub clusters: Clusters,
    /// Self-influence of each document, if the rules need it.
    pub self_influence: Option<Vec<f64>>,
}

impl Terms {
    /// The terms of a job whose documents have these numbers of learned tokens. `repeated` are those whose gradients
    /// repeat another's. `index` is the job's influence index, from which self-influences are taken if the rules need
    /// them.
    pub fn new(
        config: &JobConfig,
        targets: Vec<u32>,
        repeated: &[RepeatedExample],
        index: &IndexReader,
    ) -> Result<Self> {
        let rules = settings::pay_settings(config, 0)?;
        let pairs = repeated.iter().map(|r| (r.example as usize, r.of as usize));
        let clusters = Clusters::given(targets.len(), pairs).context("the repeated documents")?;
        let self_influence = match rules.normalisation.needs_self_influence() {
            true => Some(Fisher::fit(index, config.index.damping)?.self_influence().to_vec()),
            false => None,
        };
        Ok(Self { rules, targets, clusters, self_influence })
    }

    /// The weights that follow from these scores. `rest` divides what the scores leave over.
    pub fn weights(&self, ids: &[[u8; 32]], scores: &[f32], rest: &Weights) -> Result<Weights> {
        let (targets, self_influence) = (&self.targets, self.self_influence.as_deref());
        Ok(weights(&PayInput { ids, scores, targets, self_influence, clusters: &self.clusters }, &self.rules, rest)?)
    }

    /// Weights by the tokens that were learned of each document. Fails if there are no documents.
    pub fn by_tokens(&self) -> Result<Weights> {
        by_tokens(&self.targets, &self.clusters).context("the job has no documents")
    }
}

impl Divider {
    /// The divider of a finished job. `adapter` is its result, `index` the file with its influence index, and `training`
    /// its training weights. Fails if they do not fit the manifest.
    pub fn new(
        engine: &Engine,
        manifest: &TrainingManifest,
        config: &JobConfig,
        adapter: Adapter,
        index: &Path,
        training: &[u8],
    ) -> Result<Self> {
        let reader = IndexReader::open(index)?;
        let (count, targets) = (manifest.examples.len(), manifest.targets.clone());
        ensure!(targets.len() == count, "the manifest names tokens of {} documents and has {count}", targets.len());
        let terms = Terms::new(config, targets, &manifest.repeated, &reader)?;
        let settings = settings::index_settings(&config.index, manifest.seed)?;
        let source = GradientSource::new(engine.base().clone(), adapter, &settings.projection)?;
        let estimator = Box::new(Logra::new(source, reader, settings)?);
        ensure!(
            estimator.settings_hash() == manifest.index_settings,
            "the influence index has other settings than the manifest says"
        );
        let by_scores = by_scores(manifest, config);
        let training = match by_scores {
            true => Weights::from_bytes(training, count)
                .context("the training weights are not one for each document that sum to the whole")?,
            false => terms.by_tokens()?,
        };
        Ok(Self { estimator, terms, training, by_scores })
    }

    /// The method whose scores pay.
    pub fn estimator(&self) -> &dyn Attributor {
        &*self.estimator
    }

    /// Whether scores pay. If not, everything is divided by [`Divider::training`].
    pub fn by_scores(&self) -> bool {
        self.by_scores
    }

    /// The weights that divide the training's fee and payments without an answer: those that the manifest names, or the
    /// fallback of a job whose scores cannot be trusted.
    pub fn training(&self) -> &Weights {
        &self.training
    }

    /// The weights that divide the fee of this answer. They depend on nothing but the answer and the job. It takes a
    /// backward pass over the answer.
    pub fn weights(&self, prompt: &[u32], output: &[u32]) -> Result<Weights> {
        if output.is_empty() || !self.by_scores {
            return Ok(self.training.clone());
        }
        let scores = self.estimator.score(&Query::answer([prompt, output].concat(), prompt.len())?)?;
        self.terms.weights(&scores.ids, &scores.values, &self.training)
    }
}

/// Whether a job's scores pay: the agreement that was measured after its training is not below what its config asks for.
/// A job without held-out examples has no agreement, and its scores pay only if its config asks for none.
pub fn by_scores(manifest: &TrainingManifest, config: &JobConfig) -> bool {
    let least = config.pay.least_agreement_ppm;
    manifest.health.as_ref().map_or(least <= NO_AGREEMENT, |health| health.agreement_ppm >= least)
}

/// The agreement that every training reaches, in parts per million.
const NO_AGREEMENT: i64 = -1_000_000;
