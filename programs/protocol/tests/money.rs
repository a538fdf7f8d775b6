//! Splits make no money and lose none.

use openledger_protocol::{
    allocate::{largest_remainder, lower_median},
    fees::{MAX_DATA_SHARE_BPS, MAX_STEP_BPS, MAX_TREASURY_BPS, MIN_CONTRIBUTORS_BPS, Shares, WHOLE_BPS, data_share},
};
use proptest::{prelude::*, test_runner::RngSeed};

/// Shares that sum to the whole, from five cuts.
fn shares() -> impl Strategy<Value = Shares> {
    prop::array::uniform5(0..=WHOLE_BPS).prop_map(|mut cuts| {
        cuts.sort_unstable();
        let [a, b, c, d, e] = cuts;
        Shares {
            treasury: a,
            model_owner: b - a,
            upstream: c - b,
            compute: d - c,
            validators: e - d,
            contributors: WHOLE_BPS - e,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn a_fee_divides_without_remainder_and_dust_goes_to_the_treasury(
        s in shares(), amount in any::<u64>(), has_parent in any::<bool>(),
    ) {
        let p = s.split(amount, has_parent).unwrap();
        let exact = |bps: u16| (u128::from(amount) * u128::from(bps) / 10_000) as u64;
        let sum = [p.treasury, p.model_owner, p.upstream, p.compute, p.validators, p.contributors]
            .iter().map(|x| u128::from(*x)).sum::<u128>();
        prop_assert_eq!(sum, u128::from(amount));
        prop_assert_eq!(p.total(), amount);
        prop_assert_eq!((p.compute, p.validators, p.contributors),
            (exact(s.compute), exact(s.validators), exact(s.contributors)));
        let (owner, upstream) = (exact(s.model_owner), exact(s.upstream));
        prop_assert_eq!((p.model_owner, p.upstream), if has_parent { (owner, upstream) } else { (owner + upstream, 0) });
        let dust = p.treasury - exact(s.treasury);
        prop_assert!(dust < 6, "{} base units of dust from six parts", dust);
    }

    #[test]
    fn shares_that_are_not_whole_divide_nothing(s in shares(), amount in any::<u64>(), extra in 1u16..1000) {
        let over = Shares { treasury: s.treasury.saturating_add(extra), ..s };
        prop_assert_eq!(over.split(amount, true), None);
        if s.contributors >= extra {
            let under = Shares { contributors: s.contributors - extra, ..s };
            prop_assert_eq!(under.split(amount, true), None);
        }
    }

    #[test]
    fn bounds_and_steps_of_shares_are_what_they_say(a in shares(), b in shares()) {
        let parts = |s: &Shares| [s.treasury, s.model_owner, s.upstream, s.compute, s.validators, s.contributors];
        let furthest = parts(&a).iter().zip(parts(&b)).map(|(a, b)| i32::from(*a) - i32::from(b)).map(i32::abs).max();
        prop_assert_eq!(a.is_one_step_to(&b), furthest <= Some(MAX_STEP_BPS.into()));
        prop_assert_eq!(a.is_one_step_to(&b), b.is_one_step_to(&a));
        prop_assert!(a.is_one_step_to(&a));
        let within = a.treasury <= MAX_TREASURY_BPS && a.contributors >= MIN_CONTRIBUTORS_BPS;
        prop_assert_eq!(a.is_within_bounds(), within);
    }

    #[test]
    fn parts_sum_to_the_amount_and_lie_within_one_of_their_quota(
        amount in any::<u64>(), weights in prop::collection::vec(any::<u64>(), 1..60),
    ) {
        let parts = largest_remainder(amount, &weights);
        let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        prop_assert_eq!(parts.len(), weights.len());
        if total == 0 {
            prop_assert!(parts.iter().all(|p| *p == 0));
            return Ok(());
        }
        prop_assert_eq!(parts.iter().map(|p| u128::from(*p)).sum::<u128>(), u128::from(amount));
        for (p, w) in parts.iter().zip(&weights) {
            let floor = (u128::from(amount) * u128::from(*w) / total) as u64;
            prop_assert!(*p == floor || *p == floor + 1);
            prop_assert!(*w > 0 || *p == 0, "nothing for no weight");
        }
    }

    #[test]
    fn more_weight_never_earns_less(amount in any::<u64>(), weights in prop::collection::vec(0u64..1000, 2..40)) {
        let parts = largest_remainder(amount, &weights);
        for i in 0..weights.len() {
            for j in 0..weights.len() {
                if weights[i] > weights[j] || (weights[i] == weights[j] && i < j) {
                    prop_assert!(parts[i] >= parts[j], "{} and {}", i, j);
                }
            }
        }
    }

    #[test]
    fn a_minority_cannot_move_a_median_out_of_the_honest_range(
        honest in prop::collection::vec(prop::collection::vec(any::<u64>(), 5), 1..8),
        liars in prop::collection::vec(prop::collection::vec(any::<u64>(), 5), 0..7),
    ) {
        let liars = &liars[..liars.len().min(honest.len() - 1)];
        let median = lower_median(&[&honest[..], liars].concat()).unwrap();
        for i in 0..5 {
            let column = honest.iter().map(|v| v[i]);
            prop_assert!((column.clone().min().unwrap()..=column.max().unwrap()).contains(&median[i]));
        }
    }

    #[test]
    fn a_median_does_not_depend_on_the_order(
        mut vectors in prop::collection::vec(prop::collection::vec(any::<u64>(), 3), 1..9),
        turn in 0usize..9,
    ) {
        let median = lower_median(&vectors);
        let len = vectors.len();
        vectors.rotate_left(turn % len);
        prop_assert_eq!(median, lower_median(&vectors));
    }
}

#[test]
fn a_median_is_the_lower_one_and_vectors_of_different_lengths_or_none_have_none() {
    assert_eq!(lower_median::<Vec<u64>>(&[]), None);
    assert_eq!(lower_median(&[vec![1u64], vec![1, 2]]), None);
    assert_eq!(lower_median(&[vec![0u64, 7], vec![0, 8], vec![5, 9]]), Some(vec![0, 8]));
    assert_eq!(lower_median(&[vec![1u64, 3], vec![9, 1]]), Some(vec![1, 1]), "the lower median of an even number");
    assert_eq!(lower_median::<Vec<u64>>(&[vec![]]), Some(vec![]));
}

#[test]
fn a_data_share_is_that_part_of_the_fee() {
    assert_eq!(data_share(8_000, 2_000), Some(2_000));
    assert_eq!(data_share(u64::MAX, MAX_DATA_SHARE_BPS), Some(u64::MAX), "never more than what is paid for compute");
    assert_eq!((data_share(7, 0), data_share(0, 5_000)), (Some(0), Some(0)));
    assert_eq!(data_share(1, MAX_DATA_SHARE_BPS + 1), None);
}

proptest! {
    /// M4, M5: the data share is exactly its part of compute and data share together, rounded down.
    #[test]
    fn a_data_share_is_rounded_down(compute in any::<u64>(), bps in 0..=MAX_DATA_SHARE_BPS) {
        let share = u128::from(data_share(compute, bps).unwrap());
        let part = |share: u128| (u128::from(compute) + share) * u128::from(bps);
        prop_assert!(share * 10_000 <= part(share));
        prop_assert!((share + 1) * 10_000 > part(share + 1));
    }
}

#[test]
fn bounds_and_steps_hold_at_their_edges() {
    let at = Shares {
        treasury: MAX_TREASURY_BPS,
        model_owner: 2_000,
        upstream: 1_000,
        compute: 2_000,
        validators: 1_000,
        contributors: MIN_CONTRIBUTORS_BPS,
    };
    assert!(at.is_whole() && at.is_within_bounds());
    assert!(!Shares { treasury: at.treasury + 1, compute: at.compute - 1, ..at }.is_within_bounds());
    assert!(!Shares { contributors: at.contributors - 1, compute: at.compute + 1, ..at }.is_within_bounds());
    let step = MAX_STEP_BPS;
    assert!(at.is_one_step_to(&Shares { compute: at.compute - step, validators: at.validators + step, ..at }));
    assert!(!at.is_one_step_to(&Shares { compute: at.compute - step - 1, validators: at.validators + step + 1, ..at }));
}
