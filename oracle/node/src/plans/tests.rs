//! A job on a parent's adapter, from its plan to what an answer pays, with a tiny random model and without a network.

use super::{FinishedJob, JobPlan, Paying, parent::Parent};
use crate::documents::{Document, Registered};
use openledger_attribution::{Attributor, Estimator, IndexReader};
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
            let above = IndexReader::open(&folder.join(parent.job.to_string())).unwrap();
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

#[tokio::test]
async fn a_fact_of_the_parents_data_is_paid_through_an_answer_of_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("store")).unwrap();
    let engine = Engine::load(ModelSource::Random { config: LlamaConfig::tiny(), seed: 7 }).await.unwrap();
    let tokenizer = engine.tokenizer();
    let [first, second] = [Pubkey::new_from_array([101; 32]), Pubkey::new_from_array([102; 32])];

    let facts = (0..).zip(FACTS).map(|(n, (place, fact))| document(n, place, fact)).collect();
    let plan = JobPlan::without_documents(config(20, 5e-3), None, 11, 1).unwrap();
    let plan = plan.with_documents(facts, 11, tokenizer).unwrap();
    let parent = finish(&engine, &store, folder.path(), first, plan).await;

    // The child's data has one of the parent's facts again, under another contributor's name.
    let mut data = vec![document(50, FACTS[1].0, FACTS[1].1)];
    data.extend((100..).zip(OTHERS).map(|(n, (title, text))| document(n, title, text)));
    let plan = JobPlan::without_documents(config(4, 1e-3), Some(inherit(&parent, tokenizer)), 12, 2).unwrap();
    let plan = plan.with_documents(data, 12, tokenizer).unwrap();
    assert_eq!(plan.repeats.iter().map(|r| (r.leaf[0], r.of[0])).collect::<Vec<_>>(), [(50, 1)]);
    let child = finish(&engine, &store, folder.path(), second, plan).await;

    let start = &child.manifest.log[0];
    assert_ne!(start.state, parent.manifest.log[0].state);
    let documents = child.documents();
    assert_eq!(documents.len(), FACTS.len() + OTHERS.len());
    assert!(documents[..4].iter().all(|d| d.0 == first) && documents[4..].iter().all(|d| d.0 == second));
    let paid = |question: &str, answer: &str| {
        let asked = Example::answer(tokenizer, [0; 32], question, answer).unwrap();
        let (prompt, output) = asked.tokens.split_at(asked.loss_from);
        child.divider.weights(prompt, output).unwrap()
    };
    for (n, (place, fact)) in (0u8..).zip(FACTS) {
        let weights = paid(&format!("What do you know of {place}?"), fact);
        assert_eq!(weights.values().len(), documents.len());
        let best = (0..documents.len()).max_by_key(|i| weights.values()[*i]).unwrap();
        assert_eq!((documents[best].0, documents[best].1.leaf), (first, [n; 32]), "{place}: {:?}", weights.values());
    }
    // What the child learned itself is paid to its own job.
    let (title, text) = OTHERS[2];
    let weights = paid(&format!("What is {title}?"), text);
    let best = (0..documents.len()).max_by_key(|i| weights.values()[*i]).unwrap();
    assert_eq!((documents[best].0, documents[best].1.leaf), (second, [102; 32]), "{:?}", weights.values());
    let training = child.divider.training();
    assert!(training.values().len() == documents.len() && training.values().iter().all(|w| *w > 0));

    // A grandchild has the documents of all three in the order of the trainings, and the first one's projections.
    let plan = JobPlan::without_documents(config(1, 1e-3), Some(inherit(&child, tokenizer)), 13, 3).unwrap();
    let layers: Vec<(Pubkey, usize)> = plan.inherited().iter().map(|d| (d.job, d.layer)).collect();
    assert_eq!(layers, [vec![(first, 0); 4], vec![(second, 1); 5]].concat());
    assert_eq!(plan.index.projection.seed, 11);
}
