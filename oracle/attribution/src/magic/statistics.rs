//! How well one list of numbers follows another.

/// Slope of the least-squares line of `y` on `x`; NaN where `x` does not vary.
pub fn slope(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let covariance: f64 = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / x.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>()
}

/// Pearson's correlation; NaN where either list does not vary.
pub fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let (forth, back) = (slope(x, y), slope(y, x));
    (forth * back).sqrt().copysign(forth)
}

/// Spearman's rank correlation, ties sharing their mean rank; NaN where either list does not vary.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    pearson(&ranks(x), &ranks(y))
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let mut ranks = vec![0.0; x.len()];
    let mut at = 0;
    for tied in order.chunk_by(|a, b| x[*a] == x[*b]) {
        let rank = at as f64 + (tied.len() - 1) as f64 / 2.0;
        tied.iter().for_each(|i| ranks[*i] = rank);
        at += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_perfect_correlation() {
        let x = [1.0, 2.0, 4.0, 8.0];
        let y = x.map(|x| 3.0 - 0.5 * x);
        assert!((slope(&x, &y) + 0.5).abs() < 1e-12);
        assert!((pearson(&x, &y) + 1.0).abs() < 1e-12);
        let cubes = x.map(|x| x * x * x);
        assert!((spearman(&x, &cubes) - 1.0).abs() < 1e-12 && pearson(&x, &cubes) < 0.99);
    }

    #[test]
    fn ties_share_their_rank_and_constants_have_no_correlation() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, 3.0]), [1.5, 0.0, 1.5, 3.0]);
        // By hand: ranks 1.5, 0, 1.5, 3 against 0, 1, 2, 3.
        assert!((spearman(&[2.0, 1.0, 2.0, 3.0], &[0.0, 1.0, 2.0, 3.0]) - 0.632_455_532).abs() < 1e-9);
        assert!(pearson(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }
}
