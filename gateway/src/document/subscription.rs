//! Gives every subscription exactly one root field. The executor ignores fragments at the root of a subscription (it
//! would answer nothing, forever), so they are inlined here; what the specification forbids at the root is refused.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, ServerError};

use crate::errors::{Code, typed};

/// The name of the schema's subscription root.
const ROOT: &str = "Subscription";

/// Rewrites all subscriptions of a document. Fragment cycles must have been refused before.
pub(super) fn inline_roots(document: &mut ExecutableDocument) -> Result<(), ServerError> {
    let mut inlined = HashSet::new();
    let fragments = &document.fragments;
    let mut rewrite = |operation: &mut Positioned<OperationDefinition>| {
        if operation.node.ty != OperationType::Subscription {
            return Ok::<(), ServerError>(());
        }
        let set = std::mem::take(&mut operation.node.selection_set.node);
        let mut fields = Vec::new();
        flatten(set, fragments, &mut inlined, &mut fields)?;
        let root = only_root(fields, operation.pos)?;
        let pos = root.pos;
        let selection = Positioned::new(Selection::Field(root), pos);
        operation.node.selection_set.node.items = vec![selection];
        Ok(())
    };
    match &mut document.operations {
        DocumentOperations::Single(operation) => rewrite(operation)?,
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                rewrite(operation)?;
            }
        }
    }
    if !inlined.is_empty() {
        forget_unused(document, &inlined);
    }
    Ok(())
}

type Fragments =
    std::collections::HashMap<Name, Positioned<async_graphql::parser::types::FragmentDefinition>>;

fn flatten(
    set: SelectionSet,
    fragments: &Fragments,
    inlined: &mut HashSet<Name>,
    fields: &mut Vec<Positioned<Field>>,
) -> Result<(), ServerError> {
    for selection in set.items {
        let pos = selection.pos;
        if !selection.node.directives().is_empty() {
            return Err(refused(
                pos,
                "Directives are not allowed at the root of a subscription.",
            ));
        }
        match selection.node {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(fragment) => {
                if let Some(condition) = &fragment.node.type_condition {
                    check_condition(&condition.node.on.node, pos)?;
                }
                flatten(fragment.node.selection_set.node, fragments, inlined, fields)?;
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node;
                let Some(fragment) = fragments.get(&name) else {
                    return Err(refused(pos, format!("Unknown fragment: \"{name}\"")));
                };
                check_condition(&fragment.node.type_condition.node.on.node, pos)?;
                inlined.insert(name);
                let set = fragment.node.selection_set.node.clone();
                flatten(set, fragments, inlined, fields)?;
            }
        }
    }
    Ok(())
}

fn check_condition(on: &Name, pos: Pos) -> Result<(), ServerError> {
    if on.as_str() == ROOT {
        return Ok(());
    }
    let message =
        format!("A fragment on \"{on}\" cannot be spread here, only one on \"{ROOT}\" can.");
    Err(refused(pos, message))
}

/// Merges selections of the same response key into one field; more than one key is refused.
fn only_root(fields: Vec<Positioned<Field>>, pos: Pos) -> Result<Positioned<Field>, ServerError> {
    let mut fields = fields.into_iter();
    let Some(mut root) = fields.next() else {
        return Err(refused(pos, "A subscription must select one field."));
    };
    for field in fields {
        if field.node.response_key().node != root.node.response_key().node {
            let message = "A subscription must select exactly one field at its root.";
            return Err(refused(field.pos, message));
        }
        if field.node.name.node != root.node.name.node || !same_arguments(&field.node, &root.node) {
            let message = "Fields of the same name at the root of a subscription must be the same.";
            return Err(refused(field.pos, message));
        }
        let more = field.node.selection_set.node.items;
        root.node.selection_set.node.items.extend(more);
    }
    if root.node.name.node.starts_with("__") {
        let message = "A subscription must not select an introspection field at its root.";
        return Err(refused(root.pos, message));
    }
    Ok(root)
}

fn same_arguments(one: &Field, other: &Field) -> bool {
    one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other
                .get_argument(&name.node)
                .is_some_and(|found| found.node == value.node)
        })
}

/// Drops inlined fragments that nothing else spreads; validation would call them unused.
fn forget_unused(document: &mut ExecutableDocument, inlined: &HashSet<Name>) {
    let mut spread = HashSet::new();
    for (_, operation) in document.operations.iter() {
        collect_spreads(&operation.node.selection_set.node, &mut spread);
    }
    for (name, fragment) in &document.fragments {
        if !inlined.contains(name) {
            collect_spreads(&fragment.node.selection_set.node, &mut spread);
        }
    }
    document
        .fragments
        .retain(|name, _| !inlined.contains(name) || spread.contains(name));
}

fn collect_spreads(set: &SelectionSet, names: &mut HashSet<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => collect_spreads(&field.node.selection_set.node, names),
            Selection::InlineFragment(fragment) => {
                collect_spreads(&fragment.node.selection_set.node, names);
            }
            Selection::FragmentSpread(spread) => {
                names.insert(spread.node.fragment_name.node.clone());
            }
        }
    }
}

fn refused(pos: Pos, message: impl Into<String>) -> ServerError {
    let mut error = typed(Code::ValidationFailed, message);
    error.locations.push(pos);
    error
}
