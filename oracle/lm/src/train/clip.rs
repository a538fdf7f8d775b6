//! Clips the gradient by its global norm.

/// √Σ gᵢ², summed in order in f64.
pub fn global_norm(gradient: &[f32]) -> f64 {
    gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt()
}

/// Factor that brings a gradient of norm `norm` down to `limit`. 1 if the norm is not larger or there is no limit.
pub fn clip_scale(norm: f64, limit: Option<f64>) -> f32 {
    match limit {
        Some(limit) if norm > limit => (limit / norm) as f32,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_gradients_are_scaled() {
        assert_eq!(global_norm(&[3.0, 4.0]), 5.0);
        assert_eq!(clip_scale(5.0, Some(1.0)), 0.2);
        assert_eq!(clip_scale(0.5, Some(1.0)), 1.0);
        assert_eq!(clip_scale(5.0, None), 1.0);
    }
}
