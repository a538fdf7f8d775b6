//! Projected gradients of examples. They are the rows of the index and the left side of every query.

use crate::{
    error::{AttributionError, Result},
    index::header::IndexHeader,
    projection::{PcaBasis, ProjectionKind, ProjectionSettings, Projections, layer_shapes},
    states::checkpoints,
};
use openledger_lm::{Adapter, BaseModel, Batch, Device, Digest, Example, TrainConfig, TrainState, forward_backward};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A trained model and the projections of its adapted layers' gradients.
///
/// The gradient is that of the mean loss over an example's target tokens, at the adapted model. The settings'
/// [`ProjectionKind`] says with respect to what. The *full weight* of each adapted layer shows what training would
/// change there, for any rank of the adapter. The other choice is the adapter's own matrices. Rows may be the mean over
/// several states of the training run. A query's gradient is always that at the end of the run.
pub struct GradientSource {
    base: Arc<BaseModel>,
    adapter_hash: Digest,
    /// The state at the end of training.
    end: State,
    /// The states that rows are the weighted sum of. Present if the settings ask for several states and the run is
    /// known.
    run: Option<Run>,
}

/// An adapter with the projections of its gradients.
struct State {
    adapter: Adapter,
    projections: Projections,
}

/// The states before the end, with the weight of each.
struct Run {
    earlier: Vec<(State, f32)>,
    /// Weight of the state at the end.
    end: f32,
    digest: Digest,
}

impl State {
    /// Draws the projections for the adapter's layers.
    fn drawn(base: &BaseModel, adapter: Adapter, settings: &ProjectionSettings) -> Result<Self> {
        let projections = match settings.kind {
            ProjectionKind::Adapter => Projections::of_adapter(settings, &adapter, base.device())?,
            _ => Projections::new(settings, &layer_shapes(&adapter), base.device())?,
        };
        Ok(Self { adapter, projections })
    }

    /// Projected gradients of each example's loss: layers × layer_dim values for each. All are finite.
    fn gradients(&self, base: &BaseModel, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
        let batch = Batch::new(base, &examples.iter().collect::<Vec<_>>())?;
        let output = forward_backward(base, &self.adapter, &batch)?;
        let width = self.projections.layers() * self.projections.layer_dim();
        let mut rows = vec![Vec::with_capacity(width); examples.len()];
        for (layer, capture) in output.captures.iter().enumerate() {
            let projected = self.projections.project(layer, &capture.x, &capture.dy)?.to_vec2::<f32>()?;
            for ((row, values), example) in rows.iter_mut().zip(projected).zip(examples) {
                if values.iter().any(|v| !v.is_finite()) {
                    return Err(AttributionError::NonFiniteGradient {
                        id: hex::encode(example.id),
                        layer: capture.name(),
                    });
                }
                row.extend(values);
            }
        }
        Ok(rows)
    }
}

impl GradientSource {
    /// Draws the projections for the adapter's layers. [`ProjectionKind::Pca`] needs [`Self::with_basis`] instead. If
    /// the settings ask for the mean over several states, this source answers queries, but making rows needs
    /// [`Self::of_run`].
    pub fn new(base: Arc<BaseModel>, adapter: Adapter, settings: &ProjectionSettings) -> Result<Self> {
        let end = State::drawn(&base, adapter, settings)?;
        Self::at(base, end)
    }

    /// Projects on the basis that [`PcaBasis::fit`] has found for this model.
    pub fn with_basis(
        base: Arc<BaseModel>,
        adapter: Adapter,
        settings: &ProjectionSettings,
        basis: &PcaBasis,
    ) -> Result<Self> {
        let projections = Projections::from_basis(settings, &layer_shapes(&adapter), basis, base.device())?;
        Self::at(base, State { adapter, projections })
    }

    /// A source whose rows are the mean over these logged `states`, in the order of their steps. They are of the run of
    /// `config` on `examples` examples. There are at most as many as the settings say, and the last is the end of
    /// training. Each is weighted by the learning rates of the steps since the state before it ([`checkpoints`]).
    /// [`crate::states::evenly_spaced`] chooses them from a log.
    pub fn of_run(
        base: Arc<BaseModel>,
        config: &TrainConfig,
        examples: usize,
        states: &[TrainState],
        settings: &ProjectionSettings,
    ) -> Result<Self> {
        let weights = checkpoints(config, examples, states);
        if !(1..=settings.states).contains(&states.len())
            || weights.len() != states.len()
            || !weights.is_sorted_by(|a, b| a.step < b.step)
        {
            let reason = format!(
                "is {}; give as many states of the run or fewer, at least one, after the first step and in the order of \
                 their steps, not {}",
                settings.states,
                states.len()
            );
            return Err(AttributionError::setting("projection.states", reason));
        }
        let total: f64 = weights.iter().map(|w| w.weight).sum();
        let template = Adapter::init(&base, &config.lora, config.seed)?;
        let mut digest = Sha256::new();
        let mut drawn = Vec::with_capacity(states.len());
        for (state, weight) in states.iter().zip(&weights) {
            let adapter = template.with_flat(&state.params)?;
            let share = (weight.weight / total) as f32;
            digest.update(adapter.hash()?);
            digest.update(share.to_le_bytes());
            drawn.push((State::drawn(&base, adapter, settings)?, share));
        }
        let (end, share) = drawn.pop().expect("there is at least one");
        let mut source = Self::at(base, end)?;
        if settings.states > 1 {
            source.run = Some(Run { earlier: drawn, end: share, digest: digest.finalize().into() });
        }
        Ok(source)
    }

    fn at(base: Arc<BaseModel>, end: State) -> Result<Self> {
        end.adapter.check_base(&base)?;
        let adapter_hash = end.adapter.hash()?;
        Ok(Self { base, adapter_hash, end, run: None })
    }

    /// The device that computes the passes.
    pub fn device(&self) -> &Device {
        self.base.device()
    }

    /// The projections of the gradients.
    pub fn projections(&self) -> &Projections {
        &self.end.projections
    }

    /// Header of the index of these examples. It does not have the body's hash yet.
    pub fn header(&self, examples: &[Example]) -> Result<IndexHeader> {
        if examples.is_empty() {
            return Err(AttributionError::Examples("there are no examples to index; give at least one".into()));
        }
        Ok(self.header_for(examples_hash(examples), examples.len() as u64))
    }

    /// Header of the index of `count` examples with this hash. It does not have the body's hash yet.
    pub(crate) fn header_for(&self, examples: Digest, count: u64) -> IndexHeader {
        let header = IndexHeader::unfinished(self.base.hash(), self.adapter_hash, examples, self.projections(), count);
        IndexHeader { states: self.run.as_ref().map(|run| hex::encode(run.digest)), ..header }
    }

    /// The examples that share a backward pass with the one at `position`, and the position of the first of them.
    pub fn batch_of<'a>(&self, examples: &'a [Example], position: usize) -> (usize, &'a [Example]) {
        let batch = self.projections().settings().batch;
        let start = position - position % batch;
        (start, &examples[start..examples.len().min(start + batch)])
    }

    /// Rows of the index: projected gradients of each example's loss, layers × layer_dim finite values for each. It
    /// takes one pass for each state.
    pub fn rows(&self, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
        let states = self.projections().settings().states;
        let run = match &self.run {
            Some(run) => run,
            None if states == 1 => return self.at_end(examples),
            None => {
                let reason =
                    format!("rows over {states} states of a run need those states; make the source of the run");
                return Err(AttributionError::setting("projection.states", reason));
            }
        };
        let mut sums = self.at_end(examples)?;
        sums.iter_mut().flatten().for_each(|v| *v *= run.end);
        for (state, share) in &run.earlier {
            for (sum, row) in sums.iter_mut().zip(state.gradients(&self.base, examples)?) {
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += share * v);
            }
        }
        Ok(sums)
    }

    /// Projected gradients of each example's loss at the end of training, in the form of [`Self::rows`]. Queries use
    /// them. It takes one pass.
    pub fn at_end(&self, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
        self.end.gradients(&self.base, examples)
    }
}

/// SHA-256 over the id, loss position and tokens of every example.
pub fn examples_hash(examples: &[Example]) -> Digest {
    let mut hasher = Sha256::new();
    for example in examples {
        hasher.update(example.id);
        hasher.update((example.loss_from as u64).to_le_bytes());
        hasher.update((example.tokens.len() as u64).to_le_bytes());
        for token in &example.tokens {
            hasher.update(token.to_le_bytes());
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attributor::{Method, Query},
        index::writer::build_index,
        logra::{Logra, LograSettings},
        precondition::Preconditioner,
        testing,
        verify::{DEFAULT_TOLERANCE, accepted, verify_rows},
    };
    use openledger_lm::Trainer;
    use std::ops::ControlFlow;

    /// A job of six steps, and its states after the third and the last step.
    fn job() -> (Arc<BaseModel>, TrainConfig, Vec<Example>, Vec<TrainState>) {
        let (base, _) = testing::model();
        let config =
            TrainConfig { epochs: 3, batch_size: 2, warmup_steps: 2, learning_rate: 0.01, ..Default::default() };
        let examples = testing::examples(4);
        let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone().into()).unwrap();
        let mut states = Vec::new();
        while !trainer.is_finished() {
            trainer.step().unwrap();
            if trainer.state().step.is_multiple_of(3) {
                states.push(trainer.state().clone());
            }
        }
        (base, config, examples, states)
    }

    fn settings(kind: ProjectionKind, states: usize) -> ProjectionSettings {
        ProjectionSettings { kind, states, ..testing::settings(1) }
    }

    #[test]
    fn rows_are_the_weighted_mean_over_the_states_and_queries_see_the_end() -> Result<()> {
        let (base, config, examples, states) = job();
        for kind in [ProjectionKind::Random, ProjectionKind::Adapter] {
            let source = GradientSource::of_run(base.clone(), &config, 4, &states, &settings(kind, 2))?;
            let alone = |i: usize| GradientSource::of_run(base.clone(), &config, 4, &states[i..=i], &settings(kind, 1));
            let [first, last] = [alone(0)?.rows(&examples[..1])?.remove(0), alone(1)?.rows(&examples[..1])?.remove(0)];
            let weights = checkpoints(&config, 4, &states);
            let share = weights[0].weight / (weights[0].weight + weights[1].weight);
            let mean = source.rows(&examples[..1])?.remove(0);
            let scale = mean.iter().fold(0f32, |m, v| m.max(v.abs()));
            assert_ne!(first, last);
            for ((a, b), mean) in first.iter().zip(&last).zip(&mean) {
                let expected = share * f64::from(*a) + (1.0 - share) * f64::from(*b);
                assert!((expected - f64::from(*mean)).abs() < 1e-6 * f64::from(scale));
            }
            assert_eq!(source.at_end(&examples[..1])?[0], last);
        }
        Ok(())
    }

    #[test]
    fn an_index_over_states_is_built_and_verified_with_them_and_asked_without() -> Result<()> {
        let (base, config, examples, states) = job();
        let settings = settings(ProjectionKind::Adapter, 2);
        let of = |states: &[TrainState]| GradientSource::of_run(base.clone(), &config, 4, states, &settings);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let index = build_index(&path, &of(&states)?, &examples, |_, _| ControlFlow::Continue(()))?;
        let checks = verify_rows(&index, &of(&states)?, &examples, &[0, 3])?;
        assert!(accepted(&checks, DEFAULT_TOLERANCE) && checks.iter().all(|c| c.identical));
        let error = verify_rows(&index, &of(&states[1..])?, &examples, &[0]).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "states", .. }), "{error}");

        let template = Adapter::init(&base, &config.lora, config.seed)?;
        let adapter = template.with_flat(&states[1].params)?;
        let asked = GradientSource::new(base.clone(), adapter, &settings)?;
        assert!(matches!(asked.rows(&examples), Err(AttributionError::Setting { field: "projection.states", .. })));
        let preconditioner = Preconditioner::Ekfac { damping: 0.1 };
        let logra = LograSettings { projection: settings.clone(), preconditioner, unit_norm: true };
        let scores = Logra::new(asked, index, logra)?.score(&Query::answer(examples[2].tokens.clone(), 1)?)?;
        assert_eq!(scores.top_k(1)[0].position, 2);
        Ok(())
    }

    #[test]
    fn states_that_are_too_many_out_of_order_or_none_are_refused() {
        let (base, config, _, states) = job();
        let with = |states: &[TrainState], count| {
            GradientSource::of_run(base.clone(), &config, 4, states, &settings(ProjectionKind::Random, count)).err()
        };
        let swapped = [states[1].clone(), states[0].clone()];
        for error in [with(&states, 1), with(&[], 2), with(&swapped, 2)] {
            assert!(matches!(error, Some(AttributionError::Setting { field: "projection.states", .. })));
        }
        assert!(with(&states[1..], 2).is_none(), "a log may hold fewer");
    }
}
