//! The learning rate over a job's steps.

use super::config::{Schedule, TrainConfig};

/// Learning rate of step `step` (from 0) of `total`.
pub fn learning_rate(config: &TrainConfig, step: u64, total: u64) -> f64 {
    let (peak, warmup) = (config.learning_rate, config.warmup_steps);
    if step < warmup {
        return peak * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
    match config.schedule {
        Schedule::Constant => peak,
        Schedule::Linear => peak * (1.0 - progress).max(0.0),
        Schedule::Cosine => peak * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule) -> Vec<f64> {
        let config = TrainConfig { learning_rate: 1.0, warmup_steps: 4, schedule, ..Default::default() };
        (0..8).map(|step| learning_rate(&config, step, 8)).collect()
    }

    #[test]
    fn warms_up_then_follows_the_schedule() {
        assert_eq!(rates(Schedule::Linear), [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]);
        assert_eq!(rates(Schedule::Constant), [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let cosine = rates(Schedule::Cosine);
        assert!((cosine[6] - 0.5).abs() < 1e-12 && cosine.windows(2).skip(4).all(|w| w[0] > w[1]));
    }
}
