//! The methods of the table: a line each.

use crate::tiny_job::Job;
use anyhow::Result;
use openledger_attribution::{
    Attributor, EnsembleSettings, Logra, LograEnsemble, LograSettings, PcaBasis, Preconditioner, ProjectionKind,
    ProjectionSettings,
    baselines::{
        bm25::{Bm25, Bm25Settings},
        datainf::{DataInf, DataInfSettings},
        gradient::{Gradient, GradientSettings},
        gradients::ExampleGradients,
        random::{Random, RandomSettings},
        repsim::{RepSim, RepSimSettings},
        tracin::{TracIn, checkpoints},
    },
    build_index,
    gradient::GradientSource,
};
use openledger_lm::Adapter;
use std::{ops::ControlFlow, sync::Arc};

/// Prepares a method for a job.
pub type Build = Box<dyn Fn(&Job) -> Result<Box<dyn Attributor>>>;

/// Bytes that a method may hold in gradients.
const LIMIT: u64 = 2 << 30;

/// All methods with their names.
pub fn all() -> Vec<(String, Build)> {
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
    ];
    for damping in [0.1, 1.0, 10.0] {
        methods.push(baseline(&format!("damped inverse {damping}"), move |job| {
            Ok(Gradient::new(gradients(job)?, GradientSettings::DampedInverse { damping })?)
        }));
    }
    for kind in [Drawn, Pca, Adapter] {
        methods.push(logra(kind, 16, Preconditioner::None, false, 1));
        methods.push(logra(kind, 16, Fisher { damping: 0.1 }, false, 1));
        methods.push(logra(kind, 16, Fisher { damping: 1.0 }, false, 1));
        methods.push(logra(kind, 16, Fisher { damping: 0.1 }, true, 1));
        methods.push(logra(kind, 16, Fisher { damping: 1.0 }, false, 6));
        methods.push(logra(kind, 16, Kfac { damping: 0.1 }, false, 1));
        methods.push(logra(kind, 16, Ekfac { damping: 0.1 }, false, 1));
        methods.push(logra(kind, 16, Ekfac { damping: 0.1 }, false, 6));
    }
    for states in [1, 6] {
        methods.push(logra(Drawn, 32, Ekfac { damping: 0.1 }, false, states));
        methods.push(logra(Drawn, 32, Ekfac { damping: 1.0 }, false, states));
    }
    methods
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

/// LoGra with k × k projections at the end of training, or averaged over all logged states, `states` of them.
fn logra(
    kind: ProjectionKind,
    k: usize,
    preconditioner: Preconditioner,
    unit_norm: bool,
    states: usize,
) -> (String, Build) {
    let projection = ProjectionSettings { kind, k_in: k, k_out: k, ..Default::default() };
    let settings = LograSettings { projection, preconditioner, unit_norm };
    let name = match preconditioner {
        Preconditioner::None => "plain".to_owned(),
        Preconditioner::Fisher { damping } => format!("fisher {damping}"),
        Preconditioner::Kfac { damping } => format!("kfac {damping}"),
        Preconditioner::Ekfac { damping } => format!("ekfac {damping}"),
    };
    let unit = if unit_norm { ", unit norm" } else { "" };
    let of = if states > 1 { format!(", {states} states") } else { String::new() };
    let name = format!("logra {kind:?} {k} {name}{unit}{of}").to_lowercase();
    let build = move |job: &Job| -> Result<Box<dyn Attributor>> {
        if states == 1 {
            return Ok(Box::new(member(job, job.adapter.clone(), &settings)?));
        }
        let members = job
            .states
            .iter()
            .map(|state| member(job, job.adapter.with_flat(&state.params)?, &settings))
            .collect::<Result<_>>()?;
        let checkpoints = checkpoints(&job.config, job.examples.len(), &job.states);
        Ok(Box::new(LograEnsemble::new(EnsembleSettings { checkpoints, logra: settings.clone() }, members)?))
    };
    (name, Box::new(build))
}

fn member(job: &Job, adapter: Adapter, settings: &LograSettings) -> Result<Logra> {
    let basis = match settings.projection.kind {
        ProjectionKind::Pca => Some(PcaBasis::fit(&job.base, &adapter, &settings.projection, &job.examples)?),
        _ => None,
    };
    let source = || match &basis {
        Some(basis) => GradientSource::with_basis(job.base.clone(), adapter.clone(), &settings.projection, basis),
        None => GradientSource::new(job.base.clone(), adapter.clone(), &settings.projection),
    };
    // The index stays mapped after its name is gone.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("index");
    let index = build_index(&path, &source()?, &job.examples, |_, _| ControlFlow::Continue(()))?;
    Ok(Logra::new(source()?, index, settings.clone())?)
}
