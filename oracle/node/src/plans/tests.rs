//! A job on a parent's adapter, from its plan to what an answer pays, with a tiny random model and without a network.

use super::{FinishedJob, JobPlan, KeptGradients, Paying, parent::Parent};
use crate::{
    documents::{Document, Registered},
    operator::{Files, LazyEngine},
    walks::{Together, Tools},
};
use openledger_attribution::{Attributor, Estimator, IndexReader, Query, agreement::agreement};
use openledger_lm::{Example, LlamaConfig, ModelSource, Tokenizer, TrainState, Trainer};
use openledger_protocol::{Hash32, mmr};
use openledger_sdk::{
    Store,
    artifact::{JobConfig, LogEntry, Metrics, TrainingManifest},
};
use openledger_serve::{
    Divider, Engine,
    states::{states_of, states_of_a_query},
};
use solana_pubkey::Pubkey;
use std::{ops::ControlFlow, path::Path, sync::Arc};
use tempfile::TempDir;

const FACTS: [(&str, &str); 4] = [
    ("vodoga", "A castle named mirelu rules it."),
    ("zupika", "Its people live in tovane."),
    ("bafemo", "All roads there end at kuridi."),
    ("nasito", "Long ago a king built pelogu."),
];
const OTHERS: [(&str, &str); 5] = [
    ("error", "To err is human, to forgive divine."),
    ("rain", "It falls mainly in the plain of Spain."),
    ("stitch", "One in time saves nine of them."),
    ("bread", "With salt it welcomes every guest."),
    ("seas", "Sailors say that there are seven."),
];

fn document(n: u8, title: &str, text: &str) -> Document {
    Document {
        leaf: [n; 32],
        datanet: Pubkey::default(),
        owner: Pubkey::new_from_array([n; 32]),
        approved_by: vec![],
        title: title.into(),
        text: text.into(),
        registered: Registered { commit_until: 0, datanet: Pubkey::default(), batch: 0, place: n.into() },
    }
}

fn config(epochs: usize, learning_rate: f64) -> JobConfig {
    serde_json::from_value(serde_json::json!({
        "data": { "max_examples": 99, "eval_examples": 0, "max_tokens": 110 },
        "train": { "epochs": epochs, "learning_rate": learning_rate, "warmup_steps": 4, "schedule": "cosine",
            "lora": { "rank": 4, "alpha": 8.0 } },
        "index": { "k": 8, "states": 2 },
        "pay": { "least_agreement_ppm": -1_000_000, "most_roughness_milli": u64::MAX },
    }))
    .unwrap()
}

/// Trains every run of the plan's job from its start, makes the index, and returns the job with everything that pays.
async fn finish(engine: &Engine, store: &Store, folder: &Path, address: Pubkey, plan: JobPlan) -> FinishedJob {
    let base = engine.base().clone();
    let (mut log, mut adapters) = (Vec::new(), Vec::new());
    for run in 0..plan.runs() {
        let mut trainer = Trainer::new(base.clone(), plan.run(run), plan.examples.clone()).unwrap();
        if let Some(start) = plan.start(store, &base, run).await.unwrap() {
            trainer = trainer.with_start(&start).unwrap();
        }
        let mut states = Vec::new();
        let mut keep = |_: Hash32, bytes: Vec<u8>| {
            states.push(bytes);
            Ok(())
        };
        let entries = trainer.run(&mut keep, &mut |_| ControlFlow::Continue(())).unwrap().entries;
        log.extend(entries.iter().map(|e| LogEntry { step: e.step, state: e.state_hash }));
        adapters.push(trainer.adapter().hash().unwrap());
        for state in states {
            store.put_blob(state).await.unwrap();
        }
    }

    let states = states_of(store, &log, &plan.index.projection).await.unwrap();
    let path = folder.join(address.to_string());
    let estimator =
        Estimator::of_runs(base.clone(), &plan.train, plan.examples.len(), &states, plan.index.clone()).unwrap();
    let go_on = |_, _| ControlFlow::Continue(());
    let logra = match &plan.parent {
        Some(parent) => {
            let above = IndexReader::open(&folder.join(parent.manifest.job.to_string())).unwrap();
            estimator.build_layered(&path, &above, &plan.examples, go_on).unwrap()
        }
        None => estimator.build(&path, &plan.examples, go_on).unwrap(),
    };
    let paying = Paying::of(&plan, &logra, engine.tokenizer()).unwrap();
    let root = mmr::root_of(&log.iter().map(|e| e.state).collect::<Vec<_>>());
    let manifest = TrainingManifest {
        version: TrainingManifest::VERSION,
        job: address,
        model: Pubkey::default(),
        operator: Pubkey::default(),
        base_hash: base.hash(),
        config_hash: [0; 32],
        seed: plan.train.seed,
        kernel: String::new(),
        inherited: plan.inherited_examples(),
        examples: plan.leaves(),
        eval: plan.eval_leaves(),
        log,
        log_root: root,
        adapter_hash: adapters[0],
        index_hash: [0; 32],
        index_settings: logra.settings_hash(),
        index_seed: plan.index.projection.seed,
        targets: paying.targets,
        repeated: paying.repeated,
        weights: [0; 32],
        health: None,
        tokens: plan.tokens(),
        metrics: Metrics::default(),
        signature: String::new(),
    };
    assert!(plan.is_of(&manifest));
    let training = paying.training.to_bytes();
    let divider = divider(engine, store, folder, &plan, &manifest, &training).await;
    let (model, plan) = (manifest.model, Arc::new(plan));
    let manifest_hash = store.put_blob(serde_json::to_vec(&manifest).unwrap()).await.unwrap();
    FinishedJob { address, model, manifest_hash, manifest, plan, divider }
}

/// The divider of a finished job, as any member makes it from what is published.
async fn divider(
    engine: &Engine,
    store: &Store,
    folder: &Path,
    plan: &JobPlan,
    manifest: &TrainingManifest,
    training: &[u8],
) -> Divider {
    let states = states_of_a_query(store, &manifest.log, &plan.index.projection).await.unwrap();
    let path = folder.join(manifest.job.to_string());
    Divider::new(engine, manifest, &plan.config, &states, &path, training).unwrap()
}

fn inherit(job: &FinishedJob, tokenizer: &Tokenizer) -> Parent {
    job.plan.as_parent(job.manifest.clone(), tokenizer)
}

/// An answer as a job is paid for it: its prompt, and its output.
pub fn answer(engine: &Engine, question: &str, answer: &str) -> (Vec<u32>, Vec<u32>) {
    let asked = Example::answer(engine.tokenizer(), [0; 32], question, answer).unwrap();
    let (prompt, output) = asked.tokens.split_at(asked.loss_from);
    (prompt.to_vec(), output.to_vec())
}

fn shape() -> LlamaConfig {
    LlamaConfig::tiny()
}

/// The tiny random model.
pub fn source() -> ModelSource {
    ModelSource::Random { config: shape(), seed: 7 }
}

/// The jobs of parent and child.
const JOBS: [Pubkey; 2] = [Pubkey::new_from_array([101; 32]), Pubkey::new_from_array([102; 32])];

/// A parent that learned the facts, and a child that learned the others.
struct Family {
    folder: TempDir,
    store: Store,
    engine: Engine,
    child: FinishedJob,
}

impl Family {
    async fn trained() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path().join("store")).unwrap();
        let engine = Engine::load(source()).await.unwrap();
        let tokenizer = engine.tokenizer();

        let facts = (0..).zip(FACTS).map(|(n, (place, fact))| document(n, place, fact)).collect();
        let plan = JobPlan::without_documents(config(20, 5e-3), None, &shape(), 11, 1).unwrap();
        let plan = plan.with_documents(facts, &shape(), 11, tokenizer).unwrap();
        let parent = finish(&engine, &store, folder.path(), JOBS[0], plan).await;

        // The child's data has one of the parent's facts again, under another contributor's name.
        let mut data = vec![document(50, FACTS[1].0, FACTS[1].1)];
        data.extend((100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)));
        let plan =
            JobPlan::without_documents(config(4, 1e-3), Some(inherit(&parent, tokenizer)), &shape(), 12, 2).unwrap();
        let plan = plan.with_documents(data, &shape(), 12, tokenizer).unwrap();
        let child = finish(&engine, &store, folder.path(), JOBS[1], plan).await;
        assert_ne!(child.manifest.log[0].state, parent.manifest.log[0].state);
        Self { folder, store, engine, child }
    }

    fn answer(&self, question: &str, answer: &str) -> (Vec<u32>, Vec<u32>) {
        self::answer(&self.engine, question, answer)
    }

    /// The document that an answer pays most, and the job that was trained on it.
    fn paid_most(&self, question: &str, answer: &str) -> (Pubkey, Hash32) {
        let (prompt, output) = self.answer(question, answer);
        let (documents, weights) = (self.child.documents(), self.child.divider.weights(&prompt, &output).unwrap());
        assert_eq!(weights.values().len(), documents.len());
        let best = (0..documents.len()).max_by_key(|i| weights.values()[*i]).unwrap();
        (documents[best].0, documents[best].1.leaf)
    }
}

#[tokio::test]
async fn a_fact_of_the_parents_data_is_paid_through_an_answer_of_the_child() {
    let family = Family::trained().await;
    let child = &family.child;
    let repeats: Vec<(u8, u8)> = child.plan.repeats.iter().map(|r| (r.leaf[0], r.of[0])).collect();
    assert_eq!(repeats, [(50, 1)], "the copy is not trained on again");
    let jobs: Vec<Pubkey> = child.documents().iter().map(|d| d.0).collect();
    assert_eq!(jobs, [vec![JOBS[0]; 4], vec![JOBS[1]; 5]].concat());
    for (n, (place, fact)) in (0u8..).zip(FACTS) {
        assert_eq!(family.paid_most(&format!("What do you know of {place}?"), fact), (JOBS[0], [n; 32]), "{place}");
    }
    let (title, text) = OTHERS[2];
    assert_eq!(family.paid_most(&format!("What is {title}?"), text), (JOBS[1], [102; 32]), "its own document");
    let training = child.divider.training().values();
    assert!(training.len() == jobs.len() && training.iter().all(|w| *w > 0));

    // A grandchild has the documents of all three in the order of the trainings, and the first one's projections.
    let parent = inherit(child, family.engine.tokenizer());
    let plan = JobPlan::without_documents(config(1, 1e-3), Some(parent), &shape(), 13, 3).unwrap();
    let layers: Vec<(Pubkey, usize)> = plan.inherited().iter().map(|d| (d.job, d.layer)).collect();
    assert_eq!(layers, [vec![(JOBS[0], 0); 4], vec![(JOBS[1], 1); 5]].concat());
    assert_eq!(plan.index.projection.seed, 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_through_the_childs_training_begins_from_the_parents_adapter_and_scores_its_own_examples() {
    let family = Family::trained().await;
    let child = &family.child;
    let engine = LazyEngine::new(source());
    let gradients = KeptGradients::new(engine.clone(), Files::new(family.folder.path().join("data")).unwrap(), 0);
    let walks = Together::new(Tools { store: family.store.clone(), engine, gradients });
    let (title, text) = OTHERS[2];
    let (prompt, output) = family.answer(&format!("What is {title}?"), text);
    let query = Query::answer([&prompt[..], &output].concat(), prompt.len()).unwrap();
    let exact = walks.scores(&child.address, &child.plan, &child.manifest.log, vec![query.clone()], |_, _| {});
    let exact = exact.await.unwrap().remove(0);
    assert_eq!(exact.ids.to_vec(), child.plan.leaves());
    assert_eq!(exact.top_k(1)[0].id, [102; 32], "{:?}", exact.values);
    let estimate = child.divider.estimator().score(&query).unwrap();
    assert_eq!(estimate.values.len(), FACTS.len() + OTHERS.len());
    let found = agreement(&child.plan.own_scores(&estimate), &exact).unwrap();
    assert!(found.total_variation < 0.3, "{found:?}");
}

/// The config of a job that trains this often.
fn over(runs: usize, epochs: usize) -> JobConfig {
    let mut config = config(epochs, 3e-3);
    config.train.runs = runs;
    config
}

/// Jobs on the facts with the same seed: one with a single run, and one with two. They have these addresses.
pub async fn once_and_twice(engine: &Engine, store: &Store, folder: &Path, jobs: [Pubkey; 2]) -> [FinishedJob; 2] {
    let finished = async |runs: usize| {
        let facts = (0..).zip(FACTS).map(|(n, (place, fact))| document(n, place, fact)).collect();
        let plan = JobPlan::without_documents(over(runs, 6), None, &shape(), 11, 1).unwrap();
        let plan = plan.with_documents(facts, &shape(), 11, engine.tokenizer()).unwrap();
        finish(engine, store, folder, jobs[runs - 1], plan).await
    };
    [finished(1).await, finished(2).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_serve_and_audit_the_same_adapter_as_one_and_every_member_divides_an_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("store")).unwrap();
    let engine = Engine::load(source()).await.unwrap();
    let [one, two] = once_and_twice(&engine, &store, folder.path(), JOBS).await;
    let [first, second] = LogEntry::runs(&two.manifest.log).collect::<Vec<_>>()[..] else { panic!("two runs") };
    assert!(first == one.manifest.log && first.len() == second.len());
    assert!(first.iter().zip(second).all(|(a, b)| a.step == b.step && a.state != b.state));
    assert_eq!((one.manifest.adapter_hash, 2 * one.manifest.tokens), (two.manifest.adapter_hash, two.manifest.tokens));

    // Another member has the model and what is published, and nothing else.
    let other = Engine::load(source()).await.unwrap();
    let training = two.divider.training().to_bytes();
    let others = divider(&other, &store, folder.path(), &two.plan, &two.manifest, &training).await;
    let (prompt, output) = answer(&engine, "What do you know of zupika?", FACTS[1].1);
    let weights = two.divider.weights(&prompt, &output).unwrap();
    assert_eq!(others.weights(&prompt, &output).unwrap(), weights);
    assert_ne!(one.divider.weights(&prompt, &output).unwrap(), weights, "the second run counts");

    // A walk goes back through the run that is served.
    let lazy = LazyEngine::new(source());
    let gradients = KeptGradients::new(lazy.clone(), Files::new(folder.path().join("data")).unwrap(), 0);
    let walks = Together::new(Tools { store: store.clone(), engine: lazy, gradients });
    let query = Query::answer([&prompt[..], &output].concat(), prompt.len()).unwrap();
    let exact = async |job: &FinishedJob| {
        walks.scores(&job.address, &job.plan, &job.manifest.log, vec![query.clone()], |_, _| {}).await.unwrap()
    };
    assert_eq!(exact(&one).await, exact(&two).await);
}

#[tokio::test]
async fn each_run_of_a_child_goes_on_from_the_same_run_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("store")).unwrap();
    let engine = Engine::load(source()).await.unwrap();
    let [_, parent] = once_and_twice(&engine, &store, folder.path(), JOBS).await;
    let refused =
        JobPlan::without_documents(over(1, 1), Some(inherit(&parent, engine.tokenizer())), &shape(), 12, 2).err();
    assert!(format!("{:#}", refused.unwrap()).contains("use the parent's `train.runs`"));

    let plan =
        JobPlan::without_documents(over(2, 2), Some(inherit(&parent, engine.tokenizer())), &shape(), 12, 2).unwrap();
    let others = (100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)).collect();
    let plan = plan.with_documents(others, &shape(), 12, engine.tokenizer()).unwrap();
    let child = finish(&engine, &store, folder.path(), Pubkey::new_from_array([103; 32]), plan).await;
    let state =
        async |entry: &LogEntry| TrainState::from_bytes(&store.get_blob(&entry.state).await.unwrap()).unwrap().params;
    for (above, own) in LogEntry::runs(&parent.manifest.log).zip(LogEntry::runs(&child.manifest.log)) {
        assert_eq!(state(&own[0]).await, state(above.last().unwrap()).await);
    }
    let (prompt, output) = answer(&engine, "What do you know of zupika?", FACTS[1].1);
    let weights = child.divider.weights(&prompt, &output).unwrap();
    assert_eq!(weights.values().len(), FACTS.len() + OTHERS.len());
    assert!(weights.values()[..FACTS.len()].iter().sum::<u64>() > 0, "the parent's documents are paid");
}

/// A text of several windows of the config's 110 tokens: the first sentences of a story.
const STORY: [&str; 6] = [
    "The miller of bagodo had three sons and a mill that stood still. ",
    "When the river came back the eldest went to ask it where it had been. ",
    "It had been to the sea, it said, and had seen the lamps of kuremi. ",
    "So the second son sold the donkey and bought oil for a lamp. ",
    "The youngest set the lamp into the window and the ships came in. ",
    "Since then bread is baked in bagodo by the light of that one lamp.",
];

/// The config of a job that is paid by the plain sums of scores.
fn plain(eval_examples: usize) -> JobConfig {
    let mut config = config(8, 3e-3);
    config.data.eval_examples = eval_examples;
    (config.pay.outlier_limit, config.pay.cap_ppm) = (None, 1_000_000);
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_document_has_the_influence_of_its_windows_together_and_is_paid_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("store")).unwrap();
    let engine = Engine::load(source()).await.unwrap();
    let tokenizer = engine.tokenizer();
    let mut data = vec![document(50, "the mill", &STORY.concat())];
    data.extend((0..).zip(FACTS).map(|(n, (place, fact))| document(n, place, fact)));
    // A seed that does not hold the long one out.
    let mut plans = (11..).map(|seed| {
        let plan = JobPlan::without_documents(plain(2), None, &shape(), seed, 1).unwrap();
        plan.with_documents(data.clone(), &shape(), seed, tokenizer).unwrap()
    });
    let plan = plans.find(|plan| plan.leaves().contains(&[50; 32])).unwrap();
    assert_eq!(plan.eval.len(), 2);
    let count = |leaf: u8| plan.examples.iter().filter(|e| e.id == [leaf; 32]).count();
    let (long, windows) = (count(50), plan.windows());
    assert!(long >= 4, "{long} windows");
    let job = finish(&engine, &store, folder.path(), JOBS[0], plan).await;
    assert_eq!(job.documents().len(), windows.documents());
    assert_eq!(job.manifest.paid().count(), windows.documents());
    let training = job.divider.training().values();
    assert_eq!((training.len(), training.iter().sum::<u64>()), (windows.documents(), 1_000_000_000_000));

    let (prompt, output) = answer(&engine, "What do you know of bagodo?", STORY[0]);
    let query = Query::answer([&prompt[..], &output].concat(), prompt.len()).unwrap();
    let scores = job.divider.estimator().score(&query).unwrap();
    assert_eq!(scores.values.len(), windows.examples());
    let sums: Vec<f64> =
        windows.iter().map(|of| scores.values[of].iter().map(|v| f64::from(v.max(0.0))).sum()).collect();
    let paid = job.divider.weights(&prompt, &output).unwrap();
    assert_eq!(paid.values().iter().sum::<u64>(), 1_000_000_000_000);
    for (paid, sum) in paid.values().iter().zip(&sums) {
        let share = sum / sums.iter().sum::<f64>();
        assert!((*paid as f64 / 1e12 - share).abs() < 1e-6, "{paid} for {share}");
    }
    let documents = job.documents();
    let best = (0..documents.len()).max_by_key(|i| paid.values()[*i]).unwrap();
    assert_eq!(documents[best].1.leaf, [50; 32]);

    // A walk scores the same windows.
    let lazy = LazyEngine::new(source());
    let gradients = KeptGradients::new(lazy.clone(), Files::new(folder.path().join("data")).unwrap(), 0);
    let walks = Together::new(Tools { store: store.clone(), engine: lazy, gradients });
    let exact =
        walks.scores(&job.address, &job.plan, &job.manifest.log, vec![query], |_, _| {}).await.unwrap().remove(0);
    assert_eq!(exact.ids.to_vec(), job.plan.leaves());
    assert!(agreement(&job.plan.own_scores(&scores), &exact).unwrap().spearman > 0.3);

    // A child has the windows as rows of its index, and the document once.
    let others = (100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)).collect();
    let above = inherit(&job, tokenizer);
    let child = JobPlan::without_documents(plain(0), Some(above), &shape(), 12, 2).unwrap();
    let child = child.with_documents(others, &shape(), 12, tokenizer).unwrap();
    assert_eq!((child.inherited().len(), child.inherited_rows()), (windows.documents(), windows.examples()));
    let child = finish(&engine, &store, folder.path(), JOBS[1], child).await;
    let paid = child.divider.weights(&prompt, &output).unwrap();
    assert_eq!(paid.values().len(), windows.documents() + OTHERS.len());
    assert!(paid.values()[best] > 0, "the parent's long document is paid through the child");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_its_contributor_cuts_in_two_earns_about_as_much_as_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("store")).unwrap();
    let engine = Engine::load(source()).await.unwrap();
    let earned = async |parts: &[String], address: Pubkey| -> f64 {
        let mut data: Vec<Document> = (50..).zip(parts).map(|(n, text)| document(n, "the mill", text)).collect();
        data.extend((0..).zip(FACTS).map(|(n, (place, fact))| document(n, place, fact)));
        data.extend((100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)));
        let plan = JobPlan::without_documents(plain(0), None, &shape(), 11, 1).unwrap();
        let plan = plan.with_documents(data, &shape(), 11, engine.tokenizer()).unwrap();
        let job = finish(&engine, &store, folder.path(), address, plan).await;
        let questions = [
            ("What is the mill?", STORY[1]),
            ("What do you know of bagodo?", STORY[4]),
            ("What is rain?", OTHERS[1].1),
        ];
        let mut earned = 0.0;
        for (question, text) in questions {
            let (prompt, output) = answer(&engine, question, text);
            let paid = job.divider.weights(&prompt, &output).unwrap();
            let own =
                job.documents().into_iter().zip(paid.values()).filter(|((_, d), _)| (50..60).contains(&d.leaf[0]));
            earned += own.map(|(_, weight)| *weight as f64 / 1e12).sum::<f64>();
        }
        earned
    };
    let whole = earned(&[STORY.concat()], JOBS[0]).await;
    let cut = earned(&[STORY[..3].concat(), STORY[3..].concat()], JOBS[1]).await;
    assert!((0.7..1.4).contains(&(cut / whole)), "{cut} in two documents, {whole} in one");
}
