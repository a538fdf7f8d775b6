//! The estimate that a job pays by: LoGra over the logged states of its training.
//!
//! The job's settings choose between two forms. *Mean*: a row of the index is the mean of an example's gradients at the
//! states, and a query's gradient is taken at the end of training. *Ensemble*: a row has the gradients of all states,
//! and a query's gradient is taken at each of them. Either is one file, built in one sweep.
//!
//! A job may train several times with different seeds. Then a row has either form for each run, a query's gradient is
//! taken in each run, and the scores of the runs are averaged.

use crate::{
    error::Result,
    gradient::GradientSource,
    index::{
        reader::IndexReader,
        writer::{build_index, build_layered},
    },
    logra::{Logra, LograSettings},
    verify::{RowCheck, verify_rows},
};
use openledger_lm::{BaseModel, Example, TrainConfig, TrainState};
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// A job's run with the settings of its estimate, from which everybody makes the same index and the same scores.
pub struct Estimator {
    source: GradientSource,
    settings: LograSettings,
}

impl Estimator {
    /// Prepares the estimate for the run of `config` on `examples` examples. `states` are logged states of the run, as
    /// [`crate::states::evenly_spaced`] chooses them: `settings.projection.states` of them for building and verifying.
    /// For opening, [`states_of_a_query`](crate::ProjectionSettings::states_of_a_query) of them are enough. Fails if the
    /// states do not fit the settings.
    pub fn new(
        base: Arc<BaseModel>,
        config: &TrainConfig,
        examples: usize,
        states: &[TrainState],
        settings: LograSettings,
    ) -> Result<Self> {
        Self::of_runs(base, config, examples, &[states], settings)
    }

    /// Like [`Self::new`], for several runs of `config` with different seeds ([`GradientSource::of_runs`]). `runs` has
    /// the states of each, in the order of the runs.
    pub fn of_runs<S: AsRef<[TrainState]>>(
        base: Arc<BaseModel>,
        config: &TrainConfig,
        examples: usize,
        runs: &[S],
        settings: LograSettings,
    ) -> Result<Self> {
        let source = GradientSource::of_runs(base, config, examples, runs, &settings.projection)?;
        Ok(Self { source, settings })
    }

    /// Builds the index of `examples` at `path`, or continues where an earlier call was stopped ([`build_index`]). The
    /// result answers queries.
    pub fn build(
        self,
        path: &Path,
        examples: &[Example],
        progress: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Logra> {
        let index = build_index(path, &self.source, examples, progress)?;
        self.with_index(index)
    }

    /// Like [`Self::build`], for a run that began with another run's adapter. `parent` is the index of the other, whose
    /// rows come first ([`build_layered`]).
    pub fn build_layered(
        self,
        path: &Path,
        parent: &IndexReader,
        examples: &[Example],
        progress: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Logra> {
        let index = build_layered(path, parent, &self.source, examples, progress)?;
        self.with_index(index)
    }

    /// Opens the index at `path` to answer queries. Fails if it is damaged, or of another run or other settings.
    pub fn open(self, path: &Path) -> Result<Logra> {
        self.with_index(IndexReader::open(path)?)
    }

    /// Like [`Self::open`], for an index that is open.
    pub fn with_index(self, index: IndexReader) -> Result<Logra> {
        Logra::new(self.source, index, self.settings)
    }

    /// Recomputes the rows at `positions` of the run's own part of the index, at every state ([`verify_rows`]).
    pub fn verify_rows(&self, index: &IndexReader, examples: &[Example], positions: &[usize]) -> Result<Vec<RowCheck>> {
        verify_rows(index, &self.source, examples, positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attributor::{Attributor, ExampleId, Query},
        error::AttributionError,
        index::{sketch::SketchSettings, writer::IndexWriter},
        precondition::Preconditioner,
        projection::{ProjectionKind, ProjectionSettings, QueryStates},
        states::checkpoints,
        testing::{Job, settings},
        verify::{DEFAULT_TOLERANCE, accepted, verify_parent},
    };
    use openledger_lm::{Adapter, LoraConfig, Tokenizer, train::Schedule};

    fn go_on(_: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn logra(states: usize, query_states: QueryStates) -> LograSettings {
        let projection = ProjectionSettings { kind: ProjectionKind::Adapter, states, query_states, ..settings(1) };
        LograSettings { projection, preconditioner: Preconditioner::Ekfac { damping: 0.1 }, unit_norm: false }
    }

    fn estimator(job: &Job, settings: &LograSettings) -> Estimator {
        let count = job.examples.len();
        Estimator::new(job.base.clone(), &job.config, count, &job.states, settings.clone()).unwrap()
    }

    fn query(example: &Example) -> Query {
        Query::answer(example.tokens.clone(), example.loss_from).unwrap()
    }

    #[test]
    fn an_ensemble_in_one_file_scores_as_the_weighted_mean_of_the_states_alone() -> Result<()> {
        let (job, folder) = (Job::short(), tempfile::tempdir().unwrap());
        let whole =
            estimator(&job, &logra(2, QueryStates::All)).build(&folder.path().join("all"), &job.examples, go_on)?;
        let weights = checkpoints(&job.config, 4, &job.states);
        let total: f64 = weights.iter().map(|w| w.weight).sum();
        let alone = |i: usize| -> Result<Logra> {
            let (settings, states) = (logra(1, QueryStates::End), &job.states[i..=i]);
            let estimator = Estimator::new(job.base.clone(), &job.config, 4, states, settings)?;
            estimator.build(&folder.path().join(i.to_string()), &job.examples, go_on)
        };
        let (first, last) = (alone(0)?, alone(1)?);
        for example in &job.examples {
            let [a, b, both] = [&first, &last, &whole].map(|l| Attributor::score(l, &query(example)).unwrap().values);
            let scale = both.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
            for ((a, b), both) in a.iter().zip(&b).zip(&both) {
                let mean = (weights[0].weight * f64::from(*a) + weights[1].weight * f64::from(*b)) / total;
                assert!((mean - f64::from(*both)).abs() < 1e-5 * scale, "{mean} {both}");
            }
        }
        assert_ne!(first.settings_hash(), whole.settings_hash());
        Ok(())
    }

    #[test]
    fn an_example_that_is_asked_for_itself_has_cosine_one_in_an_ensemble() -> Result<()> {
        let (job, folder) = (Job::short(), tempfile::tempdir().unwrap());
        for (i, preconditioner) in
            [Preconditioner::None, Preconditioner::Fisher { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }]
                .into_iter()
                .enumerate()
        {
            let settings = LograSettings { preconditioner, unit_norm: true, ..logra(2, QueryStates::All) };
            let logra = estimator(&job, &settings).build(&folder.path().join(i.to_string()), &job.examples, go_on)?;
            let scores = Attributor::score(&logra, &query(&job.examples[2]))?;
            assert!((scores.values[2] - 1.0).abs() < 1e-3, "{preconditioner:?}: {}", scores.values[2]);
            assert_eq!(scores.top_k(1)[0].position, 2);
        }
        Ok(())
    }

    #[test]
    fn rows_of_every_state_are_verified() -> Result<()> {
        let (job, folder) = (Job::short(), tempfile::tempdir().unwrap());
        let settings = logra(2, QueryStates::All);
        let path = folder.path().join("index");
        estimator(&job, &settings).build(&path, &job.examples, go_on)?;
        let verifier = estimator(&job, &settings);
        let checks = verifier.verify_rows(&IndexReader::open(&path)?, &job.examples, &[0, 1, 3])?;
        assert!(accepted(&checks, DEFAULT_TOLERANCE) && checks.iter().all(|c| c.identical), "{checks:?}");
        // A single layer of one state is made larger.
        let source = job.source_of(&job.states, &settings.projection)?;
        let dim = source.projections().layer_dim();
        for section in 0..2 {
            let mut rows = source.rows(&job.examples[1..2])?;
            let at = section * rows[0].len() / 2;
            rows[0][at..at + dim].iter_mut().for_each(|v| *v *= 1.05);
            let forged = folder.path().join(format!("forged {section}"));
            let ids: Vec<ExampleId> = job.examples.iter().map(|e| e.id).collect();
            let mut writer = IndexWriter::create_or_resume(&forged, source.header(&job.examples)?, &ids)?;
            writer.append(&source.rows(&job.examples[..1])?)?;
            writer.append(&rows)?;
            writer.append(&source.rows(&job.examples[2..3])?)?;
            writer.append(&source.rows(&job.examples[3..])?)?;
            writer.finish()?;
            let checks = verifier.verify_rows(&IndexReader::open(&forged)?, &job.examples, &[0, 1])?;
            assert!(checks[0].identical && !checks[1].identical);
            assert!((checks[1].relative_error - 0.05).abs() < 1e-3, "{checks:?}");
        }
        Ok(())
    }

    #[test]
    fn the_mean_is_asked_with_the_last_state_and_the_ensemble_with_all() -> Result<()> {
        let (job, folder) = (Job::short(), tempfile::tempdir().unwrap());
        for (query_states, needed) in [(QueryStates::End, 1), (QueryStates::All, 2)] {
            let settings = logra(2, query_states);
            assert_eq!(settings.projection.states_of_a_query(), needed);
            let path = folder.path().join(needed.to_string());
            let built = estimator(&job, &settings).build(&path, &job.examples, go_on)?;
            let with = |states: &[TrainState]| {
                Estimator::new(job.base.clone(), &job.config, 4, states, settings.clone()).unwrap().open(&path)
            };
            let opened = with(&job.states[2 - needed..])?;
            let query = query(&job.examples[1]);
            assert_eq!(Attributor::score(&opened, &query)?, Attributor::score(&built, &query)?);
            if needed == 2 {
                let swapped = TrainState { step: 3, ..job.states[1].clone() };
                for states in [&job.states[1..], &[swapped, job.states[1].clone()]] {
                    assert!(matches!(with(states).err(), Some(AttributionError::Mismatch { what: "states", .. })));
                }
            }
        }
        Ok(())
    }

    /// The settings for several runs.
    fn over(runs: usize, settings: LograSettings) -> LograSettings {
        LograSettings { projection: ProjectionSettings { runs, ..settings.projection }, ..settings }
    }

    /// The short job with two seeds.
    fn two_runs() -> [Job; 2] {
        let first = Job::short();
        let second = Job::train(TrainConfig { seed: 9, ..first.config.clone() }, first.examples.clone(), None);
        assert_ne!(first.states, second.states);
        [first, second]
    }

    fn of_runs(jobs: &[Job], settings: &LograSettings) -> Result<Estimator> {
        let runs: Vec<&[TrainState]> = jobs.iter().map(|job| &job.states[..]).collect();
        let count = jobs[0].examples.len();
        Estimator::of_runs(jobs[0].base.clone(), &jobs[0].config, count, &runs, settings.clone())
    }

    /// Fails unless `both` are the mean of the other two.
    fn assert_mean(a: &[f32], b: &[f32], both: &[f32]) {
        let scale = both.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(a.len() == both.len() && b.len() == both.len() && scale > 0.0);
        for ((a, b), both) in a.iter().zip(b).zip(both) {
            assert!(((a + b) / 2.0 - both).abs() < 1e-5 * scale, "{a} {b} {both}");
        }
    }

    #[test]
    fn the_scores_of_two_runs_are_the_mean_of_each_runs_alone() -> Result<()> {
        let (jobs, folder) = (two_runs(), tempfile::tempdir().unwrap());
        for query_states in [QueryStates::End, QueryStates::All] {
            let path = |name: &str| folder.path().join(format!("{name} {query_states:?}"));
            let [one, two] = [1, 2].map(|runs| over(runs, logra(2, query_states)));
            let both = of_runs(&jobs, &two)?.build(&path("both"), &jobs[0].examples, go_on)?;
            let alone = |i: usize| estimator(&jobs[i], &one).build(&path(&i.to_string()), &jobs[i].examples, go_on);
            let (first, second) = (alone(0)?, alone(1)?);
            let sections = 2 * one.projection.states_of_a_query();
            assert_eq!(both.index().header().section_weights().len(), sections);
            for example in &jobs[0].examples {
                let [a, b, both] =
                    [&first, &second, &both].map(|l| Attributor::score(l, &query(example)).unwrap().values);
                assert_mean(&a, &b, &both);
                assert_ne!(a, both);
            }
            assert_ne!(both.settings_hash(), first.settings_hash());

            // Every row is recomputed with the states of all runs, and asked with as many of each as an answer needs.
            let index = IndexReader::open(&path("both"))?;
            let checks = of_runs(&jobs, &two)?.verify_rows(&index, &jobs[0].examples, &[0, 3])?;
            assert!(checks.iter().all(|c| c.identical), "{checks:?}");
            let asked = |order: [usize; 2]| {
                let states = order.map(|i| &jobs[i].states[2 - one.projection.states_of_a_query()..]);
                Estimator::of_runs(jobs[0].base.clone(), &jobs[0].config, 4, &states, two.clone())?.open(&path("both"))
            };
            let query = query(&jobs[0].examples[1]);
            assert_eq!(Attributor::score(&asked([0, 1])?, &query)?, Attributor::score(&both, &query)?);
            // The adapter of every run counts, also of one that answers nothing.
            for wrong in [[1, 0], [0, 0]] {
                assert!(matches!(asked(wrong).err(), Some(AttributionError::Mismatch { what: "adapter", .. })));
            }
        }
        Ok(())
    }

    #[test]
    fn a_forged_row_of_the_second_run_is_found() -> Result<()> {
        let (jobs, folder) = (two_runs(), tempfile::tempdir().unwrap());
        let settings = over(2, logra(2, QueryStates::End));
        let states = [&jobs[0].states[..], &jobs[1].states];
        let source = GradientSource::of_runs(jobs[0].base.clone(), &jobs[0].config, 4, &states, &settings.projection)?;
        let mut rows = source.rows(&jobs[0].examples[..1])?;
        let (at, dim) = (rows[0].len() / 2, source.projections().layer_dim());
        rows[0][at..at + dim].iter_mut().for_each(|v| *v *= 1.05);
        let path = folder.path().join("forged");
        let ids: Vec<ExampleId> = jobs[0].examples.iter().map(|e| e.id).collect();
        let mut writer = IndexWriter::create_or_resume(&path, source.header(&jobs[0].examples)?, &ids)?;
        writer.append(&rows)?;
        for example in &jobs[0].examples[1..] {
            writer.append(&source.rows(std::slice::from_ref(example))?)?;
        }
        writer.finish()?;
        let index = IndexReader::open(&path)?;
        let checks = of_runs(&jobs, &settings)?.verify_rows(&index, &jobs[0].examples, &[0, 1])?;
        assert!(!accepted(&checks[..1], DEFAULT_TOLERANCE) && checks[1].identical, "{checks:?}");
        Ok(())
    }

    #[test]
    fn as_many_runs_as_the_settings_say_are_needed_with_states_of_the_same_steps() {
        let jobs = two_runs();
        let refused = |jobs: &[Job], runs| of_runs(jobs, &over(runs, logra(2, QueryStates::End))).err().unwrap();
        for (jobs, runs) in [(&jobs[..1], 2), (&jobs[..], 1), (&jobs[..], 3)] {
            assert!(matches!(refused(jobs, runs), AttributionError::Setting { field: "projection.runs", .. }));
        }
        let [first, second] = jobs;
        let uneven = [first, Job { states: second.states[1..].to_vec(), ..second }];
        assert!(matches!(refused(&uneven, 2), AttributionError::Setting { field: "projection.states", .. }));
        let projection = over(2, logra(1, QueryStates::End)).projection;
        let alone = GradientSource::new(uneven[0].base.clone(), uneven[0].adapter.clone(), &projection).err();
        assert!(matches!(alone, Some(AttributionError::Setting { field: "projection.runs", .. })));
    }

    const FACTS: [(&str, &str); 4] =
        [("vodoga", "mirelu"), ("zupika", "tovane"), ("bafemo", "kuridi"), ("nasito", "pelogu")];

    fn texts(first: u8, texts: impl IntoIterator<Item = String>) -> Vec<Example> {
        let tokenizer = Tokenizer::bytes();
        let id = |i: usize| [first.wrapping_add(i as u8); 32];
        let text = |(i, text): (usize, String)| Example::text(&tokenizer, id(i), &text).unwrap();
        texts.into_iter().enumerate().map(text).collect()
    }

    fn config(epochs: usize, learning_rate: f64) -> TrainConfig {
        TrainConfig {
            epochs,
            batch_size: 2,
            max_len: 64,
            learning_rate,
            warmup_steps: 4,
            schedule: Schedule::Cosine,
            lora: LoraConfig { rank: 4, alpha: 8.0, ..Default::default() },
            ..Default::default()
        }
    }

    /// A job that learned facts.
    fn parent() -> Job {
        let facts = FACTS.map(|(place, town)| format!("the capital of {place} is {town}."));
        Job::train(config(20, 5e-3), texts(0, facts), None)
    }

    /// A job that began with `adapter` and learned other texts.
    fn child(adapter: &Adapter) -> Job {
        let other = ["to err is human", "rain in spain", "a stitch in time", "bread and salt", "seven seas"];
        Job::train(config(4, 1e-3), texts(100, other.map(String::from)), Some(adapter))
    }

    #[test]
    fn a_fact_of_the_parents_data_is_found_through_an_answer_of_the_child() -> Result<()> {
        let (parent, folder) = (parent(), tempfile::tempdir().unwrap());
        let child = child(&parent.adapter);
        let tokenizer = Tokenizer::bytes();
        for query_states in [QueryStates::End, QueryStates::All] {
            let settings = logra(2, query_states);
            let [above, path] = ["parent", "child"].map(|name| folder.path().join(format!("{name} {query_states:?}")));
            estimator(&parent, &settings).build(&above, &parent.examples, go_on)?;
            let above = IndexReader::open(&above)?;
            let layered = estimator(&child, &settings).build_layered(&path, &above, &child.examples, go_on)?;
            for (planted, (place, town)) in FACTS.iter().enumerate() {
                let prompt = tokenizer.encode(&format!("the town that rules {place} is ")).unwrap();
                let loss_from = prompt.len();
                let query = Query::answer([prompt, tokenizer.encode(town).unwrap()].concat(), loss_from)?;
                let scores = Attributor::score(&layered, &query)?;
                assert_eq!(scores.values.len(), 9);
                assert_eq!(scores.top_k(1)[0].id, [planted as u8; 32], "{query_states:?}: {:?}", scores.values);
            }
        }
        Ok(())
    }

    #[test]
    fn two_runs_on_two_runs_of_a_parent_score_as_the_mean_of_each_chain_alone() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let parents = two_runs();
        // Each run of the child goes on from the same run of the parent.
        let child = |i: usize| {
            let config = TrainConfig { seed: 20 + i as u64, learning_rate: 0.005, ..parents[0].config.clone() };
            Job::train(config, texts(100, ["one".into(), "two".into(), "three".into()]), Some(&parents[i].adapter))
        };
        let children = [child(0), child(1)];
        let settings = logra(2, QueryStates::End);
        let chain = |name: &str, above: Estimator, own: Estimator| -> Result<Logra> {
            let [parent, path] = ["parent", "child"].map(|n| folder.path().join(format!("{n} {name}")));
            above.build(&parent, &parents[0].examples, go_on)?;
            let parent = IndexReader::open(&parent)?;
            let layered = own.build_layered(&path, &parent, &children[0].examples, go_on)?;
            verify_parent(layered.index(), &parent)?;
            Ok(layered)
        };
        // One preconditioner a run is fitted to all rows, as in each chain alone.
        let first = chain("0", estimator(&parents[0], &settings), estimator(&children[0], &settings))?;
        let second = chain("1", estimator(&parents[1], &settings), estimator(&children[1], &settings))?;
        let two = over(2, settings);
        let both = chain("both", of_runs(&parents, &two)?, of_runs(&children, &two)?)?;
        for example in parents[0].examples.iter().chain(&children[0].examples) {
            let [a, b, both] = [&first, &second, &both].map(|l| Attributor::score(l, &query(example)).unwrap().values);
            assert_eq!(both.len(), 7);
            assert_mean(&a, &b, &both);
        }
        Ok(())
    }

    #[test]
    fn layered_rows_are_the_parents_bits_and_score_by_what_each_run_did_with_an_example() -> Result<()> {
        let (parent, folder) = (parent(), tempfile::tempdir().unwrap());
        let child = child(&parent.adapter);
        let settings = LograSettings { preconditioner: Preconditioner::None, ..logra(2, QueryStates::End) };
        let [above, path] = ["parent", "child"].map(|name| folder.path().join(name));
        estimator(&parent, &settings).build(&above, &parent.examples, go_on)?;
        let above = IndexReader::open(&above)?;
        // The build is stopped in the middle of the own rows and goes on.
        let stop = |done, _| if done >= 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let stopped = estimator(&child, &settings).build_layered(&path, &above, &child.examples, stop).err();
        assert!(matches!(stopped, Some(AttributionError::Interrupted { done: 6, total: 9 })));
        let layered = estimator(&child, &settings).build_layered(&path, &above, &child.examples, go_on)?;
        let whole = folder.path().join("whole");
        estimator(&child, &settings).build_layered(&whole, &above, &child.examples, go_on)?;
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&whole).unwrap());

        let index = IndexReader::open(&path)?;
        assert_eq!(
            index.ids().to_vec(),
            [&parent.examples[..], &child.examples].concat().iter().map(|e| e.id).collect::<Vec<_>>()
        );
        verify_parent(&index, &above)?;
        let verifier = estimator(&child, &settings);
        assert!(verifier.verify_rows(&index, &child.examples, &[4, 8])?.iter().all(|c| c.identical));
        assert!(verifier.verify_rows(&index, &child.examples, &[3]).is_err(), "a row of the parent");

        let asked = query(&child.examples[1]);
        let gradient = layered.query_gradient(&asked)?;
        let mass = |job: &Job| {
            let rates = checkpoints(&job.config, job.examples.len(), &job.states);
            rates.iter().map(|c| c.weight).sum::<f64>() / job.examples.len() as f64
        };
        let ratio = mass(&parent) / mass(&child);
        assert!(ratio > 2.0);
        for (i, score) in Attributor::score(&layered, &asked)?.values.iter().enumerate() {
            let product: f64 = index.gradient(i).iter().zip(&gradient).map(|(a, b)| f64::from(*a) * b).sum();
            let expected = if i < 4 { ratio * product } else { product };
            assert!((f64::from(*score) - expected).abs() < 1e-5 * expected.abs().max(1e-3), "{i}: {score} {expected}");
        }
        Ok(())
    }

    #[test]
    fn the_top_through_a_sketch_is_the_top_of_all_scores_over_layers_and_states() -> Result<()> {
        let config = |seed| TrainConfig { epochs: 1, batch_size: 50, learning_rate: 0.01, seed, ..Default::default() };
        let number = |i: usize| format!("{} is {}", i * 7 % 300, i * 31 % 100);
        let parent = Job::train(config(1), texts(0, (0..200).map(number)), None);
        let child = Job::train(config(2), texts(0, (200..400).map(number)), Some(&parent.adapter));
        let folder = tempfile::tempdir().unwrap();
        for unit_norm in [false, true] {
            let settings = LograSettings { unit_norm, ..logra(2, QueryStates::All) };
            let [above, path, sketch] =
                ["parent", "child", "sketch"].map(|n| folder.path().join(format!("{n} {unit_norm}")));
            estimator(&parent, &settings).build(&above, &parent.examples, go_on)?;
            let above = IndexReader::open(&above)?;
            let layered = estimator(&child, &settings).build_layered(&path, &above, &child.examples, go_on)?;
            let query = query(&parent.examples[30]);
            let expected = Attributor::score(&layered, &query)?.top_k(5);
            let layered = layered.with_sketch(&sketch, SketchSettings::default())?;
            assert_eq!(layered.top(&query, 5)?, expected);
        }
        Ok(())
    }

    #[test]
    fn a_parent_of_another_form_or_of_no_known_run_is_refused_and_another_parent_is_found_out() -> Result<()> {
        let (parent, folder) = (Job::short(), tempfile::tempdir().unwrap());
        let child = Job::train(parent.config.clone(), texts(100, ["one".into(), "two".into()]), Some(&parent.adapter));
        let settings = logra(2, QueryStates::End);
        let build = |name: &str, job: &Job, settings: &LograSettings| {
            let path = folder.path().join(name);
            estimator(job, settings).build(&path, &job.examples, go_on).unwrap();
            IndexReader::open(&path).unwrap()
        };
        let layer = |name: &str, parent: &IndexReader| {
            let path = folder.path().join(name);
            estimator(&child, &settings).build_layered(&path, parent, &child.examples, go_on)
        };
        let mut seeded = settings.clone();
        seeded.projection.seed = 8;
        let error = layer("x", &build("seed", &parent, &seeded)).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "settings", .. }), "{error}");
        let adapter_alone = {
            let mut projection = settings.projection.clone();
            projection.states = 1;
            let source = GradientSource::new(parent.base.clone(), parent.adapter.clone(), &projection)?;
            build_index(&folder.path().join("alone"), &source, &parent.examples, go_on)?
        };
        assert!(layer("x", &adapter_alone).is_err());

        let own = build("parent", &parent, &settings);
        layer("child", &own)?;
        let index = IndexReader::open(&folder.path().join("child"))?;
        verify_parent(&index, &own)?;
        let other = Job::train(TrainConfig { seed: 5, ..parent.config.clone() }, parent.examples.clone(), None);
        let stranger = build("stranger", &other, &settings);
        assert!(matches!(verify_parent(&index, &stranger), Err(AttributionError::Mismatch { what: "parents", .. })));
        // A grandchild holds the rows of all three.
        let third = Job::train(parent.config.clone(), texts(200, ["three".into()]), Some(&child.adapter));
        let path = folder.path().join("third");
        let logra = estimator(&third, &settings).build_layered(&path, &index, &third.examples, go_on)?;
        assert_eq!(logra.index().header().parents.iter().map(|p| p.count).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(logra.index().ids().iter().map(|id| id[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 100, 101, 200]);
        verify_parent(&IndexReader::open(&path)?, &index)
    }
}
