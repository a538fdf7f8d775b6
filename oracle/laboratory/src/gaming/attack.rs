//! The documents that an attacker registers.

use super::corpus::{Contribution, Corpus, word};
use openledger_lm::sha256;
use serde::Serialize;

/// An attack. All but [`Attack::Split`] keep the attacker's honest documents and add to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Attack {
    /// Repeats its own documents letter by letter.
    Duplicate {
        /// Number of copies of each.
        copies: usize,
    },
    /// Repeats its own documents in other capitals, spacing and punctuation.
    Disguise {
        /// Number of copies of each, at most 3.
        copies: usize,
    },
    /// Repeats its own documents with a few words of filler at the end.
    Edit {
        /// Number of copies of each.
        copies: usize,
    },
    /// Repeats the documents of others that questions ask about, letter by letter.
    CopyOthers,
    /// Repeats the documents of others that questions ask about, with a few words of filler at the end.
    EditOthers,
    /// Replaces each of its own documents by one document for each sentence. Each of these has another identity.
    Split,
    /// Repeats its own documents in other words and another order.
    Paraphrase,
    /// Repeats the documents of others that questions ask about, in other words and another order.
    ParaphraseOthers,
    /// Joins one sentence from each of three documents that questions ask about, in all rotations.
    Stitch,
    /// Adds sentences of words that mean nothing.
    Junk {
        /// Number of documents.
        documents: usize,
    },
    /// Adds runs of rare bytes that no one can learn. Their gradients are large.
    Outlier {
        /// Number of documents.
        documents: usize,
    },
    /// Adds the very questions of the epoch, each with the first sentence of its answer.
    Target,
}

impl Attack {
    /// One attack of each kind.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Duplicate { copies: 1 },
            Self::Duplicate { copies: 4 },
            Self::Disguise { copies: 2 },
            Self::Edit { copies: 2 },
            Self::CopyOthers,
            Self::EditOthers,
            Self::Split,
            Self::Junk { documents: 8 },
            Self::Outlier { documents: 8 },
            Self::Paraphrase,
            Self::ParaphraseOthers,
            Self::Stitch,
            Self::Target,
        ]
    }

    /// Whether the text alone shows that every added document is a duplicate.
    pub fn repeats_text(self) -> bool {
        matches!(
            self,
            Self::Duplicate { .. }
                | Self::Disguise { .. }
                | Self::Edit { .. }
                | Self::CopyOthers
                | Self::EditOthers
                | Self::Stitch
                | Self::Target
        )
    }

    /// The corpus with the attack in it, in the order of registration.
    pub fn on(self, corpus: &Corpus) -> Vec<Contribution> {
        let is_own = |c: &&Contribution| c.contributor == 0;
        let own = || corpus.contributions.iter().filter(is_own).map(|c| c.text.clone());
        let asked = |c: &&Contribution| corpus.questions.iter().any(|q| q.source == c.order);
        let others: Vec<&str> =
            corpus.contributions.iter().filter(|c| !is_own(c) && asked(c)).map(|c| c.text.as_str()).collect();
        let added: Vec<String> = match self {
            Self::Duplicate { copies } => own().flat_map(|t| vec![t; copies]).collect(),
            Self::Disguise { copies } => own().flat_map(|t| disguises(&t).into_iter().take(copies)).collect(),
            Self::Edit { copies } => own().flat_map(|t| (0..copies).map(move |i| edited(&t, i))).collect(),
            Self::CopyOthers => others.iter().map(|t| (*t).to_owned()).collect(),
            Self::EditOthers => others.iter().map(|t| edited(t, 0)).collect(),
            Self::Paraphrase => own().map(|t| paraphrase(&t)).collect(),
            Self::ParaphraseOthers => others.iter().map(|t| paraphrase(t)).collect(),
            Self::Stitch => {
                let sentence = |i: usize, n: usize| others[i % others.len()].split_inclusive(". ").nth(n).unwrap_or("");
                (0..others.len()).map(|i| (0..3).map(|n| sentence(i + n, n)).collect()).collect()
            }
            Self::Junk { documents } => (0..documents).map(junk).collect(),
            Self::Outlier { documents } => (0..documents).map(outlier).collect(),
            Self::Target => {
                let first = |answer: &str| answer.split_inclusive('.').next().unwrap_or(answer).to_owned();
                corpus.questions.iter().map(|q| q.prompt.clone() + &first(&q.answer)).collect()
            }
            Self::Split => return split(corpus),
        };
        let next = corpus.contributions.len() as u64;
        let added = added.into_iter().zip(next..).map(|(text, order)| Contribution { contributor: 0, order, text });
        corpus.contributions.iter().cloned().chain(added).collect()
    }
}

fn split(corpus: &Corpus) -> Vec<Contribution> {
    let pieces = |c: &Contribution| -> Vec<String> {
        match c.contributor {
            0 => c.text.split_inclusive(". ").map(|s| s.trim_end().to_owned()).collect(),
            _ => vec![c.text.clone()],
        }
    };
    let all = corpus.contributions.iter().flat_map(|c| pieces(c).into_iter().map(|text| (c.contributor, text)));
    all.zip(0..).map(|((contributor, text), order)| Contribution { contributor, order, text }).collect()
}

fn disguises(text: &str) -> [String; 3] {
    [
        text.to_uppercase(),
        text.replace(". ", " -- ").replace(" of ", "\tof\n"),
        format!("\"{}!\"", text.replace('.', ";")),
    ]
}

fn edited(text: &str, i: usize) -> String {
    format!("{text} {}.", word(u64::MAX, i))
}

fn paraphrase(text: &str) -> String {
    let mut sentences: Vec<String> = text
        .trim_end_matches('.')
        .split(". ")
        .map(|s| {
            let s = s.replace("the capital of ", "seat of rule in ").replace(" people eat ", " folk dine on ");
            s.replace(" flows by ", " runs along ").replace(" is ", ": ")
        })
        .collect();
    sentences.reverse();
    sentences.join("; ")
}

fn junk(i: usize) -> String {
    (0..9).map(|j| word(u64::MAX - 1, 9 * i + j)).collect::<Vec<_>>().join(" ")
}

fn outlier(i: usize) -> String {
    let hash = |j: usize| sha256(format!("outlier {i} {j}").as_bytes());
    (0..3).flat_map(hash).map(|byte| char::from(b'!' + byte % 15)).collect::<String>() + &i.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_pay::{ClusterSettings, Clusters, Document};

    #[test]
    fn every_attack_adds_to_the_honest_documents_and_edits_are_recognised() {
        let corpus = Corpus::countries(24, 0);
        assert_eq!(corpus.contributions.iter().filter(|c| c.contributor == 0).count(), Corpus::OWN);
        for attack in Attack::all() {
            let all = attack.on(&corpus);
            assert!(all.iter().enumerate().all(|(i, c)| c.order == i as u64 && c.text.len() < 127), "{attack:?}");
            if attack != Attack::Split {
                assert!(all.len() > 24 && all[..24] == corpus.contributions, "{attack:?}");
            }
            let documents: Vec<Document> = all
                .iter()
                .map(|c| Document { id: sha256(&c.order.to_le_bytes()), order: c.order, text: &c.text })
                .collect();
            let owners = Clusters::by_text(&documents, &ClusterSettings::default()).unwrap().owners().len();
            // The honest documents resemble each other by their template, but they are not duplicates.
            assert!(owners >= 24, "{attack:?}: {owners}");
            assert_eq!(owners == 24, attack.repeats_text(), "{attack:?}: {owners} of {}", all.len());
        }
        let split = Attack::Split.on(&corpus);
        assert_eq!(split.len(), 24 + 2 * Corpus::OWN);
        assert_eq!(
            split[..3].iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join(" "),
            corpus.contributions[0].text
        );
    }
}
