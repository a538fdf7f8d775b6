//! Cholesky factorisation in f64, with sums in one fixed order.

use crate::vector::{axpy, dot};

/// The factor of A = L Lᵀ. Only the lower triangle of L is kept, row-major in a square.
pub struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factorises a symmetric n × n matrix, row-major. Only its lower triangle is read. If it is not positive definite,
    /// the error is the row of the failing pivot.
    pub fn new(mut matrix: Vec<f64>, n: usize) -> Result<Self, usize> {
        debug_assert_eq!(matrix.len(), n * n);
        for i in 0..n {
            let (above, rest) = matrix.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in 0..i {
                let other = &above[j * n..][..j + 1];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err(i);
            }
            row[i] = pivot.sqrt();
        }
        Ok(Self { n, lower: matrix })
    }

    /// Replaces b by L⁻¹ b.
    pub fn forward(&self, b: &mut [f64]) {
        for i in 0..self.n {
            let row = &self.lower[i * self.n..][..i + 1];
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }

    /// Replaces b by A⁻¹ b.
    pub fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        for i in (0..self.n).rev() {
            let row = &self.lower[i * self.n..][..i + 1];
            b[i] /= row[i];
            let (done, x) = b[..=i].split_at_mut(i);
            axpy(-x[0], &row[..i], done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solving_undoes_the_product_for_every_size() {
        for n in [1, 2, 7, 8, 9, 33] {
            // B Bᵀ + I is positive definite.
            let b: Vec<f64> = (0..n * n).map(|i| (i as f64 * 0.77).sin()).collect();
            let a: Vec<f64> = (0..n * n)
                .map(|e| dot(&b[e / n * n..][..n], &b[e % n * n..][..n]) + f64::from(u8::from(e / n == e % n)))
                .collect();
            let x: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let mut y: Vec<f64> = (0..n).map(|i| dot(&a[i * n..][..n], &x)).collect();
            Cholesky::new(a, n).ok().unwrap().solve(&mut y);
            assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-10), "n = {n}");
        }
    }

    #[test]
    fn an_indefinite_matrix_is_refused_at_its_pivot() {
        assert_eq!(Cholesky::new(vec![1.0, 0.0, 2.0, 1.0], 2).err(), Some(1));
        assert_eq!(Cholesky::new(vec![f64::NAN], 1).err(), Some(0));
    }
}
