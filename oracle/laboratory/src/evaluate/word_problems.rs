//! Arithmetic word problems of ten templates, after DataInf's task (Kwon et al. 2024). The training examples that
//! taught a model an answer are those of the same template.

use super::rng;
use openledger_attribution::Result;
use openledger_lm::{Example, Tokenizer, sha256};

type Template = fn(u64, u64) -> (String, u64);

/// Question and answer for two numbers a and b. a is from 2 to 60, and b is from 2 to 9.
const TEMPLATES: [Template; 10] = [
    |a, b| (format!("Tom has {a} apples and buys {b} more"), a + b),
    |a, b| (format!("A bus of {} riders; {b} get off", a + b), a),
    |a, b| (format!("{a} boxes hold {b} eggs each"), a * b),
    |a, b| (format!("Share {} coins among {b} people", a * b), a),
    |a, b| (format!("Twice {a} and {b} on top"), 2 * a + b),
    |a, b| (format!("Half of {} without {b}", 2 * (a + b)), a),
    |a, b| (format!("Fence a field {a} by {b} metres"), 2 * (a + b)),
    |a, b| (format!("Ann runs {a} km daily for {b} days"), a * b),
    |a, b| (format!("It is {} o'clock, wait {b} hours", 1 + a % 12), (a + b) % 12 + 1),
    |a, b| (format!("What is larger, {a} or {}?", 7 * b), a.max(7 * b)),
];

/// Number of templates.
pub const COUNT: usize = TEMPLATES.len();

/// `n` examples that go through the templates in turn. Question and answer count in the loss, as in DataInf's own task.
pub fn examples(tokenizer: &Tokenizer, n: usize, seed: u64) -> Result<Vec<Example>> {
    let mut rng = rng::seeded(seed, 1);
    (0..n)
        .map(|i| {
            let (a, b) = (2 + rng::below(&mut rng, 59) as u64, 2 + rng::below(&mut rng, 8) as u64);
            let (question, answer) = TEMPLATES[i % COUNT](a, b);
            let tokens = tokenizer.encode(&format!("{question}>{answer}\n"))?;
            Ok(Example { id: sha256(format!("{seed} {i} {question}").as_bytes()), tokens, loss_from: 1 })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_right_and_examples_fit_the_tiny_model() {
        let worked = TEMPLATES.map(|template| template(23, 4));
        let answers: Vec<u64> = worked.iter().map(|(_, answer)| *answer).collect();
        assert_eq!(answers, [27, 23, 92, 23, 50, 23, 54, 92, 4, 28]);
        assert_eq!(worked[3].0, "Share 92 coins among 4 people");
        assert_eq!(worked[8].0, "It is 12 o'clock, wait 4 hours");
        let examples = examples(&Tokenizer::bytes(), 200, 3).unwrap();
        assert!(examples.iter().all(|e| e.tokens.len() <= 48));
    }
}
