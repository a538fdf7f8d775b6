//! A small version of the benchmark of attribution quality. Each method's predictions of what really happens without
//! the data must stay within the recorded band.

use openledger_attribution::{Attributor, Magic, MagicSettings, Query, magic::TrainedRun};
use openledger_laboratory::{
    baselines::{
        datainf::{DataInf, DataInfSettings},
        gradients::ExampleGradients,
        random::{Random, RandomSettings},
    },
    evaluate::{regime::Regime, subsets::leave_out, tiny, transformations},
};
use openledger_lm::{Adapter, BaseModel, Example, LoraConfig, Target, Tokenizer, TrainConfig};
use std::{ops::ControlFlow, sync::Arc};

/// Method, and the least score at leaving out 5 % and 50 %. The numbers are the lower ends of the 95 % intervals in
/// this test's own printed table.
const RECORDED: [(&str, [f64; 2]); 2] = [("magic", [0.77, 0.64]), ("datainf", [0.27, 0.28])];

const EXAMPLES: usize = 120;
const QUERIES: usize = 8;

struct Job {
    base: Arc<BaseModel>,
    config: TrainConfig,
    examples: Arc<[Example]>,
    adapter: Adapter,
    magic: Magic,
    folder: tempfile::TempDir,
}

fn job() -> Job {
    let tokenizer = Tokenizer::bytes();
    let base = Arc::new(tiny::base_model(&tokenizer, 1, |_, _| ()).unwrap());
    let examples: Arc<[Example]> =
        transformations::examples(&tokenizer, EXAMPLES, 11, &transformations::ALL, false).unwrap().into();
    let config = TrainConfig {
        epochs: 4,
        batch_size: 12,
        max_len: 64,
        learning_rate: 5e-3,
        warmup_steps: 10,
        lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().to_owned();
    let (run, cache) = TrainedRun::train(base.clone(), config.clone(), examples.clone(), kept).unwrap();
    let adapter = run.adapter().unwrap();
    let magic = Magic::new(run, MagicSettings::default()).unwrap().with_cache(cache);
    Job { base, config, examples, adapter, magic, folder }
}

#[test]
fn no_method_predicts_worse_than_was_recorded() {
    let job = job();
    let queries = transformations::queries(&Tokenizer::bytes(), QUERIES, 999).unwrap();
    let regime = |name: &str, fraction: f64, count: usize| {
        let removed = leave_out(EXAMPLES, fraction, count, 0).unwrap();
        let go_on = |_| ControlFlow::Continue(());
        Regime::measure(name, removed, &job.base, &job.config, &job.examples, &job.adapter, &queries, go_on).unwrap()
    };
    let regimes = [regime("5 %", 0.05, 24), regime("50 %", 0.5, 16)];
    let gradients =
        ExampleGradients::compute(job.base.clone(), job.adapter.clone(), &job.examples, 1 << 30).map(Arc::new).unwrap();
    let datainf = DataInf::new(gradients, DataInfSettings::default()).unwrap();
    let random = Random::new(&job.examples, RandomSettings::default());
    let score = |method: &dyn Attributor| -> [f64; 2] {
        let of = |query: &Query| method.score(query).unwrap().values;
        let scores: Vec<Vec<f32>> = queries.iter().map(of).collect();
        let found = regimes.each_ref().map(|regime| regime.lds(&scores, 0).unwrap());
        let text = found.each_ref().map(|lds| format!("{:.3} [{:.3}, {:.3}]", lds.mean, lds.low, lds.high)).join("  ");
        println!("{:<10} {text}", method.method());
        found.map(|lds| lds.mean)
    };
    for (method, (name, least)) in [&job.magic as &dyn Attributor, &datainf].into_iter().zip(RECORDED) {
        assert_eq!(method.method(), name);
        let found = score(method);
        assert!(found.iter().zip(least).all(|(found, least)| *found >= least), "{name}: {found:?}, recorded {least:?}");
    }
    // Random scores must score about nothing. This shows that the measure itself is sound.
    assert!(score(&random).iter().all(|found| found.abs() < 0.25));
    drop(job.folder);
}
