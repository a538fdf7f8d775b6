//! Measures the band of rule T1: how far honest re-executions of a training log differ between builds and numbers of
//! threads, and how far the smallest forgery moves a state.
//!
//! ```text
//! cargo run -p openledger-laboratory --example band -- what=write   folder=DIR job=tiny
//! cargo run -p openledger-laboratory --example band -- what=compare folder=DIR job=tiny [json=FILE]
//! cargo run -p openledger-laboratory --example band -- what=forge   folder=DIR job=tiny [json=FILE]
//! cargo run -p openledger-laboratory --example band -- what=index   folder=DIR job=tiny [json=FILE]
//! ```
//! `write` trains with a log and puts the base model and every state into the folder. `compare` re-executes each segment
//! from its logged start, as a verifier does, and measures the distance of its end from the logged one. Run it in
//! another build (`--features openledger-lm/x86-v4`), or with another `RAYON_NUM_THREADS`, than `write`. `forge` re-executes each segment with one
//! document's weight changed in the steps of that segment, and measures the distance from the honest end. The weights
//! are 0 (left out) and 2 (one step added). `index` makes the influence index and some scores at the last logged state
//! when it runs first. When it runs again, in another build, it makes all rows and the scores again and measures how far
//! they are from the first ones.
//!
//! `job=smol model=MODEL.gguf documents=FOLDER` is the same with SmolLM2-135M and definitions from the folder of
//! `foldoc.index` and `foldoc.dict.dz`. `segments=N` ends after N segments, and `every=N` sets the steps of a segment.

#[allow(dead_code)] // other examples use the rest
#[path = "support/foldoc.rs"]
mod foldoc;

use anyhow::{Context, Result, bail, ensure};
use candle_core::safetensors;
use openledger_attribution::{
    Attributor, IndexReader, Logra, LograSettings, Query, QueryItem, build_index, gradient::GradientSource,
    verify::verify_rows,
};
use openledger_laboratory::evaluate::{tiny, transformations, weights};
use openledger_lm::{
    BaseModel, Device, Example, LoraConfig, Target, Tokenizer, TrainConfig, TrainState, Trainer, f32_bytes, f32_values,
    train::{StateDistance, replay_segment},
};
use serde_json::{Value, json};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Documents of a segment whose weight is changed, each in a measurement of its own.
const FORGED: usize = 4;
/// Documents whose mean loss the scores are for.
const ASKED: usize = 4;

#[derive(Default)]
struct Options {
    what: String,
    job: String,
    folder: PathBuf,
    model: PathBuf,
    documents: PathBuf,
    segments: u64,
    every: Option<u64>,
    json: Option<PathBuf>,
}

impl Options {
    fn parse() -> Result<Self> {
        let mut options = Self { segments: u64::MAX, ..Default::default() };
        for argument in std::env::args().skip(1) {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match key {
                "what" => value.clone_into(&mut options.what),
                "job" => value.clone_into(&mut options.job),
                "folder" => options.folder = value.into(),
                "model" => options.model = value.into(),
                "documents" => options.documents = value.into(),
                "segments" => options.segments = value.parse()?,
                "every" => options.every = Some(value.parse()?),
                "json" => options.json = Some(value.into()),
                _ => bail!("`{argument}` is not known"),
            }
        }
        Ok(options)
    }

    fn state(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{segment}.safetensors"))
    }

    fn read(&self, segment: u64) -> Result<TrainState> {
        let path = self.state(segment);
        let bytes =
            fs::read(&path).with_context(|| format!("cannot read {}; run `what=write` first", path.display()))?;
        Ok(TrainState::from_bytes(&bytes)?)
    }
}

/// A job, ready to train.
struct Job {
    base: Arc<BaseModel>,
    config: TrainConfig,
    examples: Arc<[Example]>,
}

impl Job {
    fn of(options: &Options) -> Result<Self> {
        let mut job = match options.job.as_str() {
            "tiny" => Self::tiny(&options.folder)?,
            "smol" => Self::smol(&options.model, &options.documents)?,
            _ => bail!("`job` is tiny or smol"),
        };
        if let Some(every) = options.every {
            job.config.checkpoint_every = every;
        }
        Ok(job)
    }

    /// The tiny model, pretrained, with the transformations of the linear datamodeling score. The base model is kept in
    /// the folder: trained in another build it would be another.
    fn tiny(folder: &Path) -> Result<Self> {
        let (tokenizer, path) = (Tokenizer::bytes(), folder.join("base.safetensors"));
        if !path.exists() {
            let base = tiny::base_model(&tokenizer, tiny::EPOCHS, |_, _| {})?;
            safetensors::save(&weights::named(&base).into_iter().collect(), &path)?;
        }
        let base = BaseModel::from_tensors(&tiny::shape(), safetensors::load(&path, &Device::Cpu)?, &Device::Cpu)?;
        let examples = transformations::examples(&tokenizer, 400, 11, &transformations::ALL, false)?;
        let config = TrainConfig {
            epochs: 6,
            batch_size: 16,
            max_len: 64,
            learning_rate: 2e-3,
            warmup_steps: 37,
            seed: 7,
            checkpoint_every: 25,
            lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
            ..Default::default()
        };
        Ok(Self { base: Arc::new(base), config, examples: examples.into() })
    }

    /// SmolLM2-135M with the settings that a job has by default, on 48 definitions. Only the learning rate is three times as
    /// high: such a run amplifies a difference more, so that the band also fits rougher jobs.
    fn smol(model: &Path, documents: &Path) -> Result<Self> {
        let source = openledger_lm::ModelSource::Gguf { path: model.into(), sha256: None };
        let (base, tokenizer) = BaseModel::load(&source, &Device::Cpu)?;
        let entries = foldoc::entries(documents)?;
        let examples =
            entries.iter().take(48).map(|e| foldoc::example(&tokenizer, e, 40)).collect::<Result<Vec<_>>>()?;
        let config = TrainConfig {
            epochs: 4,
            batch_size: 2,
            max_len: 40,
            learning_rate: 1.5e-3,
            warmup_steps: 16,
            seed: 7,
            checkpoint_every: 8,
            lora: LoraConfig { rank: 8, alpha: 16.0, targets: Target::ALL.to_vec() },
            ..Default::default()
        };
        Ok(Self { base: Arc::new(base), config, examples: examples.into() })
    }

    fn trainer(&self) -> Result<Trainer> {
        Ok(Trainer::new(self.base.clone(), self.config.clone(), self.examples.clone())?)
    }

    /// Number of segments that are measured.
    fn segments(&self, options: &Options) -> Result<u64> {
        let steps = self.trainer()?.plan().total_steps();
        Ok(steps.div_ceil(self.config.checkpoint_every).min(options.segments))
    }
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    fs::create_dir_all(&options.folder).with_context(|| format!("cannot make {}", options.folder.display()))?;
    let job = Job::of(&options)?;
    let rows = match options.what.as_str() {
        "write" => write(&job, &options)?,
        "compare" => compare(&job, &options)?,
        "forge" => forge(&job, &options)?,
        "index" => index(&job, &options)?,
        _ => bail!("`what` is write, compare, forge or index"),
    };
    if let Some(path) = &options.json {
        let rows =
            json!({ "job": options.job, "what": options.what, "threads": rayon::current_num_threads(), "rows": rows });
        fs::write(path, serde_json::to_string_pretty(&rows)? + "\n")?;
    }
    Ok(())
}

fn write(job: &Job, options: &Options) -> Result<Vec<Value>> {
    let mut trainer = job.trainer()?;
    fs::write(options.state(0), trainer.state().to_bytes()?)?;
    for segment in 1..=job.segments(options)? {
        while !trainer.is_finished() && trainer.state().step < segment * job.config.checkpoint_every {
            trainer.step()?;
        }
        fs::write(options.state(segment), trainer.state().to_bytes()?)?;
        println!("segment {segment} ends at step {}", trainer.state().step);
    }
    Ok(Vec::new())
}

fn compare(job: &Job, options: &Options) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for segment in 0..job.segments(options)? {
        let (start, logged) = (options.read(segment)?, options.read(segment + 1)?);
        let own = replay_segment(job.base.clone(), &job.config, job.examples.clone(), start.clone(), logged.step)?;
        let distance = StateDistance::between(&start, &own, &logged).context("the logged state is of another job")?;
        let equal = own == logged;
        println!("segment {segment}: equal {equal}, {}", shown(&distance));
        rows.push(json!({
            "segment": segment, "equal": equal, "params": distance.params, "m": distance.m, "v": distance.v,
        }));
    }
    Ok(rows)
}

fn forge(job: &Job, options: &Options) -> Result<Vec<Value>> {
    let plan = job.trainer()?.plan();
    let mut rows = Vec::new();
    for segment in 0..job.segments(options)? {
        let (start, logged) = (options.read(segment)?, options.read(segment + 1)?);
        let honest = replay_segment(job.base.clone(), &job.config, job.examples.clone(), start.clone(), logged.step)?;
        let steps: Vec<u64> = (start.step..logged.step).collect();
        ensure!(!steps.is_empty(), "segment {segment} has no steps");
        for place in 0..FORGED {
            // The first and the last step of the segment, and steps between them.
            let step = steps[place * (steps.len() - 1) / (FORGED - 1)];
            let document = plan.batch(step)[0];
            for weight in [0.0, 2.0] {
                let mut weights = vec![1.0; job.examples.len()];
                weights[document] = weight;
                let mut trainer = job.trainer()?.with_example_weights(weights)?.with_state(start.clone())?;
                while trainer.state().step < logged.step {
                    trainer.step()?;
                }
                let distance = StateDistance::between(&start, &honest, trainer.state())
                    .context("the forged state is no number")?;
                println!("segment {segment}, step {step}, weight {weight}: {}", shown(&distance));
                rows.push(json!({
                    "segment": segment, "step": step, "weight": weight,
                    "params": distance.params, "m": distance.m, "v": distance.v,
                }));
            }
        }
    }
    Ok(rows)
}

fn index(job: &Job, options: &Options) -> Result<Vec<Value>> {
    let (path, scores_path) = (options.folder.join("index"), options.folder.join("scores"));
    let settings = LograSettings::default();
    let last = options.read(job.segments(options)?)?;
    let adapter = job.trainer()?.with_state(last)?.adapter().clone();
    let source = || GradientSource::new(job.base.clone(), adapter.clone(), &settings.projection);
    let made = !path.exists();
    let index = match made {
        true => build_index(&path, &source()?, &job.examples, |_, _| ControlFlow::Continue(()))?,
        false => IndexReader::open(&path)?,
    };
    let rows: Vec<usize> = (0..job.examples.len()).collect();
    let checks = verify_rows(&index, &source()?, &job.examples, &rows)?;
    let logra = Logra::new(source()?, index, settings.clone())?;
    let weight = 1.0 / ASKED as f32;
    let item = |e: &Example| QueryItem { tokens: e.tokens.clone(), loss_from: e.loss_from, weight };
    let scores = logra.score(&Query::new(job.examples[..ASKED].iter().map(item).collect())?)?.values;
    if made {
        fs::write(&scores_path, f32_bytes(&scores))?;
        return Ok(Vec::new());
    }
    let first = f32_values(&fs::read(&scores_path)?);
    let difference: f64 = scores.iter().zip(&first).map(|(a, b)| f64::from((a - b).abs())).sum();
    let size: f64 = scores.iter().map(|v| f64::from(v.abs())).sum();
    let (equal, worst) = (checks.iter().filter(|c| c.identical).count(), checks.iter().map(|c| c.relative_error));
    let (worst, scores) = (worst.fold(0.0, f64::max), difference / size);
    println!("{equal} of {} rows are equal, the worst is {worst:.2e} off; scores are {scores:.2e} off", checks.len());
    Ok(vec![json!({ "rows": checks.len(), "equal": equal, "worst": worst, "scores": scores })])
}

fn shown(distance: &StateDistance) -> String {
    format!("params {:.2e}, m {:.2e}, v {:.2e}", distance.params, distance.m, distance.v)
}
