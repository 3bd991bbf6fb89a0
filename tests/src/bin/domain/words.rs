//! The words of a domain: what one and many are called, in code and in texts.

/// Names that mean something else already: to Rust, to GraphQL, or to this repository.
const TAKEN: &[&str] = &[
    "chats",
    "comments",
    "customers",
    "events",
    "followers",
    "handlers",
    "idempotencies",
    "jobs",
    "locks",
    "messages",
    "migrations",
    "mods",
    "nodes",
    "posts",
    "records",
    "sessions",
    "signals",
    "specimens",
    "students",
    "types",
    "users",
];

/// The words of one domain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    one: String,
    many: String,
}

impl Words {
    /// From the plural, such as `orders`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(many: &str) -> Result<Self, String> {
        let is_word =
            (3..=30).contains(&many.len()) && many.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_word {
            return Err("give the plural of what the domain is about, one word of lower-case letters: make domain NAME=orders".to_owned());
        }
        if TAKEN.contains(&many) {
            return Err(format!("{many} are something else already"));
        }
        let one = match many.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => match ["sses", "xes", "ches", "shes"]
                .iter()
                .any(|end| many.ends_with(end))
            {
                true => many[..many.len() - 2].to_owned(),
                false => many
                    .strip_suffix('s')
                    .map(str::to_owned)
                    .ok_or_else(|| format!("{many} is no plural: it does not end in s"))?,
            },
        };
        Ok(Self {
            one,
            many: many.to_owned(),
        })
    }

    /// A text about specimens, about this domain.
    pub(crate) fn replace(&self, text: &str) -> String {
        let article = match self.one.starts_with(['a', 'e', 'i', 'o', 'u']) {
            true => "an",
            false => "a",
        };
        text.replace("a specimen", &format!("{article} {}", self.one))
            .replace(
                "A specimen",
                &format!("{} {}", capitalized(article), self.one),
            )
            .replace("SPECIMENS", &self.many.to_uppercase())
            .replace("Specimens", &capitalized(&self.many))
            .replace("specimens", &self.many)
            .replace("SPECIMEN", &self.one.to_uppercase())
            .replace("Specimen", &capitalized(&self.one))
            .replace("specimen", &self.one)
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_found_of_many() {
        for (many, one) in [
            ("orders", "order"),
            ("companies", "company"),
            ("classes", "class"),
            ("boxes", "box"),
            ("invoices", "invoice"),
        ] {
            assert_eq!(Words::of(many).expect(many).one, one);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            "order",
            "Orders",
            "my orders",
            "orders; drop",
            "../orders",
            "customers",
            "ös",
        ] {
            assert!(Words::of(name).is_err(), "{name}");
        }
    }

    #[test]
    fn texts_speak_of_the_domain() {
        let words = Words::of("orders").expect("a name");
        let text =
            words.replace("What is a specimen's own: CreateSpecimen, specimens::STREAM, SPECIMENS");
        assert_eq!(
            text,
            "What is an order's own: CreateOrder, orders::STREAM, ORDERS"
        );
    }
}
