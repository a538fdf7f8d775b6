//! Finds what documents begin with that others have taught already.

use super::repeat::{Compared, ranks};
use openledger_text::{Beginnings, Lines};

/// For each document the number of bytes at the beginning of its text that are the header of an earlier document too
/// (`openledger_text::Lines`), such as a licence: 0 for most.
///
/// Whoever was first teaches a header. To the others it belongs no more than any other copied text: they neither repeat
/// the first because of it, nor are they paid for it.
pub fn headers(documents: &[Compared]) -> Vec<usize> {
    let lines: Vec<Lines> = documents.iter().map(|d| Lines::of(d.text)).collect();
    let mut order: Vec<(u64, usize)> = ranks(documents).into_iter().zip(0..).collect();
    order.sort_unstable();
    let (mut beginnings, mut headers) = (Beginnings::default(), vec![0; documents.len()]);
    for (_, i) in order {
        let earlier = beginnings.longest(&lines[i]);
        let header = earlier.and_then(|earlier| lines[i].header_shared_with(&lines[earlier]));
        headers[i] = header.map_or(0, |header| header.bytes);
        beginnings.add(i, &lines[i]);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{Document, Registered};
    use solana_pubkey::Pubkey;

    #[test]
    fn the_first_to_register_a_header_keeps_it() {
        let lines =
            |n: usize| -> String { (0..20).map(|i| format!("Line {i} of part {n} is one of its lines.\n")).collect() };
        let documents: Vec<Document> = [(3, lines(0) + &lines(1)), (1, lines(0) + &lines(2)), (2, lines(5))]
            .into_iter()
            .map(|(registered, text)| Document {
                leaf: [registered as u8; 32],
                datanet: Pubkey::default(),
                owner: Pubkey::default(),
                approved_by: vec![],
                title: String::new(),
                text,
                registered: Registered { commit_until: registered, datanet: Pubkey::default(), batch: 0, place: 0 },
            })
            .collect();
        let of = |layers: [usize; 3]| {
            let compared = documents.iter().zip(layers);
            headers(
                &compared
                    .map(|(document, layer)| Compared { document, layer, text: &document.text })
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(of([0, 0, 0]), [lines(0).len(), 0, 0]);
        assert_eq!(of([0, 1, 1]), [0, lines(0).len(), 0], "what a parent learned comes first");
    }
}
