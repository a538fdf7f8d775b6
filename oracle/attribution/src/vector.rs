//! Sums over vectors in one fixed order.

/// Σ aᵢ bᵢ in f64, in eight interleaved partial sums. The order of additions is fixed, and the processor adds eight at
/// once.
pub fn dot<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    let mut lanes = [0f64; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for l in 0..8 {
            lanes[l] += x[l].into() * y[l].into();
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| (*x).into() * (*y).into()).sum::<f64>()
}

/// y += factor · x.
pub fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_wider_numbers_for_every_length() {
        for n in [0, 1, 7, 8, 9, 40] {
            let wide: Vec<f64> = (0..n).map(|i| f64::from(i as f32 * 0.1)).collect();
            let narrow: Vec<f32> = wide.iter().map(|v| *v as f32).collect();
            let exact: f64 = wide.iter().map(|v| v * v).sum();
            assert!((dot(&wide, &wide) - exact).abs() <= 1e-12 * exact);
            assert_eq!(dot(&narrow, &narrow), dot(&wide, &wide));
        }
    }
}
