//! Text of strangers, made safe to store and to show.

use crate::unseen::{is_blank, shows_nothing};
use std::{borrow::Cow, fmt::Write};

/// Returns `text` without characters that can do harm where it is stored or shown. Each of them is replaced by its name,
/// such as `⟨U+0000⟩`, so that a reader sees what was there.
///
/// PostgreSQL cannot store a NUL. A terminal obeys escape sequences. Marks of writing direction and invisible characters
/// make one text look like another.
pub fn printable(text: &str) -> Cow<'_, str> {
    named(text, is_harmful)
}

/// Like [`printable`], for a text of several lines: line feeds and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    named(text, |c| is_harmful(c) && !matches!(c, '\n' | '\t'))
}

fn named(text: &str, harms: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&harms) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harms(c) {
            // Writing to a string does not fail.
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether `c` is a control character, a line break, a mark of writing direction, or invisible.
fn is_harmful(c: char) -> bool {
    match c {
        _ if c.is_ascii() => c.is_ascii_control(),
        // Scripts and emoji are written with the joiners and the variation selectors, texts of the web with soft hyphens, and
        // Braille with its blank.
        '\u{ad}' | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{2800}' => false,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => false,
        '\u{2028}' | '\u{2029}' => true,
        _ => c.is_control() || shows_nothing(c) || is_blank(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_do_harm_is_named_and_everything_else_stays() {
        assert_eq!(printable("a\0b"), "a⟨U+0000⟩b");
        assert_eq!(printable("\u{1b}[2Jx\n\u{9b}"), "⟨U+001B⟩[2Jx⟨U+000A⟩⟨U+009B⟩");
        assert_eq!(printable("\u{202e}evil\u{200b}\u{feff}\u{7f}"), "⟨U+202E⟩evil⟨U+200B⟩⟨U+FEFF⟩⟨U+007F⟩");
        assert_eq!(printable("\u{3164}\u{34f}\u{2062}"), "⟨U+3164⟩⟨U+034F⟩⟨U+2062⟩");
        for plain in [
            "",
            "Manual pages, §3 \\0",
            "Ünïcödé 漢字 👩\u{200d}🔬 ❤\u{fe0f}",
            "می\u{200c}خواهم",
            "\u{600}١٢",
            "⠃⠗\u{2800}⠃",
        ] {
            assert!(matches!(printable(plain), Cow::Borrowed(p) if p == plain), "{plain}");
        }
    }

    #[test]
    fn a_line_stays_a_line_and_lines_stay_lines() {
        assert_eq!(printable("title\nerror: pay again"), "title⟨U+000A⟩error: pay again");
        assert_eq!(printable_lines("two\nlines\tof 文字"), "two\nlines\tof 文字");
        assert_eq!(printable_lines("\u{1b}]0;owned\u{7}\r\n"), "⟨U+001B⟩]0;owned⟨U+0007⟩⟨U+000D⟩\n");
    }

    #[test]
    fn what_is_safe_is_safe_for_good() {
        let once = printable("\0\u{202e}").into_owned();
        assert_eq!(printable(&once), once);
    }
}
