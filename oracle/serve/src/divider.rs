//! Divides an answer's fee among the documents that a job was trained on, by that answer's own scores (P2).
//!
//! The operator that answers uses it for the receipt. Every other member uses it to work the same out again before it
//! signs a settlement. So everything that it reads is published and named by the job's attested training manifest.

use crate::{Engine, settings};
use anyhow::{Context, Result, ensure};
use openledger_attribution::{Attributor, Estimator, IndexReader, Query, precondition::Fisher};
use openledger_lm::TrainState;
use openledger_pay::{Clusters, PayInput, PaySettings, Windows, by_tokens, weights};
use openledger_protocol::weights::Weights;
use openledger_sdk::artifact::{Health, JobConfig, Repetition, TrainingManifest};
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
    /// Which examples are windows of which document.
    pub windows: Windows,
    /// Tokens that are learned of each example.
    pub targets: Vec<u32>,
    /// For each example: by what its score is multiplied before it pays. If its loss was a sum over tokens, so is its
    /// score. If it was a mean, the score is multiplied by the number of tokens, so that a document that is cut in two
    /// earns no more.
    pub factors: Vec<u32>,
    /// Which documents repeat others.
    pub clusters: Clusters,
    /// Self-influence of each example, if the rules need it.
    pub self_influence: Option<Vec<f64>>,
}

impl Terms {
    /// The terms of a job whose documents have these windows, with these numbers of learned tokens. `repeated` are the
    /// documents whose gradients repeat another's. `index` is the job's influence index, from which self-influences are
    /// taken if the rules need them.
    pub fn new(
        config: &JobConfig,
        windows: Windows,
        targets: Vec<u32>,
        repeated: &[Repetition],
        index: &IndexReader,
    ) -> Result<Self> {
        let rules = settings::pay_settings(config, 0)?;
        let pairs = repeated.iter().map(|r| (r.document as usize, r.of as usize));
        let clusters = Clusters::given(windows.documents(), pairs).context("the repeated documents")?;
        let self_influence = match rules.normalisation.needs_self_influence() {
            true => Some(Fisher::fit(index, config.index.damping)?.self_influence().to_vec()),
            false => None,
        };
        let factors = match config.train.loss_denominator {
            Some(_) => vec![1; targets.len()],
            None => targets.clone(),
        };
        Ok(Self { rules, windows, targets, factors, clusters, self_influence })
    }

    /// The weights of the documents that follow from these scores of the examples. `rest` divides what the scores leave
    /// over.
    pub fn weights(&self, ids: &[[u8; 32]], scores: &[f32], rest: &Weights) -> Result<Weights> {
        let (windows, clusters) = (&self.windows, &self.clusters);
        let (targets, self_influence) = (&self.factors, self.self_influence.as_deref());
        Ok(weights(&PayInput { windows, ids, scores, targets, self_influence, clusters }, &self.rules, rest)?)
    }

    /// Weights by the tokens that were learned of each document. Fails if there are no documents.
    pub fn by_tokens(&self) -> Result<Weights> {
        by_tokens(&self.targets, &self.windows, &self.clusters).context("the job has no documents")
    }
}

impl Divider {
    /// The divider of a finished job. Its documents are those of its parents and its own, in index order. `states` are
    /// those of each run that its index is asked at ([`states_of_a_query`](crate::states::states_of_a_query)), `index` is
    /// the file with the index, and `training` has its training weights. Fails if they do not fit the manifest.
    pub fn new(
        engine: &Engine,
        manifest: &TrainingManifest,
        config: &JobConfig,
        states: &[Vec<TrainState>],
        index: &Path,
        training: &[u8],
    ) -> Result<Self> {
        let (own, targets) = (manifest.examples.len(), manifest.targets.clone());
        let windows = Windows::of(manifest.rows());
        let (count, documents) = (windows.examples(), windows.documents());
        ensure!(targets.len() == count, "the manifest names tokens of {} examples and has {count}", targets.len());
        let settings = settings::index_settings(config, manifest.index_seed)?;
        let train = settings::train_config(&config.train, config.data.max_tokens, manifest.seed)?;
        let estimator = Estimator::of_runs(engine.base().clone(), &train, own, states, settings)?.open(index)?;
        let rows = estimator.index().count();
        ensure!(rows == count, "the influence index has {rows} rows for {count} examples");
        ensure!(
            estimator.settings_hash() == manifest.index_settings,
            "the influence index has other settings than the manifest says"
        );
        let terms = Terms::new(config, windows, targets, &manifest.repeated, estimator.index())?;
        let by_scores = by_health(manifest.health.as_ref(), config);
        let training = match by_scores {
            true => Weights::from_bytes(training, documents)
                .context("the training weights are not one for each document that sum to the whole")?,
            false => terms.by_tokens()?,
        };
        Ok(Self { estimator: Box::new(estimator), terms, training, by_scores })
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
    /// backward pass over the answer for each run of the job.
    pub fn weights(&self, prompt: &[u32], output: &[u32]) -> Result<Weights> {
        if output.is_empty() || !self.by_scores {
            return Ok(self.training.clone());
        }
        let scores = self.estimator.score(&Query::answer([prompt, output].concat(), prompt.len())?)?;
        self.terms.weights(&scores.ids, &scores.values, &self.training)
    }
}

/// Whether a job's scores pay: its training is as healthy as its config asks for. The scores of a job without held-out
/// examples, whose health is not known, pay only if the config asks for nothing.
fn by_health(health: Option<&Health>, config: &JobConfig) -> bool {
    let (least, most) = (config.pay.least_agreement_ppm, config.pay.most_roughness_milli);
    match health {
        Some(health) => health.agreement_ppm >= least && health.roughness_milli <= most,
        None => least <= NO_AGREEMENT && most == u64::MAX,
    }
}

/// The agreement that every training reaches, in parts per million.
const NO_AGREEMENT: i64 = -1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::artifact::PaySettings;

    #[test]
    fn a_training_that_is_rough_or_disagrees_with_the_exact_attribution_does_not_pay_by_scores() {
        let pays = |agreement_ppm, roughness_milli| {
            let config = JobConfig {
                pay: PaySettings { least_agreement_ppm: 330_000, most_roughness_milli: 25_000, ..Default::default() },
                ..Default::default()
            };
            let health = Health { agreement_ppm, roughness_milli, walk: vec![] };
            by_health(Some(&health), &config)
        };
        assert!(pays(330_000, 25_000));
        assert!(!pays(329_999, 1) && !pays(1_000_000, 25_001));
    }

    #[test]
    fn unknown_health_is_enough_only_if_nothing_is_asked_for() {
        let with = |least_agreement_ppm, most_roughness_milli| JobConfig {
            pay: PaySettings { least_agreement_ppm, most_roughness_milli, ..Default::default() },
            ..Default::default()
        };
        assert!(by_health(None, &with(-1_000_000, u64::MAX)));
        assert!(!by_health(None, &with(-1_000_000, 25_000)) && !by_health(None, &with(0, u64::MAX)));
    }
}
