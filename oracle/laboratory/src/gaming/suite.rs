//! Runs attacks and says what they gained.

use super::{
    attack::Attack,
    combine::combine,
    corpus::{Contribution, Corpus},
    error::{GamingError, Result},
};
use openledger_attribution::{Query, QueryItem, Scores};
use openledger_lm::{Example, Tokenizer, sha256};
use openledger_pay::{Clusters, Document, PayInput, PaySettings, ppm, shares};
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
pub type Scorer<'a> = dyn Fn(&[Example], &[Query]) -> openledger_attribution::Result<Scored> + 'a;

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
    /// The honest run's training, which attacks that only repeat texts leave as it is.
    trained: (Vec<Example>, Scored),
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
            Settle::Each => items.into_iter().map(|item| Query::new(vec![item])).collect::<Result<_, _>>()?,
        };
        let registered = Registered::new(&corpus.contributions);
        let all: Vec<usize> = (0..corpus.contributions.len()).collect();
        let examples = registered.examples(&all, &tokenizer)?;
        let scored = scorer(&examples, &queries)?;
        let honest = registered.pay(&all, &examples, &scored, &settings)?;
        if honest.attacker == 0 || honest.others == 0 || honest.attacker_without_rules == 0 {
            return Err(GamingError::NothingEarned { attacker: honest.attacker, others: honest.others });
        }
        Ok(Self { corpus, tokenizer, scorer, settings, queries, trained: (examples, scored), honest })
    }

    /// Trains, scores and pays the corpus under an attack, with and without its duplicates in training.
    pub fn run(&self, attack: Attack) -> Result<Outcome> {
        let contributions = attack.on(&self.corpus);
        let registered = Registered::new(&contributions);
        let all: Vec<usize> = (0..contributions.len()).collect();
        let owners = registered.owners(&self.settings)?;
        let filtered = self.pay(&registered, &owners)?;
        let everything = if owners.len() == all.len() { filtered } else { self.pay(&registered, &all)? };
        let ratio = |now: u64, before: u64| now as f64 / before as f64;
        Ok(Outcome {
            attack,
            registered: contributions.iter().filter(|c| c.contributor == 0).count(),
            owned: filtered.owned,
            honest_ppm: self.honest.attacker,
            attack_ppm: filtered.attacker,
            multiplier: ratio(filtered.attacker, self.honest.attacker),
            others: ratio(filtered.others, self.honest.others),
            multiplier_all_trained: ratio(everything.attacker, self.honest.attacker),
            others_all_trained: ratio(everything.others, self.honest.others),
            multiplier_without_rules: ratio(everything.attacker_without_rules, self.honest.attacker_without_rules),
        })
    }

    /// Trains on the documents at `trained` and pays them.
    fn pay(&self, registered: &Registered, trained: &[usize]) -> Result<Paid> {
        let examples = registered.examples(trained, &self.tokenizer)?;
        if examples == self.trained.0 {
            return registered.pay(trained, &examples, &self.trained.1, &self.settings);
        }
        let scored = (self.scorer)(&examples, &self.queries)?;
        registered.pay(trained, &examples, &scored, &self.settings)
    }
}

/// Contributions as the rules of pay see them.
struct Registered<'a> {
    contributions: &'a [Contribution],
    documents: Vec<Document<'a>>,
}

impl<'a> Registered<'a> {
    fn new(contributions: &'a [Contribution]) -> Self {
        let document =
            |c: &'a Contribution| Document { id: sha256(&c.order.to_le_bytes()), order: c.order, text: &c.text };
        Self { contributions, documents: contributions.iter().map(document).collect() }
    }

    /// Positions of those whose text repeats nobody's.
    fn owners(&self, settings: &PaySettings) -> Result<Vec<usize>> {
        Ok(Clusters::by_text(&self.documents, &settings.clusters)?.owners())
    }

    fn examples(&self, trained: &[usize], tokenizer: &Tokenizer) -> Result<Vec<Example>> {
        let documents = trained.iter().map(|&i| &self.documents[i]);
        documents.map(|d| Ok(Example::text(tokenizer, d.id, d.text)?)).collect()
    }

    /// What everybody is paid; `examples` and `scored` are those of the documents at `trained`.
    fn pay(&self, trained: &[usize], examples: &[Example], scored: &Scored, settings: &PaySettings) -> Result<Paid> {
        let documents: Vec<Document> = trained.iter().map(|&i| self.documents[i]).collect();
        let clusters = Clusters::with_gradients(&documents, &|i| scored.rows[i].clone(), &settings.clusters)?;
        let targets: Vec<u32> = examples.iter().map(|e| e.targets() as u32).collect();
        let paid = scored.scores.iter().map(|scores| {
            let self_influence = Some(scored.self_influence.as_slice());
            let (ids, scores) = (&scores.ids, &scores.values);
            let input = PayInput { ids, scores, targets: &targets, self_influence, clusters: &clusters };
            Ok(shares(&input, settings)?.per_example)
        });
        let paid = together(paid.collect::<Result<_>>()?)?;
        let without_rules =
            together(scored.scores.iter().map(|s| Ok(ppm(&s.ids, &s.values)?)).collect::<Result<_>>()?)?;
        let is_attackers = |i: usize| self.contributions[trained[i]].contributor == 0;
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
}

/// The shares of answers of the same fee as one.
fn together(answers: Vec<Vec<u64>>) -> Result<Vec<u64>> {
    Ok(combine(&answers.iter().map(|shares| (1, shares.as_slice())).collect::<Vec<_>>())?)
}
