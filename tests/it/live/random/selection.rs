//! What a query selects of an object: the model gives objects with all their fields, and this leaves those that were asked for.

use serde_json::{Map, Value};

/// Fields, each with what is selected of it; none for a field without fields of its own.
#[derive(Debug, Default)]
pub struct Selection(Vec<(String, Selection)>);

impl Selection {
    /// Reads the fields of a selection as it is written between braces. Arguments are for the model to know, and a fragment is for every
    /// object that has its fields.
    pub fn parse(text: &str) -> Self {
        let spaced = text.replace('{', " { ").replace('}', " } ");
        let mut bare = String::new();
        let mut depth = 0;
        for letter in spaced.chars() {
            depth += i32::from(letter == '(');
            if depth == 0 {
                bare.push(letter);
            }
            depth -= i32::from(letter == ')');
        }
        Self::read(&mut bare.split_whitespace())
    }

    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut fields: Vec<(String, Self)> = Vec::new();
        while let Some(word) = words.next() {
            match word {
                "}" => break,
                "{" => fields.last_mut().expect("a field").1 = Self::read(words),
                // `... on Type {`
                "..." => {
                    words.nth(2);
                    fields.extend(Self::read(words).0);
                }
                name => fields.push((name.to_owned(), Self::default())),
            }
        }
        Self(fields)
    }

    /// Returns what is selected of a value.
    pub fn of(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::Object(all) if !self.0.is_empty() => {
                let fields = self.0.iter().map(|(name, selection)| {
                    let value = all.get(name);
                    let value = value.unwrap_or_else(|| panic!("no {name} in {value:?}"));
                    (name.clone(), selection.of(value))
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

#[test]
fn a_selection_leaves_what_was_asked_for() {
    let all = serde_json::json!({ "a": 1, "b": { "c": [{ "d": 2, "e": 3 }, null] }, "f": 4 });
    let some = Selection::parse("a b(last: 3) { c { d } } ... on Kind { f }").of(&all);
    let wanted = serde_json::json!({ "a": 1, "b": { "c": [{ "d": 2 }, null] }, "f": 4 });
    assert_eq!(some, wanted);
}
