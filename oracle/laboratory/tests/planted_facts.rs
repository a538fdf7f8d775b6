//! Tests the purpose of the method: to find the document that an answer came from, among many training documents.

use openledger_attribution::{
    Attributor, Logra, LograSettings, Preconditioner, Query, Scores, build_index, gradient::GradientSource,
};
use openledger_laboratory::{recall::Recall, words};
use openledger_lm::{
    Adapter, BaseModel, Example, LlamaConfig, LoraConfig, Tokenizer, TrainConfig, Trainer, sha256, train::evaluate,
};
use std::{ops::ControlFlow, path::Path, sync::Arc};

const FACTS: usize = 20;
const DISTRACTORS: usize = 20;

/// The word with number `i`. All words are different.
fn word(i: usize) -> String {
    words::word(&sha256(&i.to_le_bytes()))
}

/// Documents that each plant a fact, and questions. A question uses other words and has the fact as its answer.
struct Planted {
    documents: Vec<Example>,
    questions: Vec<(Vec<u32>, usize)>,
}

fn planted(tokenizer: &Tokenizer) -> Planted {
    let document = |i: usize, text: String| Example::text(tokenizer, sha256(&i.to_le_bytes()), &text).unwrap();
    let facts = (0..FACTS).map(|i| document(i, format!("the capital of {} is {}.", word(2 * i), word(2 * i + 1))));
    let others = (FACTS..FACTS + DISTRACTORS)
        .map(|i| document(i, format!("in {} people eat {}.", word(2 * i), word(2 * i + 1))));
    let questions = (0..FACTS)
        .map(|i| {
            let mut tokens = tokenizer.encode(&format!("which town governs {}? it is ", word(2 * i))).unwrap();
            let loss_from = tokens.len();
            tokens.extend(tokenizer.encode(&word(2 * i + 1)).unwrap());
            (tokens, loss_from)
        })
        .collect();
    Planted { documents: facts.chain(others).collect(), questions }
}

fn fine_tuned(base: &Arc<BaseModel>, documents: &[Example]) -> Adapter {
    let config = TrainConfig {
        epochs: 15,
        batch_size: 8,
        learning_rate: 5e-3,
        lora: LoraConfig { rank: 8, alpha: 16.0, ..Default::default() },
        ..Default::default()
    };
    let before = evaluate(base, None, documents, 8).unwrap();
    let mut trainer = Trainer::new(base.clone(), config, documents.into()).unwrap();
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    let after = evaluate(base, Some(trainer.adapter()), documents, 8).unwrap();
    assert!(after < 0.6 * before, "the facts were not learned: loss {before} before, {after} after");
    trainer.adapter().clone()
}

fn recall(logra: &Logra, questions: &[(Vec<u32>, usize)]) -> Recall {
    let mut recall = Recall::default();
    for (i, (tokens, loss_from)) in questions.iter().enumerate() {
        let scores = logra.score(&Query::answer(tokens.clone(), *loss_from).unwrap()).unwrap();
        recall.add(&scores, i);
    }
    recall
}

fn ask(dir: &Path, base: &Arc<BaseModel>, adapter: &Adapter, planted: &Planted, settings: LograSettings) -> Recall {
    let source = || GradientSource::new(base.clone(), adapter.clone(), &settings.projection).unwrap();
    let index =
        build_index(&dir.join("index"), &source(), &planted.documents, |_, _| ControlFlow::Continue(())).unwrap();
    recall(&Logra::new(source(), index, settings).unwrap(), &planted.questions)
}

/// Recall of random scores.
fn random_recall(planted: &Planted) -> Recall {
    let mut recall = Recall::default();
    for position in 0..FACTS {
        let values = (0..planted.documents.len())
            .map(|i| {
                let hash = sha256(format!("random score {position} {i}").as_bytes());
                f32::from(hash[0]) + f32::from(hash[1]) / 256.0
            })
            .collect();
        recall.add(&Scores { ids: planted.documents.iter().map(|d| d.id).collect(), values }, position);
    }
    recall
}

#[test]
fn the_document_that_planted_a_fact_ranks_first_for_its_question() {
    let planted = planted(&Tokenizer::bytes());
    let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 1).unwrap());
    let adapter = fine_tuned(&base, &planted.documents);
    let dir = tempfile::tempdir().unwrap();
    let with = |settings| ask(dir.path(), &base, &adapter, &planted, settings);

    let found = with(LograSettings::default());
    assert!(found.at(1) >= 0.8, "recall@1 is {}: {:?}", found.at(1), found.ranks());
    assert!(found.at(5) >= 0.9, "recall@5 is {}: {:?}", found.at(5), found.ranks());

    let random = random_recall(&planted);
    assert_eq!(random.chance(1), 1.0 / 40.0);
    assert!(random.at(1) <= 0.1 && random.at(5) <= 0.3, "random scores cannot find the source: {:?}", random.ranks());

    // Every document begins alike. Without the Fisher matrix, the shared direction hides what tells the documents
    // apart.
    let plain = with(LograSettings { preconditioner: Preconditioner::None, unit_norm: false, ..Default::default() });
    assert!(found.at(1) > plain.at(1) + 0.2, "{} with the preconditioner, {} without", found.at(1), plain.at(1));
}
