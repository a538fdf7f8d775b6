//! Projected gradients of examples. They are the rows of the index and the left side of every query.

use crate::{
    error::{AttributionError, Result},
    index::header::IndexHeader,
    projection::{PcaBasis, ProjectionKind, ProjectionSettings, Projections, QueryStates, layer_shapes},
    states::{Checkpoint, checkpoints, masses},
};
use openledger_lm::{
    Adapter, BaseModel, Batch, Device, Digest, Example, Lanes, LossReduction, TrainConfig, TrainState, forward_backward,
};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A trained model and the projections of its adapted layers' gradients.
///
/// A row's gradient is that of an example's loss as the run defines it, at the adapted model. A query's gradient is that
/// of the mean loss over its target tokens. The settings' [`ProjectionKind`] says with respect to what. The *full
/// weight* of each adapted layer shows what training would change there, for any rank of the adapter. The other choice
/// is the adapter's own matrices. The settings also say over how many states of the training run a row is, and at which
/// of them a query's gradient is taken ([`QueryStates`]). If they name several training runs, a row has the part of each
/// run, and so has a query's gradient.
pub struct GradientSource {
    base: Arc<BaseModel>,
    adapter_hash: Digest,
    /// For each run, its states in the order of their steps. The last is at the end of training. There is at least one
    /// run, each run has at least one state, and all have as many.
    runs: Vec<Vec<State>>,
    /// Present if the states are known to be of runs.
    part: Option<Part>,
}

/// An adapter with the projections of its gradients.
struct State {
    adapter: Adapter,
    projections: Projections,
}

/// What runs do to the rows.
struct Part {
    /// The weight of each state within its run. They sum to 1, and are the same in all runs.
    shares: Vec<f32>,
    /// The learning-rate mass of each section of a row.
    masses: Vec<u64>,
    /// How an example's loss is made.
    loss: LossReduction,
    /// SHA-256 of states and weights of all runs. `None` if the settings ask for one state of one run.
    digest: Option<Digest>,
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
    fn gradients(&self, base: &BaseModel, examples: &[Example], loss: LossReduction) -> Result<Vec<Vec<f32>>> {
        let batch = Batch::new(base, &examples.iter().collect::<Vec<_>>())?.with_loss(loss);
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
    /// Draws the projections for the adapter's layers. [`ProjectionKind::Pca`] needs [`Self::with_basis`] instead. The
    /// rows of this source are gradients of mean losses.
    ///
    /// If the settings ask for several states, rows need [`Self::of_run`]. This source answers queries then, as long as
    /// the queries' gradients are taken at the end of the run. Otherwise it is refused, and so are settings of several
    /// runs.
    pub fn new(base: Arc<BaseModel>, adapter: Adapter, settings: &ProjectionSettings) -> Result<Self> {
        if settings.most_sections() > 1 {
            return Err(states_needed(settings));
        }
        let end = State::drawn(&base, adapter, settings)?;
        Self::at(base, vec![vec![end]], None)
    }

    /// Projects on the basis that [`PcaBasis::fit`] has found for this model.
    pub fn with_basis(
        base: Arc<BaseModel>,
        adapter: Adapter,
        settings: &ProjectionSettings,
        basis: &PcaBasis,
    ) -> Result<Self> {
        if settings.most_sections() > 1 {
            return Err(states_needed(settings));
        }
        let projections = Projections::from_basis(settings, &layer_shapes(&adapter), basis, base.device())?;
        Self::at(base, vec![vec![State { adapter, projections }]], None)
    }

    /// A source whose rows are made of these logged `states`, in the order of their steps. They are of the run of
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
        Self::of_runs(base, config, examples, &[states], settings)
    }

    /// Like [`Self::of_run`], for several runs of `config` on the same examples. `runs` has the states of each, at the
    /// same steps. There are as many runs as the settings say. The seed of `config` does not matter: the states say what
    /// each run's seed led to.
    pub fn of_runs<S: AsRef<[TrainState]>>(
        base: Arc<BaseModel>,
        config: &TrainConfig,
        examples: usize,
        runs: &[S],
        settings: &ProjectionSettings,
    ) -> Result<Self> {
        let weights = weights_of(config, examples, runs, settings)?;
        let one_run = masses(&weights, examples, settings.query_states)?;
        let total: f64 = weights.iter().map(|w| w.weight).sum();
        let shares: Vec<f32> = weights.iter().map(|w| (w.weight / total) as f32).collect();
        let template = Adapter::init(&base, &config.lora, config.seed)?;
        let mut digest = Sha256::new();
        let mut drawn = Vec::with_capacity(runs.len());
        for states in runs {
            let mut run = Vec::with_capacity(weights.len());
            for (state, share) in states.as_ref().iter().zip(&shares) {
                let adapter = template.with_flat(&state.params)?;
                digest.update(adapter.hash()?);
                digest.update(share.to_le_bytes());
                run.push(State::drawn(&base, adapter, settings)?);
            }
            drawn.push(run);
        }
        // Each run did as much with an example as any other, so the runs count alike.
        let masses = one_run.repeat(runs.len());
        let digest = (settings.states > 1 || settings.runs > 1).then(|| digest.finalize().into());
        Self::at(base, drawn, Some(Part { shares, masses, loss: config.loss, digest }))
    }

    fn at(base: Arc<BaseModel>, runs: Vec<Vec<State>>, part: Option<Part>) -> Result<Self> {
        let mut source = Self { base, adapter_hash: [0; 32], runs, part };
        source.end().adapter.check_base(&source.base)?;
        let mut ends = source.ends().map(|end| end.adapter.hash()).collect::<openledger_lm::Result<Vec<_>>>()?;
        source.adapter_hash = match ends.len() {
            1 => ends.remove(0),
            _ => Sha256::digest(ends.as_flattened()).into(),
        };
        Ok(source)
    }

    /// The state at the end of each run's training.
    fn ends(&self) -> impl Iterator<Item = &State> {
        self.runs.iter().filter_map(|states| states.last())
    }

    /// The state at the end of the first run's training.
    fn end(&self) -> &State {
        self.ends().next().expect("there is at least one run, with at least one state")
    }

    /// The device that computes the passes.
    pub fn device(&self) -> &Device {
        self.base.device()
    }

    /// The projections of the gradients at the end of training.
    pub fn projections(&self) -> &Projections {
        &self.end().projections
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
        match &self.part {
            None => header,
            Some(part) => {
                let states = part.digest.map(hex::encode);
                IndexHeader { states, loss: part.loss, masses: part.masses.clone(), ..header }
            }
        }
    }

    /// The examples that share a backward pass with the one at `position`, and the position of the first of them.
    pub fn batch_of<'a>(&self, examples: &'a [Example], position: usize) -> (usize, &'a [Example]) {
        let batch = self.projections().settings().batch;
        let start = position - position % batch;
        (start, &examples[start..examples.len().min(start + batch)])
    }

    /// Rows of the index, in sections × layers × layer_dim finite values for each example. For each run it is the
    /// weighted mean of the example's projected gradients at the states, or all of them one after the other. It takes one
    /// pass for each state of each run.
    pub fn rows(&self, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
        let settings = self.projections().settings();
        let Some(part) = &self.part else {
            if settings.states > 1 {
                return Err(states_needed(settings));
            }
            return self.end().gradients(&self.base, examples, LossReduction::Mean);
        };
        let mut rows = vec![Vec::new(); examples.len()];
        for states in &self.runs {
            // Where the run's own values begin in each row.
            let at = rows.first().map_or(0, Vec::len);
            for (state, share) in states.iter().zip(&part.shares) {
                let gradients = state.gradients(&self.base, examples, part.loss)?;
                for (row, gradient) in rows.iter_mut().zip(gradients) {
                    match settings.query_states {
                        QueryStates::All => row.extend(gradient),
                        QueryStates::End if settings.states == 1 => row.extend(gradient),
                        QueryStates::End if row.len() == at => row.extend(gradient.iter().map(|v| share * v)),
                        QueryStates::End => row[at..].iter_mut().zip(gradient).for_each(|(sum, v)| *sum += share * v),
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Projected gradients of each query's mean loss, in the form of [`Self::rows`], at the end of each run's training or
    /// at every state of each. It takes one pass for each query and state.
    pub fn query_rows(&self, queries: &[Example]) -> Result<Vec<Vec<f32>>> {
        let states: Vec<&State> = match self.projections().settings().query_states {
            QueryStates::End => self.ends().collect(),
            QueryStates::All => self.runs.iter().flatten().collect(),
        };
        let passes = queries.iter().flat_map(|query| states.iter().map(move |state| (query, *state)));
        let lanes = Lanes::new(self.device(), queries.len() * states.len());
        let found = lanes.map(passes, |(query, state)| {
            state.gradients(&self.base, std::slice::from_ref(query), LossReduction::Mean)
        });
        let mut found = found.into_iter();
        let mut rows = Vec::with_capacity(queries.len());
        for _ in queries {
            let sections = found.by_ref().take(states.len()).collect::<Result<Vec<_>>>()?;
            rows.push(sections.into_iter().flatten().flatten().collect());
        }
        Ok(rows)
    }
}

fn states_needed(settings: &ProjectionSettings) -> AttributionError {
    let (field, number) = match settings.runs {
        1 => ("projection.states", settings.states),
        runs => ("projection.runs", runs),
    };
    let reason = format!("is {number}, which needs the states of the training; make the source of its runs");
    AttributionError::setting(field, reason)
}

/// The weight of each state of a run. Fails unless `runs` has the states of as many runs as the settings say, all at the
/// same steps, and each run has as many states as the settings allow.
fn weights_of<S: AsRef<[TrainState]>>(
    config: &TrainConfig,
    examples: usize,
    runs: &[S],
    settings: &ProjectionSettings,
) -> Result<Vec<Checkpoint>> {
    let refuse = |field, reason: String| Err(AttributionError::setting(field, reason));
    let Some(states) = runs.first().map(AsRef::as_ref).filter(|_| runs.len() == settings.runs) else {
        let reason = format!("is {}; give the states of as many runs, not of {}", settings.runs, runs.len());
        return refuse("projection.runs", reason);
    };
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
        return refuse("projection.states", reason);
    }
    let steps = |states: &S| states.as_ref().iter().map(|s| s.step).collect::<Vec<_>>();
    if let Some(other) = runs.iter().find(|run| steps(run) != steps(&runs[0])) {
        let reason =
            format!("give every run's states of the same steps, not {:?} and {:?}", steps(&runs[0]), steps(other));
        return refuse("projection.states", reason);
    }
    Ok(weights)
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
        testing::{self, Job},
        verify::{DEFAULT_TOLERANCE, accepted, verify_rows},
    };
    use std::ops::ControlFlow;

    fn settings(kind: ProjectionKind, states: usize) -> ProjectionSettings {
        ProjectionSettings { kind, states, ..testing::settings(1) }
    }

    #[test]
    fn rows_are_the_weighted_mean_over_the_states_or_hold_them_all_and_queries_see_the_end_or_all() -> Result<()> {
        let job = Job::short();
        let one = &job.examples[..1];
        for kind in [ProjectionKind::Random, ProjectionKind::Adapter] {
            let mean = job.source_of(&job.states, &settings(kind, 2))?;
            let all = ProjectionSettings { query_states: QueryStates::All, ..settings(kind, 2) };
            let all = job.source_of(&job.states, &all)?;
            let alone = |i: usize| job.source_of(&job.states[i..=i], &settings(kind, 1));
            let [first, last] = [alone(0)?.rows(one)?.remove(0), alone(1)?.rows(one)?.remove(0)];
            assert_ne!(first, last);
            let weights = checkpoints(&job.config, 4, &job.states);
            let share = weights[0].weight / (weights[0].weight + weights[1].weight);
            let row = mean.rows(one)?.remove(0);
            let scale = row.iter().fold(0f32, |m, v| m.max(v.abs()));
            for ((a, b), mean) in first.iter().zip(&last).zip(&row) {
                let expected = share * f64::from(*a) + (1.0 - share) * f64::from(*b);
                assert!((expected - f64::from(*mean)).abs() < 1e-6 * f64::from(scale));
            }
            assert_eq!(mean.query_rows(one)?[0], last);
            let both = [first, last].concat();
            assert_eq!(all.rows(one)?[0], both);
            let queries = all.query_rows(&job.examples[..2])?;
            assert_eq!(queries[0], both);
            assert_eq!(queries[1], all.query_rows(&job.examples[1..2])?[0]);
        }
        Ok(())
    }

    #[test]
    fn rows_follow_the_runs_loss_and_queries_do_not() -> Result<()> {
        let mean = Job::short();
        let loss = LossReduction::Sum { denominator: 5 };
        let sum = Job { config: TrainConfig { loss, ..mean.config.clone() }, ..Job::short() };
        let settings = settings(ProjectionKind::Adapter, 2);
        let source = |job: &Job| job.source_of(&job.states, &settings);
        let (a, b) = (source(&mean)?, source(&sum)?);
        for ((example, row), summed) in mean.examples.iter().zip(a.rows(&mean.examples)?).zip(b.rows(&mean.examples)?) {
            let factor = example.targets() as f32 / 5.0;
            let scale = summed.iter().fold(0f32, |m, v| m.max(v.abs()));
            assert!(row.iter().zip(&summed).all(|(m, s)| (m * factor - s).abs() < 1e-5 * scale));
        }
        assert_eq!(a.query_rows(&mean.examples)?, b.query_rows(&mean.examples)?);
        let folder = tempfile::tempdir().unwrap();
        let index = build_index(&folder.path().join("index"), &b, &mean.examples, |_, _| ControlFlow::Continue(()))?;
        assert!(verify_rows(&index, &b, &mean.examples, &[1])?[0].identical);
        let error = verify_rows(&index, &a, &mean.examples, &[1]).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "a loss of examples", .. }), "{error}");
        // A node that answers needs no more than the adapter.
        let asked = GradientSource::new(mean.base.clone(), mean.adapter.clone(), &settings)?;
        Logra::new(asked, index, LograSettings { projection: settings.clone(), ..Default::default() })?;
        Ok(())
    }

    #[test]
    fn an_index_over_states_is_built_and_verified_with_them_and_asked_without() -> Result<()> {
        let job = Job::short();
        let settings = settings(ProjectionKind::Adapter, 2);
        let of = |states: &[TrainState]| job.source_of(states, &settings);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let index = build_index(&path, &of(&job.states)?, &job.examples, |_, _| ControlFlow::Continue(()))?;
        let checks = verify_rows(&index, &of(&job.states)?, &job.examples, &[0, 3])?;
        assert!(accepted(&checks, DEFAULT_TOLERANCE) && checks.iter().all(|c| c.identical));
        let error = verify_rows(&index, &of(&job.states[1..])?, &job.examples, &[0]).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "states", .. }), "{error}");

        let asked = GradientSource::new(job.base.clone(), job.adapter.clone(), &settings)?;
        assert!(matches!(asked.rows(&job.examples), Err(AttributionError::Setting { field: "projection.states", .. })));
        let preconditioner = Preconditioner::Ekfac { damping: 0.1 };
        let logra = LograSettings { projection: settings.clone(), preconditioner, unit_norm: true };
        let scores = Logra::new(asked, index, logra)?.score(&Query::answer(job.examples[2].tokens.clone(), 1)?)?;
        assert_eq!(scores.top_k(1)[0].position, 2);
        Ok(())
    }

    #[test]
    fn states_that_are_too_many_out_of_order_or_none_are_refused() {
        let job = Job::short();
        let with = |states: &[TrainState], count| job.source_of(states, &settings(ProjectionKind::Random, count)).err();
        let swapped = [job.states[1].clone(), job.states[0].clone()];
        let all = ProjectionSettings { query_states: QueryStates::All, ..settings(ProjectionKind::Random, 2) };
        let without = GradientSource::new(job.base.clone(), job.adapter.clone(), &all).err();
        for error in [with(&job.states, 1), with(&[], 2), with(&swapped, 2), without] {
            assert!(matches!(error, Some(AttributionError::Setting { field: "projection.states", .. })));
        }
        assert!(with(&job.states[1..], 2).is_none(), "a log may hold fewer");
    }
}
