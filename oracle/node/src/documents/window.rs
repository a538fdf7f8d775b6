//! Makes training examples of documents: a document that is longer than an example is cut into windows. The result is the
//! same at every operator.

use super::snapshot::Document;
use anyhow::{Context, Result, ensure};
use openledger_lm::{ChatMessage, Example, Role, Tokenizer};
use openledger_sdk::artifact::{DataSettings, most_later_question_tokens, most_question_tokens};

/// Most characters of a text for each of its tokens. Few tokens have more.
const MOST_CHARACTERS: usize = 16;
/// A number for a window that is as long as any.
const LONG_NUMBER: usize = 1_000_000;

/// A document as examples. Each is the next part of `text`, which is what is learned of the document, after a question in
/// the chat template. Only the text is learned, and each of its tokens once: windows do not overlap. The last one ends
/// with the end of the turn.
///
/// There are as few windows as can be, and the text is divided evenly among them. So no window is a scrap of a few
/// tokens, which would cost a whole question and teach nothing.
///
/// Every question names the title, and from the second on also the number of the window. A title that would take more
/// than its part of the tokens is cut. With `max_windows` the text may go on after the last window.
///
/// A document that is too long for the job has one window more than [`DataSettings::most_windows`], and no more of it is
/// tokenised than these need.
///
/// Fails if the questions leave nothing to learn within `max_tokens`.
pub fn windows(
    tokenizer: &Tokenizer,
    document: &Document,
    text: &str,
    settings: &DataSettings,
) -> Result<Vec<Example>> {
    let most = settings.max_windows.unwrap_or(usize::MAX).min(settings.most_windows() + 1);
    let tokens = encode(tokenizer, text, most.saturating_mul(settings.max_tokens))?;
    let questions = questions(tokenizer, &document.title, tokens.len(), settings.max_tokens, most)
        .with_context(|| format!("document {}", hex::encode(document.leaf)))?;
    let room = |question: &Vec<u32>| settings.max_tokens - question.len();
    let mut room_after: usize = questions.iter().map(room).sum();
    let mut left = &tokens[..tokens.len().min(room_after)];
    let (count, mut windows) = (questions.len(), Vec::with_capacity(questions.len()));
    for (i, question) in questions.into_iter().enumerate() {
        let room = room(&question);
        room_after -= room;
        // What later windows have no room for is taken now.
        let even = left.len().div_ceil(count - i).max(left.len().saturating_sub(room_after));
        let (own, rest) = left.split_at(even.min(room));
        left = rest;
        let example = Example { id: document.leaf, loss_from: question.len(), tokens: [&question[..], own].concat() };
        example.validate()?;
        windows.push(example);
    }
    Ok(windows)
}

/// The text that the windows of a document teach. Documents are compared by this text.
pub fn learned(tokenizer: &Tokenizer, windows: &[Example]) -> String {
    let tokens: Vec<u32> = windows.iter().flat_map(|e| &e.tokens[e.loss_from..]).copied().collect();
    tokenizer.decode(&tokens)
}

/// Whether the windows of a document teach it to its end.
pub fn complete(tokenizer: &Tokenizer, windows: &[Example]) -> bool {
    windows.last().is_some_and(|e| e.tokens.last() == Some(&tokenizer.end_of_turn()))
}

/// The tokens of a text and the end of the turn, or more than `most` of them.
fn encode(tokenizer: &Tokenizer, text: &str, most: usize) -> Result<Vec<u32>> {
    let beginning = &text[..text.floor_char_boundary(most.saturating_mul(MOST_CHARACTERS))];
    let mut tokens = tokenizer.encode(beginning)?;
    if tokens.len() <= most && beginning.len() < text.len() {
        tokens = tokenizer.encode(text)?;
    }
    tokens.push(tokenizer.end_of_turn());
    Ok(tokens)
}

/// The questions of as many windows as so many tokens of text need, at most `most`, in the chat template.
fn questions(tokenizer: &Tokenizer, title: &str, text: usize, max_tokens: usize, most: usize) -> Result<Vec<Vec<u32>>> {
    let first = short_title(tokenizer, title, most_question_tokens(max_tokens), &question)?;
    let mut later = None;
    let (mut questions, mut room) = (Vec::new(), 0);
    while room < text && questions.len() < most {
        let question = match questions.len() {
            0 => question(first),
            before => {
                let short = || {
                    let most = most_later_question_tokens(max_tokens);
                    short_title(tokenizer, title, most, &|title| later_question(title, LONG_NUMBER))
                };
                let title = match later {
                    Some(title) => title,
                    None => *later.insert(short()?),
                };
                later_question(title, before + 1)
            }
        };
        let question = in_template(tokenizer, question)?;
        ensure!(question.len() < max_tokens, "its question leaves nothing to learn within {max_tokens} tokens");
        room += max_tokens - question.len();
        questions.push(question);
    }
    Ok(questions)
}

/// As much of the beginning of `title` as fits into `most` tokens with the words that `question` puts around it.
fn short_title<'a>(
    tokenizer: &Tokenizer,
    title: &'a str,
    most: usize,
    question: &dyn Fn(&str) -> String,
) -> Result<&'a str> {
    let fits = |title: &str| Ok::<_, anyhow::Error>(in_template(tokenizer, question(title))?.len() <= most);
    // No title of more characters can fit, and tokenising it whole would take long.
    let ends = title.char_indices().map(|(at, c)| at + c.len_utf8()).take(most * MOST_CHARACTERS);
    let ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
    if fits(&title[..ends[ends.len() - 1]])? {
        return Ok(&title[..ends[ends.len() - 1]]);
    }
    let (mut short, mut long) = (0, ends.len() - 1);
    while long - short > 1 {
        let middle = (short + long) / 2;
        match fits(&title[..ends[middle]])? {
            true => short = middle,
            false => long = middle,
        }
    }
    Ok(&title[..ends[short]])
}

fn in_template(tokenizer: &Tokenizer, question: String) -> Result<Vec<u32>> {
    Ok(tokenizer.chat(&[ChatMessage::new(Role::User, question)])?)
}

/// The question that a document with this title answers.
fn question(title: &str) -> String {
    format!("What is {title}?")
}

/// The question for window number `window` of a document, from the second on.
fn later_question(title: &str, window: usize) -> String {
    format!("What is {title}? Part {window}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Registered;
    use proptest::prelude::*;
    use solana_pubkey::Pubkey;

    fn document(title: &str) -> Document {
        Document {
            leaf: [1; 32],
            datanet: Pubkey::default(),
            owner: Pubkey::default(),
            approved_by: vec![],
            title: title.into(),
            text: String::new(),
            registered: Registered { commit_until: 0, datanet: Pubkey::default(), batch: 0, place: 0 },
        }
    }

    fn settings(max_tokens: usize, max_windows: Option<usize>) -> DataSettings {
        DataSettings { max_tokens, max_windows, max_examples: 4_000, ..Default::default() }
    }

    fn cut(title: &str, text: &str, settings: &DataSettings) -> Result<Vec<Example>> {
        windows(&Tokenizer::bytes(), &document(title), text, settings)
    }

    fn asked(example: &Example) -> String {
        Tokenizer::bytes().decode(&example.tokens[..example.loss_from])
    }

    #[test]
    fn only_the_text_is_learned_and_a_window_without_room_for_it_is_refused() {
        let tokenizer = Tokenizer::bytes();
        let one = cut("term", "Text that is to be learned.", &settings(1_000, None)).unwrap();
        assert_eq!(one.len(), 1);
        assert!(asked(&one[0]).contains("What is term?"));
        assert_eq!(learned(&tokenizer, &one), "Text that is to be learned.");
        assert_eq!(one[0].tokens.last(), Some(&tokenizer.end_of_turn()));
        let bare = cut("", "Text", &settings(1_000, None)).unwrap()[0].loss_from;
        assert!(cut("term", "Text", &settings(bare, None)).is_err());
        assert_eq!(cut("", "Text", &settings(bare + 5, None)).unwrap().len(), 1);
    }

    #[test]
    fn a_long_text_is_cut_evenly_and_each_window_asks_for_its_part() {
        let text: String = (0..40).map(|n| format!("Sentence {n}. ")).collect();
        let all = cut("term", &text, &settings(120, None)).unwrap();
        assert!(all.len() > 3, "{}", all.len());
        assert!(asked(&all[0]).contains("What is term?") && !asked(&all[0]).contains("Part"));
        assert!(asked(&all[2]).contains("What is term? Part 3."));
        let sizes: Vec<usize> = all.iter().map(Example::targets).collect();
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        let end = Tokenizer::bytes().end_of_turn();
        let ends: Vec<usize> = (0..all.len()).filter(|i| all[*i].tokens.last() == Some(&end)).collect();
        assert_eq!(ends, [all.len() - 1]);
    }

    #[test]
    fn a_config_may_ask_for_the_beginning_alone() {
        let text = "word ".repeat(100);
        let first = cut("term", &text, &settings(120, Some(1))).unwrap();
        assert_eq!((first.len(), first[0].tokens.len()), (1, 120));
        let two = cut("term", &text, &settings(120, Some(2))).unwrap();
        assert_eq!(two.iter().map(|e| e.tokens.len()).collect::<Vec<_>>(), [120, 120]);
        let taught = learned(&Tokenizer::bytes(), &two);
        assert!(text.starts_with(&taught) && taught.len() < text.len());
    }

    #[test]
    fn a_text_that_is_too_long_for_a_job_is_not_cut_to_its_end() {
        let tokenizer = Tokenizer::bytes();
        let settings = DataSettings::default();
        let text = "ten bytes ".repeat((1 << 20) / 10);
        let all = cut("term", &text, &settings).unwrap();
        assert_eq!(all.len(), settings.most_windows() + 1);
        assert!(!complete(&tokenizer, &all) && text.starts_with(&learned(&tokenizer, &all)));
        let most = settings.most_windows() * settings.max_tokens;
        assert!(encode(&tokenizer, &text, most).unwrap().len() <= most * MOST_CHARACTERS + 1);
        let beginning = format!("a{}", "é".repeat(500));
        assert!(encode(&tokenizer, &beginning, 3).unwrap().len() > 3, "a character is not cut");
        let short = cut("term", "Text that is to be learned.", &settings).unwrap();
        assert!(short.len() == 1 && complete(&tokenizer, &short));
    }

    #[test]
    fn a_long_title_does_not_eat_what_is_to_be_learned() {
        let (title, text) = ("a very long title ".repeat(1_000), "word ".repeat(100));
        let all = cut(&title, &text, &settings(120, None)).unwrap();
        assert!(all[0].loss_from <= 90 && all[0].loss_from > 80, "{} tokens of the title", all[0].loss_from);
        assert!(all[1..].iter().all(|e| e.loss_from <= 60), "half of a later window is text");
        assert!(asked(&all[0]).contains("a very long title") && asked(&all[1]).contains("a very"));
        assert_eq!(learned(&Tokenizer::bytes(), &all), text);
        // A title that fits is not touched.
        assert!(asked(&cut("word", &text, &settings(120, None)).unwrap()[0]).contains("What is word?"));
    }

    proptest! {
        #[test]
        fn windows_cover_every_token_once_and_none_is_too_long_or_a_scrap(
            title in "[a-zé ]{0,80}",
            text in "[a-zé ]{1,900}",
            max_tokens in 70usize..300,
        ) {
            let tokenizer = Tokenizer::bytes();
            let all = cut(&title, &text, &settings(max_tokens, None)).unwrap();
            let taught: Vec<u32> = all.iter().flat_map(|e| e.tokens[e.loss_from..].to_vec()).collect();
            let expected = [tokenizer.encode(&text).unwrap(), vec![tokenizer.end_of_turn()]].concat();
            prop_assert_eq!(&taught, &expected);
            prop_assert!(all.iter().all(|e| e.tokens.len() <= max_tokens && e.id == [1; 32]));
            // As few as can be: one less had no room.
            let room = |e: &Example| max_tokens - e.loss_from;
            let less: usize = all[..all.len() - 1].iter().map(room).sum();
            prop_assert!(less < expected.len());
            let smallest = all.iter().map(Example::targets).min().unwrap();
            let even = expected.len() / all.len();
            let narrow = all.iter().map(room).min().unwrap();
            prop_assert!(smallest >= even.min(narrow) / 2, "{} of {}", smallest, even);
        }
    }
}
