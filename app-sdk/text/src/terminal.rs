//! Makes a stranger's text safe for a terminal.

use std::borrow::Cow;

/// The text with a replacement character for whatever would steer a terminal or turn the order of its text around:
/// escape sequences and all other control characters but line feed and tab, line separators, directional overrides.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Like [`for_terminal`], on one line: a stranger's line feed must not make a line that looks like the program's own.
pub fn on_one_line(text: &str) -> String {
    for_terminal(text).replace(['\n', '\t'], " ")
}

fn steers(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_steer_a_terminal() {
        let title = "\u{1b}]0;owned\u{7}\u{1b}[2Jtitle\u{9b}31m \u{202e}txt\r";
        let shown = for_terminal(title);
        assert!(!shown.chars().any(steers), "{shown:?}");
        assert_eq!(
            shown.chars().filter(|c| *c != char::REPLACEMENT_CHARACTER).collect::<String>(),
            "]0;owned[2Jtitle31m txt"
        );
        assert_eq!(for_terminal("two\nlines\tof 文字"), "two\nlines\tof 文字");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(on_one_line("title\nerror: pay again"), "title error: pay again");
    }
}
