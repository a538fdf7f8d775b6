//! Chooses which documents a job learns, and which it holds out. The result is the same at every operator.

use anyhow::{Context, Result, ensure};
use openledger_sdk::artifact::DataSettings;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Positions of the documents that a job learns and of those that it holds out. `windows` has the number of windows of
/// each document. The job's seed draws, and no document is both.
///
/// The windows of all learned documents are at most `max_examples`, and each document is learned whole: one that no longer
/// fits is passed over for the next. `eval_examples` windows are left for the held-out documents, which are whole too
/// unless none fits. Then the beginning of one is held out.
///
/// Fails if there is no document, or if every document has more windows than the config allows examples.
pub fn choose(windows: &[usize], settings: &DataSettings, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    ensure!(!windows.is_empty(), "the job's Datanets hold no document with anything to learn");
    let mut order: Vec<usize> = (0..windows.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let (most, held_out) = (settings.max_examples, settings.eval_examples);
    let all: usize = windows.iter().sum();
    let mut training = take(&mut order, windows, most.min(all.saturating_sub(held_out)));
    if training.is_empty() {
        let fits = order.iter().position(|document| windows[*document] <= most).with_context(|| {
            format!(
                "the shortest document has {} windows, and `data.max_examples` is {most}: raise it or \
                 `data.max_tokens`, or set `data.max_windows`",
                windows.iter().min().copied().unwrap_or_default()
            )
        })?;
        training.push(order.remove(fits));
    }
    let mut eval = take(&mut order, windows, held_out);
    if eval.is_empty() && held_out > 0 && !order.is_empty() {
        eval.push(order.remove(0));
    }
    let used: usize = training.iter().map(|document| windows[*document]).sum();
    training.extend(take(&mut order, windows, most - used));
    Ok((training, eval))
}

/// Takes the first documents of `order` whose windows are together at most `most`, passing over those that do not fit.
fn take(order: &mut Vec<usize>, windows: &[usize], most: usize) -> Vec<usize> {
    let (mut taken, mut left) = (Vec::new(), most);
    order.retain(|document| {
        let fits = windows[*document] <= left;
        if fits {
            left -= windows[*document];
            taken.push(*document);
        }
        !fits
    });
    taken
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

    #[test]
    fn a_document_is_learned_whole_or_not_at_all() {
        // The long one never fits, and the others do in any order.
        for seed in 0..20 {
            let (train, eval) = choose(&[4, 50, 4, 4, 4], &settings(13, 4), seed).unwrap();
            assert_eq!((train.len(), eval.len()), (3, 1), "{train:?}");
            assert!(!train.contains(&1) && !eval.contains(&1));
        }
        // Few are there: one is learned, and the beginning of another one is held out.
        let (train, eval) = choose(&[30, 30], &settings(48, 16), 7).unwrap();
        assert_eq!((train.len(), eval.len()), (1, 1));
        let refused = format!("{:#}", choose(&[60, 49], &settings(48, 16), 7).unwrap_err());
        assert!(refused.contains("has 49 windows") && refused.contains("`data.max_windows`"), "{refused}");
    }

    proptest! {
        #[test]
        fn no_more_is_learned_than_allowed_and_what_is_left_does_not_fit(
            windows in prop::collection::vec(1usize..12, 1..30),
            most in 1usize..40,
            held_out in 0usize..12,
            seed in any::<u64>(),
        ) {
            let Ok((train, eval)) = choose(&windows, &settings(most, held_out), seed) else {
                prop_assert!(windows.iter().all(|w| *w > most));
                return Ok(());
            };
            let sum = |of: &[usize]| of.iter().map(|d| windows[*d]).sum::<usize>();
            prop_assert!(!train.is_empty() && sum(&train) <= most);
            prop_assert!(sum(&eval) <= held_out || eval.len() == 1);
            prop_assert!(held_out > 0 || eval.is_empty());
            let mut both = [&train[..], &eval].concat();
            both.sort_unstable();
            prop_assert!(both.windows(2).all(|pair| pair[0] != pair[1]));
            let left = (0..windows.len()).filter(|d| !both.contains(d));
            prop_assert!(left.into_iter().all(|d| windows[d] > most - sum(&train)));
            prop_assert!(held_out == 0 || windows.len() == train.len() || !eval.is_empty());
        }
    }
}
