//! The check of texts that people write into accounts.

/// Whether `text` has 1 to `most` bytes and no control character. A NUL cannot be stored by everybody who follows the
/// ledger, and a terminal obeys what follows an escape character.
pub fn is_plain(text: &str, most: usize) -> bool {
    // By bytes, which costs a program a third of what characters do. U+0080 to U+009F begin with 0xC2.
    let mut after_c2 = false;
    let is_control = |byte: &u8| {
        let control = *byte < 0x20 || *byte == 0x7f || after_c2 && *byte < 0xa0;
        after_c2 = *byte == 0xc2;
        control
    };
    (1..=most).contains(&text.len()) && !text.as_bytes().iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_texts_of_some_length_without_control_characters_are_plain() {
        assert!(is_plain("Ünïcödé 漢字", 64) && is_plain("ab", 2));
        for c in (0..0x800).filter_map(char::from_u32) {
            assert_eq!(is_plain(&format!("é{c}x"), 64), !c.is_control(), "{c:?}");
        }
        for bad in ["", "abc", "\0", "a\n", "\u{1b}[", "\u{7f}", "\u{9b}"] {
            assert!(!is_plain(bad, 2), "{bad:?}");
        }
    }
}
