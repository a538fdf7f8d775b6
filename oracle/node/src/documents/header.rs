//! Finds what documents begin with that others have taught already.

use super::repeat::{Compared, ranks};
use openledger_text::{Lines, Taught};
use std::collections::HashMap;

/// A document whose header is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Headed<'a> {
    /// The document with its whole text.
    pub whole: Compared<'a>,
    /// How many bytes of its text are taught to their end. What it begins with is its own up to there, where no earlier
    /// document began so. None are if it is too long for the job, or repeats another.
    pub taught: usize,
    /// Its header, if it was found before.
    pub known: Option<usize>,
}

/// For each document the number of bytes at the beginning of its text that an earlier document teaches too
/// (`openledger_text::Taught`), such as a licence: 0 for most.
///
/// Whoever was first teaches a header. To the others it belongs no more than any other copied text: they neither repeat
/// the first because of it, nor are they paid for it. A copy of a document has the header of that document, so that both
/// still have the same text after it.
pub fn headers(documents: &[Headed]) -> Vec<usize> {
    let whole: Vec<Compared> = documents.iter().map(|d| d.whole).collect();
    let mut order: Vec<(u64, usize)> = ranks(&whole).into_iter().zip(0..).collect();
    order.sort_unstable();
    let (mut taught, mut headers) = (Taught::default(), vec![0; documents.len()]);
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (_, i) in order {
        let text = whole[i].text;
        let original = *first.entry(text).or_insert(i);
        let lines = Lines::of(text);
        headers[i] = match documents[i].known {
            Some(header) => header,
            None if original != i => headers[original],
            None => taught.header_of(&lines).map_or(0, |header| header.bytes),
        };
        match documents[i].taught {
            whole if whole >= text.len() => taught.add(&lines),
            part => taught.add(&Lines::of(&text[..text.floor_char_boundary(part)])),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{Document, Registered};
    use solana_pubkey::Pubkey;

    /// As many bytes as any text has.
    const WHOLE: usize = usize::MAX;

    fn lines(n: usize) -> String {
        (0..20).map(|i| format!("Line {i} of part {n} is one of its lines.\n")).collect()
    }

    /// The headers of documents, each given by its layer, the order of its registration, its text and how much of it
    /// is taught.
    fn of(documents: &[(usize, u64, String, usize)], known: Option<usize>) -> Vec<usize> {
        let made: Vec<Document> = documents
            .iter()
            .map(|(_, registered, text, _)| Document {
                leaf: [*registered as u8; 32],
                datanet: Pubkey::default(),
                owner: Pubkey::default(),
                approved_by: vec![],
                title: String::new(),
                text: text.clone(),
                registered: Registered { commit_until: *registered, datanet: Pubkey::default(), batch: 0, place: 0 },
            })
            .collect();
        let headed = made.iter().zip(documents).enumerate().map(|(i, (document, (layer, _, _, taught)))| Headed {
            whole: Compared { document, layer: *layer, text: &document.text },
            taught: *taught,
            known: known.filter(|_| i == 0),
        });
        headers(&headed.collect::<Vec<_>>())
    }

    #[test]
    fn the_first_to_register_a_header_keeps_it() {
        let with = |layers: [usize; 3]| {
            let [a, b, c] = layers;
            of(
                &[(a, 3, lines(0) + &lines(1), WHOLE), (b, 1, lines(0) + &lines(2), WHOLE), (c, 2, lines(5), WHOLE)],
                None,
            )
        };
        assert_eq!(with([0, 0, 0]), [lines(0).len(), 0, 0]);
        assert_eq!(with([0, 1, 1]), [0, lines(0).len(), 0], "what a parent learned comes first");
    }

    #[test]
    fn what_is_not_taught_gives_its_header_to_nobody() {
        let documents = |taught: usize| -> [(usize, u64, String, usize); 3] {
            [
                (0, 1, lines(0) + &lines(1), taught),
                (0, 2, lines(0) + &lines(2), WHOLE),
                (0, 3, lines(0) + &lines(3), WHOLE),
            ]
        };
        let header = lines(0).len();
        assert_eq!(of(&documents(WHOLE), None), [0, header, header]);
        assert_eq!(of(&documents(0), None), [0, 0, header], "of one that is not learned");
        let line = header / 2 / 40 * 40;
        let part = of(&documents(line), None);
        assert!(part[0] == 0 && part[1] < header && part[1] >= line - 80, "of one that is cut: {part:?}");
        assert_eq!(part[2], header, "what the second begins with is its own but for that");
    }

    #[test]
    fn a_copy_has_the_header_of_its_original_and_a_text_below_a_whole_one_begins_with_it() {
        let header = lines(0).len();
        let copied = lines(0) + &lines(2);
        let mut documents: Vec<(usize, u64, String, usize)> =
            vec![(0, 2, copied.clone(), WHOLE), (0, 3, copied.clone(), 0)];
        assert_eq!(of(&documents, Some(header)), [header; 2], "what the original's header was before");
        documents.insert(0, (0, 1, lines(0) + &lines(1), WHOLE));
        assert_eq!(of(&documents, None), [0, header, header]);
        documents.push((0, 4, format!("{}\n{}", copied, lines(3) + &lines(4)), WHOLE));
        assert_eq!(of(&documents, None)[3], copied.len());
    }
}
