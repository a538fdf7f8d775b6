//! Ten transformations of short phrases, after DataInf's task (Kwon et al. 2024): a model learns which letter asks for
//! which, and the training examples that taught it an answer are known by their class.

use super::rng;
use crate::{attributor::Query, error::Result};
use openledger_lm::{Example, Tokenizer, sha256};
use rand_chacha::ChaCha8Rng;

const WORDS: [&str; 34] = [
    "cat", "dog", "sun", "moon", "tree", "river", "stone", "cloud", "bird", "fish", "lamp", "road", "house", "green",
    "quick", "slow", "bright", "dark", "warm", "cold", "quiet", "loud", "happy", "old", "new", "runs", "sings",
    "jumps", "sleeps", "eats", "finds", "holds", "sees", "makes",
];

/// Longest phrase in letters.
const LONGEST: usize = 15;

type Transform = fn(&str) -> String;

/// Letter and function of each class.
const CLASSES: [(char, Transform); 10] = [
    ('r', |s| s.split(' ').rev().collect::<Vec<_>>().join(" ")),
    ('u', |s| s.chars().enumerate().map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect()),
    ('v', |s| s.chars().map(|c| if vowel(c) { '*' } else { c }).collect()),
    ('d', |s| s.chars().flat_map(|c| std::iter::repeat_n(c, if vowel(c) || c == ' ' { 1 } else { 2 })).collect()),
    ('l', |s| each_word(s, |w| format!("{w}ly"))),
    ('f', |s| each_word(s, |w| format!("{}{}", w[..1].to_uppercase(), &w[1..]))),
    ('b', |s| each_word(s, |w| w.chars().rev().collect())),
    ('x', |s| s.chars().filter(|c| !vowel(*c)).collect()),
    ('s', |s| s.replace(' ', "_")),
    ('n', |s| each_word(s, |w| format!("{}{w}", w.len()))),
];

/// Number of classes.
pub const COUNT: usize = CLASSES.len();
/// The classes that a base model is pretrained on: it then knows words and formats, and has six tasks left to learn.
pub const NEUTRAL: [usize; 4] = [8, 0, 5, 9];

fn vowel(c: char) -> bool {
    "aeiou".contains(c)
}

fn each_word(s: &str, f: impl Fn(&str) -> String) -> String {
    s.split(' ').map(f).collect::<Vec<_>>().join(" ")
}

fn phrase(rng: &mut ChaCha8Rng) -> String {
    let words = 2 + rng::below(rng, 2);
    loop {
        let phrase = (0..words).map(|_| WORDS[rng::below(rng, WORDS.len())]).collect::<Vec<_>>().join(" ");
        if phrase.len() <= LONGEST {
            return phrase;
        }
    }
}

/// `n` examples whose classes go round `classes`. Only the answer counts in the loss, or with `whole` the prompt too.
pub fn examples(tokenizer: &Tokenizer, n: usize, seed: u64, classes: &[usize], whole: bool) -> Result<Vec<Example>> {
    let mut rng = rng::seeded(seed, 0);
    (0..n)
        .map(|i| {
            let (letter, transform) = CLASSES[classes[i % classes.len()]];
            let phrase = phrase(&mut rng);
            let mut tokens = tokenizer.encode(&format!("{letter}:{phrase}>"))?;
            let loss_from = if whole { 1 } else { tokens.len() };
            tokens.extend(tokenizer.encode(&format!("{}\n", transform(&phrase)))?);
            Ok(Example { id: sha256(format!("{seed} {i} {letter}:{phrase}").as_bytes()), tokens, loss_from })
        })
        .collect()
}

/// `n` queries about all classes in turn: prompts and right answers that no training example of another seed is drawn to
/// be.
pub fn queries(tokenizer: &Tokenizer, n: usize, seed: u64) -> Result<Vec<Query>> {
    let all: Vec<usize> = (0..COUNT).collect();
    let examples = examples(tokenizer, n, seed, &all, false)?;
    examples.into_iter().map(|e| Query::answer(e.tokens, e.loss_from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transformation_does_what_its_letter_says() {
        let of = |letter: char| CLASSES.iter().find(|(l, _)| *l == letter).unwrap().1("old cat");
        let expected = [
            ('r', "cat old"),
            ('u', "OlD CaT"),
            ('v', "*ld c*t"),
            ('d', "olldd ccatt"),
            ('l', "oldly catly"),
            ('f', "Old Cat"),
            ('b', "dlo tac"),
            ('x', "ld ct"),
            ('s', "old_cat"),
            ('n', "3old 3cat"),
        ];
        for (letter, result) in expected {
            assert_eq!(of(letter), result, "{letter}");
        }
    }

    #[test]
    fn only_the_answer_counts_and_classes_take_turns() {
        let tokenizer = Tokenizer::bytes();
        let all: Vec<usize> = (0..COUNT).collect();
        let examples = examples(&tokenizer, 20, 1, &all, false).unwrap();
        for (i, example) in examples.iter().enumerate() {
            let prompt = tokenizer.decode(&example.tokens[..example.loss_from]);
            assert_eq!(prompt.chars().next(), Some(CLASSES[i % COUNT].0));
            assert!(prompt.ends_with('>') && example.tokens.len() <= 48);
        }
        assert_eq!(queries(&tokenizer, 20, 1).unwrap().len(), 20);
    }
}
