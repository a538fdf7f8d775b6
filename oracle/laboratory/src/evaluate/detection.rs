//! Measures how well scores find the examples that they should find. The tasks are DataInf's class detection, and false
//! labels by self-influence.

use super::correlation::ranks;
use openledger_attribution::{AttributionError, Result};

fn check(scores: &[f32], relevant: &[bool]) -> Result<usize> {
    let positives = relevant.iter().filter(|r| **r).count();
    if scores.len() != relevant.len() || positives == 0 || positives == scores.len() {
        return Err(AttributionError::Scores(format!(
            "detection needs a label for each score, some relevant and some not; given {} scores, {} labels, {positives} \
             relevant",
            scores.len(),
            relevant.len()
        )));
    }
    if let Some(i) = scores.iter().position(|v| v.is_nan()) {
        return Err(AttributionError::Scores(format!("that of position {i} is not a number")));
    }
    Ok(positives)
}

/// Area under the ROC curve: the probability that a relevant example scores higher than another one. Ties count half.
pub fn auc(scores: &[f32], relevant: &[bool]) -> Result<f64> {
    let positives = check(scores, relevant)? as f64;
    let ranks = ranks(&scores.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    let sum: f64 = ranks.iter().zip(relevant).filter(|(_, r)| **r).map(|(rank, _)| rank).sum();
    // Mann and Whitney's U, divided by the number of pairs.
    Ok((sum - positives * (positives + 1.0) / 2.0) / (positives * (scores.len() as f64 - positives)))
}

/// Share of the relevant examples that are among the `k` highest scores. If equal scores cross the k-th place, the
/// share of them counts that a random order would take.
pub fn recall_at(scores: &[f32], relevant: &[bool], k: usize) -> Result<f64> {
    let positives = check(scores, relevant)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut found, mut left) = (0.0, k);
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let hits = group.iter().filter(|i| relevant[**i]).count() as f64;
        let taken = left.min(group.len());
        found += hits * taken as f64 / group.len() as f64;
        left -= taken;
    }
    Ok(found / positives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_is_the_share_of_pairs_in_order() {
        // 0.9 beats both others and 0.4 beats one of the two. That is 3 of 4 pairs.
        let relevant = [true, false, true, false];
        assert_eq!(auc(&[0.9, 0.5, 0.4, 0.1], &relevant).unwrap(), 0.75);
        assert_eq!(auc(&[1.0; 4], &relevant).unwrap(), 0.5);
        assert_eq!(auc(&[2.0, -1.0, 3.0, 0.0], &relevant).unwrap(), 1.0);
    }

    #[test]
    fn recall_counts_ties_at_the_border_by_their_share() {
        let relevant = [true, true, false, false];
        assert_eq!(recall_at(&[4.0, 1.0, 3.0, 2.0], &relevant, 2).unwrap(), 0.5);
        assert_eq!(recall_at(&[4.0, 3.0, 1.0, 2.0], &relevant, 2).unwrap(), 1.0);
        assert_eq!(recall_at(&[1.0; 4], &relevant, 2).unwrap(), 0.5);
        assert_eq!(recall_at(&[4.0, 1.0, 1.0, 1.0], &relevant, 2).unwrap(), (1.0 + 1.0 / 3.0) / 2.0);
        assert_eq!(recall_at(&[1.0; 4], &relevant, 9).unwrap(), 1.0);
    }

    #[test]
    fn labels_that_tell_nothing_are_refused() {
        for (scores, relevant) in [
            (vec![1.0], vec![true]),
            (vec![1.0], vec![false]),
            (vec![1.0, 2.0], vec![true]),
            (vec![f32::NAN, 1.0], vec![true, false]),
        ] {
            assert!(auc(&scores, &relevant).is_err() && recall_at(&scores, &relevant, 1).is_err());
        }
    }
}
