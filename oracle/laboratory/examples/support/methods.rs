//! The methods of the table. Each has a line.

use crate::job::Job;
use anyhow::{Context, Result};
use openledger_attribution::{
    Attributor, Estimator, Logra, LograSettings, Magic, MagicSettings, PcaBasis, Preconditioner, ProjectionKind,
    ProjectionSettings, Query, QueryStates, Scores, build_index,
    gradient::GradientSource,
    magic::{GradientCache, TrainedRun, Walks},
    precondition::Fisher,
    states::evenly_spaced,
};
use openledger_laboratory::baselines::{
    bm25::{Bm25, Bm25Settings},
    datainf::{DataInf, DataInfSettings},
    gradient::{Gradient, GradientSettings},
    gradients::ExampleGradients,
    random::{Random, RandomSettings},
    repsim::{RepSim, RepSimSettings},
    tracin::TracIn,
};
use openledger_lm::Adapter;
use openledger_pay::normalise::Normalisation;
use std::{ops::ControlFlow, sync::Arc};

/// Prepares a method for a job.
pub type Build = Box<dyn Fn(&Job) -> Result<Box<dyn Attributor>>>;

/// Most bytes of gradients that a method may hold.
const LIMIT: u64 = 2 << 30;

/// The methods whose names contain one of the comma-separated parts. An empty string gives all.
pub fn chosen(parts: &str) -> Vec<(String, Build)> {
    all().into_iter().filter(|(name, _)| parts.split(',').any(|part| name.contains(part))).collect()
}

/// The method with exactly this name.
#[allow(dead_code)] // not all examples that have this table use it
pub fn named(name: &str) -> Result<Build> {
    let found = all().into_iter().find(|(own, _)| own == name);
    Ok(found.with_context(|| format!("no method is called `{name}`"))?.1)
}

/// All methods with their names.
fn all() -> Vec<(String, Build)> {
    use Preconditioner::{Ekfac, Fisher, Kfac};
    use ProjectionKind::{Adapter, Pca, Random as Drawn};
    let mut methods: Vec<(String, Build)> = vec![
        baseline("random", |job| Ok(Random::new(&job.examples, RandomSettings::default()))),
        baseline("bm25", |job| Ok(Bm25::new(&job.examples, job.tokenizer.clone(), Bm25Settings::default())?)),
        baseline("repsim", |job| {
            Ok(RepSim::new(job.base.clone(), job.adapter.clone(), &job.examples, RepSimSettings::default())?)
        }),
        baseline("gradient dot", |job| Ok(Gradient::new(gradients(job)?, GradientSettings::Dot)?)),
        baseline("gradient cosine", |job| Ok(Gradient::new(gradients(job)?, GradientSettings::Cosine)?)),
        baseline("datainf", |job| Ok(DataInf::new(gradients(job)?, DataInfSettings::default())?)),
        baseline("tracin", |job| tracin(job, false)),
        baseline("tracin, Adam", |job| tracin(job, true)),
        baseline("magic", magic),
    ];
    for damping in [0.1, 1.0, 10.0] {
        methods.push(baseline(&format!("damped inverse {damping}"), move |job| {
            Ok(Gradient::new(gradients(job)?, GradientSettings::DampedInverse { damping })?)
        }));
    }
    for kind in [Drawn, Pca, Adapter] {
        methods.push(logra(kind, 16, Preconditioner::None, false, Over::End));
        methods.push(logra(kind, 16, Fisher { damping: 0.1 }, false, Over::End));
        methods.push(logra(kind, 16, Fisher { damping: 1.0 }, false, Over::End));
        methods.push(logra(kind, 16, Fisher { damping: 0.1 }, true, Over::End));
        methods.push(logra(kind, 16, Kfac { damping: 0.1 }, false, Over::End));
        methods.push(logra(kind, 16, Ekfac { damping: 0.1 }, false, Over::End));
        if kind != Pca {
            methods.push(logra(kind, 16, Ekfac { damping: 0.1 }, false, Over::Ensemble(6)));
        }
    }
    for kind in [Drawn, Adapter] {
        methods.push(logra(kind, 16, Ekfac { damping: 0.1 }, false, Over::Mean(3)));
        for over in [Over::End, Over::Mean(3), Over::Mean(6), Over::Ensemble(6)] {
            methods.push(logra(kind, 32, Ekfac { damping: 0.1 }, false, over));
        }
        methods.push(logra(kind, 32, Ekfac { damping: 0.1 }, true, Over::Mean(3)));
    }
    for over in [Over::Mean(6), Over::Ensemble(6)] {
        methods.push(logra(Adapter, 64, Ekfac { damping: 0.1 }, false, over));
    }
    let guards = [1.0, 1.5, 2.0].map(|limit| Normalisation::Guard { limit });
    for rule in guards.into_iter().chain([Normalisation::Relative]) {
        let name = match rule {
            Normalisation::Guard { limit } => format!("outliers held to {limit}"),
            _ => "relative".to_owned(),
        };
        methods.push(baseline(&format!("{PAYING}, {name}"), move |job| {
            let estimate = paying(job)?;
            let factors = held_back(rule, &densities(&estimate, job)?, None);
            Ok(HeldBack { estimate, factors })
        }));
    }
    methods
}

/// The default estimate, by its name in the table.
pub const PAYING: &str = "logra adapter 64 ekfac 0.1, mean of 6 states";

/// The estimate that pays by default.
pub fn paying(job: &Job) -> Result<Logra> {
    let kind = ProjectionKind::Adapter;
    let projection = ProjectionSettings { kind, k_in: 64, k_out: 64, states: 6, ..Default::default() };
    let preconditioner = Preconditioner::Ekfac { damping: 0.1 };
    over_states(job, &LograSettings { projection, preconditioner, unit_norm: false })
}

/// Each document's density of self-influence, as the rules of pay measure it.
pub fn densities(estimate: &Logra, job: &Job) -> Result<Vec<f64>> {
    let own = Fisher::fit(estimate.index(), 0.1)?;
    Ok(own.self_influence().iter().zip(job.examples.iter()).map(|(s, e)| s * e.targets() as f64).collect())
}

/// What a rule multiplies each document's score by, besides its number of tokens. `usual` has the densities of the
/// documents whose median counts, if they are others.
pub fn held_back(rule: Normalisation, densities: &[f64], usual: Option<&[f64]>) -> Vec<f64> {
    let mut sorted = usual.unwrap_or(densities).to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let factor = |density: &f64| match rule {
        Normalisation::Guard { limit } => (limit * median / density).sqrt().min(1.0),
        Normalisation::Relative => (median / density).sqrt(),
        _ => 1.0,
    };
    densities.iter().map(factor).collect()
}

/// An estimate whose scores a rule of pay holds back.
struct HeldBack {
    estimate: Logra,
    factors: Vec<f64>,
}

impl Attributor for HeldBack {
    fn method(&self) -> &'static str {
        Attributor::method(&self.estimate)
    }

    fn version(&self) -> u32 {
        Attributor::version(&self.estimate)
    }

    fn settings(&self) -> serde_json::Value {
        Attributor::settings(&self.estimate)
    }

    fn score(&self, query: &Query) -> openledger_attribution::Result<Scores> {
        let mut scores = Attributor::score(&self.estimate, query)?;
        scores.values.iter_mut().zip(&self.factors).for_each(|(v, f)| *v = (f64::from(*v) * f) as f32);
        Ok(scores)
    }
}

fn baseline<A: Attributor + 'static>(name: &str, build: impl Fn(&Job) -> Result<A> + 'static) -> (String, Build) {
    (name.to_owned(), Box::new(move |job| Ok(Box::new(build(job)?))))
}

fn gradients(job: &Job) -> Result<Arc<ExampleGradients>> {
    Ok(Arc::new(ExampleGradients::compute(job.base.clone(), job.adapter.clone(), &job.examples, LIMIT)?))
}

fn tracin(job: &Job, preconditioned: bool) -> Result<TracIn> {
    Ok(TracIn::new(&job.base, &job.config, &job.examples, &job.states, preconditioned, LIMIT)?)
}

/// Repeats the job's training with a log, and prepares the exact attribution that goes back through it.
fn magic(job: &Job) -> Result<Magic> {
    let (base, config, examples) = (job.base.clone(), job.config.clone(), job.examples.clone());
    let (run, cache) = TrainedRun::train(base, config, examples, tempfile::tempdir()?)?;
    Ok(Magic::new(run, MagicSettings::default())?.with_cache(cache))
}

/// Exact scores of several queries, queries × examples. They go back through the job's training some at a time.
#[allow(dead_code)] // not all examples that have this table use it
pub fn walked(job: &Job, queries: &[Query]) -> Result<Vec<Vec<f32>>> {
    let (base, config, examples) = (job.base.clone(), job.config.clone(), job.examples.clone());
    let folder = Arc::new(tempfile::tempdir()?);
    let (run, _) = TrainedRun::train(base, config, examples, folder.path().to_owned())?;
    let mut all = Vec::with_capacity(queries.len());
    for group in queries.chunks(20) {
        let cache = GradientCache::new(folder.path().join("gradients"))?;
        let walks = Walks::new(run.clone(), group, MagicSettings::default())?.with_cache(cache);
        let scores = walks.run_to_end(&mut |_| ControlFlow::Continue(()))?;
        all.extend(scores.into_iter().map(|s| s.values));
    }
    Ok(all)
}

/// The states of the training run that LoGra uses.
#[derive(Clone, Copy)]
enum Over {
    /// The end of the run.
    End,
    /// The mean of the gradients over this many of the logged states.
    Mean(usize),
    /// The mean of the scores over this many of the logged states. Queries have a backward pass at each state.
    Ensemble(usize),
}

/// LoGra with k × k projections.
fn logra(
    kind: ProjectionKind,
    k: usize,
    preconditioner: Preconditioner,
    unit_norm: bool,
    over: Over,
) -> (String, Build) {
    let (states, query_states) = match over {
        Over::End => (1, QueryStates::End),
        Over::Mean(states) => (states, QueryStates::End),
        Over::Ensemble(states) => (states, QueryStates::All),
    };
    let projection = ProjectionSettings { kind, k_in: k, k_out: k, states, query_states, ..Default::default() };
    let settings = LograSettings { projection, preconditioner, unit_norm };
    let name = match preconditioner {
        Preconditioner::None => "plain".to_owned(),
        Preconditioner::Fisher { damping } => format!("fisher {damping}"),
        Preconditioner::Kfac { damping } => format!("kfac {damping}"),
        Preconditioner::Ekfac { damping } => format!("ekfac {damping}"),
    };
    let unit = if unit_norm { ", unit norm" } else { "" };
    let of = match over {
        Over::End => String::new(),
        Over::Mean(states) => format!(", mean of {states} states"),
        Over::Ensemble(states) => format!(", ensemble of {states} states"),
    };
    let name = format!("logra {kind:?} {k} {name}{unit}{of}").to_lowercase();
    let build = move |job: &Job| -> Result<Box<dyn Attributor>> {
        Ok(match over {
            Over::End => Box::new(member(job, job.adapter.clone(), &settings)?),
            Over::Mean(_) | Over::Ensemble(_) => Box::new(over_states(job, &settings)?),
        })
    };
    (name, Box::new(build))
}

/// LoGra over as many logged states as the settings ask for.
fn over_states(job: &Job, settings: &LograSettings) -> Result<Logra> {
    let steps: Vec<u64> = job.states.iter().map(|s| s.step).collect();
    let chosen = evenly_spaced(&steps, settings.projection.states);
    let states: Vec<_> = chosen.into_iter().map(|i| job.states[i].clone()).collect();
    let estimator = Estimator::new(job.base.clone(), &job.config, job.examples.len(), &states, settings.clone())?;
    // The index stays mapped after its name is gone.
    let folder = tempfile::tempdir()?;
    Ok(estimator.build(&folder.path().join("index"), &job.examples, |_, _| ControlFlow::Continue(()))?)
}

/// LoGra at one adapter of the job's run.
pub fn member(job: &Job, adapter: Adapter, settings: &LograSettings) -> Result<Logra> {
    let basis = match settings.projection.kind {
        ProjectionKind::Pca => Some(PcaBasis::fit(&job.base, &adapter, &settings.projection, &job.examples)?),
        _ => None,
    };
    let source = || {
        let (base, adapter) = (job.base.clone(), adapter.clone());
        Ok(match &basis {
            Some(basis) => GradientSource::with_basis(base, adapter, &settings.projection, basis)?,
            None => GradientSource::new(base, adapter, &settings.projection)?,
        })
    };
    indexed(job, source, settings)
}

fn indexed(job: &Job, source: impl Fn() -> Result<GradientSource>, settings: &LograSettings) -> Result<Logra> {
    // The index stays mapped after its name is gone.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("index");
    let index = build_index(&path, &source()?, &job.examples, |_, _| ControlFlow::Continue(()))?;
    Ok(Logra::new(source()?, index, settings.clone())?)
}
