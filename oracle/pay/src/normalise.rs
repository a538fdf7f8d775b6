//! What a whole document contributed, and how much of it counts.
//!
//! An attributor's score sᵢ is for the example's *mean* loss over its nᵢ target tokens. In a method that is linear in
//! the gradient (all of them are, to first order), nᵢ·sᵢ is the sum over the document's tokens. So a document that is
//! cut into pieces has the same total. The mean alone would pay k pieces k times.
//!
//! An example with a huge gradient (garbage, a wrong label, an unlearnable text) scores high for unrelated queries. The
//! literature divides by the root of its self-influence gᵢᵀ(F+λI)⁻¹gᵢ (RelatIF: Barshan et al. 2020, arXiv:2003.11630;
//! unit-norm gradients: TrackStar, arXiv:2410.17413). That would again pay a document for being cut: each of k
//! orthogonal pieces has a norm √k times smaller, so together they would have √k times the total. This module divides
//! by a function of the *density* ρᵢ = nᵢ · gᵢᵀ(F+λI)⁻¹gᵢ instead. This is the self-influence of the document's summed
//! gradient, divided by its tokens. If token gradients are independent, the pieces have the density of the whole, and a
//! score divided by any function of it stays additive.
//!
//! Tokens that teach nothing, added to a document, leave nᵢ·sᵢ as it was and lower ρᵢ. An outlier that is padded in
//! this way can win back at most what its density cost it. It never gets more than its own sum.

use crate::{
    error::{PayError, Result},
    quantile::weighted_quantile,
};
use serde::{Deserialize, Serialize};

/// How a document's score becomes the number that it is paid for. s is the attributor's score, n the number of target
/// tokens, and ρ the density of self-influence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Normalisation {
    /// n·s.
    None,
    /// √n·s, for scores that are cosines already (`unit_norm` of `openledger_attribution::LograSettings`). It equals
    /// `Relative` of the inner products that the cosines were made from.
    Cosine,
    /// n·s / √ρ. It treats every document as if its gradient had the same strength.
    Relative,
    /// n·s · min(1, √(limit · median ρ / ρ)). Documents of up to `limit` times the median density count in full. Beyond
    /// that a score no longer grows with the gradient. The median is over owners, each weighted by its tokens.
    Guard {
        /// Densities above this many medians are held back. At least 1.
        limit: f64,
    },
}

impl Normalisation {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Guard { limit } if !(limit >= 1.0 && limit.is_finite()) => {
                Err(PayError::setting("normalisation.limit", format!("must be finite and at least 1, is {limit}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the rule needs self-influence besides scores.
    pub fn needs_self_influence(&self) -> bool {
        matches!(self, Self::Relative | Self::Guard { .. })
    }
}

/// What normalisation needs to know of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The attributor's score, finite.
    pub score: f64,
    /// Tokens that count in its loss.
    pub targets: u32,
    /// gᵢᵀ(F+λI)⁻¹gᵢ of its mean loss, finite and not negative. A rule that does not need it ignores it.
    pub self_influence: f64,
}

impl Measured {
    fn sum(&self) -> f64 {
        f64::from(self.targets) * self.score
    }

    fn density(&self) -> f64 {
        f64::from(self.targets) * self.self_influence
    }
}

/// The number that each document is paid for. The numbers have no unit and only compare within one call.
pub fn normalise(documents: &[Measured], rule: Normalisation) -> Vec<f64> {
    match rule {
        Normalisation::None => documents.iter().map(Measured::sum).collect(),
        Normalisation::Cosine => documents.iter().map(|d| f64::from(d.targets).sqrt() * d.score).collect(),
        Normalisation::Relative => {
            // Without a gradient the score is 0, because it could not have come from anything.
            let relative = |d: &Measured| if d.density() > 0.0 { d.sum() / d.density().sqrt() } else { 0.0 };
            documents.iter().map(relative).collect()
        }
        Normalisation::Guard { limit } => {
            let densities = documents.iter().map(|d| (d.density(), u64::from(d.targets))).collect();
            let bound = limit * weighted_quantile(densities, 1, 2).unwrap_or(0.0);
            let guarded = |d: &Measured| {
                if d.density() <= bound { d.sum() } else { d.sum() * (bound / d.density()).sqrt() }
            };
            documents.iter().map(guarded).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GUARD: Normalisation = Normalisation::Guard { limit: 4.0 };
    const RULES: [Normalisation; 3] = [Normalisation::None, Normalisation::Relative, GUARD];

    fn measured(score: f64, targets: u32, self_influence: f64) -> Measured {
        Measured { score, targets, self_influence }
    }

    #[test]
    fn an_outlier_gains_nothing_from_a_larger_gradient() {
        let usual = [measured(1.0, 10, 1.0); 3];
        let paid = |scale: f64, rule| {
            let outlier = measured(scale, 10, scale * scale);
            normalise(&[usual.as_slice(), &[outlier]].concat(), rule)[3]
        };
        // Twice the gradient gives twice the score without a rule. With the guard this holds up to its limit of √4.
        assert_eq!((paid(2.0, Normalisation::None), paid(8.0, Normalisation::None)), (20.0, 80.0));
        assert_eq!((paid(2.0, GUARD), paid(8.0, GUARD), paid(800.0, GUARD)), (20.0, 20.0, 20.0));
        assert_eq!(paid(2.0, Normalisation::Relative), paid(1.0, Normalisation::Relative));
    }

    #[test]
    fn cosines_give_what_relative_gives_for_their_products() {
        let (product, own) = (0.6, 4.0);
        let relative = normalise(&[measured(product, 9, own)], Normalisation::Relative);
        assert_eq!(relative, normalise(&[measured(product / own.sqrt(), 9, f64::NAN)], Normalisation::Cosine));
    }

    #[test]
    fn documents_without_a_gradient_earn_nothing_by_it() {
        assert_eq!(normalise(&[measured(1.0, 5, 0.0)], Normalisation::Relative), [0.0]);
        assert_eq!(normalise(&[measured(0.0, 5, 0.0), measured(1.0, 1, 1.0)], GUARD), [0.0, 0.0]);
        assert!(normalise(&[], GUARD).is_empty());
    }

    proptest! {
        /// The pieces have orthogonal token gradients of the same strength. s and g are means over the tokens.
        #[test]
        fn independent_pieces_together_get_what_the_whole_gets(
            tokens in prop::collection::vec((-1f64..1.0, 1u32..50), 1..6),
            others in prop::collection::vec((-1f64..1.0, 1u32..50), 1..6),
        ) {
            // Every token has self-influence 1. So the sum of n independent tokens has n, and their mean has 1/n.
            let piece = |(score, n): &(f64, u32)| measured(*score, *n, 1.0 / f64::from(*n));
            let n: u32 = tokens.iter().map(|t| t.1).sum();
            let score = tokens.iter().map(|t| t.0 * f64::from(t.1)).sum::<f64>() / f64::from(n);
            for rule in RULES {
                let rest: Vec<Measured> = others.iter().map(piece).collect();
                let cut: Vec<Measured> = tokens.iter().map(piece).chain(rest.clone()).collect();
                let whole: Vec<Measured> = std::iter::once(piece(&(score, n))).chain(rest).collect();
                let pieces: f64 = normalise(&cut, rule)[..tokens.len()].iter().sum();
                prop_assert!((pieces - normalise(&whole, rule)[0]).abs() < 1e-9 * f64::from(n));
            }
        }
    }
}
