//! Normalises texts for comparison, so that case, spacing, punctuation, invisible characters, stray marks and look-alike
//! letters cannot disguise a text, whatever its script.
//!
//! What still passes is what a reader can see or what changes the words: a visible division or joining of words
//! ("t-h-e", "thecat"), also by blanks that are no spaces (U+3164, U+2800); letters with accents that real
//! words have ("é" for "e"); look-alikes other than those of Greek and Cyrillic ("rn" for "m", "0" for "o"); and other
//! words for the same.

use crate::unseen::{encloses_digits, is_blank, shows_nothing};
use icu_properties::{props::Script, script::ScriptWithExtensions};
use unicode_normalization::{
    UnicodeNormalization,
    char::{compose, is_combining_mark},
};

/// Letters and digits in compatibility form (NFKC) with case folded. Single spaces stand for whatever was between words.
/// A text without letters and digits stays as it is, but for what nobody sees.
///
/// Scripts that are written without spaces (Chinese, Japanese, Thai and their like) have none, because a space there says
/// nothing. Blanks that are no spaces divide words as spaces do. Left out are invisible characters, and the marks that readers do without: a mark stays only if it makes
/// another letter of the one before it, or if that letter's script is written with it. So Arabic and Hebrew vowel points
/// are left out, and Indian vowel signs stay. Greek and Cyrillic letters that look like Latin ones become these. Within
/// each script different letters stay different, so no two words of one language become equal by that.
pub fn normalised(text: &str) -> String {
    match folded(text) {
        nothing if nothing.is_empty() => {
            text.chars().filter(|c| !is_left_out(*c)).map(|c| if is_blank(c) { ' ' } else { c }).collect()
        }
        folded => folded,
    }
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
    folded(text).chars().filter(|c| c.is_alphanumeric()).count()
}

/// The normal form of a text, empty if it has neither letters nor digits.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // The last letter, and what the marks after it have made of it.
    let (mut gap, mut last): (bool, Option<(char, char)>) = (false, None);
    // Decomposed, so that what is left out between a letter and its accent does not keep them apart.
    for c in text.chars().filter(|c| !is_left_out(*c)).nfkd().filter(|c| !is_left_out(*c)) {
        if is_blank(c) {
            gap = true;
        } else if is_combining_mark(c) {
            let Some((base, made)) = last.filter(|(base, _)| !gap || has_no_spaces(*base)) else { continue };
            if let Some(letter) = compose(made, c) {
                last = Some((base, letter));
            } else if !is_written_with(base, c) || out.ends_with(c) {
                continue;
            }
            // Case folding makes a letter of one mark, the Greek iota below a vowel.
            out.extend(case_folded(c));
        } else if c.is_alphanumeric() {
            if gap && last.is_some_and(|(base, _)| !has_no_spaces(base)) && !has_no_spaces(c) {
                out.push(' ');
            }
            out.extend(case_folded(c));
            (gap, last) = (false, out.chars().next_back().map(|letter| (letter, letter)));
        } else {
            gap = true;
        }
    }
    out.nfc().map(latin_look_alike).collect()
}

/// Down, up and down again folds the letters of which one case has several, such as ß, ẞ and SS, or ς and Σ.
fn case_folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Whether nobody sees it, or it only stretches a word (the Arabic tatweel) or encloses a number.
fn is_left_out(c: char) -> bool {
    shows_nothing(c) || c == '\u{640}' || encloses_digits(c)
}

/// Whether words in the letter's script need the mark. Alphabets need none that does not compose, and Arabic, Hebrew and
/// Syriac are read without points.
fn is_written_with(letter: char, mark: char) -> bool {
    let scripts = ScriptWithExtensions::new();
    match scripts.get_script_val(letter) {
        Script::Common | Script::Inherited | Script::Unknown => false,
        Script::Latin | Script::Greek | Script::Cyrillic | Script::Coptic | Script::Glagolitic => false,
        Script::Arabic | Script::Hebrew | Script::Syriac | Script::Han | Script::Hangul => false,
        script => scripts.has_script(mark, script),
    }
}

/// The Latin letter for a small letter of Greek or Cyrillic that looks like one in either case.
///
/// The table is short on purpose. The skeletons of Unicode's UTS 39 also make equal what differs in real words: "rn" and
/// "m", "0" and "o", letters of Arabic. No two letters of a script become the same here: н, like Н, would become what
/// һ becomes. μ stays, because a micrometre is no millimetre.
fn latin_look_alike(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' | 'η' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ζ' => 'z',
        _ => c,
    }
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
    use icu_properties::{
        CodePointMapData, CodePointSetData,
        props::{DefaultIgnorableCodePoint, GeneralCategory},
    };

    #[test]
    fn disguises_are_taken_off() {
        for disguised in [
            "  The CAT,\tsat!",
            "the\u{200b} c\u{ad}at — sat",
            "ｔｈｅ ｃａｔ ｓａｔ",
            "\"The (cat) sat...\"",
            "t\u{337}he cat sat",
            "t\u{e0041}he c\u{34f}at s\u{2064}at",
        ] {
            assert_eq!(normalised(disguised), "the cat sat", "{disguised:?}");
        }
        assert_eq!(normalised("ﬁn 12"), "fin 12");
    }

    #[test]
    fn what_nobody_sees_divides_no_word() {
        for (name, c) in [
            ("a control character", '\u{1}'),
            ("delete", '\u{7f}'),
            ("a control character of Latin 1", '\u{9f}'),
            ("the soft hyphen", '\u{ad}'),
            ("the zero-width space", '\u{200b}'),
            ("the word joiner", '\u{2060}'),
            ("the invisible times", '\u{2062}'),
            ("the marks of annotation", '\u{fff9}'),
            ("their separator", '\u{fffa}'),
            ("their end", '\u{fffb}'),
            ("an unassigned special", '\u{fff0}'),
            ("the object replacement", '\u{fffc}'),
            ("no character", '\u{ffff}'),
            ("the Kaithi number sign", '\u{110bd}'),
            ("the Arabic number sign", '\u{600}'),
            ("the null notehead", '\u{1d159}'),
            ("a musical control", '\u{1d173}'),
            ("a tag", '\u{e0041}'),
            ("a variation selector", '\u{e0100}'),
            ("a control of hieroglyphs", '\u{13430}'),
        ] {
            assert_eq!(normalised(&format!("prin{c}tf {c} {c}re{c}turns{c}")), "printf returns", "{name}");
        }
    }

    #[test]
    fn a_copy_whose_spaces_are_blanks_of_another_kind_is_the_same_text() {
        let text = "the printf family of functions produces output";
        for c in ('\0'..=char::MAX).filter(|c| is_blank(*c)) {
            let blank = format!("U+{:04X}", u32::from(c));
            assert_eq!(normalised(&text.replace(' ', &c.to_string())), text, "{blank}");
            assert_eq!(normalised(&text.replace(' ', &format!(" {c}{c}"))), text, "{blank} beside a space");
            assert_eq!((letters(&c.to_string().repeat(30)), words(&normalised(&format!("a{c}b"))).len()), (0, 2));
        }
    }

    #[test]
    fn marks_of_other_scripts_do_not_stay_in_a_word() {
        for (name, c) in [
            ("an accent that does not compose", '\u{337}'),
            ("the Greek iota below", '\u{345}'),
            ("a letter above", '\u{363}'),
            ("the Cyrillic titlo", '\u{483}'),
            ("the Cyrillic breathing", '\u{485}'),
            ("the Cyrillic millions", '\u{489}'),
            ("the Cyrillic vzmet", '\u{a66f}'),
            ("a Cyrillic letter above", '\u{2de0}'),
            ("a Hebrew point", '\u{5b4}'),
            ("an Arabic vowel", '\u{64e}'),
            ("a Koranic mark", '\u{6d6}'),
            ("an Indian vowel sign", '\u{940}'),
            ("a virama", '\u{94d}'),
            ("a Vedic tone", '\u{951}'),
            ("a Thai tone", '\u{e48}'),
            ("an enclosing circle", '\u{20dd}'),
            ("a voiced sound mark", '\u{3099}'),
            ("an ideographic tone", '\u{302a}'),
            ("a musical stem", '\u{1d165}'),
            ("a half mark", '\u{fe20}'),
        ] {
            assert_eq!(normalised(&format!("prin{c}tf {c} 1{c}2")), "printf 12", "{name}");
            assert_eq!(letters(&format!("a{}", c.to_string().repeat(30))), 1, "{name}");
        }
        // Nor do they keep a letter from its accent, or the parts of a syllable from one another.
        assert_eq!(normalised("e\u{489}\u{301}te\u{20dd}\u{301}"), "\u{e9}t\u{e9}");
        assert_eq!(normalised("\u{1112}\u{301}\u{1161}\u{489}\u{11ab}"), "한");
        // Within a script, readers do without these, and a mark said twice is seen once.
        assert_eq!(normalised("م\u{6d6}ل\u{654}ا"), "ملا");
        assert_eq!(normalised("мо\u{489}р\u{483}е"), normalised("море"));
        assert_eq!(normalised("ที่\u{e48}นี่"), "ที่นี่");
    }

    #[test]
    fn the_words_of_real_scripts_stay() {
        for text in [
            "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है",
            "সব মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে",
            "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்",
            "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق آمن سؤال بئر",
            "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם",
            "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิที่นี่",
            "ມະນຸດທຸກຄົນເກີດມາມີກຽດສັກສີ",
            "មនុស្សទាំងអស់កើតមកមានសេរីភាព",
            "လူတိုင်းသည်တူညီလွတ်လပ်သော",
            "人人生而自由在尊严和权利上一律平等",
            "すべての人間は生まれながらにして自由でありかつ尊厳と権利とについて平等であるセ゚",
            "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다",
            "tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi",
            "tous les êtres humains naissent libres et égaux à leur façon",
            "ܟܠ ܒܪܢܫܐ",
            "ሰው ሁሉ ነጻ ሆኖ ይወለዳል",
            "མི་རྣམས",
            "ހުރިހާ އިންސާނުން",
        ] {
            let expected: String = text.nfkc().collect();
            let expected = expected.replace('\u{e33}', "\u{e4d}\u{e32}").replace('་', " ");
            assert_eq!(normalised(text), expected);
            assert_eq!(normalised(&text.nfd().collect::<String>()), expected, "decomposed");
            assert_eq!(normalised(&expected), expected, "normalised again");
        }
        let (pointed, plain) = ("בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם", "בראשית ברא אלהים את השמים");
        assert_eq!(normalised(pointed), plain);
    }

    #[test]
    fn look_alikes_of_greek_and_cyrillic_are_latin_letters() {
        assert_eq!(normalised("thе сat ѕаt"), "the cat sat");
        assert_eq!(normalised("ТНЕ ΑΒΕ").chars().filter(char::is_ascii_lowercase).count(), 5, "all but Н");
        assert_eq!(normalised("рrіntf"), "printf");
        assert_eq!(normalised("мaма"), normalised("мама"), "a Latin letter in a Cyrillic word");
        assert_ne!(normalised("5 μm"), normalised("5 mm"));
        assert_ne!(normalised("modern 10"), normalised("modem lO"), "these differ in real words");
    }

    #[test]
    fn no_two_letters_of_a_script_look_alike() {
        let scripts = ScriptWithExtensions::new();
        for script in [Script::Greek, Script::Cyrillic, Script::Latin] {
            let of_script = || ('\0'..=char::MAX).filter(|c| scripts.get_script_val(*c) == script);
            let made: std::collections::HashSet<char> = of_script().map(latin_look_alike).collect();
            assert_eq!(made.len(), of_script().count(), "{script:?}");
        }
    }

    #[test]
    fn folding_the_case_decomposes_no_further() {
        for c in ('\0'..=char::MAX).filter(|c| std::iter::once(*c).nfkd().eq([*c])) {
            let folded: String = case_folded(c).collect();
            assert_eq!(folded, folded.nfkd().collect::<String>(), "{c:?}");
        }
    }

    #[test]
    fn an_invisible_character_anywhere_changes_nothing() {
        let invisible = |c: &char| {
            let stated = c.is_control() && !c.is_whitespace()
                || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(*c)
                || CodePointMapData::<GeneralCategory>::new().get(*c) == GeneralCategory::Format;
            stated && !is_blank(*c)
        };
        let texts = ["Thе e\u{301}t ᾴß, हिन्दी!", "=> {}", "ที่นี่ 函数 \u{1112}\u{1161}", "מִלָּה كِتَاب が"];
        let mut tried = 0;
        for c in ('\0'..=char::MAX).filter(invisible) {
            for text in texts {
                let expected = normalised(text);
                for (at, _) in text.char_indices().chain([(text.len(), c)]) {
                    let with = format!("{}{c}{}", &text[..at], &text[at..]);
                    assert_eq!(normalised(&with), expected, "U+{:04X} at {at} of {text:?}", u32::from(c));
                }
                let everywhere: String = text.chars().flat_map(|t| [c, t, c]).collect();
                assert_eq!(normalised(&everywhere), expected, "U+{:04X} everywhere", u32::from(c));
                tried += 1;
            }
        }
        assert!(tried > 4 * 4_000, "{tried}");
    }

    #[test]
    fn composed_and_decomposed_forms_and_all_cases_are_one() {
        for forms in [
            ["e\u{301}te\u{301}", "\u{c9}T\u{c9}", "E\u{200d}\u{301}T\u{e9}"],
            ["Straße", "STRASSE", "STRA\u{1e9e}E"],
            ["ΟΔΟΣ", "οδος", "οδοσ"],
            ["ᾳ", "ΑΙ", "αι"],
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
        assert_eq!(normalised("=>\u{7f}\u{2800}{\u{200b}}"), "=> {}", "but for what nobody sees");
        assert_eq!(normalised(""), "");
    }
}
