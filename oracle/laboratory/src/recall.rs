//! Counts how often a method finds the training example that is known to be an answer's source.

use openledger_attribution::Scores;

/// Ranks of known sources, one for each query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recall {
    ranks: Vec<usize>,
    candidates: usize,
}

impl Recall {
    /// Adds a query whose source is at `position` of the index.
    pub fn add(&mut self, scores: &Scores, position: usize) {
        self.ranks.push(scores.rank(position));
        self.candidates = scores.values.len();
    }

    /// Rank of each query's source, in the order in which they were added. The first rank is 0.
    pub fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    /// Share of queries whose source is among the `k` highest scores, from 0 to 1. 0 if there are no queries.
    pub fn at(&self, k: usize) -> f64 {
        if self.ranks.is_empty() {
            return 0.0;
        }
        self.ranks.iter().filter(|r| **r < k).count() as f64 / self.ranks.len() as f64
    }

    /// Recall that random scores would reach on average: k / n, at most 1.
    pub fn chance(&self, k: usize) -> f64 {
        (k as f64 / self.candidates.max(1) as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_counts_the_sources_among_the_first_k() {
        let scores = Scores { ids: (0..4).map(|i| [i; 32]).collect(), values: vec![0.1, 0.9, 0.5, 0.2] };
        let mut recall = Recall::default();
        assert_eq!(recall.at(1), 0.0);
        for position in [1, 2, 0, 1] {
            recall.add(&scores, position);
        }
        assert_eq!(recall.ranks(), [0, 1, 3, 0]);
        assert_eq!((recall.at(1), recall.at(2), recall.at(4)), (0.5, 0.75, 1.0));
        assert_eq!((recall.chance(1), recall.chance(9)), (0.25, 1.0));
    }
}
