//! LoGra: projected influence at once (Choe et al. 2024, arXiv:2405.13954).
//!
//! The score of training example i for a query with gradient q is qᵀ (F + λI)⁻¹ gᵢ, over the projected gradients of all
//! adapted layers. It says how much a small step on the example would lower the query's loss. An answer costs one
//! backward pass and one product with the index. If the settings compare queries at every logged state
//! ([`QueryStates::All`]), it costs a backward pass for each, and the score is the states' scores, weighted by the
//! learning rates that each stands for. A preconditioner is fitted at each state. The same holds for several training
//! runs: a query's gradient is taken in each of them, each has its own preconditioner, and all count alike.
//!
//! The rows of a parent's run in a layered index ([`build_layered`](crate::build_layered)) are scored beside the own
//! ones, in proportion to what each run did with one example.

use crate::{
    attributor::{Method, Query, QueryItem, Ranked, Scores},
    error::{AttributionError, Result},
    gradient::GradientSource,
    index::{
        header::Part,
        product::{products, products_at},
        reader::IndexReader,
        sketch::{Sketch, SketchSettings},
    },
    precondition::{Curvature, Preconditioner},
    projection::{ProjectionKind, ProjectionSettings, QueryStates},
    vector::dot,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The method's name.
pub const METHOD: &str = "logra";
/// Version of the method. It is raised whenever the same settings would give other scores than before.
pub const VERSION: u32 = 1;
/// Number of rows that a sketch selects for exact scoring. The first number is the least. The second is the number for
/// each row of the result.
const CANDIDATES: (usize, usize) = (256, 16);

/// Everything that LoGra's scores depend on besides model, adapter and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LograSettings {
    /// Settings of the index.
    pub projection: ProjectionSettings,
    /// Preconditioner of the query.
    pub preconditioner: Preconditioner,
    /// Whether scores are cosines in the preconditioner's inner product, in [-1, 1]. Otherwise an example with a large
    /// gradient (long, or badly learned) is near the top of every query.
    pub unit_norm: bool,
}

impl Default for LograSettings {
    /// The adapter's own gradients with EK-FAC. This ranks well for the size of its index (`docs/benchmarks`). Wider
    /// projections and the mean over several states rank better. The former need more space, and the latter more
    /// passes.
    fn default() -> Self {
        Self {
            projection: ProjectionSettings { kind: ProjectionKind::Adapter, ..Default::default() },
            preconditioner: Preconditioner::Ekfac { damping: 0.1 },
            unit_norm: false,
        }
    }
}

/// A model, the index of its training examples, and the settings for scoring with it.
pub struct Logra {
    source: GradientSource,
    index: IndexReader,
    settings: LograSettings,
    curvature: Option<Curvature>,
    /// Norm of every row in the preconditioner's inner product. Present only with `unit_norm`.
    norms: Option<Vec<f64>>,
    sketch: Option<Sketch>,
}

impl Logra {
    /// Prepares to answer queries. Fails if the index is of another model, adapter or projection than `source`'s.
    /// Factorises the preconditioner. If queries are compared at the end of training, a source of that state alone is
    /// enough, for an index over any states of one run. Otherwise the source must have the index's states, or the end of
    /// each of its runs.
    pub fn new(source: GradientSource, index: IndexReader, settings: LograSettings) -> Result<Self> {
        if settings.projection != *source.projections().settings() {
            return Err(AttributionError::setting("projection", "differs from the gradient source's; use the same"));
        }
        let own = index.header().own();
        let mut expected = source.header_for([0; 32], own.count);
        // A query depends neither on the examples nor on their loss.
        expected.examples.clone_from(&own.examples);
        expected.loss = own.loss;
        if settings.projection.query_states == QueryStates::End {
            expected.states.clone_from(&own.states);
            expected.masses.clone_from(&own.masses);
        }
        own.check(&expected, index.path())?;
        let curvature = Curvature::fit(&index, settings.preconditioner)?;
        let norms = settings.unit_norm.then(|| match &curvature {
            Some(curvature) => curvature.self_influence().iter().map(|v| v.sqrt()).collect(),
            None => euclidean_norms(&index),
        });
        Ok(Self { source, index, settings, curvature, norms, sketch: None })
    }

    /// Lets [`Self::top`] read a sketch of the index instead of the whole index. Opens the sketch at `path`, or makes
    /// it there.
    pub fn with_sketch(mut self, path: &Path, settings: SketchSettings) -> Result<Self> {
        let fitted = (self.settings.preconditioner, self.curvature.as_ref());
        self.sketch = Some(Sketch::open_or_build(path, &self.index, fitted, settings)?);
        Ok(self)
    }

    /// The sketch, if there is one.
    pub fn sketch(&self) -> Option<&Sketch> {
        self.sketch.as_ref()
    }

    /// The index.
    pub fn index(&self) -> &IndexReader {
        &self.index
    }

    /// The model and its projections.
    pub fn source(&self) -> &GradientSource {
        &self.source
    }

    /// Σ weight · ∇loss over the query's items, projected, with a section for each run, or for each state of it at which
    /// queries are compared. It takes one backward pass for each item and section and does not depend on the
    /// preconditioner.
    pub fn query_gradient(&self, query: &Query) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; self.width()];
        let examples: Vec<_> = query.items().iter().map(QueryItem::example).collect();
        for (item, row) in query.items().iter().zip(self.source.query_rows(&examples)?) {
            for (s, v) in sum.iter_mut().zip(row) {
                *s += f64::from(item.weight) * f64::from(v);
            }
        }
        Ok(sum)
    }

    /// Scores for a gradient from [`Self::query_gradient`].
    pub fn score_gradient(&self, gradient: &[f64]) -> Result<Scores> {
        Ok(self.score_gradients(&[gradient])?.remove(0))
    }

    /// Scores for several gradients from [`Self::query_gradient`]. They are the same as one by one, but take fewer
    /// passes over the index.
    pub fn score_gradients(&self, gradients: &[&[f64]]) -> Result<Vec<Scores>> {
        let directions = gradients.iter().map(|g| self.direction(g)).collect::<Result<Vec<_>>>()?;
        let mut found: Vec<Vec<f64>> = vec![Vec::with_capacity(self.index.count()); directions.len()];
        for part in self.parts() {
            let weighted: Vec<Vec<f64>> = directions.iter().map(|d| d.weighted(&part)).collect();
            let weighted: Vec<&[f64]> = weighted.iter().map(Vec::as_slice).collect();
            let products = products(&self.index, part.rows, &weighted);
            found.iter_mut().zip(products).for_each(|(all, some)| all.extend(some));
        }
        let all = |(direction, products): (&Direction, Vec<f64>)| {
            let values = self.finished(direction.own, (0..products.len()).zip(products))?;
            Ok(Scores { ids: self.index.ids().clone(), values })
        };
        directions.iter().zip(found).map(all).collect()
    }

    /// The `k` highest scores, as [`Scores::top_k`] of [`Method::score`] gives them. With a sketch
    /// ([`Self::with_sketch`]) only the rows that the sketch selects are scored. Their scores are the same. An example
    /// that belongs in the result is rarely missing.
    pub fn top(&self, query: &Query, k: usize) -> Result<Vec<Ranked>> {
        self.top_gradient(&self.query_gradient(query)?, k)
    }

    /// Like [`Self::top`], for a gradient from [`Self::query_gradient`].
    pub fn top_gradient(&self, gradient: &[f64], k: usize) -> Result<Vec<Ranked>> {
        let (least, each) = CANDIDATES;
        let candidates = least.max(k.saturating_mul(each));
        let Some(sketch) = self.sketch.as_ref().filter(|_| candidates < self.index.count()) else {
            return Ok(self.score_gradient(gradient)?.top_k(k));
        };
        let direction = self.direction(gradient)?;
        let mut white = gradient.to_vec();
        if let Some(curvature) = &self.curvature {
            // This cannot fail, because the sketch was made with the same root.
            curvature.whiten(&mut white);
        }
        weigh(&mut white, &self.index.header().section_weights());
        let mut estimates = sketch.estimates(&white);
        for part in self.parts() {
            // A parent's sections may be weighted otherwise than the own ones. For choosing candidates their sum is
            // enough.
            let factor: f64 = part.factors.iter().sum();
            estimates[part.rows].iter_mut().for_each(|value| *value *= factor as f32);
        }
        if let Some(norms) = &self.norms {
            for (value, norm) in estimates.iter_mut().zip(norms) {
                *value = if *norm > 0.0 { *value / *norm as f32 } else { 0.0 };
            }
        }
        let best = Scores { ids: self.index.ids().clone(), values: estimates }.top_k(candidates);
        let mut positions: Vec<usize> = best.into_iter().map(|r| r.position).collect();
        // Positions are in the order of the file, so that equal scores rank by position.
        positions.sort_unstable();
        let mut products = Vec::with_capacity(positions.len());
        for part in self.parts() {
            let own =
                positions.partition_point(|p| *p < part.rows.start)..positions.partition_point(|p| *p < part.rows.end);
            products.extend(products_at(&self.index, &direction.weighted(&part), &positions[own]));
        }
        let values = self.finished(direction.own, positions.iter().copied().zip(products))?;
        let exact = Scores { ids: positions.iter().map(|p| self.index.ids()[*p]).collect(), values };
        Ok(exact.top_k(k).into_iter().map(|r| Ranked { position: positions[r.position], ..r }).collect())
    }

    /// The query's gradient, preconditioned and with its own inner product.
    fn direction(&self, gradient: &[f64]) -> Result<Direction> {
        let width = self.width();
        if gradient.len() != width {
            return Err(AttributionError::Query(format!("its gradient has {} values, not {width}", gradient.len())));
        }
        let mut values = gradient.to_vec();
        if let Some(curvature) = &self.curvature {
            curvature.precondition(&self.index, &mut values);
        }
        let mut weighted = values.clone();
        weigh(&mut weighted, &self.index.header().section_weights());
        Ok(Direction { own: dot(gradient, &weighted), values })
    }

    /// Number of values of a query's gradient.
    fn width(&self) -> usize {
        self.index.header().row_layers() * self.index.header().layer_dim()
    }

    /// The rows of each run with the factors of their sections. Cosines say nothing of what a run did with an example,
    /// so all rows are alike then.
    fn parts(&self) -> Vec<Part> {
        let header = self.index.header();
        match self.norms {
            None => header.parts(),
            Some(_) => vec![Part { rows: 0..self.index.count(), factors: header.section_weights() }],
        }
    }

    /// Scores from rows' positions and inner products. `own` is the inner product of the query with itself.
    fn finished(&self, own: f64, products: impl Iterator<Item = (usize, f64)>) -> Result<Vec<f32>> {
        let query_norm = own.max(0.0).sqrt();
        let finish = |(position, product): (usize, f64)| {
            let value = match self.norms.as_ref().map(|norms| norms[position] * query_norm) {
                None => product,
                Some(scale) if scale > 0.0 => product / scale,
                Some(_) => 0.0,
            } as f32;
            if value.is_finite() {
                return Ok(value);
            }
            let id = hex::encode(self.index.ids()[position]);
            Err(AttributionError::Scores(format!("that of example {id} is {value}; raise `damping`")))
        };
        products.map(finish).collect()
    }
}

/// A query's gradient, preconditioned.
struct Direction {
    values: Vec<f64>,
    /// Inner product of the preconditioned gradient with the gradient. Sections count by their weights.
    own: f64,
}

impl Direction {
    /// The direction for the rows of one run.
    fn weighted(&self, part: &Part) -> Vec<f64> {
        let mut values = self.values.clone();
        weigh(&mut values, &part.factors);
        values
    }
}

/// Multiplies each section of a gradient by its factor.
fn weigh(gradient: &mut [f64], factors: &[f64]) {
    let section = gradient.len() / factors.len();
    for (values, factor) in gradient.chunks_exact_mut(section).zip(factors) {
        values.iter_mut().for_each(|v| *v *= factor);
    }
}

impl Method for Logra {
    const NAME: &'static str = METHOD;
    const VERSION: u32 = VERSION;
    type Settings = LograSettings;

    fn settings(&self) -> &LograSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        self.score_gradient(&self.query_gradient(query)?)
    }
}

/// Norm of every row. Sections count by their weights.
fn euclidean_norms(index: &IndexReader) -> Vec<f64> {
    let (weights, per_section) = (index.header().section_weights(), index.header().layers.len());
    (0..index.count())
        .into_par_iter()
        .map(|i| {
            let squares = |l: usize| index.layer(i, l).values().map(|v| v * v).sum::<f64>() * weights[l / per_section];
            (0..index.header().row_layers()).map(squares).sum::<f64>().sqrt()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        index::writer::build_index,
        testing::{examples, settings, source},
    };
    use std::{ops::ControlFlow, path::Path};

    fn logra(dir: &Path, preconditioner: Preconditioner, unit_norm: bool) -> Logra {
        let index =
            build_index(&dir.join("index"), &source(&settings(1)), &examples(9), |_, _| ControlFlow::Continue(()))
                .unwrap();
        Logra::new(source(&settings(1)), index, LograSettings { projection: settings(1), preconditioner, unit_norm })
            .unwrap()
    }

    fn item(i: usize, weight: f32) -> QueryItem {
        let example = examples(9).swap_remove(i);
        QueryItem { tokens: example.tokens, loss_from: example.loss_from, weight }
    }

    const FISHER: Preconditioner = Preconditioner::Fisher { damping: 0.1 };

    #[test]
    fn plain_scores_are_inner_products_of_projected_gradients() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let logra = logra(dir.path(), Preconditioner::None, false);
        let scores = logra.score(&Query::new(vec![item(2, 1.0)])?)?;
        let rows: Vec<Vec<f32>> = examples(9)
            .iter()
            .map(|e| Ok(logra.source().rows(std::slice::from_ref(e))?.remove(0)))
            .collect::<Result<_>>()?;
        for (score, row) in scores.values.iter().zip(&rows) {
            let expected: f64 = row.iter().zip(&rows[2]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let own: f64 = rows[2].iter().map(|a| f64::from(*a).powi(2)).sum();
            assert!((f64::from(*score) - expected).abs() < 1e-3 * own, "{score} against {expected}");
        }
        assert_eq!(scores.ids[8], [8; 32]);
        Ok(())
    }

    #[test]
    fn with_unit_norm_an_example_asked_for_itself_scores_one_and_no_other_more() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        for (name, preconditioner) in [("plain", Preconditioner::None), ("fisher", FISHER)] {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let logra = logra(&folder, preconditioner, true);
            for i in 0..9 {
                let scores = logra.score(&Query::new(vec![item(i, 2.5)])?)?;
                assert!((scores.values[i] - 1.0).abs() < 1e-3, "{name}: {}", scores.values[i]);
                assert!(scores.values.iter().all(|v| v.abs() < 1.001));
                assert_eq!(scores.top_k(1)[0].position, i);
            }
        }
        Ok(())
    }

    #[test]
    fn without_unit_norm_scores_are_linear_in_the_query() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let logra = logra(dir.path(), FISHER, false);
        let one = |i, w| -> Result<Vec<f32>> { Ok(logra.score(&Query::new(vec![item(i, w)])?)?.values) };
        let both = logra.score(&Query::new(vec![item(1, 3.0), item(5, -0.5)])?)?.values;
        let (a, b) = (one(1, 1.0)?, one(5, 1.0)?);
        let scale = both.iter().fold(0f32, |m, v| m.max(v.abs()));
        for i in 0..9 {
            assert!((both[i] - (3.0 * a[i] - 0.5 * b[i])).abs() < 1e-4 * scale);
        }
        Ok(())
    }

    #[test]
    fn several_queries_at_once_score_as_one_by_one() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let logra = logra(dir.path(), FISHER, true);
        let gradients: Vec<Vec<f64>> =
            (0..6).map(|i| logra.query_gradient(&Query::new(vec![item(i, 1.0)])?)).collect::<Result<_>>()?;
        let together = logra.score_gradients(&gradients.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        for (gradient, scores) in gradients.iter().zip(together) {
            assert_eq!(logra.score_gradient(gradient)?, scores);
        }
        Ok(())
    }

    #[test]
    fn the_top_through_a_sketch_is_the_top_of_all_scores() -> Result<()> {
        use openledger_laboratory::evaluate::transformations;
        let dir = tempfile::tempdir().unwrap();
        let projection = ProjectionSettings { batch: 16, ..settings(1) };
        let examples =
            transformations::examples(&openledger_lm::Tokenizer::bytes(), 600, 3, &transformations::ALL, false)
                .unwrap();
        let path = dir.path().join("index");
        build_index(&path, &source(&projection), &examples, |_, _| ControlFlow::Continue(()))?;
        for (preconditioner, unit_norm) in [(FISHER, true), (Preconditioner::Ekfac { damping: 0.1 }, false)] {
            let settings = LograSettings { projection: projection.clone(), preconditioner, unit_norm };
            let logra = Logra::new(source(&projection), IndexReader::open(&path)?, settings)?;
            let query = Query::answer(examples[17].tokens.clone(), examples[17].loss_from)?;
            let expected = logra.score(&query)?.top_k(5);
            let sketch = dir.path().join(format!("{unit_norm}.sketch"));
            let logra = logra.with_sketch(&sketch, SketchSettings::default())?;
            assert_eq!(logra.top(&query, 5)?, expected);
            assert_eq!(logra.top(&query, 600)?, logra.score(&query)?.top_k(600), "as many as there are need no sketch");
        }
        Ok(())
    }

    #[test]
    fn every_preconditioner_and_projection_lets_an_example_find_itself() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let preconditioners = [FISHER, Preconditioner::Kfac { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }];
        for (name, preconditioner) in ["fisher", "kfac", "ekfac"].iter().zip(preconditioners) {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let logra = logra(&folder, preconditioner, true);
            let scores = logra.score(&Query::new(vec![item(4, 1.0)])?)?;
            assert!((scores.values[4] - 1.0).abs() < 1e-3, "{name}: {}", scores.values[4]);
            assert_eq!(scores.top_k(1)[0].position, 4, "{name}");
        }
        Ok(())
    }

    #[test]
    fn wide_adapter_projections_keep_the_inner_products_of_the_adapters_own_gradients() -> Result<()> {
        use openledger_lm::{Batch, forward_backward, per_example_grads};
        let (base, adapter) = crate::testing::model();
        let examples = examples(9);
        let batch = Batch::new(&base, &examples.iter().collect::<Vec<_>>())?;
        let grads = per_example_grads(&forward_backward(&base, &adapter, &batch)?.captures, &adapter)?;
        let inner = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let exact = inner(&grads[2], &grads[5]);
        let scale = (inner(&grads[2], &grads[2]) * inner(&grads[5], &grads[5])).sqrt();
        let runs = 60;
        let mut mean = 0.0;
        for seed in 0..runs {
            let projection = ProjectionSettings { kind: ProjectionKind::Adapter, seed, ..Default::default() };
            let source = GradientSource::new(base.clone(), adapter.clone(), &projection)?;
            let row = |i: usize| Ok::<_, AttributionError>(source.rows(&examples[i..=i])?.remove(0));
            mean += inner(&row(2)?, &row(5)?) / runs as f64;
        }
        assert!((mean - exact).abs() < 0.05 * scale, "{mean} against {exact} of {scale}");
        Ok(())
    }

    #[test]
    fn every_preconditioner_works_on_an_adapters_own_gradients() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let (base, adapter) = crate::testing::model();
        let projection = ProjectionSettings { kind: ProjectionKind::Adapter, ..settings(1) };
        let source = || GradientSource::new(base.clone(), adapter.clone(), &projection);
        let path = dir.path().join("index");
        for preconditioner in [FISHER, Preconditioner::Kfac { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }] {
            let index = build_index(&path, &source()?, &examples(9), |_, _| ControlFlow::Continue(()))?;
            assert_eq!((index.header().rank, index.header().layer_dim()), (Some(8), 8 * 16));
            let settings = LograSettings { projection: projection.clone(), preconditioner, unit_norm: true };
            let scores = Logra::new(source()?, index, settings)?.score(&Query::new(vec![item(4, 1.0)])?)?;
            assert!((scores.values[4] - 1.0).abs() < 1e-3, "{preconditioner:?}: {}", scores.values[4]);
            assert_eq!(scores.top_k(1)[0].position, 4, "{preconditioner:?}");
        }
        Ok(())
    }

    #[test]
    fn older_settings_read_and_write_as_before() {
        let json = r#"{"k_in":16,"k_out":16,"seed":0,"batch":1}"#;
        let settings: ProjectionSettings = serde_json::from_str(json).unwrap();
        assert_eq!(settings, ProjectionSettings::default());
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
        let pca = ProjectionSettings { kind: ProjectionKind::Pca, ..settings };
        assert_eq!(serde_json::from_str::<ProjectionSettings>(&serde_json::to_string(&pca).unwrap()).unwrap(), pca);
    }

    #[test]
    fn an_index_of_another_projection_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let index = build_index(&dir.path().join("index"), &source(&settings(1)), &examples(2), |_, _| {
            ControlFlow::Continue(())
        });
        let other = crate::projection::ProjectionSettings { seed: 9, ..settings(1) };
        let settings = LograSettings { projection: other.clone(), ..Default::default() };
        let error = Logra::new(source(&other), index.unwrap(), settings).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "settings", .. }), "{error}");
    }

    #[test]
    fn the_settings_hash_changes_with_every_setting() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::create_dir(&a).unwrap();
        std::fs::create_dir(&b).unwrap();
        let hash = |d: &Path, p, u| crate::Attributor::settings_hash(&logra(d, p, u));
        assert_eq!(hash(&a, FISHER, true), hash(&b, FISHER, true));
        assert_ne!(hash(&a, FISHER, true), hash(&a, FISHER, false));
        assert_ne!(hash(&a, FISHER, true), hash(&a, Preconditioner::Fisher { damping: 0.2 }, true));
        assert_ne!(hash(&a, FISHER, true), hash(&a, Preconditioner::None, true));
    }
}
