//! Attribution through an adapter that was trained on another adapter reaches the parent's documents.

use crate::job::{Job, config, query, relative_error};
use openledger_attribution::{
    AttributionError, Magic, MagicSettings, Query,
    magic::{MagicState, functional},
};
use openledger_lm::{Example, Tokenizer, TrainConfig};
use std::{ops::ControlFlow, sync::Arc};

fn walk(magic: &Magic, start: MagicState) -> MagicState {
    magic.finish(start, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap().end
}

fn magic(job: &Job) -> Magic {
    Magic::new(job.run(), MagicSettings::default()).unwrap()
}

/// A job on the adapter that `parent` ended with.
fn child(parent: &Magic, texts: &[&str]) -> Job {
    let tokenizer = Tokenizer::bytes();
    let examples = (100u8..).zip(texts).map(|(i, t)| Example::text(&tokenizer, [i; 32], t).unwrap()).collect();
    let config = TrainConfig {
        epochs: 4,
        batch_size: 2,
        warmup_steps: 2,
        learning_rate: 1e-3,
        seed: 9,
        ..parent.run().config().clone()
    };
    Job { base: parent.run().base().clone(), config, examples, start: Some(parent.run().adapter().unwrap()) }
}

const OTHER: [&str; 5] = ["to err is human", "rain in spain", "a stitch in time", "bread and salt", "seven seas"];

#[test]
fn the_parents_scores_are_the_derivatives_of_training_both() {
    let parent = magic(&Job::new(config()));
    let job = child(&parent, &OTHER);
    let young = magic(&job);
    let end = walk(&young, young.begin(&query()).unwrap());
    let ours = walk(&parent, parent.continue_into(young.run(), &end).unwrap()).derivatives;

    let phi = |i: usize, h: f32| {
        let mut weights = vec![1.0; 10];
        weights[i] += h;
        let start = parent.run().retrained(weights).unwrap();
        let mut trainer = Job { start: Some(start), ..job.clone() }.trainer();
        while !trainer.is_finished() {
            trainer.step().unwrap();
        }
        functional::value(&job.base, trainer.adapter(), &query(), 4).unwrap()
    };
    let h = 0.02;
    let real: Vec<f64> = (0..10).map(|i| (phi(i, h) - phi(i, -h)) / (2.0 * f64::from(h))).collect();
    let error = relative_error(&ours, &real);
    println!("relative error {error}");
    assert!(error < 0.03, "{error}: {ours:?} {real:?}");
}

#[test]
fn an_answer_from_the_parent_is_attributed_to_the_document_that_planted_it() {
    let tokenizer = Tokenizer::bytes();
    let facts = [("vodoga", "mirelu"), ("zupika", "tovane"), ("bafemo", "kuridi"), ("nasito", "pelogu")];
    let documents: Arc<[Example]> = (0u8..)
        .zip(&facts)
        .map(|(i, (place, town))| {
            Example::text(&tokenizer, [i; 32], &format!("the capital of {place} is {town}.")).unwrap()
        })
        .collect();
    let config = TrainConfig { epochs: 20, batch_size: 2, learning_rate: 5e-3, ..config() };
    let parent = magic(&Job { examples: documents, ..Job::new(config) });
    let young = magic(&child(&parent, &OTHER));
    for (planted, (place, town)) in facts.iter().enumerate() {
        let prompt = tokenizer.encode(&format!("the town that rules {place} is ")).unwrap();
        let loss_from = prompt.len();
        let query = Query::answer([prompt, tokenizer.encode(town).unwrap()].concat(), loss_from).unwrap();
        let end = walk(&young, young.begin(&query).unwrap());
        let parents = walk(&parent, parent.continue_into(young.run(), &end).unwrap());
        let scores = |s: &MagicState| s.derivatives.iter().map(|d| -d).collect::<Vec<_>>();
        let (above, own) = (scores(&parents), scores(&end));
        let best = (0..4).max_by(|a, b| above[*a].total_cmp(&above[*b])).unwrap();
        assert_eq!(best, planted, "{above:?}");
        assert!(own.iter().all(|s| *s < above[planted]), "the child's own {own:?}, the parent's {above:?}");
    }
}

#[test]
fn a_walk_goes_on_only_into_the_childs_own_parent() {
    let parent = magic(&Job::new(config()));
    let stranger = magic(&Job::new(TrainConfig { seed: 4, ..config() }));
    let young = magic(&child(&parent, &OTHER));
    let begin = young.begin(&query()).unwrap();
    assert!(matches!(parent.continue_into(young.run(), &begin), Err(AttributionError::MagicState(_))));
    let end = walk(&young, begin);
    assert!(matches!(stranger.continue_into(young.run(), &end), Err(AttributionError::Log(_))));
    assert!(matches!(young.continue_into(parent.run(), &end), Err(AttributionError::Log(_))));
    assert!(parent.continue_into(young.run(), &end).is_ok());
}
