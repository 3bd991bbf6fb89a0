//! What an operation expands to, computed without expanding it: each fragment is measured once and its cost added at
//! every spread, so exponential documents are found in linear time. Also refuses fragment cycles, which later walks
//! would follow, and NUL characters, which the database cannot store.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, ServerError};
use async_graphql_value::Value;

use crate::errors::{Code, limit_exceeded, typed};
use crate::limits::{Limits, MAX_FRAGMENT_NESTING};
use crate::params::{const_value_has_nul, nul_refused};

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    fields: usize,
    /// Fields of the selection set itself, not of those below.
    own_fields: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    fragment_nesting: usize,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.own_fields = self.own_fields.saturating_add(other.own_fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.fragment_nesting = self.fragment_nesting.max(other.fragment_nesting);
    }
}

/// Checks all operations and fragments of a document.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), ServerError> {
    let mut meter = Meter {
        document,
        fragments: HashMap::with_capacity(document.fragments.len()),
    };
    match &document.operations {
        DocumentOperations::Single(operation) => meter.check_operation(operation, limits)?,
        DocumentOperations::Multiple(operations) => {
            // Later stages walk every operation, also those not asked for, so their sum counts.
            let mut fields = 0_usize;
            for operation in operations.values() {
                meter.check_operation(operation, limits)?;
                let cost = meter.selection_set(&operation.node.selection_set.node, 0)?;
                fields = fields.saturating_add(cost.fields);
            }
            within("expandedFields", fields, limits.max_expanded_fields)?;
        }
    }
    for name in document.fragments.keys() {
        let cost = meter.fragment(name, Pos::default(), 0)?;
        within("expandedFields", cost.fields, limits.max_expanded_fields)?;
    }
    Ok(())
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being measured: meeting it again is a cycle.
    fragments: HashMap<&'a str, Option<Cost>>,
}

impl<'a> Meter<'a> {
    fn check_operation(
        &mut self,
        operation: &'a Positioned<OperationDefinition>,
        limits: &Limits,
    ) -> Result<(), ServerError> {
        let definition = &operation.node;
        let mut cost = self.selection_set(&definition.selection_set.node, 0)?;
        cost.directives += measure_directives(&definition.directives)?;
        for variable in &definition.variable_definitions {
            cost.directives += measure_directives(&variable.node.directives)?;
            let default = variable.node.default_value.as_ref();
            if default.is_some_and(|value| const_value_has_nul(&value.node)) {
                return Err(nul_refused("the document"));
            }
        }
        within("expandedFields", cost.fields, limits.max_expanded_fields)?;
        within("rootFields", cost.own_fields, limits.max_root_fields)?;
        within("depth", cost.depth, limits.max_depth)?;
        within("aliases", cost.aliases, limits.max_aliases)?;
        within("directives", cost.directives, limits.max_directives)
    }

    fn selection_set(
        &mut self,
        set: &'a SelectionSet,
        spreads: usize,
    ) -> Result<Cost, ServerError> {
        let mut total = Cost::default();
        for selection in &set.items {
            total.add(self.selection(selection, spreads)?);
        }
        Ok(total)
    }

    fn selection(
        &mut self,
        selection: &'a Positioned<Selection>,
        spreads: usize,
    ) -> Result<Cost, ServerError> {
        let mut cost = match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                if field
                    .arguments
                    .iter()
                    .any(|(_, value)| has_nul(&value.node))
                {
                    return Err(nul_refused("the document"));
                }
                let below = self.selection_set(&field.selection_set.node, spreads)?;
                Cost {
                    fields: below.fields.saturating_add(1),
                    own_fields: 1,
                    aliases: below
                        .aliases
                        .saturating_add(usize::from(field.alias.is_some())),
                    depth: below.depth + 1,
                    ..below
                }
            }
            Selection::InlineFragment(fragment) => {
                self.selection_set(&fragment.node.selection_set.node, spreads)?
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(&spread.node.fragment_name.node, selection.pos, spreads)?
            }
        };
        let own = measure_directives(selection.node.directives())?;
        cost.directives = cost.directives.saturating_add(own);
        Ok(cost)
    }

    /// An unknown fragment costs nothing here; validation refuses it.
    fn fragment(&mut self, name: &Name, pos: Pos, spreads: usize) -> Result<Cost, ServerError> {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Cost::default());
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => {
                let message = format!("Cannot spread fragment \"{name}\" within itself.");
                let mut error = typed(Code::ValidationFailed, message);
                error.locations.push(pos);
                return Err(error);
            }
            None => {}
        }
        // The walk down is bounded here, the longest chain (which memory of earlier walks hides) below.
        within("fragmentNesting", spreads, MAX_FRAGMENT_NESTING)?;
        self.fragments.insert(name.as_str(), None);
        let mut cost = self.selection_set(&fragment.node.selection_set.node, spreads + 1)?;
        let own = measure_directives(&fragment.node.directives)?;
        cost.directives = cost.directives.saturating_add(own);
        cost.fragment_nesting += 1;
        within(
            "fragmentNesting",
            cost.fragment_nesting,
            MAX_FRAGMENT_NESTING,
        )?;
        self.fragments.insert(name.as_str(), Some(cost));
        Ok(cost)
    }
}

fn measure_directives(directives: &[Positioned<Directive>]) -> Result<usize, ServerError> {
    let mut arguments = directives
        .iter()
        .flat_map(|directive| &directive.node.arguments);
    if arguments.any(|(_, value)| has_nul(&value.node)) {
        return Err(nul_refused("the document"));
    }
    Ok(directives.len())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        _ => false,
    }
}

fn within(limit: &str, value: usize, maximum: usize) -> Result<(), ServerError> {
    if value <= maximum {
        return Ok(());
    }
    let message = format!("The document exceeds the limit {limit} of {maximum}");
    Err(limit_exceeded(limit, maximum, message))
}
