//! The form in which text is searched. The program computes it and stores it beside the text, so that both databases find the
//! same. It is Unicode's caseless matching of compatible text (`NFKC_Casefold`): `ς` is `σ`, `ß` and `ẞ` are `ss`, `ﬁ` is `fi`,
//! wide letters are narrow, accents are composed, and invisible characters are dropped. The dot of `i` makes no difference,
//! either: `istanbul` and `ISTANBUL` find `İstanbul`, and `ISPARTA` finds `Isparta` and `ısparta`.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// Returns the text as it is searched. It is the same for texts that differ only in case, and the fold of a fold is itself.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decompose = DecomposingNormalizer::new_nfkd();
    let folded = CaseMapper::new();
    let folded = folded.fold_string(&decompose.normalize(text)).into_owned();
    let ignored = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let mut plain = String::with_capacity(folded.len());
    for c in decompose.normalize(&folded).chars() {
        match c {
            'ı' => plain.push('i'),
            '\u{307}' if plain.ends_with('i') => {}
            c if ignored.contains(c) => {}
            c => plain.push(c),
        }
    }
    nfc(&plain).into_owned()
}

/// Returns the text in the form in which each character has one spelling (NFC).
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    ComposingNormalizer::new_nfc().normalize(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_differ_in_case_are_one() {
        for (text, search) in [
            ("Κωνσταντίνος", "ΚΩΝΣ"),
            ("Οδυσσέας", "οδυσσέασ"),
            ("Straße", "STRASSE"),
            ("STRASSE", "straße"),
            ("GROẞ", "groß"),
            ("İstanbul", "istanbul"),
            ("İstanbul", "ISTANBUL"),
            ("istanbul", "İSTANBUL"),
            ("ısparta", "ISPARTA"),
            ("ﬁn", "FIN"),
            ("Ｗｉｄｅ", "wide"),
            ("Cafe\u{301}", "CAFÉ"),
            ("Zoë", "ZOE\u{308}"),
            ("in\u{ad}visible", "INVISIBLE"),
            ("ǅ", "ǆ"),
            ("ᾳ", "αι"),
        ] {
            assert!(fold(text).contains(&fold(search)), "{search} in {text}");
        }
        assert!(!fold("café").contains(&fold("CAFE")), "accents differ");
    }

    proptest! {
        #[test]
        fn a_fold_is_its_own(text in "\\PC{0,12}", mixed in "[iıİIςσΣßẞſÅ\u{307}\u{301}\u{323}\u{345}ᾳᾼǅﬀ\u{3a3}가\u{1112}\u{1161}]{0,8}") {
            for text in [&text, &mixed] {
                let folded = fold(text);
                prop_assert_eq!(&fold(&folded), &folded);
                prop_assert_eq!(&fold(&text.to_lowercase()), &folded);
            }
        }
    }
}
