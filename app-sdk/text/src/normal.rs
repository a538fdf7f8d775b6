//! Normalises texts for comparison, so that case, spacing, punctuation and the many forms of Unicode cannot disguise a
//! text, whatever its script.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Letters and digits in compatibility form (NFKC) with case folded. Single spaces stand for whatever was between words.
/// A text without letters and digits stays as it is.
///
/// Scripts that are written without spaces (Chinese, Japanese, Thai and their like) have none, because a space there says
/// nothing. Invisible characters, and marks that readers do without, are left out: accents that belong to no letter,
/// Arabic and Hebrew vowel points, the Arabic stroke that stretches words.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut gap, mut last) = (false, None);
    for c in folded(text) {
        if c.is_alphanumeric() {
            let spaced = !last.is_some_and(has_no_spaces) && !has_no_spaces(c);
            if gap && spaced && last.is_some() {
                out.push(' ');
            }
            out.push(c);
            (gap, last) = (false, Some(c));
        } else if is_combining_mark(c) {
            // A sign of its script that is no letter, such as the virama. Alone it says nothing.
            if !gap && last.is_some() {
                out.push(c);
            }
        } else {
            gap = true;
        }
    }
    if last.is_none() { text.to_owned() } else { out }
}

/// The words of a [`normalised`] text. In scripts that are written without spaces each character counts as a word.
pub fn words(normalised: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for piece in normalised.split_whitespace() {
        let mut start = 0;
        for (at, c) in piece.char_indices().filter(|(_, c)| has_no_spaces(*c)) {
            if start < at {
                words.push(&piece[start..at]);
            }
            start = at + c.len_utf8();
            words.push(&piece[at..start]);
        }
        if start < piece.len() {
            words.push(&piece[start..]);
        }
    }
    words
}

/// Number of letters and digits that a reader sees in `text`.
pub fn letters(text: &str) -> usize {
    folded(text).filter(|c| c.is_alphanumeric()).count()
}

/// The characters in compatibility form and with case folded, without those that nobody sees.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let composed = text.chars().filter(|c| !is_left_out(*c)).nfkc();
    // Down, up and down again folds the letters of which one case has several, such as ß, ẞ and SS, or ς and Σ.
    let folded = composed.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfkc().filter(|c| !is_accent(*c) && !is_left_out(*c))
}

/// Whether it is invisible (Unicode's default ignorable characters), or a mark that readers do without.
fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}'
        // The vowel points of Hebrew and Arabic, and the Arabic tatweel.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{640}' | '\u{64b}'..='\u{652}' | '\u{656}'..='\u{65f}' | '\u{670}')
}

/// Whether it is an accent that can stand on any letter. In composed form those of real words are part of their letter.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// Whether it is of a script that is written without spaces: Thai, Lao, Myanmar, Khmer, Bopomofo, the kana, or Han.
fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
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
            "t\u{e0041}he c\u{3164}at s\u{2064}at",
        ] {
            assert_eq!(normalised(disguised), "the cat sat", "{disguised:?}");
        }
        assert_eq!(normalised("ﬁn 12"), "fin 12");
    }

    #[test]
    fn composed_and_decomposed_forms_and_all_cases_are_one() {
        for forms in [
            ["e\u{301}te\u{301}", "\u{c9}T\u{c9}", "E\u{200d}\u{301}T\u{e9}"],
            ["Straße", "STRASSE", "STRA\u{1e9e}E"],
            ["ΟΔΟΣ", "οδος", "οδοσ"],
            ["İstanbul", "istanbul", "I\u{307}stanbul"],
            ["한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", "한\u{200b}국"],
            ["מִלָּה", "מלה", "מ\u{5b4}לה"],
            ["كِتَاب", "كتاب", "كتـــاب"],
        ] {
            let [a, b, c] = forms.map(normalised);
            assert!(a == b && b == c, "{forms:?}: {a:?} {b:?} {c:?}");
        }
        assert_ne!(normalised("été"), normalised("ete"), "an accent of a real word stays");
    }

    #[test]
    fn spaces_say_nothing_where_none_are_written() {
        assert_eq!(normalised("今天 天气，很好。"), normalised("今天天气很好"));
        assert_eq!(normalised("今天\u{3000}天气"), "今天天气");
        assert_eq!(normalised("ภาษา ไทย"), normalised("ภาษาไทย"));
        assert_eq!(normalised("printf 函数"), normalised("printf函数"));
        assert_eq!(normalised("한국 사람"), "한국 사람", "Korean has spaces");
    }

    #[test]
    fn a_sign_within_a_word_does_not_divide_it() {
        assert_eq!(normalised("हिन्दी भाषा"), "हिन्दी भाषा");
        assert_eq!(words(&normalised("हिन्दी भाषा")).len(), 2);
    }

    #[test]
    fn words_are_what_stands_between_spaces_or_a_character_of_its_own() {
        assert_eq!(words("the cat"), ["the", "cat"]);
        assert_eq!(words("用printf打印"), ["用", "printf", "打", "印"]);
        assert!(words(" ").is_empty());
    }

    #[test]
    fn only_what_is_seen_counts_as_a_letter() {
        assert_eq!(letters("a1, b!"), 3);
        assert_eq!(letters(&"\u{3164}".repeat(30)), 0);
        assert_eq!(letters("天气"), 2);
    }

    #[test]
    fn a_text_without_words_is_left_as_it_is() {
        assert_eq!(normalised("=> {}"), "=> {}");
        assert_eq!(normalised(""), "");
    }
}
