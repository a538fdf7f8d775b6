//! Headers: the lines with which many texts begin alike, such as a licence or the head of a template. A text that shares
//! its header with others and then says something of its own is no copy of them.
//!
//! Whether two texts share a header or one is a copy of the other cannot be told by the amount of what they share: a
//! licence is often longer than what it stands above. What tells is where they part. Two texts with a header begin alike,
//! part once, and each goes on with enough of its own.

use crate::normal::{normalised, words};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Fewest letters and digits of a header. Shorter beginnings, such as a title, make no text a copy.
pub const LEAST_HEADER: usize = 200;
/// Fewest letters and digits that each text must have after a header.
pub const LEAST_OWN: usize = 100;

/// A hash of the lines up to one.
type Beginning = [u8; 16];

/// The lines of a text, as far as they have letters or digits: what is needed to find the header that it shares with
/// others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(Vec<Line>);

/// What a text has up to the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    beginning: Beginning,
    letters: usize,
    header: Header,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its bytes in the text.
    pub bytes: usize,
    /// Its words, as [`words`] counts them in the normalised text.
    pub words: usize,
}

impl Lines {
    /// The lines of `text`; none of a text that is too short to have a header. Two lines are the same if their normal forms
    /// are ([`normalised`]).
    pub fn of(text: &str) -> Self {
        let mut lines = Vec::new();
        if text.len() < LEAST_HEADER + LEAST_OWN {
            return Self(lines);
        }
        let (mut beginning, mut letters, mut header) = (Beginning::default(), 0, Header { bytes: 0, words: 0 });
        for line in text.split_inclusive('\n') {
            header.bytes += line.len();
            let line = normalised(line);
            let own = line.chars().filter(|c| c.is_alphanumeric()).count();
            if own == 0 {
                continue;
            }
            let hash = Sha256::new().chain_update(beginning).chain_update(&line).finalize();
            beginning.copy_from_slice(&hash[..16]);
            letters += own;
            header.words += words(&line).len();
            lines.push(Line { beginning, letters, header });
        }
        Self(lines)
    }

    /// The header that the text of these lines shares with the text of `other`, if both begin alike for at least
    /// [`LEAST_HEADER`] letters and digits, and each then has at least [`LEAST_OWN`] more.
    pub fn header_shared_with(&self, other: &Self) -> Option<Header> {
        let alike = self.0.iter().zip(&other.0).take_while(|(a, b)| a.beginning == b.beginning).count();
        let last = self.0.get(alike.checked_sub(1)?)?;
        let goes_on = |lines: &Self| lines.letters() - last.letters >= LEAST_OWN;
        (last.letters >= LEAST_HEADER && goes_on(self) && goes_on(other)).then_some(last.header)
    }

    fn letters(&self) -> usize {
        self.0.last().map_or(0, |line| line.letters)
    }
}

/// How texts begin, to find for another one the text that begins like it for longest.
#[derive(Clone, Debug, Default)]
pub struct Beginnings {
    /// For each beginning the text that has it: of several the longest, and of equally long ones the first.
    texts: HashMap<Beginning, (usize, usize)>,
}

impl Beginnings {
    /// Adds a text by its lines. `text` is what [`Self::longest`] names it by.
    pub fn add(&mut self, text: usize, lines: &Lines) {
        let letters = lines.letters();
        for line in &lines.0 {
            let known = self.texts.entry(line.beginning).or_insert((letters, text));
            if known.0 < letters {
                *known = (letters, text);
            }
        }
    }

    /// The text so far that begins like these lines for longest. `None` if none begins with the first of them.
    pub fn longest(&self, lines: &Lines) -> Option<usize> {
        lines.0.iter().map_while(|line| self.texts.get(&line.beginning)).last().map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 lines that no other `n` has.
    fn lines(n: usize) -> String {
        (0..20).map(|i| format!("Line {i} of part {n} says what it says, and so on.\n")).collect()
    }

    fn shared(a: &str, b: &str) -> Option<Header> {
        Lines::of(a).header_shared_with(&Lines::of(b))
    }

    #[test]
    fn a_header_is_what_two_texts_begin_with_before_each_goes_on_by_itself() {
        let (a, b) = (lines(0) + &lines(1), lines(0) + "\n" + &lines(2));
        let header = shared(&a, &b).unwrap();
        assert_eq!(header, Header { bytes: lines(0).len(), words: words(&normalised(&lines(0))).len() });
        assert_eq!(a[header.bytes..], lines(1));
        assert_eq!(shared(&b, &a), Some(header), "an empty line after it is no part of it");
        let shouted = lines(0).to_uppercase().replace('.', " !\r") + &lines(2);
        assert_eq!(shared(&a, &shouted), Some(header), "in any form");
    }

    #[test]
    fn a_copy_a_longer_copy_and_one_with_a_changed_ending_share_no_header() {
        let text = lines(0) + &lines(1);
        for copy in [&text, &(text.clone() + &lines(2)), &lines(0), &text.replace("Line 19 of part 1", "The end of it")]
        {
            assert_eq!(shared(&text, copy), None);
            assert_eq!(shared(copy, &text), None);
        }
        let changed = text.replacen("Line 0", "Verse 0", 1);
        assert_eq!(shared(&text, &changed), None, "they do not begin alike");
        assert_eq!(shared("", ""), None);
        let (one, two) = ("The same title\n".to_owned() + &lines(1), "The same title\n".to_owned() + &lines(2));
        assert_eq!(shared(&one, &two), None, "too short for a header");
    }

    #[test]
    fn the_text_that_begins_alike_for_longest_is_found() {
        let texts = [lines(0), lines(0) + &lines(1) + &lines(2), lines(0) + &lines(3), lines(4)];
        let mut beginnings = Beginnings::default();
        texts.iter().enumerate().for_each(|(i, text)| beginnings.add(i, &Lines::of(text)));
        let longest = |text: &str| beginnings.longest(&Lines::of(text));
        assert_eq!(longest(&(lines(0) + &lines(9))), Some(1), "of those with the header the one that says most");
        assert_eq!(longest(&(lines(0) + &lines(3) + &lines(9))), Some(2));
        assert_eq!((longest(&lines(9)), longest("")), (None, None));
    }
}
