//! How far a re-execution may differ from what was published and still count as the same (rule T1).
//!
//! Matrix products take other instructions on another kind of processor, and round differently. The bytes are compared
//! first: on the same build and kind of processor they are equal. `docs/benchmarks/band.md` has the measurements.

use openledger_lm::{TrainState, train::StateDistance};
use openledger_protocol::weights::Weights;

/// Largest distance of the parameters, over the way that they went in the segment.
const PARAMS: f64 = 1e-3;
/// Largest distance of the first and of the second moments, over their norms.
const MOMENTS: f64 = 1e-3;
/// Largest distance of training weights, as the sum of the differences, in parts per million of the whole. It is the band
/// of receipts too.
const WEIGHTS_PPM: u64 = 2_000;

/// Whether `logged` counts as the state that `own` is: what the steps of a segment that began at `start` end in.
pub fn holds(start: &TrainState, own: &TrainState, logged: &TrainState) -> bool {
    let within = |d: StateDistance| d.params <= PARAMS && d.m <= MOMENTS && d.v <= MOMENTS;
    StateDistance::between(start, own, logged).is_some_and(within)
}

/// Whether `published` weights count as the `own` ones.
pub fn weights_hold(own: &Weights, published: &Weights) -> bool {
    own.distance_ppm(published).is_some_and(|distance| distance <= WEIGHTS_PPM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(params: f32, m: f32, v: f32) -> TrainState {
        TrainState { step: 8, params: vec![params, 2.0], m: vec![m, 1.0], v: vec![v, 1.0] }
    }

    #[test]
    fn a_state_may_differ_by_the_band_of_each_part_and_no_more() {
        let (start, own) = (state(0.0, 0.0, 0.0), state(1.0, 0.0, 0.0));
        assert!(holds(&start, &own, &own));
        let inside = 0.9 * PARAMS as f32;
        assert!(holds(&start, &own, &state(1.0 + inside, 0.0, 0.0)));
        let (p, m) = (1.1 * PARAMS as f32, 1.1 * MOMENTS as f32);
        for outside in [state(1.0 + p, 0.0, 0.0), state(1.0, m, 0.0), state(1.0, 0.0, m), state(f32::NAN, 0.0, 0.0)] {
            assert!(!holds(&start, &own, &outside), "{outside:?}");
        }
    }

    #[test]
    fn a_segment_that_moves_nothing_must_end_where_it_began() {
        let start = state(1.0, 0.0, 0.0);
        assert!(holds(&start, &start, &start));
        assert!(!holds(&start, &start, &state(1.0 + 1e-6, 0.0, 0.0)));
    }

    #[test]
    fn weights_may_differ_by_the_band() {
        let weights = |parts: &[u64]| Weights::in_proportion(parts).unwrap();
        let own = weights(&[500_000, 500_000]);
        assert!(weights_hold(&own, &weights(&[501_000, 499_000])));
        assert!(!weights_hold(&own, &weights(&[501_001, 498_999])));
        assert!(!weights_hold(&own, &weights(&[1, 1, 1])));
    }
}
