//! Runs attacks and says what they gained.

use super::{
    attack::Attack,
    corpus::{Contribution, Corpus},
};
use crate::{
    attributor::{Query, QueryItem, Scores},
    error::{AttributionError, Result},
    pay::{Clusters, Document, PayInput, PaySettings, combine, ppm, shares},
};
use openledger_lm::{Example, Tokenizer, sha256};
use serde::{Deserialize, Serialize};

/// What a method says of training examples, one entry each in their order.
pub struct Scored {
    /// The scores for each query.
    pub scores: Vec<Scores>,
    /// gᵢᵀ(F+λI)⁻¹gᵢ.
    pub self_influence: Vec<f64>,
    /// Projected gradients.
    pub rows: Vec<Vec<f32>>,
}

/// Trains on the examples and scores them for each query.
pub type Scorer<'a> = dyn Fn(&[Example], &[Query]) -> Result<Scored> + 'a;

/// What is attributed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settle {
    /// All answers in one query, as an epoch's settlement does: for exact methods. The noise of an estimate grows with
    /// the number of answers, and what one document contributed to one of them drowns in it.
    Together,
    /// Every answer in a query of its own; their shares are combined.
    Each,
}

/// A corpus, a method and the rules of pay.
pub struct Suite<'a> {
    corpus: Corpus,
    tokenizer: Tokenizer,
    scorer: &'a Scorer<'a>,
    settings: PaySettings,
    queries: Vec<Query>,
    honest: Paid,
}

/// What an attack did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The attack.
    pub attack: Attack,
    /// Documents that the attacker registered, and how many of them count as its own.
    pub registered: usize,
    /// Of those, the ones that repeat nobody.
    pub owned: usize,
    /// Attacker's honest share in parts per million.
    pub honest_ppm: u64,
    /// Its share under the attack where duplicates of the text are not trained on.
    pub attack_ppm: u64,
    /// Attacker's total pay over its honest pay where duplicates of the text are not trained on.
    pub multiplier: f64,
    /// The others' total pay over theirs without the attack, likewise.
    pub others: f64,
    /// The attacker's multiplier where everything is trained on.
    pub multiplier_all_trained: f64,
    /// The others' multiplier where everything is trained on.
    pub others_all_trained: f64,
    /// The attacker's multiplier where everything is trained on and positive scores are paid as they are.
    pub multiplier_without_rules: f64,
}

/// Parts per million of the attacker and of the others.
#[derive(Clone, Copy, Debug)]
struct Paid {
    attacker: u64,
    others: u64,
    attacker_without_rules: u64,
    /// Attacker's documents that repeat nobody.
    owned: usize,
}

impl<'a> Suite<'a> {
    /// Trains, scores and pays the honest corpus. Refuses one in which the attacker earns nothing: a multiplier of
    /// nothing says nothing.
    pub fn new(corpus: Corpus, settle: Settle, scorer: &'a Scorer<'a>, settings: PaySettings) -> Result<Self> {
        let tokenizer = Tokenizer::bytes();
        let items: Vec<QueryItem> = corpus
            .questions
            .iter()
            .map(|q| {
                let mut tokens = tokenizer.encode(&q.prompt)?;
                let loss_from = tokens.len();
                tokens.extend(tokenizer.encode(&q.answer)?);
                Ok(QueryItem { tokens, loss_from, weight: 1.0 })
            })
            .collect::<Result<_>>()?;
        let queries = match settle {
            Settle::Together => vec![Query::new(items)?],
            Settle::Each => items.into_iter().map(|item| Query::new(vec![item])).collect::<Result<_>>()?,
        };
        let honest = pay(&corpus.contributions, &tokenizer, scorer, &settings, &queries, false)?;
        if honest.attacker == 0 || honest.others == 0 || honest.attacker_without_rules == 0 {
            return Err(AttributionError::Scores(format!(
                "in the honest run the attacker earns {} ppm and the others {}; choose a corpus where both earn",
                honest.attacker, honest.others
            )));
        }
        Ok(Self { corpus, tokenizer, scorer, settings, queries, honest })
    }

    /// Trains, scores and pays the corpus under an attack, with and without its duplicates in training.
    pub fn run(&self, attack: Attack) -> Result<Outcome> {
        let contributions = attack.on(&self.corpus);
        let paid =
            |all_trained| pay(&contributions, &self.tokenizer, self.scorer, &self.settings, &self.queries, all_trained);
        let (filtered, all) = (paid(false)?, paid(true)?);
        let ratio = |now: u64, before: u64| now as f64 / before as f64;
        Ok(Outcome {
            attack,
            registered: contributions.iter().filter(|c| c.contributor == 0).count(),
            owned: filtered.owned,
            honest_ppm: self.honest.attacker,
            attack_ppm: filtered.attacker,
            multiplier: ratio(filtered.attacker, self.honest.attacker),
            others: ratio(filtered.others, self.honest.others),
            multiplier_all_trained: ratio(all.attacker, self.honest.attacker),
            others_all_trained: ratio(all.others, self.honest.others),
            multiplier_without_rules: ratio(all.attacker_without_rules, self.honest.attacker_without_rules),
        })
    }
}

fn pay(
    contributions: &[Contribution],
    tokenizer: &Tokenizer,
    scorer: &Scorer,
    settings: &PaySettings,
    queries: &[Query],
    all_trained: bool,
) -> Result<Paid> {
    let documents: Vec<Document> = contributions
        .iter()
        .map(|c| Document { id: sha256(&c.order.to_le_bytes()), order: c.order, text: &c.text })
        .collect();
    let trained: Vec<usize> = match all_trained {
        true => (0..documents.len()).collect(),
        false => Clusters::by_text(&documents, &settings.clusters)?.owners(),
    };
    let documents: Vec<Document> = trained.iter().map(|&i| documents[i]).collect();
    let examples = documents.iter().map(|d| Ok(Example::text(tokenizer, d.id, d.text)?)).collect::<Result<Vec<_>>>()?;
    let scored = scorer(&examples, queries)?;
    let clusters = Clusters::with_gradients(&documents, &|i| scored.rows[i].clone(), &settings.clusters)?;
    let targets: Vec<u32> = examples.iter().map(|e| e.targets() as u32).collect();
    let paid = scored.scores.iter().map(|scores| {
        let self_influence = Some(scored.self_influence.as_slice());
        let input = PayInput { scores, targets: &targets, self_influence, clusters: &clusters };
        Ok(shares(&input, settings)?.per_example)
    });
    let paid = together(paid.collect::<Result<_>>()?)?;
    let without_rules = together(scored.scores.iter().map(ppm).collect::<Result<_>>()?)?;
    let is_attackers = |i: usize| contributions[trained[i]].contributor == 0;
    let total = |parts: &[u64], attackers: bool| -> u64 {
        parts.iter().enumerate().filter(|(i, _)| is_attackers(*i) == attackers).map(|(_, p)| p).sum()
    };
    Ok(Paid {
        attacker: total(&paid, true),
        others: total(&paid, false),
        attacker_without_rules: total(&without_rules, true),
        owned: clusters.owners().into_iter().filter(|i| is_attackers(*i)).count(),
    })
}

/// The shares of answers of the same fee as one.
fn together(answers: Vec<Vec<u64>>) -> Result<Vec<u64>> {
    combine(&answers.iter().map(|shares| (1, shares.as_slice())).collect::<Vec<_>>())
}
