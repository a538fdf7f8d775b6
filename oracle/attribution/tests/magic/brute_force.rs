//! Compares scores with training again with changed weights of the examples.

use crate::job::{Job, clipped, config, examples, many, query, relative_error};
use openledger_attribution::{
    Attributor, Magic, MagicSettings, Query, QueryItem,
    magic::{Trust, functional},
};
use openledger_laboratory::evaluate::{correlation::spearman, leave_outs::leave_outs};
use openledger_lm::{LossReduction, TrainConfig};
use std::ops::ControlFlow;

/// Central differences of φ in every example's weight, each from two runs of the trainer.
fn brute_force(magic: &Magic, weights: &[f32]) -> Vec<f64> {
    let run = magic.run();
    let phi = |i: usize, h: f32| {
        let mut weights = weights.to_vec();
        weights[i] += h;
        functional::value(run.base(), &run.retrained(weights).unwrap(), &query(), 4).unwrap()
    };
    let h = 0.02;
    (0..weights.len()).map(|i| (phi(i, h) - phi(i, -h)) / (2.0 * f64::from(h))).collect()
}

fn derivatives(magic: &Magic) -> Vec<f64> {
    let start = magic.begin(&query()).unwrap();
    let outcome = magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(outcome.health.trust(), Trust::Sound);
    assert_eq!(outcome.end.trace.len(), 24);
    outcome.end.derivatives
}

fn agrees(config: TrainConfig) {
    let magic = Magic::new(Job::new(config).run(), MagicSettings::default()).unwrap();
    let (ours, real) = (derivatives(&magic), brute_force(&magic, &[1.0; 10]));
    let (error, rank) = (relative_error(&ours, &real), spearman(&ours, &real));
    println!("relative error {error:.5}, spearman {rank:.4}\n{ours:?}\n{real:?}");
    assert!(error < 0.01 && rank > 0.95, "relative error {error}, spearman {rank}: {ours:?} {real:?}");
}

#[test]
fn scores_are_the_derivatives_of_retraining() {
    agrees(config());
}

#[test]
fn scores_are_the_derivatives_of_retraining_with_clipped_gradients() {
    let job = Job::new(clipped());
    let mut trainer = job.trainer();
    let mut norms = Vec::new();
    while !trainer.is_finished() {
        norms.push(trainer.step().unwrap().gradient_norm);
    }
    let active = norms.iter().filter(|n| **n > 1.5).count();
    assert!((5..=19).contains(&active), "both clipped and other steps: {norms:?}");
    agrees(job.config);
}

#[test]
fn scores_are_the_derivatives_of_retraining_with_token_sums() {
    agrees(TrainConfig { loss: LossReduction::Sum { denominator: 12 }, ..config() });
}

#[test]
fn weights_that_the_run_was_trained_with_count() {
    let job = Job::new(config());
    let weights: Vec<f32> = (0..10).map(|i| [1.0, 0.5, 2.5][i % 3]).collect();
    let (log, states) = job.train(job.trainer().with_example_weights(weights.clone()).unwrap());
    let run = job.run_of(log, &states).with_example_weights(weights.clone()).unwrap();
    let magic = Magic::new(run, MagicSettings::default()).unwrap();
    let (ours, real) = (derivatives(&magic), brute_force(&magic, &weights));
    let error = relative_error(&ours, &real);
    assert!(error < 0.01, "{error}: {ours:?} {real:?}");
}

#[test]
fn scores_foretell_what_leaving_examples_out_does() {
    // Leaving out one of ten examples would be too large a change for a derivative.
    let job = Job { examples: many(40), ..Job::new(TrainConfig { epochs: 4, batch_size: 8, ..config() }) };
    let magic = Magic::new(job.run(), MagicSettings::default()).unwrap();
    let start = magic.begin(&query()).unwrap();
    let outcome = magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap();
    let measured =
        leave_outs(magic.run(), &query(), &outcome.end.derivatives, (20, 0.025, 3), |_, _| ControlFlow::Continue(()))
            .unwrap();
    println!("slope {} pearson {} spearman {}", measured.slope, measured.pearson, measured.spearman);
    assert!(measured.spearman > 0.9 && measured.pearson > 0.9, "{measured:?}");
    assert_eq!(measured.trust(&outcome.health), Trust::Sound);
}

#[test]
fn a_score_is_positive_where_training_on_the_example_helped() {
    let magic = Magic::new(Job::new(config()).run(), MagicSettings::default()).unwrap();
    for (i, example) in examples().iter().enumerate() {
        let scores = magic.score(&Query::answer(example.tokens.clone(), example.loss_from).unwrap()).unwrap();
        assert_eq!(&scores.ids, magic.run().ids());
        // Examples whose numbers differ by three say the same of different items.
        let best = scores.top_k(1)[0].position;
        assert!(best % 3 == i % 3 && scores.values[i] > 0.0, "example {i}: {:?}", scores.values);
    }
}

#[test]
fn a_query_that_weighs_nothing_has_no_scores() {
    let magic = Magic::new(Job::new(config()).run(), MagicSettings::default()).unwrap();
    let items = query().items().iter().map(|i| QueryItem { weight: 0.0, ..i.clone() }).collect();
    let start = magic.begin(&Query::new(items).unwrap()).unwrap();
    let outcome = magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(outcome.scores.values.iter().all(|s| s.to_bits() == 0));
    assert_eq!((outcome.health.trust(), outcome.health.asymmetry), (Trust::Sound, None));
}
