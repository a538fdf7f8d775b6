//! Normalises texts for comparison, so that case, spacing, punctuation and the many forms of Unicode cannot disguise a
//! text.

use unicode_normalization::UnicodeNormalization;

/// Letters and digits in compatibility form (NFKC) and lower case. Single spaces stand for whatever was between them. A
/// text without letters and digits stays as it is. Invisible characters and marks inside a word do not divide it.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            if std::mem::take(&mut gap) && !out.is_empty() {
                out.push(' ');
            }
            out.push(c);
        } else if !is_invisible(c) {
            gap = true;
        }
    }
    if out.is_empty() { text.to_owned() } else { out }
}

/// Soft hyphens, zero-width characters, direction marks, variation selectors, and combining accents that are left over.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_taken_off() {
        for disguised in [
            "  The CAT,\tsat!",
            "the\u{200b} c\u{ad}at — sat",
            "ｔｈｅ ｃａｔ ｓａｔ",
            "\"The (cat) sat...\"",
            "t\u{337}he cat sat",
        ] {
            assert_eq!(normalised(disguised), "the cat sat", "{disguised:?}");
        }
        assert_eq!(normalised("Straße 12, ﬁn"), "straße 12 fin");
        assert_eq!(normalised("e\u{301}te\u{301}"), normalised("\u{e9}t\u{e9}"));
    }

    #[test]
    fn a_text_without_words_is_left_as_it_is() {
        assert_eq!(normalised("=> {}"), "=> {}");
        assert_eq!(normalised(""), "");
    }
}
