//! Text of strangers, made safe to store and to show.

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

/// Whether `c` is a control character, a line break, a mark of writing direction, or invisible. The joiners U+200C and
/// U+200D are none: scripts and emoji are written with them.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_do_harm_is_named_and_everything_else_stays() {
        assert_eq!(printable("a\0b"), "a⟨U+0000⟩b");
        assert_eq!(printable("\u{1b}[2Jx\n\u{9b}"), "⟨U+001B⟩[2Jx⟨U+000A⟩⟨U+009B⟩");
        assert_eq!(printable("\u{202e}evil\u{200b}\u{feff}\u{7f}"), "⟨U+202E⟩evil⟨U+200B⟩⟨U+FEFF⟩⟨U+007F⟩");
        for plain in ["", "Manual pages, §3 \\0", "Ünïcödé 漢字 👩\u{200d}🔬", "می\u{200c}خواهم"] {
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
