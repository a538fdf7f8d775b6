//! One document, and the form in which texts are contributed.

/// One document to contribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its title: the name of a function, or a term.
    pub title: String,
    /// The person or body that wrote it.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Package and file that it comes from.
    pub source: String,
    /// UTF-8 text.
    pub text: String,
}

/// Longest document in characters. Longer texts are cut at the end of an earlier sentence.
pub const MAX_CHARS: usize = 420;

/// Collapses white space and cuts at the last sentence's end before [`MAX_CHARS`]; `None` where nothing usable is left.
pub fn tidy(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = match text.char_indices().nth(MAX_CHARS) {
        None => text.as_str(),
        Some((end, _)) => &text[..text[..end].rfind(". ")? + 1],
    };
    let cut = cut.trim();
    (cut.chars().count() >= 80 && cut.ends_with('.')).then(|| cut.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_cuts_at_a_sentence_end_and_refuses_scraps() {
        let long = "A sentence that says something about something. ".repeat(20);
        let cut = tidy(&long).unwrap();
        assert!(cut.len() <= MAX_CHARS && cut.ends_with('.'));
        assert_eq!(tidy("Too short."), None);
        assert_eq!(tidy(&"no end ".repeat(100)), None);
    }
}
