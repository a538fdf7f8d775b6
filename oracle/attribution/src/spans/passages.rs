//! Joins spans into passages, as a reader sees them.

use super::trace::Span;
use serde::{Deserialize, Serialize};

/// A part of an answer that overlapping spans cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// First token in the answer.
    pub start: usize,
    /// One after the last token in the answer.
    pub end: usize,
    /// Positions of the passage's spans in the given list, ascending.
    pub spans: Vec<usize>,
}

/// Joins spans that share a token into passages, for display. They are in the answer's order.
pub fn merge_overlapping(spans: &[Span]) -> Vec<Passage> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_unstable_by_key(|i| (spans[*i].start, spans[*i].end));
    let mut passages: Vec<Passage> = Vec::new();
    for i in order {
        let span = &spans[i];
        match passages.last_mut().filter(|passage| span.start < passage.end) {
            Some(passage) => {
                passage.end = passage.end.max(span.end);
                passage.spans.push(i);
            }
            None => passages.push(Passage { start: span.start, end: span.end, spans: vec![i] }),
        }
    }
    for passage in &mut passages {
        passage.spans.sort_unstable();
    }
    passages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_share_a_token_become_one_passage_and_neighbours_do_not() {
        let span = |start, end| Span { start, end, surprisal: 0, count: 1, documents: vec![] };
        let passage = |start, end, spans: &[usize]| Passage { start, end, spans: spans.to_vec() };
        let spans = [span(8, 12), span(4, 7), span(0, 3), span(2, 4), span(10, 11), span(12, 13)];
        let expected = [passage(0, 4, &[2, 3]), passage(4, 7, &[1]), passage(8, 12, &[0, 4]), passage(12, 13, &[5])];
        assert_eq!(merge_overlapping(&spans), expected);
        assert!(merge_overlapping(&[]).is_empty());
    }
}
