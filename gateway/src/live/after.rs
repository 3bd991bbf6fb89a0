//! The place from which a subscription is to be resumed. By convention the cursor is the argument `after` of the subscription's field; its
//! variable, if it has one that says nothing else, is what alike subscribers may differ in.

use async_graphql::{
    Name, ServerError, Value as ConstValue, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};
use async_graphql_value::Value;
use events::{Cursor, CursorError, EventLog};
use schema::codes;

use crate::{
    document::Plan,
    errors::{Code, typed, with},
    params::{AFTER, ResumeAfter},
};

/// Returns the cursor from which a subscription is to be resumed, and the variable that is its `after` and nothing else. The place at which a stream broke
/// off is later than the one that it had begun at.
pub(super) fn resumed(
    variables: &Variables,
    plan: &Plan,
    broken_off: Option<&ResumeAfter>,
) -> (Option<String>, Option<Name>) {
    let (text, variable) = after_argument(plan.document(), variables);
    // One that says something else, too, makes subscribers differ.
    let variable = variable.filter(|variable| uses(plan.document(), variable) == 1);
    (broken_off.map(|cursor| cursor.0.clone()).or(text), variable)
}

/// Returns the value of the `after` argument of the subscription's one root field, and the variable that it comes from. Variables have
/// their defaults already.
fn after_argument(
    document: &ExecutableDocument,
    variables: &Variables,
) -> (Option<String>, Option<Name>) {
    let DocumentOperations::Single(operation) = &document.operations else {
        return (None, None);
    };
    let root = operation.node.selection_set.node.items.first();
    let argument = match root.map(|root| &root.node) {
        Some(Selection::Field(field)) => field.node.get_argument(AFTER),
        _ => None,
    };
    match argument.map(|argument| &argument.node) {
        Some(Value::String(text)) => (Some(text.clone()), None),
        Some(Value::Variable(name)) => match variables.get(name) {
            Some(ConstValue::String(text)) => (Some(text.clone()), Some(name.clone())),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

/// Returns how often a variable is used.
fn uses(document: &ExecutableDocument, variable: &Name) -> usize {
    let DocumentOperations::Single(operation) = &document.operations else {
        return 0;
    };
    let mut sets = vec![&operation.node.selection_set.node];
    let mut found = 0;
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let arguments = field.node.arguments.iter();
                    found += arguments
                        .map(|(_, value)| uses_within(&value.node, variable))
                        .sum::<usize>();
                    sets.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    sets.push(&fragment.node.selection_set.node);
                }
                // A plan has none.
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    found
}

fn uses_within(value: &Value, variable: &Name) -> usize {
    match value {
        Value::Variable(name) => usize::from(name == variable),
        Value::List(items) => items.iter().map(|item| uses_within(item, variable)).sum(),
        Value::Object(fields) => {
            let values = fields.values();
            values.map(|value| uses_within(value, variable)).sum()
        }
        _ => 0,
    }
}

pub(super) async fn resolve(log: &EventLog, text: &str) -> Result<Cursor, ServerError> {
    let refused = |error: CursorError| {
        let code = match error {
            CursorError::Expired => codes::CURSOR_EXPIRED,
            CursorError::Malformed | CursorError::Foreign => codes::CURSOR_INVALID,
        };
        with(ServerError::new(error.to_string(), None), "code", code)
    };
    let cursor: Cursor = text.parse().map_err(refused)?;
    match log.resolve(cursor).await {
        Ok(resolved) => resolved.map_err(refused),
        Err(error) => {
            tracing::warn!(%error, "a cursor could not be checked");
            Err(typed(
                Code::Unavailable,
                "The event log cannot be read; try again",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(document: &str, variables: serde_json::Value) -> Option<String> {
        let document = async_graphql::parser::parse_query(document).expect("a document");
        after_argument(&document, &Variables::from_json(variables)).0
    }

    #[test]
    fn a_variable_that_is_used_elsewhere_is_counted() {
        let of = |text: &str| {
            let document = async_graphql::parser::parse_query(text).expect("a document");
            uses(&document, &Name::new("a"))
        };
        let twice = "subscription ($a: String) { p(after: $a) { c(after: $a) { id } } }";
        let within = "subscription ($a: ID) { p(after: $a) { ... on P { c(f: { or: [$a] }) } } }";
        assert_eq!(of("subscription ($a: String) { p(after: $a) { id } }"), 1);
        assert_eq!((of(twice), of(within)), (2, 2));
    }

    #[test]
    fn the_cursor_is_found_wherever_it_may_stand() {
        let none = serde_json::json!({});
        let given = serde_json::json!({ "a": "given" });
        let null = serde_json::json!({ "a": null });
        let variable = "subscription ($a: String) { customerChanged(after: $a) { type } }";
        assert_eq!(after(variable, given).as_deref(), Some("given"));
        assert_eq!(after(variable, null), None);
        assert_eq!(after(variable, none.clone()), None);
        let literal = r#"subscription { customerChanged(after: "literal") { type } }"#;
        assert_eq!(after(literal, none.clone()).as_deref(), Some("literal"));
        assert_eq!(
            after("subscription { customerChanged { type } }", none),
            None
        );
    }
}
