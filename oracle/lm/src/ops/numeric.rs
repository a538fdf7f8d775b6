//! Numerical differentiation for the tests of the backward passes.

use crate::error::Result;
use candle_core::{DType, Device, Tensor};

/// Deterministic values in about ±1.
pub(crate) fn wave(shape: &[usize], seed: f64) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|i| ((i as f64 * 0.731 + seed) * 1.7).sin() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Asserts that `analytic` is the gradient of Σ f(x)·g with respect to x, by central differences.
pub(crate) fn check(x: &Tensor, g: &Tensor, analytic: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) {
    let value = |x: &Tensor| -> f64 {
        let y = f(x).unwrap().to_dtype(DType::F64).unwrap();
        (y * g.to_dtype(DType::F64).unwrap()).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
    };
    let flat = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let analytic = analytic.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(flat.len(), analytic.len());
    let scale = analytic.iter().fold(0f32, |m, v| m.max(v.abs())).max(1e-3);
    const STEP: f32 = 1e-2;
    for i in 0..flat.len() {
        let at = |delta: f32| {
            let mut moved = flat.clone();
            moved[i] += delta;
            value(&Tensor::from_vec(moved, x.shape(), x.device()).unwrap())
        };
        // A fourth-order stencil. The rounding of f32 does not allow a small step.
        let numeric = (8.0 * (at(STEP) - at(-STEP)) - (at(2.0 * STEP) - at(-2.0 * STEP))) / (12.0 * f64::from(STEP));
        let error = (numeric - f64::from(analytic[i])).abs();
        assert!(error < 2e-3 * f64::from(scale), "element {i}: numeric {numeric}, analytic {}", analytic[i]);
    }
}
