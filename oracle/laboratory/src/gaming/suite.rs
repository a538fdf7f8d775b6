//! Runs attacks and reports their gains.

use super::{
    attack::Attack,
    combine::combine,
    corpus::{Contribution, Corpus},
    error::{GamingError, Result},
};
use openledger_attribution::{Query, QueryItem, Scores};
use openledger_lm::{Example, Tokenizer, sha256};
use openledger_pay::{Clusters, Document, PayInput, PaySettings, Windows, ppm, shares};
use serde::{Deserialize, Serialize};

/// A method's output for training examples. Each list has one entry for each example, in their order.
pub struct Scored {
    /// The scores for each query.
    pub scores: Vec<Scores>,
    /// gᵢᵀ(F+λI)⁻¹gᵢ of each example.
    pub self_influence: Vec<f64>,
    /// Projected gradient of each example.
    pub rows: Vec<Vec<f32>>,
}

/// Trains on the examples and scores them for each query.
pub type Scorer<'a> = dyn Fn(&[Example], &[Query]) -> openledger_attribution::Result<Scored> + 'a;

/// Which answers are attributed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settle {
    /// All answers in one query. One answer's fee then moves another's money, so nothing is paid in this way. It is kept
    /// for contrast.
    Together,
    /// Each answer in a query of its own. Each divides its own fee, and the parts are added, as settlements do.
    Each,
}

/// A corpus, a method and the rules of pay.
pub struct Suite<'a> {
    corpus: Corpus,
    tokenizer: Tokenizer,
    scorer: &'a Scorer<'a>,
    settings: PaySettings,
    queries: Vec<Query>,
    /// The training of the honest run. An attack that only repeats texts leaves it as it is.
    trained: (Vec<Example>, Scored),
    honest: Paid,
}

/// The result of an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The attack.
    pub attack: Attack,
    /// Number of documents that the attacker registered.
    pub registered: usize,
    /// Number of these documents that repeat no other.
    pub owned: usize,
    /// The attacker's share in the honest run, in parts per million.
    pub honest_ppm: u64,
    /// The attacker's share under the attack, in parts per million. Duplicates of the text are not trained on.
    pub attack_ppm: u64,
    /// The attacker's total pay over its honest pay. Duplicates of the text are not trained on.
    pub multiplier: f64,
    /// The others' total pay over their pay without the attack. Duplicates of the text are not trained on.
    pub others: f64,
    /// The attacker's multiplier if everything is trained on.
    pub multiplier_all_trained: f64,
    /// The others' multiplier if everything is trained on.
    pub others_all_trained: f64,
    /// The attacker's multiplier if everything is trained on and positive scores are paid as they are.
    pub multiplier_without_rules: f64,
}

/// Shares of the attacker and of the others, in parts per million.
#[derive(Clone, Copy, Debug)]
struct Paid {
    attacker: u64,
    others: u64,
    attacker_without_rules: u64,
    /// Number of the attacker's documents that repeat no other.
    owned: usize,
}

impl<'a> Suite<'a> {
    /// Trains, scores and pays the honest corpus. Fails if the attacker or the others earn nothing, because a
    /// multiplier would then say nothing.
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

    /// Trains on the documents at the positions `trained` and pays them.
    fn pay(&self, registered: &Registered, trained: &[usize]) -> Result<Paid> {
        let examples = registered.examples(trained, &self.tokenizer)?;
        if examples == self.trained.0 {
            return registered.pay(trained, &examples, &self.trained.1, &self.settings);
        }
        let scored = (self.scorer)(&examples, &self.queries)?;
        registered.pay(trained, &examples, &scored, &self.settings)
    }
}

/// Contributions in the form that the rules of pay take.
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

    /// Positions of the contributions whose text repeats no other.
    fn owners(&self, settings: &PaySettings) -> Result<Vec<usize>> {
        Ok(Clusters::by_text(&self.documents, &settings.clusters)?.owners())
    }

    fn examples(&self, trained: &[usize], tokenizer: &Tokenizer) -> Result<Vec<Example>> {
        let documents = trained.iter().map(|&i| &self.documents[i]);
        documents.map(|d| Ok(Example::text(tokenizer, d.id, d.text)?)).collect()
    }

    /// The pay of all. `examples` and `scored` are those of the documents at the positions `trained`.
    fn pay(&self, trained: &[usize], examples: &[Example], scored: &Scored, settings: &PaySettings) -> Result<Paid> {
        let documents: Vec<Document> = trained.iter().map(|&i| self.documents[i]).collect();
        let clusters = Clusters::with_gradients(&documents, &|i| scored.rows[i].clone(), &settings.clusters)?;
        let targets: Vec<u32> = examples.iter().map(|e| e.targets() as u32).collect();
        let paid = scored.scores.iter().map(|scores| {
            let self_influence = Some(scored.self_influence.as_slice());
            let (ids, scores) = (&scores.ids, &scores.values);
            let (windows, targets, clusters) = (&Windows::single(ids.len()), &targets, &clusters);
            let input = PayInput { windows, ids, scores, targets, self_influence, clusters };
            Ok(shares(&input, settings)?.per_document)
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

/// The combined shares of answers of the same fee.
fn together(answers: Vec<Vec<u64>>) -> Result<Vec<u64>> {
    Ok(combine(&answers.iter().map(|shares| (1, shares.as_slice())).collect::<Vec<_>>())?)
}
