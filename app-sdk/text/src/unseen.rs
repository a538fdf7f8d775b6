//! What a reader does not see: the one table for comparing texts and for showing them.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Whether nothing is shown for it, and no place is left for it: control and format characters, what Unicode calls default
/// ignorable, symbols without a form, and code points that are no characters. Line breaks, tabs and spaces are not among
/// them.
pub fn shows_nothing(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !c.is_whitespace();
    }
    if is_blank(c) {
        return false;
    }
    c.is_control() && !c.is_whitespace()
        || CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format && !encloses_digits(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        // Without any form, though Unicode counts them as symbols: the musical null notehead, and the marks around and
        // instead of objects. Last the code points that are no characters.
        || matches!(c, '\u{1d159}' | '\u{fff0}'..='\u{fffc}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Whether it is a sign around the digits after it, such as the Arabic number sign. Unicode counts these as format
/// characters, but they are shown. They are its property `Prepended_Concatenation_Mark`.
pub fn encloses_digits(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{110bd}' | '\u{110cd}'
    )
}

/// Whether it is shown as a gap, like a space, though Unicode does not count it as one: the blank of Braille, and the fillers
/// of Hangul. Unicode calls the fillers default ignorable. Fonts and those who draw text give them the width of a letter.
pub fn is_blank(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_both_and_no_letter_digit_or_space_of_a_text_is_either() {
        assert!(('\0'..=char::MAX).all(|c| !(shows_nothing(c) && is_blank(c))));
        for c in "aZ09 \t\n\u{a0}\u{3000}é漢हิب👩.-\u{301}".chars() {
            assert!(!shows_nothing(c) && !is_blank(c), "{c:?}");
        }
    }
}
