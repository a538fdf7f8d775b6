//! How far a re-execution may differ from what was published and still count as the same (rule T1).
//!
//! Matrix products take other instructions on another kind of processor, and round differently. The bytes are compared
//! first: on the same build and kind of processor they are equal. `docs/benchmarks/band.md` has the measurements.

use crate::walks::STATE_BAND;
use openledger_lm::{TrainState, train::StateDistance};
use openledger_protocol::weights::Weights;

/// Largest distance of training weights, as the sum of the differences, in parts per million of the whole. It is the band
/// of receipts too.
const WEIGHTS_PPM: u64 = 200;

/// Whether `logged` counts as the state that `own` is: what the steps of a segment that began at `start` end in.
pub fn holds(start: &TrainState, own: &TrainState, logged: &TrainState) -> bool {
    StateDistance::between(start, own, logged).is_some_and(|d| d.largest() <= STATE_BAND)
}

/// How far the `logged` state is from the `own` one, in parts per billion: the largest distance of its parts, rounded up.
/// `None` if the states cannot be compared.
pub fn distance_ppb(start: &TrainState, own: &TrainState, logged: &TrainState) -> Option<u64> {
    let d = StateDistance::between(start, own, logged)?;
    Some(d.largest()).filter(|d| d.is_finite()).map(|d| (d * 1e9).ceil() as u64)
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
        let by = |times: f64| {
            let d = (times * STATE_BAND) as f32;
            [state(1.0 + d, 0.0, 0.0), state(1.0, d, 0.0), state(1.0, 0.0, d)]
        };
        assert!(by(0.9).iter().all(|inside| holds(&start, &own, inside)));
        assert!(by(1.1).iter().all(|outside| !holds(&start, &own, outside)));
        assert!(!holds(&start, &own, &state(f32::NAN, 0.0, 0.0)));
        assert_eq!(distance_ppb(&start, &own, &own), Some(0));
        assert!(distance_ppb(&start, &own, &by(0.9)[1]).is_some_and(|d| d > 100_000), "a moment counts too");
        assert_eq!(distance_ppb(&start, &own, &state(f32::NAN, 0.0, 0.0)), None);
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
        assert!(weights_hold(&own, &weights(&[500_100, 499_900])));
        assert!(!weights_hold(&own, &weights(&[500_101, 499_899])));
        assert!(!weights_hold(&own, &weights(&[1, 1, 1])));
    }
}
