//! Computes what an operation expands to, without expanding it: each fragment is measured once and its cost added at every spread, so
//! exponential documents are found in linear time, whatever their fragments end in: a spread of a missing fragment counts, too. Also
//! refuses fragment cycles, which later walks would follow, and NUL characters, which the database cannot store. It precedes everything
//! that looks into fragments, validation included.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::ast::{
    Definition, DirectiveList, Document, FragmentDefinition, OperationDefinition, Selection, Value,
};
use apollo_compiler::parser::SourceSpan;
use async_graphql::ServerError;

use super::refused;
use crate::errors::limit_exceeded;
use crate::limits::{Limits, MAX_FRAGMENT_NESTING};
use crate::params::nul_refused;

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    fields: usize,
    /// The fields of the selection set itself, without those below.
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

/// A refusal, and its place in the document.
pub(super) type Refusal = Box<(ServerError, Option<SourceSpan>)>;

/// Checks all operations and fragments of a document.
pub(super) fn check(document: &Document, limits: &Limits) -> Result<(), Refusal> {
    let mut known = HashMap::new();
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            // Validation reports two fragments of one name; until then the first counts, as it does there.
            known.entry(&fragment.name).or_insert(&**fragment);
        }
    }
    let mut meter = Meter {
        measured: HashMap::with_capacity(known.len()),
        known,
    };
    let mut fields = 0_usize;
    for definition in &document.definitions {
        let cost = match definition {
            Definition::OperationDefinition(operation) => {
                meter.check_operation(operation, limits)?
            }
            Definition::FragmentDefinition(fragment) => {
                let name = &fragment.name;
                let cost = meter.fragment(name, name.location(), 0)?;
                within("expandedFields", cost.fields, limits.max_expanded_fields)?;
                continue;
            }
            _ => continue,
        };
        // Later stages walk every operation, even those that are not requested, so their sum counts.
        fields = fields.saturating_add(cost.fields);
    }
    within("expandedFields", fields, limits.max_expanded_fields)
}

struct Meter<'a> {
    known: HashMap<&'a Name, &'a FragmentDefinition>,
    /// `None` while a fragment is being measured: meeting it again means a cycle.
    measured: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Meter<'a> {
    fn check_operation(
        &mut self,
        operation: &'a OperationDefinition,
        limits: &Limits,
    ) -> Result<Cost, Refusal> {
        let mut cost = self.selection_set(&operation.selection_set, 0)?;
        cost.directives += measure_directives(&operation.directives)?;
        for variable in &operation.variables {
            cost.directives += measure_directives(&variable.directives)?;
            if variable.default_value.as_deref().is_some_and(has_nul) {
                return Err(Box::new((nul_refused("the document"), None)));
            }
        }
        within("expandedFields", cost.fields, limits.max_expanded_fields)?;
        within("rootFields", cost.own_fields, limits.max_root_fields)?;
        within("depth", cost.depth, limits.max_depth)?;
        within("aliases", cost.aliases, limits.max_aliases)?;
        within("directives", cost.directives, limits.max_directives)?;
        Ok(cost)
    }

    fn selection_set(&mut self, set: &'a [Selection], spreads: usize) -> Result<Cost, Refusal> {
        let mut total = Cost::default();
        for selection in set {
            total.add(self.selection(selection, spreads)?);
        }
        Ok(total)
    }

    fn selection(&mut self, selection: &'a Selection, spreads: usize) -> Result<Cost, Refusal> {
        let (mut cost, directives) = match selection {
            Selection::Field(field) => {
                if field
                    .arguments
                    .iter()
                    .any(|argument| has_nul(&argument.value))
                {
                    return Err(Box::new((nul_refused("the document"), None)));
                }
                let below = self.selection_set(&field.selection_set, spreads)?;
                let cost = Cost {
                    fields: below.fields.saturating_add(1),
                    own_fields: 1,
                    aliases: below
                        .aliases
                        .saturating_add(usize::from(field.alias.is_some())),
                    depth: below.depth + 1,
                    ..below
                };
                (cost, &field.directives)
            }
            Selection::InlineFragment(fragment) => (
                self.selection_set(&fragment.selection_set, spreads)?,
                &fragment.directives,
            ),
            Selection::FragmentSpread(spread) => (
                self.fragment(&spread.fragment_name, selection.location(), spreads)?,
                &spread.directives,
            ),
        };
        let own = measure_directives(directives)?;
        cost.directives = cost.directives.saturating_add(own);
        Ok(cost)
    }

    /// Measures a fragment. A missing one counts as a field: what spreads it is walked all the same.
    fn fragment(
        &mut self,
        name: &Name,
        place: Option<SourceSpan>,
        spreads: usize,
    ) -> Result<Cost, Refusal> {
        let Some((&name, &fragment)) = self.known.get_key_value(name) else {
            return Ok(Cost {
                fields: 1,
                ..Cost::default()
            });
        };
        match self.measured.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => {
                let message = format!("Cannot spread fragment \"{name}\" within itself.");
                return Err(Box::new((refused(message), place)));
            }
            None => {}
        }
        // The walk down is bounded here, the longest chain (which memory of earlier walks hides) below.
        within("fragmentNesting", spreads, MAX_FRAGMENT_NESTING)?;
        self.measured.insert(name, None);
        let mut cost = self.selection_set(&fragment.selection_set, spreads + 1)?;
        let own = measure_directives(&fragment.directives)?;
        cost.directives = cost.directives.saturating_add(own);
        cost.fragment_nesting += 1;
        within(
            "fragmentNesting",
            cost.fragment_nesting,
            MAX_FRAGMENT_NESTING,
        )?;
        self.measured.insert(name, Some(cost));
        Ok(cost)
    }
}

fn measure_directives(directives: &DirectiveList) -> Result<usize, Refusal> {
    let mut arguments = directives.iter().flat_map(|directive| &directive.arguments);
    if arguments.any(|argument| has_nul(&argument.value)) {
        return Err(Box::new((nul_refused("the document"), None)));
    }
    Ok(directives.len())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(|item| has_nul(item)),
        Value::Object(fields) => fields.iter().any(|(_, value)| has_nul(value)),
        _ => false,
    }
}

fn within(limit: &str, value: usize, maximum: usize) -> Result<(), Refusal> {
    if value <= maximum {
        return Ok(());
    }
    let message = format!("The document exceeds the limit {limit} of {maximum}");
    let error = limit_exceeded(limit, maximum, message);
    Err(Box::new((error, None)))
}
