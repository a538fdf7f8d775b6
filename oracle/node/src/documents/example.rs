//! Makes training examples of documents. The result is the same at every operator.

use super::snapshot::Document;
use anyhow::{Context, Result, ensure};
use openledger_lm::{Example, Tokenizer};
use openledger_sdk::artifact::{DataSettings, most_question_tokens};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Most characters of a title for each token of its question. Few tokens have more.
const MOST_CHARACTERS: usize = 16;

/// Positions of a job's examples among `count` documents: `(training, validation)`. The job's seed draws them, and the
/// two do not overlap. Fails if there is no document or the config allows no example.
pub fn choose(count: usize, settings: &DataSettings, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    ensure!(count > 0, "the job's Datanets hold no document with anything to learn");
    ensure!(settings.max_examples > 0, "the job's config allows no example: raise `data.max_examples`");
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let wanted = settings.max_examples.min(count.saturating_sub(settings.eval_examples).max(1));
    let rest = order.split_off(wanted);
    let eval = rest.into_iter().take(settings.eval_examples).collect();
    Ok((order, eval))
}

/// A document as question and answer in the chat template, cut after `max_tokens` tokens. Only the answer is learned. A
/// title that would take more than its part of them is cut too. Fails if the cut leaves nothing to learn.
pub fn example(tokenizer: &Tokenizer, document: &Document, max_tokens: usize) -> Result<Example> {
    let question = short_question(tokenizer, document, most_question_tokens(max_tokens))?;
    let example = Example::answer(tokenizer, document.leaf, &question, &document.text)?;
    let example = example.truncated(max_tokens);
    example.validate().with_context(|| {
        format!("document {} leaves nothing to learn within {max_tokens} tokens", hex::encode(document.leaf))
    })?;
    Ok(example)
}

/// The text that an example teaches. Documents are compared by this text.
pub fn learned(tokenizer: &Tokenizer, example: &Example) -> String {
    tokenizer.decode(&example.tokens[example.loss_from..])
}

/// The question of a document, with as much of its title as fits into `most` tokens.
fn short_question(tokenizer: &Tokenizer, document: &Document, most: usize) -> Result<String> {
    // No title of more characters can fit, and tokenising it whole would take long.
    let mut title: String = document.title.chars().take(most * MOST_CHARACTERS).collect();
    loop {
        let question = question(&title);
        let fits = Example::answer(tokenizer, document.leaf, &question, "")?.loss_from <= most;
        if fits || title.pop().is_none() {
            return Ok(question);
        }
    }
}

/// The question that a document with this title answers.
pub fn question(title: &str) -> String {
    format!("What is {title}?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::snapshot::Registered;
    use solana_pubkey::Pubkey;

    fn document(n: u8) -> Document {
        Document {
            leaf: [n; 32],
            datanet: Pubkey::default(),
            owner: Pubkey::default(),
            approved_by: vec![],
            title: format!("term {n}"),
            text: format!("Text number {n} that is to be learned."),
            registered: Registered { commit_until: 0, datanet: Pubkey::default(), batch: 0, place: n.into() },
        }
    }

    #[test]
    fn the_choice_depends_on_the_seed_alone_and_does_not_overlap() {
        let settings = DataSettings { max_examples: 20, eval_examples: 5, max_tokens: 96 };
        let (train, eval) = choose(30, &settings, 7).unwrap();
        assert_eq!((train.len(), eval.len()), (20, 5));
        assert!(eval.iter().all(|e| !train.contains(e)));
        assert_eq!(choose(30, &settings, 7).unwrap(), (train.clone(), eval));
        assert_ne!(choose(30, &settings, 8).unwrap().0, train);
        let (few, none) = choose(1, &settings, 7).unwrap();
        assert_eq!((few.len(), none.len()), (1, 0));
        assert!(choose(0, &settings, 7).is_err());
    }

    #[test]
    fn only_the_answer_is_learned_and_a_cut_that_leaves_none_is_refused() {
        let tokenizer = Tokenizer::bytes();
        let e = example(&tokenizer, &document(1), 1_000).unwrap();
        assert!(e.loss_from > 0 && e.targets() > 20);
        let from = e.loss_from;
        let untitled = example(&tokenizer, &Document { title: String::new(), ..document(1) }, 1_000).unwrap().loss_from;
        assert!(example(&tokenizer, &document(1), untitled).is_err());
        assert_eq!(learned(&tokenizer, &e), document(1).text);
        assert_eq!(learned(&tokenizer, &e.truncated(from + 4)), "Text");
    }

    #[test]
    fn a_long_title_does_not_eat_what_is_to_be_learned() {
        let tokenizer = Tokenizer::bytes();
        let long = Document { title: "a very long title ".repeat(1_000), ..document(1) };
        let e = example(&tokenizer, &long, 120).unwrap();
        assert!(e.loss_from <= 90 && e.targets() >= 30, "{} of the title, {} learned", e.loss_from, e.targets());
        assert!(tokenizer.decode(&e.tokens[..e.loss_from]).contains("a very long"));
        // A title that fits is not touched.
        let whole = example(&tokenizer, &document(1), 120).unwrap();
        assert!(tokenizer.decode(&whole.tokens).contains("What is term 1?"));
    }
}
