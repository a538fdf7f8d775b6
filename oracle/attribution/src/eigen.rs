//! Eigendecomposition of symmetric matrices, in a form that does not depend on a solver's conventions.

use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenvalues, largest first, and eigenvectors as the columns of an n × n row-major matrix. The sign of each
/// eigenvector makes its component of the largest magnitude positive.
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Vec<f64>,
}

/// Decomposes a symmetric n × n matrix. All values must be finite.
pub(crate) fn eigen(matrix: &[f64], n: usize) -> Eigen {
    let solved = SymmetricEigen::new(DMatrix::from_row_slice(n, n, matrix));
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| solved.eigenvalues[*b].total_cmp(&solved.eigenvalues[*a]));
    let mut vectors = vec![0.0; n * n];
    for (column, &from) in order.iter().enumerate() {
        let vector = solved.eigenvectors.column(from);
        let largest = vector.iter().fold(0f64, |m, v| if v.abs() > m.abs() { *v } else { m });
        for (row, value) in vector.iter().enumerate() {
            vectors[row * n + column] = value * largest.signum();
        }
    }
    Eigen { values: order.iter().map(|&i| solved.eigenvalues[i]).collect(), vectors }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_times_values_give_the_matrix_back_in_descending_order() {
        let n = 6;
        let b: Vec<f64> = (0..n * n).map(|i| (i as f64 * 0.77).sin()).collect();
        let matrix: Vec<f64> = (0..n * n).map(|e| (0..n).map(|k| b[e / n * n + k] * b[e % n * n + k]).sum()).collect();
        let Eigen { values, vectors } = eigen(&matrix, n);
        assert!(values.is_sorted_by(|a, b| a >= b));
        for (e, expected) in matrix.iter().enumerate() {
            let (i, j) = (e / n, e % n);
            let back: f64 = (0..n).map(|k| values[k] * vectors[i * n + k] * vectors[j * n + k]).sum();
            assert!((back - expected).abs() < 1e-10);
        }
    }
}
