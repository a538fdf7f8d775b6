//! Chooses which documents a job learns, and which it holds out. The result is the same at every operator.

use anyhow::{Result, ensure};
use openledger_sdk::artifact::DataSettings;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// Positions of the documents that a job learns and of those that it holds out. `windows` has the number of windows of
/// each document. The job's seed draws, and no document is both. A document with more than
/// [`DataSettings::most_windows`] takes no part.
///
/// The windows of all learned documents are at most `max_examples`, and each document is learned whole: one that no longer
/// fits is passed over for the next. The held-out documents are whole too, and have at most `eval_examples` windows
/// together, and no more than a quarter of all windows: of few documents most are learned. Only documents of at most a quarter of them are held out, so that the measure rests on several. If there is
/// no such document, the beginning of the shortest one is held out.
///
/// Fails if there is no document, or if every document is too long.
pub fn choose(windows: &[usize], settings: &DataSettings, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    ensure!(!windows.is_empty(), "the job's Datanets hold no document with anything to learn");
    let most = settings.most_windows();
    let mut order: Vec<usize> = (0..windows.len()).filter(|document| windows[*document] <= most).collect();
    ensure!(
        !order.is_empty(),
        "every document has more than {most} windows, and `data.max_examples` is {}, of which a document may take a \
         quarter: raise it or `data.max_tokens`, or set `data.max_windows` to {most} or less",
        settings.max_examples
    );
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let eval = hold_out(&order, windows, settings);
    let held_out: HashSet<usize> = eval.iter().copied().collect();
    let rest = order.into_iter().filter(|document| !held_out.contains(document));
    Ok((take(rest, windows, settings.max_examples), eval))
}

/// The held-out documents. They are drawn before those that are learned, so that a long document cannot take their place.
fn hold_out(order: &[usize], windows: &[usize], settings: &DataSettings) -> Vec<usize> {
    let all: usize = order.iter().map(|document| windows[*document]).sum();
    let most = settings.eval_examples.min((all / 4).max(1));
    // In a job of short documents, as many come before as are learned. The first document of all is always learned.
    let learned = settings.max_examples.min(order.len().saturating_sub(most)).max(1);
    let (before, after) = order[1..].split_at(learned - 1);
    let drawn = || after.iter().chain(before.iter().rev()).copied();
    let held_out =
        take(drawn().filter(|document| windows[*document] <= (settings.eval_examples / 4).max(1)), windows, most);
    match drawn().min_by_key(|document| windows[*document]) {
        Some(long) if held_out.is_empty() && most > 0 => vec![long],
        _ => held_out,
    }
}

/// The first of these documents whose windows are together at most `most`, without those that do not fit.
fn take(documents: impl Iterator<Item = usize>, windows: &[usize], most: usize) -> Vec<usize> {
    let mut left = most;
    let mut fits = |document: &usize| match left.checked_sub(windows[*document]) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    documents.filter(|document| fits(document)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(max_examples: usize, eval_examples: usize) -> DataSettings {
        DataSettings { max_examples, eval_examples, ..Default::default() }
    }

    #[test]
    fn the_choice_depends_on_the_seed_alone_and_does_not_overlap() {
        let (settings, windows) = (settings(20, 5), [1; 30]);
        let (train, eval) = choose(&windows, &settings, 7).unwrap();
        assert_eq!((train.len(), eval.len()), (20, 5));
        assert!(eval.iter().all(|e| !train.contains(e)));
        assert_eq!(choose(&windows, &settings, 7).unwrap(), (train.clone(), eval));
        assert_ne!(choose(&windows, &settings, 8).unwrap().0, train);
        let (few, none) = choose(&windows[..1], &settings, 7).unwrap();
        assert_eq!((few.len(), none.len()), (1, 0));
        assert!(choose(&[], &settings, 7).is_err());
    }

    /// Recorded measurements were made with this choice.
    #[test]
    fn of_documents_of_one_window_the_first_of_the_draw_are_learned_and_the_next_held_out() {
        for (count, most, held_out) in [(30, 20, 5), (64, 48, 16), (2, 1, 0), (40, 3, 1)] {
            let mut order: Vec<usize> = (0..count).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(7));
            let learned = most.min(count.saturating_sub(held_out)).max(1);
            let (train, eval) = choose(&vec![1; count], &settings(most, held_out), 7).unwrap();
            assert_eq!(train, order[..learned]);
            assert_eq!(eval, order[learned..(learned + held_out).min(count)]);
        }
    }

    #[test]
    fn of_few_documents_a_quarter_is_held_out_at_most() {
        for (count, learned, held_out) in
            [(1, 1, 0), (2, 1, 1), (4, 3, 1), (5, 4, 1), (12, 9, 3), (30, 23, 7), (63, 48, 15)]
        {
            let (train, eval) = choose(&vec![1; count], &settings(48, 16), 7).unwrap();
            assert_eq!((train.len(), eval.len()), (learned, held_out), "{count}");
        }
    }

    #[test]
    fn a_document_is_learned_whole_or_not_at_all() {
        // The long one takes no part, and the others do in any order.
        for seed in 0..20 {
            let (train, eval) = choose(&[4, 50, 4, 4, 4], &settings(16, 16), seed).unwrap();
            assert_eq!((train.len(), eval.len()), (3, 1), "{train:?}");
            let (train, eval) = choose(&[4, 50, 4, 4, 4], &settings(16, 4), seed).unwrap();
            assert_eq!((train.len(), eval.len()), (3, 1), "the beginning of one is held out: {train:?}");
            assert!(!train.contains(&1) && !eval.contains(&1));
        }
        // Few are there: one is learned, and the beginning of another one is held out.
        let (train, eval) = choose(&[12, 12], &settings(48, 16), 7).unwrap();
        assert_eq!((train.len(), eval.len()), (1, 1));
        let refused = format!("{:#}", choose(&[60, 13], &settings(48, 16), 7).unwrap_err());
        assert!(refused.contains("more than 12 windows") && refused.contains("`data.max_windows`"), "{refused}");
    }

    #[test]
    fn a_long_document_neither_becomes_the_held_out_set_nor_takes_the_place_of_short_ones() {
        for seed in 0..20 {
            for long in [1_000, 12, 5] {
                let windows = [&[1; 30][..], &[long]].concat();
                let (train, eval) = choose(&windows, &settings(48, 16), seed).unwrap();
                assert!(eval.len() >= 2 && !eval.contains(&30), "{long}: {eval:?}");
                assert!(train.len() >= 13, "{long}: {train:?}");
                assert!(long <= 12 || !train.contains(&30));
            }
        }
    }

    proptest! {
        #[test]
        fn no_more_is_learned_than_allowed_and_what_is_left_does_not_fit(
            windows in prop::collection::vec(1usize..12, 1..30),
            most in 1usize..40,
            held_out in 0usize..12,
            seed in any::<u64>(),
        ) {
            let settings = settings(most, held_out);
            let takes_part = |document: &usize| windows[*document] <= settings.most_windows();
            let Ok((train, eval)) = choose(&windows, &settings, seed) else {
                prop_assert!(!(0..windows.len()).any(|d| takes_part(&d)));
                return Ok(());
            };
            let sum = |of: &[usize]| of.iter().map(|d| windows[*d]).sum::<usize>();
            prop_assert!(!train.is_empty() && sum(&train) <= most);
            prop_assert!(sum(&eval) <= held_out || eval.len() == 1);
            prop_assert!(held_out > 0 || eval.is_empty());
            let mut both = [&train[..], &eval].concat();
            both.sort_unstable();
            prop_assert!(both.windows(2).all(|pair| pair[0] != pair[1]));
            prop_assert!(both.iter().all(takes_part));
            let mut left = (0..windows.len()).filter(|d| takes_part(d) && !both.contains(d));
            prop_assert!(left.all(|d| windows[d] > most - sum(&train)));
            prop_assert!(held_out == 0 || (0..windows.len()).filter(takes_part).count() == 1 || !eval.is_empty());
        }
    }
}
