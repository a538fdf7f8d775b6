//! Measures how well one list of numbers follows another.

/// Ranks from 1 in ascending order. Equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        // `group` is a part of `order`. Its place in `order` is the first of its ranks.
        let start = (group.as_ptr() as usize - order.as_ptr() as usize) / size_of::<usize>();
        let mean = start as f64 + (group.len() + 1) as f64 / 2.0;
        group.iter().for_each(|i| ranks[*i] = mean);
    }
    ranks
}

/// Pearson's correlation, from −1 to 1. 0 if one of the lists is constant, because there is nothing to agree on.
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists to correlate are of one length");
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa.sqrt() * bb.sqrt()) } else { 0.0 }
}

/// Slope of the least-squares line of `y` on `x`. NaN if `x` does not vary.
pub fn slope(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "lists to compare are of one length");
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let covariance: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    covariance / x.iter().map(|x| (x - mean_x).powi(2)).sum::<f64>()
}

/// Spearman's rank correlation, which is Pearson's correlation of the ranks.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&ranks(a), &ranks(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[10.0, 20.0, 10.0, 30.0, 10.0]), [2.0, 4.0, 2.0, 5.0, 2.0]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn a_line_has_its_slope_and_a_constant_has_none() {
        let x = [1.0, 2.0, 4.0, 8.0];
        assert!((slope(&x, &x.map(|x| 3.0 - 0.5 * x)) + 0.5).abs() < 1e-12);
        assert!(slope(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }

    #[test]
    fn correlations_are_those_computed_by_hand() {
        // The deviations are (-1, 0, 1) and (-4/3, -1/3, 5/3), so the result is 3 / √(2 · 14/3).
        assert!((pearson(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]) - 3.0 / (2.0f64 * 14.0 / 3.0).sqrt()).abs() < 1e-12);
        // 1 − 6 Σd² / (n (n² − 1)) with d = (1, −1, 1, −1, 0) is 1 − 24/120.
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 3.0, 5.0]) - 0.8).abs() < 1e-12);
        // The ranks are (1.5, 1.5, 3) and (1, 2, 3), so the result is 1.5 / √(1.5 · 2).
        assert!((spearman(&[0.0, 0.0, 1.0], &[1.0, 2.0, 3.0]) - 1.5 / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
    }

    proptest! {
        #[test]
        fn spearman_is_symmetric_bounded_and_blind_to_monotone_maps(
            pairs in prop::collection::vec((-5i32..5, -5i32..5), 2..30),
        ) {
            let a: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
            let b: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
            let r = spearman(&a, &b);
            prop_assert!(r.abs() <= 1.0 + 1e-12);
            prop_assert!((r - spearman(&b, &a)).abs() < 1e-12);
            let cubes: Vec<f64> = a.iter().map(|v| v * v * v + 7.0).collect();
            prop_assert!((r - spearman(&cubes, &b)).abs() < 1e-12);
        }
    }
}
