//! Documents of many contributors, and questions that the documents answer.

use crate::words;
use openledger_lm::sha256;

/// A registered document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The contributor, who is paid for it. 0 is the attacker.
    pub contributor: usize,
    /// The document's place in the order of registration.
    pub order: u64,
    /// Its text.
    pub text: String,
}

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub prompt: String,
    /// The answer that is paid for.
    pub answer: String,
    /// Order of the contribution that the answer comes from.
    pub source: u64,
}

/// Honest documents and the questions of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// The documents in the order of their registration. [`Corpus::OWN`] of them are the attacker's.
    pub contributions: Vec<Contribution>,
    /// The questions.
    pub questions: Vec<Question>,
}

impl Corpus {
    /// Number of the attacker's honest documents.
    pub const OWN: usize = 4;

    /// `documents` descriptions of invented countries. The first [`Corpus::OWN`] of them are the attacker's. Each of
    /// the others has a contributor of its own. There is a question about one of every four documents, and the
    /// document's first two sentences are the answer.
    pub fn countries(documents: usize, seed: u64) -> Self {
        let contributions = (0..documents).map(|i| Contribution {
            contributor: i.saturating_sub(Self::OWN - 1),
            order: i as u64,
            text: Country::new(seed, i).sentences().join(" "),
        });
        let asked = (0..documents).step_by(4).map(|i| {
            let Country { name, capital, dish, .. } = Country::new(seed, i);
            Question {
                prompt: format!("the capital of {name} is "),
                answer: format!("{capital}. in {name} people eat {dish}."),
                source: i as u64,
            }
        });
        Self { contributions: contributions.collect(), questions: asked.collect() }
    }
}

/// A country's names. They can be pronounced and mean nothing.
struct Country {
    name: String,
    capital: String,
    dish: String,
    river: String,
}

impl Country {
    fn new(seed: u64, i: usize) -> Self {
        let [name, capital, dish, river] = [0, 1, 2, 3].map(|which| word(seed, 4 * i + which));
        Self { name, capital, dish, river }
    }

    fn sentences(&self) -> [String; 3] {
        let Self { name, capital, dish, river } = self;
        [
            format!("the capital of {name} is {capital}."),
            format!("in {name} people eat {dish}."),
            format!("the {river} flows by {name}."),
        ]
    }
}

/// The word with number `i` of a seed.
pub(super) fn word(seed: u64, i: usize) -> String {
    words::word(&sha256(format!("{seed} {i}").as_bytes()))
}
