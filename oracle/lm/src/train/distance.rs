//! How far two states of a training are apart.

use super::state::TrainState;

/// The relative L2 distances between two states that end the same steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateDistance {
    /// Of the parameters, over the way that they went in these steps. The parameters themselves are no measure, because
    /// most of their norm is the initial adapter's.
    pub params: f64,
    /// Of the first moments, over their norm.
    pub m: f64,
    /// Of the second moments, over their norm.
    pub v: f64,
}

impl StateDistance {
    /// The largest of the three. NaN if one is.
    pub fn largest(&self) -> f64 {
        [self.m, self.v].into_iter().fold(self.params, |most, d| if d > most || d.is_nan() { d } else { most })
    }

    /// The distances of `other` from `own`. Both claim to be what the steps after `start` end in. The norms are those
    /// of `own`, so that whoever made `other` cannot choose them. A distance from nothing is 0 or infinite.
    ///
    /// `None` if the states are of different steps or lengths, or if a value of `other` is not finite.
    pub fn between(start: &TrainState, own: &TrainState, other: &TrainState) -> Option<Self> {
        let n = own.params.len();
        let lengths = [start.params.len(), other.params.len(), own.m.len(), other.m.len(), own.v.len(), other.v.len()];
        let finite = [&other.params, &other.m, &other.v].iter().all(|values| values.iter().all(|v| v.is_finite()));
        if own.step != other.step || lengths != [n; 6] || !finite {
            return None;
        }
        let zeros = vec![0.0; n];
        Some(Self {
            params: ratio(length(&own.params, &other.params), length(&own.params, &start.params)),
            m: ratio(length(&own.m, &other.m), length(&own.m, &zeros)),
            v: ratio(length(&own.v, &other.v), length(&own.v, &zeros)),
        })
    }
}

/// ‖a − b‖, summed in f64.
fn length(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

fn ratio(difference: f64, norm: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / norm }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(params: [f32; 2], m: [f32; 2], v: [f32; 2]) -> TrainState {
        TrainState { step: 3, params: params.into(), m: m.into(), v: v.into() }
    }

    #[test]
    fn parameters_count_by_the_way_they_went_and_moments_by_their_size() {
        let start = state([100.0, 0.0], [0.0; 2], [0.0; 2]);
        let own = state([104.0, 0.0], [0.0, 2.0], [5.0, 0.0]);
        let other = state([104.0, 1.0], [0.0, 1.0], [5.0, 0.0]);
        let distance = StateDistance::between(&start, &own, &other).unwrap();
        assert_eq!(distance, StateDistance { params: 0.25, m: 0.5, v: 0.0 });
        // No choice of the other state makes the norms larger.
        let far = state([1e9, 1e9], [1e9, 1e9], [1e9, 1e9]);
        assert!(StateDistance::between(&start, &own, &far).unwrap().params > 1e8);
    }

    #[test]
    fn a_distance_from_nothing_is_zero_or_infinite() {
        let start = state([1.0, 2.0], [0.0; 2], [0.0; 2]);
        let same = StateDistance::between(&start, &start, &start).unwrap();
        assert_eq!(same, StateDistance { params: 0.0, m: 0.0, v: 0.0 });
        let moved = state([1.0, 2.5], [0.0, 1e-9], [0.0; 2]);
        let distance = StateDistance::between(&start, &start, &moved).unwrap();
        assert_eq!((distance.params, distance.m, distance.v), (f64::INFINITY, f64::INFINITY, 0.0));
    }

    #[test]
    fn states_of_other_steps_or_lengths_or_with_values_that_are_no_numbers_have_no_distance() {
        let own = state([1.0; 2], [1.0; 2], [1.0; 2]);
        for bad in [
            TrainState { step: 4, ..own.clone() },
            TrainState { v: vec![1.0], ..own.clone() },
            TrainState { params: vec![1.0; 3], ..own.clone() },
            TrainState { m: vec![f32::NAN, 1.0], ..own.clone() },
            TrainState { params: vec![f32::INFINITY, 1.0], ..own.clone() },
        ] {
            assert_eq!(StateDistance::between(&own, &own, &bad), None);
        }
    }
}
