//! The settings that a projection depends on besides the model and the examples.

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// Largest value of each number in the settings besides the seed.
pub(crate) const MOST: usize = 4096;

/// Which gradients are projected, and on which directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionKind {
    /// The full weight's gradient on random directions.
    #[default]
    Random,
    /// The full weight's gradient on the leading principal directions of the layer's inputs and output gradients over
    /// the training examples.
    Pca,
    /// The gradients of the adapter's A and B, which training follows. Their wide sides are projected on random
    /// directions.
    Adapter,
}

impl ProjectionKind {
    fn is_random(&self) -> bool {
        *self == Self::Random
    }
}

/// The states of the run at which a query's gradient is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryStates {
    /// The end of the run. A row is the weighted mean of the example's gradients at the states. A query costs one
    /// backward pass.
    #[default]
    End,
    /// Every state. A row holds the example's gradient at each of them, and the scores of the states are averaged: an
    /// *ensemble*. A query costs one backward pass for each state. Scores vary less from one training seed to another.
    All,
}

impl QueryStates {
    fn is_end(&self) -> bool {
        *self == Self::End
    }
}

fn one() -> usize {
    1
}

fn is_one(number: &usize) -> bool {
    *number == 1
}

/// The settings that the rows of an index depend on besides the model, the adapter and the examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionSettings {
    /// Dimension that each layer's input is projected to. At most the narrowest input.
    pub k_in: usize,
    /// Dimension that each layer's output gradient is projected to. At most the narrowest output.
    pub k_out: usize,
    /// Seed of the projection matrices. The training job fixes it.
    pub seed: u64,
    /// Number of examples in one backward pass. It is part of the settings because padding to the longest example of a
    /// batch may change the last bits of a row.
    pub batch: usize,
    /// Which gradients are projected, and on which directions. `random` is left out of the JSON, so that older indexes
    /// stay valid.
    #[serde(default, skip_serializing_if = "ProjectionKind::is_random")]
    pub kind: ProjectionKind,
    /// Number of logged states of the run that a row is made of. They are as evenly spaced as the log allows
    /// ([`crate::states::evenly_spaced`]). Each is weighted by the learning rates of the steps since the state before
    /// it. 1 means the trained adapter alone and is left out of the JSON.
    ///
    /// Several states show an example at the time when it was learned. At the end of training its gradient is small and
    /// noisy. An index costs one pass over its examples for each state.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub states: usize,
    /// The states at which a query's gradient is taken. `end` is left out of the JSON.
    #[serde(default, skip_serializing_if = "QueryStates::is_end")]
    pub query_states: QueryStates,
    /// Number of training runs that a row is made of: trainings on the same examples with other seeds. A row holds the
    /// gradients of each, one run after the other, and the scores of the runs are averaged. Gradients of different runs
    /// are never added up, because the adapters of two runs have different A matrices. 1 is left out of the JSON.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub runs: usize,
}

impl Default for ProjectionSettings {
    /// 16 × 16, with one example in a pass. So nothing is padded, and any row can be recomputed alone.
    fn default() -> Self {
        Self {
            k_in: 16,
            k_out: 16,
            seed: 0,
            batch: 1,
            kind: ProjectionKind::Random,
            states: 1,
            query_states: QueryStates::End,
            runs: 1,
        }
    }
}

impl ProjectionSettings {
    /// Number of states of each run that answering a query needs. [`crate::states::evenly_spaced`] chooses them.
    pub fn states_of_a_query(&self) -> usize {
        match self.query_states {
            QueryStates::End => 1,
            QueryStates::All => self.states,
        }
    }

    /// Most sections of a row: one for each run, or one for each state of each run. A log may have fewer states.
    pub(crate) fn most_sections(&self) -> usize {
        self.runs.saturating_mul(self.states_of_a_query())
    }

    /// Fails if no index can have a value. The error names the field.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in [
            ("projection.k_in", self.k_in),
            ("projection.k_out", self.k_out),
            ("projection.batch", self.batch),
            ("projection.states", self.states),
            ("projection.runs", self.runs),
        ] {
            if !(1..=MOST).contains(&value) {
                return Err(AttributionError::setting(field, format!("must be between 1 and {MOST}, is {value}")));
            }
        }
        Ok(())
    }
}
