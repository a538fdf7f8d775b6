//! A job on a parent's adapter, from its plan to what an answer pays, with a tiny random model and without a network.

use super::{FinishedJob, JobPlan, KeptGradients, Paying, parent::Parent};
use crate::{
    documents::{Document, Registered},
    operator::{Files, LazyEngine},
    walks::{Together, Tools},
};
use openledger_attribution::{Attributor, Estimator, IndexReader, Query, agreement::agreement};
use openledger_lm::{Example, LlamaConfig, ModelSource, Tokenizer, Trainer};
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

/// Trains the plan's job from its start, makes its index, and returns the job with everything that pays.
async fn finish(engine: &Engine, store: &Store, folder: &Path, address: Pubkey, plan: JobPlan) -> FinishedJob {
    let base = engine.base().clone();
    let mut trainer = Trainer::new(base.clone(), plan.train.clone(), plan.examples.clone()).unwrap();
    if let Some(start) = plan.start(store, &base).await.unwrap() {
        trainer = trainer.with_start(&start).unwrap();
    }
    let mut states = Vec::new();
    let mut keep = |_: Hash32, bytes: Vec<u8>| {
        states.push(bytes);
        Ok(())
    };
    let log = trainer.run(&mut keep, &mut |_| ControlFlow::Continue(())).unwrap();
    for state in states {
        store.put_blob(state).await.unwrap();
    }
    let log: Vec<LogEntry> = log.entries.iter().map(|e| LogEntry { step: e.step, state: e.state_hash }).collect();

    let logged: Vec<(u64, Hash32)> = log.iter().map(|e| (e.step, e.state)).collect();
    let of = plan.index.projection.states;
    let states = states_of(store, &logged, of).await.unwrap();
    let path = folder.join(address.to_string());
    let estimator =
        Estimator::new(base.clone(), &plan.train, plan.examples.len(), &states, plan.index.clone()).unwrap();
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
        adapter_hash: trainer.adapter().hash().unwrap(),
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
    let states = states_of_a_query(store, &manifest, of, plan.index.projection.states_of_a_query()).await.unwrap();
    let training = paying.training.to_bytes();
    let divider = Divider::new(engine, &manifest, &plan.config, &states, &path, &training).unwrap();
    let (model, plan) = (manifest.model, Arc::new(plan));
    FinishedJob { address, model, manifest_hash: [address.to_bytes()[0]; 32], manifest, plan, divider }
}

fn inherit(job: &FinishedJob, tokenizer: &Tokenizer) -> Parent {
    job.plan.as_parent(job.manifest.clone(), tokenizer)
}

fn source() -> ModelSource {
    ModelSource::Random { config: LlamaConfig::tiny(), seed: 7 }
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
        let plan = JobPlan::without_documents(config(20, 5e-3), None, 11, 1).unwrap();
        let plan = plan.with_documents(facts, 11, tokenizer).unwrap();
        let parent = finish(&engine, &store, folder.path(), JOBS[0], plan).await;

        // The child's data has one of the parent's facts again, under another contributor's name.
        let mut data = vec![document(50, FACTS[1].0, FACTS[1].1)];
        data.extend((100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)));
        let plan = JobPlan::without_documents(config(4, 1e-3), Some(inherit(&parent, tokenizer)), 12, 2).unwrap();
        let plan = plan.with_documents(data, 12, tokenizer).unwrap();
        let child = finish(&engine, &store, folder.path(), JOBS[1], plan).await;
        assert_ne!(child.manifest.log[0].state, parent.manifest.log[0].state);
        Self { folder, store, engine, child }
    }

    /// An answer as the child would be paid for it: its prompt, and its output.
    fn answer(&self, question: &str, answer: &str) -> (Vec<u32>, Vec<u32>) {
        let asked = Example::answer(self.engine.tokenizer(), [0; 32], question, answer).unwrap();
        let (prompt, output) = asked.tokens.split_at(asked.loss_from);
        (prompt.to_vec(), output.to_vec())
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
    let plan = JobPlan::without_documents(config(1, 1e-3), Some(parent), 13, 3).unwrap();
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
