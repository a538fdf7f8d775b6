//! Queries that walk together get the scores that each gets alone.

use crate::job::{Job, clipped, config, relative_error};
use openledger_attribution::{
    AttributionError, Attributor, GradientCache, Magic, MagicSettings, Query, QueryItem, Scores, Walks,
    magic::MagicState,
};
use openledger_laboratory::evaluate::correlation::spearman;
use openledger_lm::{Example, Tokenizer};
use std::ops::ControlFlow;

fn queries() -> Vec<Query> {
    let tokenizer = Tokenizer::bytes();
    let texts = [("item 3", " is red", 1.0), ("item 1", " is deep blue", 0.5), ("what", " green as grass", 2.0)];
    let query = |(prompt, answer, weight)| {
        let example = Example::answer(&tokenizer, [0; 32], prompt, answer).unwrap();
        Query::new(vec![QueryItem { tokens: example.tokens, loss_from: example.loss_from, weight }]).unwrap()
    };
    texts.map(query).to_vec()
}

fn walks(job: &Job) -> Walks {
    Walks::new(job.run(), &queries(), MagicSettings::default()).unwrap()
}

fn scores(walks: &Walks) -> Vec<Scores> {
    walks.run_to_end(&mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn scores_equal_those_of_each_query_walked_alone_to_both_sides() {
    let weighted = vec![1.0, 0.0, 2.0, 0.5, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0];
    for (config, weights) in [(config(), vec![1.0; 10]), (clipped(), weighted)] {
        let job = Job::new(config);
        let (log, states) = job.train(job.trainer().with_example_weights(weights.clone()).unwrap());
        let run = job.run_of(log, &states).with_example_weights(weights).unwrap();
        let magic = Magic::new(run.clone(), MagicSettings::default()).unwrap();
        let walks = Walks::new(run, &queries(), MagicSettings::default()).unwrap();
        for (query, together) in queries().iter().zip(scores(&walks)) {
            let wide = |scores: Scores| scores.values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let (alone, together) = (wide(magic.score(query).unwrap()), wide(together));
            let (error, rank) = (relative_error(&together, &alone), spearman(&together, &alone));
            println!("relative error {error:.5}, spearman {rank:.4}");
            assert!(error < 0.002 && rank > 0.99, "relative error {error}, spearman {rank}: {together:?} {alone:?}");
        }
    }
}

#[test]
fn scores_are_the_same_bits_again_with_kept_gradients_and_from_stored_states() {
    let job = Job::new(config());
    let (whole, folder) = (scores(&walks(&job)), tempfile::tempdir().unwrap());
    let cached = walks(&job).with_cache(GradientCache::new(folder.path()).unwrap());
    assert_eq!(scores(&cached), whole, "a walk that fills the cache");
    assert_eq!(scores(&cached), whole, "a walk that uses it");
    let walks = walks(&job);
    let mut states = walks.begin().unwrap();
    let mut segments = 0;
    while states[0].step > 0 {
        let bytes: Vec<Vec<u8>> = states.iter().map(|state| state.to_bytes().unwrap()).collect();
        let stored: Vec<MagicState> = bytes.iter().map(|b| MagicState::from_bytes(b).unwrap()).collect();
        states = walks.segment(&stored, &mut |_| ControlFlow::Continue(())).unwrap();
        segments += 1;
    }
    assert_eq!(segments, walks.run().log().entries.len() - 1);
    let outcomes = walks.outcomes(states).unwrap();
    assert!(outcomes.iter().all(|o| o.health.trust().warning().is_none()));
    assert_eq!(outcomes.into_iter().map(|o| o.scores).collect::<Vec<_>>(), whole);
}

#[test]
fn states_of_other_queries_or_points_are_refused_and_a_break_stops() {
    let job = Job::new(config());
    let walks = walks(&job);
    let begin = walks.begin().unwrap();
    let swapped = [begin[1].clone(), begin[0].clone(), begin[2].clone()];
    let alone = Walks::new(job.run(), &queries()[..1], MagicSettings::default()).unwrap();
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    for error in [walks.segment(&swapped, go_on), walks.segment(&begin[..2], go_on), alone.segment(&begin[..1], go_on)]
    {
        assert!(matches!(error, Err(AttributionError::MagicState(_))));
    }
    assert!(matches!(walks.outcomes(begin), Err(AttributionError::MagicState(_))));
    let stopped = walks.run_to_end(&mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(AttributionError::Stopped { done: 1, .. })));
    assert!(matches!(Walks::new(job.run(), &[], MagicSettings::default()), Err(AttributionError::Query(_))));
}
