//! LoGra over several states of one training run. It finds influence at the time when an example was learned, not only
//! at the end.
//!
//! Each logged state has a [`Logra`] and an index of its own. Their scores are averaged. Each is weighted by the
//! learning rates of the steps that its state stands for, as in TracIn (Pruthi et al. 2020, arXiv:2002.08484).

use crate::{
    attributor::{Method, Query, Scores},
    error::{AttributionError, Result},
    logra::{Logra, LograSettings},
    states::Checkpoint,
};
use serde::{Deserialize, Serialize};

/// Everything that the scores depend on besides model, training log and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleSettings {
    /// The states. There must be at least one.
    pub checkpoints: Vec<Checkpoint>,
    /// Settings of each member.
    pub logra: LograSettings,
}

/// Several [`Logra`] whose scores are averaged.
pub struct LograEnsemble {
    settings: EnsembleSettings,
    members: Vec<Logra>,
}

impl LograEnsemble {
    /// Makes the ensemble. `members` has one [`Logra`] for each checkpoint of the settings, in their order. Each is
    /// over the adapter of its state. All have the same settings and examples. Fails otherwise.
    pub fn new(settings: EnsembleSettings, members: Vec<Logra>) -> Result<Self> {
        if settings.checkpoints.is_empty() || settings.checkpoints.len() != members.len() {
            return Err(AttributionError::setting(
                "checkpoints",
                format!(
                    "{} are named and {} indexes given; give one index for each, at least one",
                    settings.checkpoints.len(),
                    members.len()
                ),
            ));
        }
        if let Some(bad) = settings.checkpoints.iter().find(|c| !(c.weight > 0.0 && c.weight.is_finite())) {
            let reason = format!("the weight of step {} must be positive and finite, is {}", bad.step, bad.weight);
            return Err(AttributionError::setting("checkpoints", reason));
        }
        let first = &members[0];
        for member in &members {
            if Method::settings(member) != &settings.logra {
                return Err(AttributionError::setting("logra", "differs from an index's settings; use the same"));
            }
            let (own, expected) = (&member.index().header().examples, &first.index().header().examples);
            if own != expected || member.index().ids() != first.index().ids() {
                return Err(AttributionError::mismatch(member.index().path(), "examples", own, expected));
            }
        }
        Ok(Self { settings, members })
    }
}

impl Method for LograEnsemble {
    const NAME: &'static str = "logra_ensemble";
    const VERSION: u32 = 1;
    type Settings = EnsembleSettings;

    fn settings(&self) -> &EnsembleSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let total: f64 = self.settings.checkpoints.iter().map(|c| c.weight).sum();
        let mut sum = vec![0f64; self.members[0].index().count()];
        for (member, checkpoint) in self.members.iter().zip(&self.settings.checkpoints) {
            let share = checkpoint.weight / total;
            for (sum, value) in sum.iter_mut().zip(member.score(query)?.values) {
                *sum += share * f64::from(value);
            }
        }
        Ok(Scores { ids: self.members[0].index().ids().clone(), values: sum.into_iter().map(|v| v as f32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gradient::GradientSource,
        index::writer::build_index,
        precondition::Preconditioner,
        testing::{examples, model, settings},
    };
    use std::{ops::ControlFlow, path::Path};

    /// LoGra over the test adapter, whose parameters are multiplied by `factor`.
    fn member(dir: &Path, factor: f32, count: usize) -> Logra {
        let (base, adapter) = model();
        let flat: Vec<f32> = adapter.to_flat().unwrap().iter().map(|v| v * factor).collect();
        let source = || {
            let adapter = adapter.with_flat(&flat).unwrap();
            GradientSource::new(base.clone(), adapter, &settings(1)).unwrap()
        };
        let path = dir.join(format!("{factor}-{count}"));
        let index = build_index(&path, &source(), &examples(count), |_, _| ControlFlow::Continue(())).unwrap();
        Logra::new(source(), index, logra()).unwrap()
    }

    fn logra() -> LograSettings {
        // Cosines are in [-1, 1] for gradients of any size.
        LograSettings {
            projection: settings(1),
            preconditioner: Preconditioner::Fisher { damping: 0.1 },
            unit_norm: true,
        }
    }

    fn of(weights: &[f64]) -> EnsembleSettings {
        let checkpoints = (1..).zip(weights).map(|(step, weight)| Checkpoint { step, weight: *weight }).collect();
        EnsembleSettings { checkpoints, logra: logra() }
    }

    #[test]
    fn scores_are_the_weighted_mean_of_the_members() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let query = Query::answer(examples(5)[3].tokens.clone(), 1)?;
        let [a, b] = [1.0, 0.5].map(|f| member(dir.path(), f, 5).score(&query).unwrap().values);
        let members = vec![member(dir.path(), 1.0, 5), member(dir.path(), 0.5, 5)];
        let both = LograEnsemble::new(of(&[3.0, 1.0]), members)?.score(&query)?;
        assert_ne!(a, b);
        for ((a, b), both) in a.iter().zip(&b).zip(&both.values) {
            assert!((0.75 * a + 0.25 * b - both).abs() < 1e-6);
        }
        Ok(())
    }

    #[test]
    fn ensembles_that_do_not_fit_together_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let members = |counts: &[usize]| counts.iter().map(|n| member(dir.path(), 1.0, *n)).collect::<Vec<_>>();
        assert!(LograEnsemble::new(of(&[]), vec![]).is_err());
        assert!(LograEnsemble::new(of(&[1.0]), members(&[3, 3])).is_err());
        assert!(LograEnsemble::new(of(&[1.0, f64::NAN]), members(&[3, 3])).is_err());
        let error = LograEnsemble::new(of(&[1.0, 1.0]), members(&[3, 4])).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "examples", .. }), "{error}");
    }
}
