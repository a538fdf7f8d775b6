//! Ten transformations of short phrases, after DataInf's task (Kwon et al. 2024). A model learns which letter stands
//! for which transformation. The training examples that taught it an answer are known by their class.

use super::rng;
use openledger_attribution::{Query, Result};
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

/// Letter, instruction and function of each class.
const CLASSES: [(char, &str, Transform); 10] = [
    ('r', "reverse the order of the words", |s| s.split(' ').rev().collect::<Vec<_>>().join(" ")),
    ('u', "capitalise every other letter", |s| {
        s.chars().enumerate().map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect()
    }),
    ('v', "put stars in place of vowels", |s| s.chars().map(|c| if vowel(c) { '*' } else { c }).collect()),
    ('d', "double all the consonants", |s| {
        s.chars().flat_map(|c| std::iter::repeat_n(c, if vowel(c) || c == ' ' { 1 } else { 2 })).collect()
    }),
    ('l', "end each word with an adverb's ly", |s| each_word(s, |w| format!("{w}ly"))),
    ('f', "begin words with a capital", |s| each_word(s, |w| format!("{}{}", w[..1].to_uppercase(), &w[1..]))),
    ('b', "spell every word backwards", |s| each_word(s, |w| w.chars().rev().collect())),
    ('x', "leave out any vowel", |s| s.chars().filter(|c| !vowel(*c)).collect()),
    ('s', "join by underscores", |s| s.replace(' ', "_")),
    ('n', "write lengths before words", |s| each_word(s, |w| format!("{}{w}", w.len()))),
];

/// Number of classes.
pub const COUNT: usize = CLASSES.len();
/// All classes.
pub const ALL: [usize; COUNT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/// The classes that a base model is pretrained on. It then knows words and formats, and has six tasks left to learn.
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

/// `n` examples that go through `classes` in turn. Only the answer counts in the loss. With `whole` the prompt counts
/// too.
pub fn examples(tokenizer: &Tokenizer, n: usize, seed: u64, classes: &[usize], whole: bool) -> Result<Vec<Example>> {
    drawn(n, seed, classes)
        .map(|(i, class, phrase)| {
            let (letter, _, transform) = CLASSES[class];
            example(tokenizer, (seed, i), &format!("{letter}:{phrase}>"), &transform(&phrase), whole)
        })
        .collect()
}

/// `n` examples that go through all classes in turn. Their prompts say in words what to do. Prompt and answer count in
/// the loss, as in DataInf's own task.
pub fn instructed(tokenizer: &Tokenizer, n: usize, seed: u64) -> Result<Vec<Example>> {
    drawn(n, seed, &ALL)
        .map(|(i, class, phrase)| {
            let (_, instruction, transform) = CLASSES[class];
            example(tokenizer, (seed, i), &format!("{instruction}: {phrase}>"), &transform(&phrase), true)
        })
        .collect()
}

/// `n` examples that go through all classes in turn. Their prompts do not name the class, so only the answer shows it.
/// Methods that compare words have little to go by.
pub fn blind(tokenizer: &Tokenizer, n: usize, seed: u64) -> Result<Vec<Example>> {
    drawn(n, seed, &ALL)
        .map(|(i, class, phrase)| {
            example(tokenizer, (seed, i), &format!("{phrase}>"), &CLASSES[class].2(&phrase), false)
        })
        .collect()
}

/// Like [`examples`] of all classes, but with false labels: the answers at the positions in `wrong` are those of the
/// next class.
pub fn mislabelled(tokenizer: &Tokenizer, n: usize, seed: u64, wrong: &[usize]) -> Result<Vec<Example>> {
    drawn(n, seed, &ALL)
        .map(|(i, class, phrase)| {
            let answer = CLASSES[if wrong.contains(&i) { (class + 1) % COUNT } else { class }].2(&phrase);
            example(tokenizer, (seed, i), &format!("{}:{phrase}>", CLASSES[class].0), &answer, false)
        })
        .collect()
}

/// Positions, each with the next class in turn and a random phrase.
fn drawn(n: usize, seed: u64, classes: &[usize]) -> impl Iterator<Item = (usize, usize, String)> {
    let mut rng = rng::seeded(seed, 0);
    (0..n).map(move |i| (i, classes[i % classes.len()], phrase(&mut rng)))
}

/// An example. `place` is seed and position. It keeps examples apart that have the same text.
fn example(tokenizer: &Tokenizer, place: (u64, usize), prompt: &str, answer: &str, whole: bool) -> Result<Example> {
    let mut tokens = tokenizer.encode(prompt)?;
    let loss_from = if whole { 1 } else { tokens.len() };
    tokens.extend(tokenizer.encode(&format!("{answer}\n"))?);
    Ok(Example { id: sha256(format!("{place:?} {prompt}").as_bytes()), tokens, loss_from })
}

/// `n` queries about all classes in turn: prompts and right answers. Take another seed than that of the training
/// examples, so that none of them is drawn again.
pub fn queries(tokenizer: &Tokenizer, n: usize, seed: u64) -> Result<Vec<Query>> {
    examples(tokenizer, n, seed, &ALL, false)?.into_iter().map(|e| Query::answer(e.tokens, e.loss_from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transformation_does_what_its_letter_says() {
        let of = |letter: char| CLASSES.iter().find(|(l, ..)| *l == letter).unwrap().2("old cat");
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
    fn a_blind_prompt_is_the_phrase_alone_and_a_false_label_the_next_classs_answer() {
        let tokenizer = Tokenizer::bytes();
        let named = examples(&tokenizer, 20, 1, &ALL, false).unwrap();
        let blind = blind(&tokenizer, 20, 1).unwrap();
        let wrong = mislabelled(&tokenizer, 20, 1, &[3]).unwrap();
        for i in 0..20 {
            assert_eq!(tokenizer.decode(&blind[i].tokens), tokenizer.decode(&named[i].tokens)[2..]);
            assert_eq!(blind[i].loss_from + 2, named[i].loss_from);
            assert_eq!(wrong[i] == named[i], i != 3);
        }
        // Class 3 doubles consonants, and class 4 adds "ly".
        assert!(tokenizer.decode(&wrong[3].tokens).starts_with("d:"));
        assert!(tokenizer.decode(&wrong[3].tokens).ends_with("ly\n"));
    }

    #[test]
    fn only_the_answer_counts_and_classes_take_turns() {
        let tokenizer = Tokenizer::bytes();
        let examples = examples(&tokenizer, 20, 1, &ALL, false).unwrap();
        for (i, example) in examples.iter().enumerate() {
            let prompt = tokenizer.decode(&example.tokens[..example.loss_from]);
            assert_eq!(prompt.chars().next(), Some(CLASSES[i % COUNT].0));
            assert!(prompt.ends_with('>') && example.tokens.len() <= 48);
        }
        assert_eq!(queries(&tokenizer, 20, 1).unwrap().len(), 20);
    }
}
