//! Chooses the next token from logits.

use crate::{
    error::{LmError, Result},
    rng,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How an answer is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// 0 takes the most likely token. A higher temperature flattens the distribution.
    pub temperature: f64,
    /// Samples among the likeliest tokens that together hold this probability. 1 keeps all tokens.
    pub top_p: f64,
    /// Seed of the draws. The same request with the same seed gives the same answer.
    pub seed: u64,
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// Texts at which the answer ends. The answer does not contain them.
    pub stop: Vec<String>,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, seed: 0, max_tokens: 256, stop: Vec::new() }
    }
}

impl SamplingConfig {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=10.0).contains(&self.temperature) {
            return Err(LmError::config("temperature", format!("must be between 0 and 10, is {}", self.temperature)));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(LmError::config("top_p", format!("must be above 0 and at most 1, is {}", self.top_p)));
        }
        if self.max_tokens == 0 {
            return Err(LmError::config("max_tokens", "must be at least 1"));
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(LmError::config("stop", "must not hold an empty text"));
        }
        Ok(())
    }
}

/// Draws tokens for one sequence.
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    rng: ChaCha8Rng,
    drawn: usize,
}

impl Sampler {
    /// A sampler for one sequence.
    pub fn new(config: &SamplingConfig) -> Self {
        Self { temperature: config.temperature, top_p: config.top_p, rng: rng::chacha(config.seed, 0), drawn: 0 }
    }

    /// The next token. Equal logits go to the lower id. Fails if there are no logits, or one of them is NaN or +∞.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32> {
        if logits.is_empty() || logits.iter().any(|v| v.is_nan() || *v == f32::INFINITY) {
            return Err(LmError::NonFiniteLogits { position: self.drawn });
        }
        self.drawn += 1;
        let best = (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        if self.temperature == 0.0 {
            return Ok(best as u32);
        }
        let weight = |i: usize| (f64::from(logits[i] - logits[best]) / self.temperature).exp();
        let mut candidates: Vec<(usize, f64)> = (0..logits.len()).map(|i| (i, weight(i))).collect();
        let total: f64 = candidates.iter().map(|(_, w)| w).sum();
        let mut kept = total;
        if self.top_p < 1.0 {
            candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let mut sum = 0.0;
            let inside = candidates.iter().take_while(|(_, w)| {
                let open = sum < self.top_p * total;
                sum += if open { *w } else { 0.0 };
                open
            });
            let n = inside.count();
            candidates.truncate(n);
            kept = sum;
        }
        let mut left = rng::unit_f64(&mut self.rng) * kept;
        for (token, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return Ok(*token as u32);
            }
        }
        // Rounding may leave a sliver of probability unassigned.
        Ok(candidates.last().expect("at least the best token").0 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f64, top_p: f64) -> Sampler {
        Sampler::new(&SamplingConfig { temperature, top_p, seed: 9, ..Default::default() })
    }

    #[test]
    fn temperature_zero_takes_the_first_maximum() -> Result<()> {
        assert_eq!(sampler(0.0, 1.0).sample(&[0.0, 3.0, 3.0, -1.0])?, 1);
        Ok(())
    }

    #[test]
    fn frequencies_follow_the_softmax() -> Result<()> {
        let mut sampler = sampler(1.0, 1.0);
        let logits = [0.0f32, (3f32).ln()];
        let ones = (0..4000).map(|_| sampler.sample(&logits)).collect::<Result<Vec<_>>>()?.iter().sum::<u32>();
        assert!((2880..3120).contains(&ones), "{ones} of 4000, expected 3000");
        Ok(())
    }

    #[test]
    fn top_p_never_draws_from_the_tail() -> Result<()> {
        let mut sampler = sampler(1.0, 0.7);
        // The probabilities are 0.6, 0.3 and 0.1. Only the first two reach 0.7.
        let logits = [0.6f32.ln(), 0.1f32.ln(), 0.3f32.ln()];
        let drawn = (0..500).map(|_| sampler.sample(&logits)).collect::<Result<Vec<_>>>()?;
        assert!(drawn.contains(&0) && drawn.contains(&2) && !drawn.contains(&1));
        Ok(())
    }

    #[test]
    fn nan_is_an_error() {
        assert!(matches!(sampler(0.0, 1.0).sample(&[0.0, f32::NAN]), Err(LmError::NonFiniteLogits { position: 0 })));
    }
}
