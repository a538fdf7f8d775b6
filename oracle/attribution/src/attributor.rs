//! The interface of every attribution method: a score for each training example, for a given query.

use crate::error::{AttributionError, Result};
use openledger_lm::{Digest, Example};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{cmp::Ordering, sync::Arc};

/// Identity of a training example: the hash of its contribution's leaf.
pub type ExampleId = [u8; 32];

/// One text whose loss is attributed.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryItem {
    /// Token ids of prompt and answer.
    pub tokens: Vec<u32>,
    /// Index of the first token whose prediction counts. It is the length of the prompt.
    pub loss_from: usize,
    /// Factor of this item's loss, for instance the fee of an answer.
    pub weight: f32,
}

impl QueryItem {
    /// The item as an example for the model.
    pub fn example(&self) -> Example {
        Example { id: [0; 32], tokens: self.tokens.clone(), loss_from: self.loss_from }
    }
}

/// The query that is attributed: the weighted sum of the items' losses.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    items: Vec<QueryItem>,
}

impl Query {
    /// A query of several items. Fails if there is no item, an item has no token to predict, or a weight is not finite.
    pub fn new(items: Vec<QueryItem>) -> Result<Self> {
        if items.is_empty() {
            return Err(AttributionError::Query("it has no items; give at least one".into()));
        }
        for (i, item) in items.iter().enumerate() {
            if item.loss_from == 0 || item.loss_from >= item.tokens.len() {
                return Err(AttributionError::Query(format!(
                    "item {i}: `loss_from` is {}, it must be at least 1 and less than the number of tokens ({})",
                    item.loss_from,
                    item.tokens.len()
                )));
            }
            if !item.weight.is_finite() {
                return Err(AttributionError::Query(format!("item {i}: its weight is {}", item.weight)));
            }
        }
        Ok(Self { items })
    }

    /// A query of one answer. `tokens` has the prompt, then the answer, which begins at `loss_from`.
    pub fn answer(tokens: Vec<u32>, loss_from: usize) -> Result<Self> {
        Self::new(vec![QueryItem { tokens, loss_from, weight: 1.0 }])
    }

    /// The items. There is at least one.
    pub fn items(&self) -> &[QueryItem] {
        &self.items
    }
}

/// A method with settings of its own type. Every implementation is an [`Attributor`].
pub trait Method: Send + Sync {
    /// The method's name, for example `logra`.
    const NAME: &'static str;
    /// Version of the method. It is raised whenever the same settings would give other scores than before.
    const VERSION: u32;
    /// Strings, booleans and finite numbers only, so that they always serialise.
    type Settings: Serialize;

    /// Everything that the scores depend on besides model, adapter and data.
    fn settings(&self) -> &Self::Settings;

    /// Scores of all training examples. A score is positive if training on the example lowered the query's loss.
    fn score(&self, query: &Query) -> Result<Scores>;
}

/// A method that gives each training example's contribution to a query, with settings of any type.
pub trait Attributor: Send + Sync {
    /// The method's name, for example `logra`.
    fn method(&self) -> &'static str;

    /// Version of the method. It is raised whenever the same settings would give other scores than before.
    fn version(&self) -> u32;

    /// Everything that the scores depend on besides model, adapter and data.
    fn settings(&self) -> serde_json::Value;

    /// SHA-256 of the canonical JSON (sorted keys, no spaces) of `{method, settings, version}`.
    fn settings_hash(&self) -> Digest {
        settings_hash(self.method(), self.version(), self.settings())
    }

    /// Scores of all training examples. A score is positive if training on the example lowered the query's loss.
    fn score(&self, query: &Query) -> Result<Scores>;
}

impl<M: Method> Attributor for M {
    fn method(&self) -> &'static str {
        M::NAME
    }

    fn version(&self) -> u32 {
        M::VERSION
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::to_value(Method::settings(self)).expect("plain data serialises")
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        Method::score(self, query)
    }
}

/// SHA-256 of the canonical JSON of `{method, settings, version}`.
pub(crate) fn settings_hash(method: &str, version: u32, settings: serde_json::Value) -> Digest {
    let value = serde_json::json!({ "method": method, "settings": settings, "version": version });
    Sha256::digest(canonical_json(value).as_bytes()).into()
}

/// Compact JSON. The keys of every object are sorted, for any features that `serde_json` was built with.
fn canonical_json(mut value: serde_json::Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// A score for every training example, in index order.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The examples.
    pub ids: Arc<[ExampleId]>,
    /// Their scores. All are finite.
    pub values: Vec<f32>,
}

/// An entry of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Position in the index.
    pub position: usize,
    /// The example.
    pub id: ExampleId,
    /// Its score.
    pub score: f32,
}

impl Scores {
    /// The `k` highest scores in descending order. Ties go to the lower position.
    pub fn top_k(&self, k: usize) -> Vec<Ranked> {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        let by_rank = |a: &usize, b: &usize| -> Ordering { self.values[*b].total_cmp(&self.values[*a]).then(a.cmp(b)) };
        if k < order.len() {
            order.select_nth_unstable_by(k, by_rank);
            order.truncate(k);
        }
        order.sort_unstable_by(by_rank);
        order
            .into_iter()
            .map(|position| Ranked { position, id: self.ids[position], score: self.values[position] })
            .collect()
    }

    /// Number of examples that rank before the one at `position`. The first has 0. Ties rank in the order of position.
    pub fn rank(&self, position: usize) -> usize {
        let own = self.values[position];
        self.values
            .iter()
            .enumerate()
            .filter(|(i, v)| match v.total_cmp(&own) {
                Ordering::Greater => true,
                Ordering::Equal => *i < position,
                Ordering::Less => false,
            })
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(values: &[f32]) -> Scores {
        Scores { ids: (0..values.len()).map(|i| [i as u8; 32]).collect(), values: values.to_vec() }
    }

    #[test]
    fn top_k_is_sorted_breaks_ties_by_position_and_agrees_with_rank() {
        let s = scores(&[0.5, -1.0, 2.0, 0.5, 0.0]);
        let all: Vec<usize> = s.top_k(9).iter().map(|r| r.position).collect();
        assert_eq!(all, [2, 0, 3, 4, 1]);
        let two = s.top_k(2);
        assert_eq!(two.iter().map(|r| r.position).collect::<Vec<_>>(), [2, 0]);
        assert_eq!((two[0].id, two[0].score), ([2; 32], 2.0));
        for (rank, position) in all.into_iter().enumerate() {
            assert_eq!(s.rank(position), rank);
        }
        assert!(s.top_k(0).is_empty());
    }

    #[test]
    fn queries_without_anything_to_attribute_are_refused() {
        let item = |loss_from, weight| QueryItem { tokens: vec![1, 2, 3], loss_from, weight };
        for items in [vec![], vec![item(0, 1.0)], vec![item(3, 1.0)], vec![item(1, f32::NAN)]] {
            assert!(matches!(Query::new(items), Err(AttributionError::Query(_))));
        }
        assert!(Query::new(vec![item(2, -1.0)]).is_ok());
    }

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value = serde_json::json!({"b": [{"z": 1, "a": "\""}], "a": null});
        assert_eq!(canonical_json(value), r#"{"a":null,"b":[{"a":"\"","z":1}]}"#);
    }
}
