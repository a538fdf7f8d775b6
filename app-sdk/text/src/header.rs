//! Headers: the lines with which many texts begin alike, such as a licence or the head of a template. A text that shares
//! its header with others and then says something of its own is no copy of them.
//!
//! Whether two texts share a header or one is a copy of the other cannot be told by the amount of what they share: a
//! licence is often longer than what it stands above. What tells is where they part. Two texts with a header begin alike,
//! part once, and each goes on with enough of its own.

use crate::normal::{normalised, words};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// Fewest letters and digits of a header. Shorter beginnings, such as a title, make no text a copy.
pub const LEAST_HEADER: usize = 200;
/// Fewest letters and digits that each text must have after a header.
pub const LEAST_OWN: usize = 100;
/// Most lines of a text that are kept. Those that come after them are its own.
const MOST_LINES: usize = 4_096;

/// A hash of the lines up to one.
type Beginning = [u8; 16];

/// The lines of a text, as far as they have letters or digits: what is needed to find the header that it shares with
/// others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The first ones.
    first: Vec<Line>,
    /// Letters and digits of the whole text.
    letters: usize,
}

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
        if text.len() < LEAST_HEADER {
            return Self::default();
        }
        let (mut first, mut letters) = (Vec::new(), 0);
        let (mut beginning, mut header) = (Beginning::default(), Header { bytes: 0, words: 0 });
        for line in text.split_inclusive('\n') {
            header.bytes += line.len();
            let line = normalised(line);
            let own = line.chars().filter(|c| c.is_alphanumeric()).count();
            letters += own;
            if own == 0 || first.len() == MOST_LINES {
                continue;
            }
            let hash = Sha256::new().chain_update(beginning).chain_update(&line).finalize();
            beginning.copy_from_slice(&hash[..16]);
            header.words += words(&line).len();
            first.push(Line { beginning, letters, header });
        }
        Self { first, letters }
    }

    /// The header that the text of these lines shares with the text of `other`, if both begin alike for at least
    /// [`LEAST_HEADER`] letters and digits, and each then has at least [`LEAST_OWN`] more.
    pub fn header_shared_with(&self, other: &Self) -> Option<Header> {
        let alike = self.first.iter().zip(&other.first).take_while(|(a, b)| a.beginning == b.beginning);
        let (last, _) = alike.last()?;
        (last.letters >= LEAST_HEADER && self.goes_on(last) && other.goes_on(last)).then_some(last.header)
    }

    /// Whether enough comes after a line of this text, or after one of another that begins like it.
    fn goes_on(&self, after: &Line) -> bool {
        self.letters - after.letters >= LEAST_OWN
    }
}

/// How texts begin, to find for another one the text that begins like it for longest. Only lines after which a text has
/// enough of its own count ([`LEAST_OWN`]), because only these can end a header.
#[derive(Clone, Debug, Default)]
pub struct Beginnings {
    /// For each beginning the text that has it: of several the longest, and of equally long ones the first.
    texts: HashMap<Beginning, (usize, usize)>,
}

impl Beginnings {
    /// Adds a text by its lines. `text` is what [`Self::longest`] names it by.
    pub fn add(&mut self, text: usize, lines: &Lines) {
        let letters = lines.letters;
        for line in lines.first.iter().take_while(|line| lines.goes_on(line)) {
            let known = self.texts.entry(line.beginning).or_insert((letters, text));
            if known.0 < letters {
                *known = (letters, text);
            }
        }
    }

    /// The text so far that begins like these lines for longest. `None` if none begins with the first of them.
    pub fn longest(&self, lines: &Lines) -> Option<usize> {
        lines.first.iter().map_while(|line| self.texts.get(&line.beginning)).last().map(|(_, text)| *text)
    }
}

/// Everything that texts begin with, each up to its end, to find what a later text repeats at its beginning.
///
/// [`Lines::header_shared_with`] wants both texts to go on, because to it two texts are equals. Here one was first. A whole
/// text with another one below it says no more than the other.
#[derive(Clone, Debug, Default)]
pub struct Taught(HashSet<Beginning>);

impl Taught {
    /// Adds a text by its lines.
    pub fn add(&mut self, lines: &Lines) {
        self.0.extend(lines.first.iter().map(|line| line.beginning));
    }

    /// What a text begins with that one of the others has too, if it has at least [`LEAST_HEADER`] letters and digits, and
    /// at least [`LEAST_OWN`] come after it.
    pub fn header_of(&self, lines: &Lines) -> Option<Header> {
        let last = lines.first.iter().take_while(|line| self.0.contains(&line.beginning)).last()?;
        (last.letters >= LEAST_HEADER && lines.goes_on(last)).then_some(last.header)
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

    #[test]
    fn a_text_that_soon_ends_hides_no_header_of_another() {
        let a = lines(0) + &lines(1);
        let e = lines(0) + "use std::io;\nmod a;\n";
        let d = lines(0) + "use std::io;\n" + &lines(2);
        let texts = [a, e].map(|text| Lines::of(&text));
        let mut beginnings = Beginnings::default();
        texts.iter().enumerate().for_each(|(i, text)| beginnings.add(i, text));
        let d = Lines::of(&d);
        assert_eq!(beginnings.longest(&d), Some(0), "the short one is not the one to compare with");
        assert_eq!(d.header_shared_with(&texts[0]).unwrap().bytes, lines(0).len());
    }

    #[test]
    fn a_whole_text_above_another_one_is_its_header_for_whoever_came_first() {
        let (a, b) = (lines(0), lines(1) + &lines(2));
        let mut taught = Taught::default();
        taught.add(&Lines::of(&a));
        let header = |text: &str| taught.header_of(&Lines::of(text)).map(|header| header.bytes);
        assert_eq!(header(&(a.clone() + &b)), Some(a.len()));
        assert_eq!(header(&format!("{}\n\n{b}", a.trim_end())), Some(a.len()));
        assert_eq!((header(&a), header(&(a.clone() + "And an end.")), header(&b)), (None, None, None));
        assert_eq!(shared(&(a.clone() + &b), &a), None, "of two equals the longer one is a copy");
    }

    #[test]
    fn lines_beyond_the_most_that_are_kept_are_the_texts_own() {
        let many: String = (0..MOST_LINES + 50).map(|i| format!("Line {i} says it\n")).collect();
        let kept = Lines::of(&many);
        assert_eq!(kept.first.len(), MOST_LINES);
        let header = shared(&(many.clone() + &lines(1)), &(many.clone() + &lines(2))).unwrap();
        assert_eq!(header, kept.first[MOST_LINES - 1].header);
        assert!(header.bytes < many.len());
    }
}
