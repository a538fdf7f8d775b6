//! What an owner of documents gets back for asking itself questions.
//!
//! Whoever asks a question pays a fee, of which the contributors get a part. If each answer's fee is divided by the
//! answer's own scores, an owner's question moves nobody else's money. It gets back at most the contributors' part of
//! what it paid, whatever the scores, prompts, temperatures and seeds. If all answers' scores are added before the
//! positive part is taken, as one functional for an epoch does, its question also moves what others paid.

use openledger_pay::integer_weights::integer_weights;
use openledger_protocol::{
    allocate::largest_remainder,
    weights::{WHOLE, Weights},
};

/// An answer that was paid for.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The contributors' part of its fee, in base units.
    pub contributors: u64,
    /// Its scores, one for each document.
    pub scores: Vec<f64>,
}

/// What each document earns if each answer divides its own fee. An answer without a positive score is divided by `rest`.
pub fn each_by_itself(answers: &[Paid], rest: &Weights) -> Vec<u64> {
    let mut earned = vec![0; rest.values().len()];
    for answer in answers {
        let own = Weights::in_proportion(&integer_weights(&answer.scores));
        let parts = own.as_ref().unwrap_or(rest).divide(answer.contributors);
        earned.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    earned
}

/// What each document earns if the answers' scores are added, each weighted by its fee, and divide all fees together.
pub fn all_together(answers: &[Paid], rest: &Weights) -> Vec<u64> {
    let total: u64 = answers.iter().map(|a| a.contributors).sum();
    let sum = |i: usize| answers.iter().map(|a| a.contributors as f64 * a.scores[i]).sum::<f64>();
    let sums: Vec<f64> = (0..rest.values().len()).map(sum).collect();
    Weights::in_proportion(&integer_weights(&sums)).as_ref().unwrap_or(rest).divide(total)
}

/// What an owner's own questions add to what its documents earn, for each unit of the contributors' part that it paid.
/// `divide` is one of the two ways of division, `owns` says which documents are its own. Below 0 they cost it other pay.
/// It must have paid something.
pub fn returned(
    divide: impl Fn(&[Paid]) -> Vec<u64>,
    others: &[Paid],
    own: &[Paid],
    owns: impl Fn(usize) -> bool,
) -> f64 {
    let earned = |answers: &[Paid]| -> f64 {
        divide(answers).iter().enumerate().filter(|(i, _)| owns(*i)).map(|(_, part)| *part as f64).sum()
    };
    let spent: u64 = own.iter().map(|a| a.contributors).sum();
    (earned(&[others, own].concat()) - earned(others)) / spent as f64
}

/// Equal weights of `documents`, at least one.
pub fn equal(documents: usize) -> Weights {
    Weights::in_proportion(&largest_remainder(WHOLE, &vec![1; documents])).expect("there is a document")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paid(contributors: u64, scores: &[f64]) -> Paid {
        Paid { contributors, scores: scores.to_vec() }
    }

    #[test]
    fn one_functional_for_all_answers_pays_back_more_than_was_spent() {
        // The others' answers owe the first document nothing on balance. A question of its owner tips the sum.
        let others = [paid(1000, &[-0.9, 1.0]), paid(1000, &[0.8, -0.5])];
        let own = [paid(200, &[3.0, -1.0])];
        let rest = equal(2);
        let together = returned(|a| all_together(a, &rest), &others, &own, |i| i == 0);
        let isolated = returned(|a| each_by_itself(a, &rest), &others, &own, |i| i == 0);
        assert!(together > 2.0, "{together}");
        assert_eq!(isolated, 1.0);
    }

    fn answers(most: usize) -> impl Strategy<Value = Vec<Paid>> {
        let one = (1u64..1 << 40, prop::collection::vec(-1e3f64..1e3, 12));
        prop::collection::vec(one.prop_map(|(c, scores)| Paid { contributors: c, scores }), 1..most)
    }

    proptest! {
        #[test]
        fn self_asking_returns_at_most_the_contributors_part_and_moves_nobodys_money(
            others in answers(8), own in answers(8), owned in prop::collection::vec(any::<bool>(), 12),
        ) {
            let rest = equal(12);
            let spent: u64 = own.iter().map(|a| a.contributors).sum();
            let without = each_by_itself(&others, &rest);
            let with = each_by_itself(&[&others[..], &own[..]].concat(), &rest);
            let alone = each_by_itself(&own, &rest);
            for ((with, without), alone) in with.iter().zip(&without).zip(&alone) {
                prop_assert_eq!(*with, without + alone);
            }
            let back: u64 = alone.iter().zip(&owned).filter(|(_, owned)| **owned).map(|(part, _)| part).sum();
            prop_assert!(back <= spent);
            prop_assert_eq!(alone.iter().sum::<u64>(), spent);
        }
    }
}
