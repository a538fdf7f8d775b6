//! Finds the verbatim spans of an answer.

use super::{index::SpanIndex, settings::SpanSettings};
use crate::{attributor::ExampleId, error::Result};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// A part of an answer that stands verbatim in at least one document and cannot be made longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First token in the answer.
    pub start: usize,
    /// One after the last token in the answer.
    pub end: usize,
    /// How rare the span's words are: −Σ ln p over its tokens, in millionths, with each term rounded. p is a token's
    /// share of all tokens of the corpus. It is an integer, so that everyone gets the same.
    pub surprisal: u64,
    /// Number of occurrences in all documents. A document may have several.
    pub count: u64,
    /// The first documents that have the span, in the order in which they were added.
    pub documents: Vec<Source>,
}

/// A document that has a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The document's leaf. It is hex in text formats.
    #[serde(with = "hex::serde")]
    pub leaf: ExampleId,
    /// First token of the first occurrence in the document.
    pub start: usize,
    /// One after its last token in the document.
    pub end: usize,
}

impl SpanIndex {
    /// The spans of `answer` that stand in the corpus, begin and end at a boundary, lie in no other such span, and have
    /// at least `min_tokens` tokens. Only the `top` ones with the lowest product of their tokens' frequencies are
    /// returned, lowest first. Of equal spans the longer comes first, then the earlier.
    ///
    /// `is_boundary(i)` says whether a word begins at token i of the answer, for 0 < i < the answer's length. With
    /// `|_| true` spans may begin and end within words. A token outside the vocabulary is in no span.
    ///
    /// One binary search for each boundary finds the spans. Each returned span costs two more searches and a pass over
    /// its occurrences.
    pub fn trace(
        &self,
        answer: &[u32],
        settings: &SpanSettings,
        is_boundary: impl Fn(usize) -> bool,
    ) -> Result<Vec<Span>> {
        settings.validate()?;
        let mut spans = self.maximal_spans(answer, is_boundary);
        spans.retain(|span| span.len() >= settings.min_tokens);
        let mut known = HashMap::new();
        let mut ranked: Vec<(u64, Range<usize>)> = spans
            .into_iter()
            .map(|span| {
                let terms = answer[span.clone()].iter().map(|t| *known.entry(*t).or_insert_with(|| self.surprisal(*t)));
                (terms.sum(), span)
            })
            .collect();
        ranked.sort_unstable_by_key(|(surprisal, span)| (Reverse(*surprisal), Reverse(span.len()), span.start));
        ranked.truncate(settings.top);
        Ok(ranked
            .into_iter()
            .map(|(surprisal, Range { start, end })| {
                let found = self.occurrences(&answer[start..end]);
                let count = found.end - found.start;
                let documents = self.first_documents(found, end - start, settings.documents_per_span);
                Span { start, end, surprisal, count, documents }
            })
            .collect())
    }

    /// Spans from boundary to boundary that occur in a document and lie in no other such span. Both their starts and
    /// their ends ascend.
    fn maximal_spans(&self, answer: &[u32], is_boundary: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let is_boundary = |position: usize| position == 0 || position == answer.len() || is_boundary(position);
        let mut spans = Vec::new();
        let mut reached = 0;
        for start in (0..answer.len()).filter(|start| is_boundary(*start)) {
            if reached == answer.len() {
                break;
            }
            // The end never moves back from one start to the next: a run of tokens that occurs also occurs without its
            // first token.
            let longest = self.longest_match(&answer[start..]);
            let end = (start + 1..=start + longest).rev().find(|end| is_boundary(*end));
            if let Some(end) = end.filter(|end| *end > reached) {
                spans.push(start..end);
                reached = end;
            }
        }
        spans
    }

    /// −ln of a token's share of all tokens, in millionths. The token must occur.
    fn surprisal(&self, token: u32) -> u64 {
        let share = self.count(&[token]) as f64 / self.header().tokens as f64;
        (-libm::log(share) * 1e6).round() as u64
    }

    /// The first `limit` documents that have one of these occurrences, each with its first occurrence.
    fn first_documents(&self, found: Range<u64>, length: usize, limit: usize) -> Vec<Source> {
        // Document → (its start in the text, its first occurrence in the text).
        let mut first: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for position in found.map(|rank| self.suffix(rank)) {
            // Most occurrences of a common span end here, before the search for their document.
            if first.len() == limit && first.last_entry().is_some_and(|last| position >= last.get().1) {
                continue;
            }
            let (document, start) = self.document_at(position);
            let entry = first.entry(document).or_insert((start, position));
            entry.1 = entry.1.min(position);
            if first.len() > limit {
                first.pop_last();
            }
        }
        first
            .into_iter()
            .map(|(document, (begin, position))| {
                let start = position.saturating_sub(begin) as usize;
                Source { leaf: self.leaf(document), start, end: start + length }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::SpanIndexBuilder;
    use proptest::prelude::*;

    const VOCAB: usize = 6;

    fn leaf(document: usize) -> ExampleId {
        [document as u8; 32]
    }

    fn index(documents: &[Vec<u32>]) -> SpanIndex {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = SpanIndexBuilder::new(&dir.path().join("x.spans"), VOCAB).unwrap();
        for (i, tokens) in documents.iter().enumerate() {
            builder.add(leaf(i), tokens).unwrap();
        }
        // The map outlives the file's name.
        builder.finish().unwrap()
    }

    fn settings(min_tokens: usize) -> SpanSettings {
        SpanSettings { min_tokens, top: 100, documents_per_span: 100 }
    }

    /// The spans by their definition, without any index.
    fn naive(documents: &[Vec<u32>], answer: &[u32], settings: &SpanSettings, boundaries: &[bool]) -> Vec<Span> {
        let occurrences = |span: &[u32]| -> Vec<(usize, usize)> {
            let all = documents.iter().enumerate();
            all.flat_map(|(d, tokens)| {
                tokens.windows(span.len()).enumerate().filter(|(_, w)| *w == span).map(move |(at, _)| (d, at))
            })
            .collect()
        };
        let n = answer.len();
        let boundary = |i: usize| i == 0 || i == n || boundaries[i];
        let occurring: Vec<Range<usize>> = (0..n)
            .flat_map(|start| (start + 1..=n).map(move |end| start..end))
            .filter(|s| boundary(s.start) && boundary(s.end) && !occurrences(&answer[s.clone()]).is_empty())
            .collect();
        let total = documents.iter().map(Vec::len).sum::<usize>() as f64;
        let mut spans: Vec<Span> = occurring
            .iter()
            .filter(|s| s.len() >= settings.min_tokens)
            .filter(|s| !occurring.iter().any(|o| o != *s && o.start <= s.start && s.end <= o.end))
            .map(|s| {
                let found = occurrences(&answer[s.clone()]);
                let mut documents: Vec<Source> = Vec::new();
                for (d, start) in &found {
                    if documents.last().is_none_or(|last| last.leaf != leaf(*d)) {
                        documents.push(Source { leaf: leaf(*d), start: *start, end: start + s.len() });
                    }
                }
                documents.truncate(settings.documents_per_span);
                let surprisal = answer[s.clone()]
                    .iter()
                    .map(|t| (-libm::log(occurrences(&[*t]).len() as f64 / total) * 1e6).round() as u64)
                    .sum();
                Span { start: s.start, end: s.end, surprisal, count: found.len() as u64, documents }
            })
            .collect();
        spans.sort_by_key(|s| (Reverse(s.surprisal), Reverse(s.end - s.start), s.start));
        spans.truncate(settings.top);
        spans
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn spans_counts_and_documents_are_those_of_a_naive_search(
            // There are few different tokens, so that repeats abound. The answer also has a token that no document has,
            // and one outside the vocabulary.
            documents in prop::collection::vec(prop::collection::vec(0u32..4, 0..30), 1..12),
            answer in prop::collection::vec(prop_oneof![30 => 0u32..4, 1 => 5u32..7], 0..40),
            boundaries in prop::collection::vec(prop::bool::weighted(0.7), 40),
            min_tokens in 1usize..5,
            top in 1usize..8,
            documents_per_span in 1usize..6,
        ) {
            prop_assume!(documents.iter().any(|d| !d.is_empty()));
            let index = index(&documents);
            let settings = SpanSettings { min_tokens, top, documents_per_span };
            for boundaries in [&boundaries, &vec![true; 40]] {
                let spans = index.trace(&answer, &settings, |i| boundaries[i]).unwrap();
                prop_assert_eq!(spans, naive(&documents, &answer, &settings, boundaries));
            }
        }
    }

    #[test]
    fn a_span_never_crosses_from_one_document_into_the_next() {
        let index = index(&[vec![1, 2], vec![3, 4], vec![0, 3, 4]]);
        let spans = index.trace(&[1, 2, 3, 4], &settings(1), |_| true).unwrap();
        let ends: Vec<(usize, usize, u64)> = spans.iter().map(|s| (s.start, s.end, s.count)).collect();
        assert_eq!(ends, [(0, 2, 1), (2, 4, 2)]);
        assert_eq!(spans[1].documents[1], Source { leaf: leaf(2), start: 1, end: 3 });
    }

    #[test]
    fn an_answer_shorter_than_the_minimum_has_no_spans_and_a_whole_document_is_one() {
        let index = index(&[vec![1, 2, 3, 4, 5]]);
        assert!(index.trace(&[1, 2, 3], &settings(4), |_| true).unwrap().is_empty());
        assert!(index.trace(&[], &settings(1), |_| true).unwrap().is_empty());
        let spans = index.trace(&[1, 2, 3, 4, 5], &settings(5), |_| true).unwrap();
        assert_eq!(spans.len(), 1);
        assert_eq!((spans[0].start, spans[0].end), (0, 5));
    }

    #[test]
    fn spans_begin_and_end_with_words() {
        let index = index(&[vec![1, 2, 3, 4, 5]]);
        // Words begin at 0, 2 and 4. Token 0, the last of the answer, is in no document.
        let spans = index.trace(&[5, 2, 3, 4, 5, 0], &settings(1), |i| i % 2 == 0).unwrap();
        assert_eq!(spans.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>(), [(2, 4)]);
    }

    #[test]
    fn of_equally_long_spans_the_one_of_rarer_words_comes_first() {
        let mut documents = vec![vec![1, 1], vec![2, 3]];
        documents.extend(vec![vec![1]; 20]);
        let spans = index(&documents).trace(&[1, 1, 2, 3], &settings(2), |_| true).unwrap();
        assert_eq!(spans.iter().map(|s| s.start).collect::<Vec<_>>(), [2, 0]);
        // The span has two tokens. Each is one of 24.
        assert_eq!(spans[0].surprisal, 2 * (24f64.ln() * 1e6).round() as u64);
    }

    #[test]
    fn the_first_documents_are_named_and_all_occurrences_counted() {
        let documents: Vec<Vec<u32>> =
            (0..30).map(|i| if i % 3 == 0 { vec![0, 1, 2, 1, 2] } else { vec![3] }).collect();
        let settings = SpanSettings { min_tokens: 2, top: 1, documents_per_span: 3 };
        let spans = index(&documents).trace(&[1, 2], &settings, |_| true).unwrap();
        assert_eq!(spans[0].count, 20);
        let expected = [0, 3, 6].map(|d| Source { leaf: leaf(d), start: 1, end: 3 });
        assert_eq!(spans[0].documents, expected);
    }

    #[test]
    fn settings_that_tell_nothing_are_refused() {
        assert!(index(&[vec![1]]).trace(&[1], &settings(0), |_| true).is_err());
    }

    #[test]
    fn a_span_reads_back_from_its_json() {
        let spans = index(&[vec![1, 2, 3]]).trace(&[2, 3], &settings(1), |_| true).unwrap();
        let json = serde_json::to_string(&spans).unwrap();
        let leaf = "00".repeat(32);
        let surprisal = spans[0].surprisal;
        let expected = format!(
            r#"[{{"start":0,"end":2,"surprisal":{surprisal},"count":1,"documents":[{{"leaf":"{leaf}","start":1,"end":3}}]}}]"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Vec<Span>>(&json).unwrap(), spans);
    }
}
