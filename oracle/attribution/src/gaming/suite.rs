//! Runs attacks and says what they gained.

use super::{
    attack::Attack,
    corpus::{Contribution, Corpus},
};
use crate::{
    attributor::{Query, QueryItem, Scores},
    error::{AttributionError, Result},
    pay::{Clusters, Document, PayInput, PaySettings, ppm, shares},
};
use openledger_lm::{Example, Tokenizer, sha256};
use serde::Serialize;

/// What a method says of training examples, one entry each in their order.
pub struct Scored {
    /// The scores.
    pub scores: Scores,
    /// gᵢᵀ(F+λI)⁻¹gᵢ.
    pub self_influence: Vec<f64>,
    /// Projected gradients.
    pub rows: Vec<Vec<f32>>,
}

/// Trains on the examples and scores them for a query.
pub type Scorer<'a> = dyn Fn(&[Example], &Query) -> Result<Scored> + 'a;

/// A corpus, a method and the rules of pay.
pub struct Suite<'a> {
    corpus: Corpus,
    tokenizer: Tokenizer,
    scorer: &'a Scorer<'a>,
    settings: PaySettings,
    query: Query,
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
    pub fn new(corpus: Corpus, tokenizer: Tokenizer, scorer: &'a Scorer<'a>, settings: PaySettings) -> Result<Self> {
        let items = corpus
            .questions
            .iter()
            .map(|q| {
                let mut tokens = tokenizer.encode(&q.prompt)?;
                let loss_from = tokens.len();
                tokens.extend(tokenizer.encode(&q.answer)?);
                Ok(QueryItem { tokens, loss_from, weight: 1.0 })
            })
            .collect::<Result<_>>()?;
        let query = Query::new(items)?;
        let honest = pay(&corpus.contributions, &tokenizer, scorer, &settings, &query, false)?;
        if honest.attacker == 0 || honest.others == 0 || honest.attacker_without_rules == 0 {
            return Err(AttributionError::Scores(format!(
                "in the honest run the attacker earns {} ppm and the others {}; choose a corpus where both earn",
                honest.attacker, honest.others
            )));
        }
        Ok(Self { corpus, tokenizer, scorer, settings, query, honest })
    }

    /// The attacker's honest share in parts per million.
    pub fn honest_share(&self) -> u64 {
        self.honest.attacker
    }

    /// Trains, scores and pays the corpus under an attack, with and without its duplicates in training.
    pub fn run(&self, attack: Attack) -> Result<Outcome> {
        let contributions = attack.on(&self.corpus);
        let paid =
            |all_trained| pay(&contributions, &self.tokenizer, self.scorer, &self.settings, &self.query, all_trained);
        let (filtered, all) = (paid(false)?, paid(true)?);
        let ratio = |now: u64, before: u64| now as f64 / before as f64;
        Ok(Outcome {
            attack,
            registered: contributions.iter().filter(|c| c.contributor == 0).count(),
            owned: filtered.owned,
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
    query: &Query,
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
    let scored = scorer(&examples, query)?;
    let clusters = Clusters::with_gradients(&documents, &|i| scored.rows[i].clone(), &settings.clusters)?;
    let targets: Vec<u32> = examples.iter().map(|e| e.targets() as u32).collect();
    let input = PayInput {
        scores: &scored.scores,
        targets: &targets,
        self_influence: Some(&scored.self_influence),
        clusters: &clusters,
    };
    let paid = shares(&input, settings)?.per_example;
    let without_rules = ppm(&scored.scores)?;
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
