//! The order of fields in answers: that in which they are selected, as the specification has it. The executor puts them in the
//! order in which they are resolved, which differs from one answer to the next. Computed once for a document, from what its
//! fragments expand to. A field that is selected under several types is where it is met first.

use async_graphql::{
    Name, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// The fields of a selection set by their names in the answer, each with those below it. Small, as it is kept with each parsed
/// document; objects have few fields, so they are looked for one after the other.
#[derive(Debug)]
pub(crate) struct FieldOrder(Box<[(Name, FieldOrder)]>);

impl FieldOrder {
    /// Of one operation's selection set. The document must have passed its checks: what it expands to is bounded.
    pub(super) fn of(set: &SelectionSet, document: &ExecutableDocument) -> Self {
        let mut fields = Fields::default();
        fields.add(set, document);
        fields.finish()
    }

    /// Brings the fields of an answer, and of all that is below, into this order.
    pub(crate) fn arrange(&self, answer: &mut Value) {
        match answer {
            Value::Object(fields) => {
                let mut places = fields.keys().enumerate();
                if !places.all(|(at, name)| self.place(name, at) == Some(at)) {
                    fields.sort_by_cached_key(|name, _| self.place(name, 0));
                }
                for (at, (name, value)) in fields.iter_mut().enumerate() {
                    // A scalar may be an object, whose fields nobody selected.
                    let below = self.place(name, at).map(|place| &self.0[place].1);
                    if let Some(below) = below.filter(|below| !below.0.is_empty()) {
                        below.arrange(value);
                    }
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.arrange(item)),
            _ => {}
        }
    }

    /// Looked for first where it most likely is.
    fn place(&self, name: &Name, likely: usize) -> Option<usize> {
        match self.0.get(likely) {
            Some((known, _)) if known == name => Some(likely),
            _ => self.0.iter().position(|(known, _)| known == name),
        }
    }
}

/// Fields that are being collected. A document that is not validated yet may name any number of them.
#[derive(Default)]
struct Fields(IndexMap<Name, Fields>);

impl Fields {
    fn add(&mut self, set: &SelectionSet, document: &ExecutableDocument) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.response_key().node.clone();
                    let below = self.0.entry(name).or_default();
                    below.add(&field.node.selection_set.node, document);
                }
                Selection::InlineFragment(fragment) => {
                    self.add(&fragment.node.selection_set.node, document);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.add(&fragment.node.selection_set.node, document);
                    }
                }
            }
        }
    }

    fn finish(self) -> FieldOrder {
        let fields = self.0.into_iter();
        FieldOrder(fields.map(|(name, below)| (name, below.finish())).collect())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};

    use super::*;

    fn arranged(query: &str, answer: &str) -> String {
        let document = parse_query(query).expect("a document");
        let DocumentOperations::Single(operation) = &document.operations else {
            panic!("one operation");
        };
        let order = FieldOrder::of(&operation.node.selection_set.node, &document);
        let mut answer = serde_json::from_str(answer).expect("an answer");
        order.arrange(&mut answer);
        serde_json::to_string(&answer).expect("JSON")
    }

    #[test]
    fn fields_are_in_the_order_in_which_they_are_selected() {
        let query = "{ z a { y ...F x } l { b a } n }
            fragment F on T { first: x y ... on U { w { v u } } w { t } }";
        let answer = r#"{"n":null,"l":[{"a":1,"b":2},null,{"b":3,"a":4}],"z":1,
            "a":{"x":1,"w":{"t":1,"u":2,"v":3},"first":2,"y":3}}"#;
        assert_eq!(
            arranged(query, answer),
            r#"{"z":1,"a":{"y":3,"first":2,"w":{"v":3,"u":2,"t":1},"x":1},"l":[{"b":2,"a":1},null,{"b":3,"a":4}],"n":null}"#
        );
    }

    #[test]
    fn what_was_left_out_or_never_selected_changes_nothing() {
        let query = "{ a @skip(if: true) c b { data } }";
        let answer = r#"{"b":{"data":{"y":1,"x":2}},"c":1}"#;
        assert_eq!(
            arranged(query, answer),
            r#"{"c":1,"b":{"data":{"y":1,"x":2}}}"#
        );
    }
}
