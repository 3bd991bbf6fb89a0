//! Makes the plan of an operation: collects and merges its fields by the specification's CollectFields, for each type that an object can
//! have, with all conditions decided. The result is bounded before it is built: its fields by `expandedFields`, what their arguments are
//! given by `literals`, and the selections visited on the way by a multiple of the fields. The document must be valid: then fields of one
//! key are alike, and there are no cycles.

use std::collections::HashSet;

use apollo_compiler::Node;
use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::FieldDefinition;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types as executor;
use async_graphql::{Name, Pos, Positioned, ServerError};
use async_graphql_value::Value;

use super::circumstances::Circumstances;
use super::introspection;
use super::live;
use super::plan::{Below, Plan, Planned, Set, free_key};
use super::price::Each;
use super::reading::Read;
use super::refused;
use super::typing::{Shape, Typing};
use crate::errors::limit_exceeded;
use crate::limits::{Limits, MAX_LITERALS};

/// Selections visited for each field allowed: fragments on other types are visited, and yield nothing.
const LOOKS_PER_FIELD: usize = 8;
/// The bytes that a field takes, without what its arguments are given.
const BYTES_PER_FIELD: usize = 1024;
const TYPENAME: &str = "__typename";
const KIND: &str = "kind";

/// The context in which plans are made.
pub(super) struct Workshop<'a> {
    pub(super) read: &'a Read,
    pub(super) typing: &'a Typing,
    pub(super) limits: &'a Limits,
    pub(super) allows_introspection: bool,
}

pub(super) fn plan(
    workshop: &Workshop<'_>,
    operation: &Operation,
    circumstances: &Circumstances<'_>,
) -> Result<Plan, ServerError> {
    let mut collector = Collector {
        workshop,
        circumstances,
        fields: 0,
        literals: 0,
        looks: 0,
    };
    let groups = collector.collect(operation.object_type(), &[&operation.selection_set])?;
    let root = collector.object(operation.object_type(), &groups, None)?;
    let introspection = introspection::Asked::of(&root.selections);
    let resolves_nothing = kind(operation.operation_type) == executor::OperationType::Query
        && root.selections.iter().all(is_typename);
    let definition = executor::OperationDefinition {
        ty: kind(operation.operation_type),
        variable_definitions: collector.variables(operation),
        directives: Vec::new(),
        selection_set: selected(root.selections),
    };
    let document = executor::ExecutableDocument {
        operations: executor::DocumentOperations::Single(collector.placed(definition, None)),
        fragments: Default::default(),
    };
    Ok(Plan {
        kind: kind(operation.operation_type),
        text: workshop.read.text.clone(),
        name: operation.name.as_ref().map(|name| name.as_str().into()),
        document: document.into(),
        root: root.set,
        price: root.price.total(),
        introspection,
        live: live::Asked::of(operation, circumstances),
        resolves_nothing,
        size: collector.fields * BYTES_PER_FIELD + collector.literals,
        figures: Default::default(),
        held: Default::default(),
    })
}

fn is_typename(selection: &Positioned<executor::Selection>) -> bool {
    matches!(&selection.node, executor::Selection::Field(field) if field.node.name.node == TYPENAME)
}

pub(super) const fn kind(kind: OperationType) -> executor::OperationType {
    match kind {
        OperationType::Query => executor::OperationType::Query,
        OperationType::Mutation => executor::OperationType::Mutation,
        OperationType::Subscription => executor::OperationType::Subscription,
    }
}

/// Fields by their response keys.
type Groups<'a> = IndexMap<&'a str, Vec<&'a Node<Field>>>;

struct Collector<'a> {
    workshop: &'a Workshop<'a>,
    circumstances: &'a Circumstances<'a>,
    fields: usize,
    /// The bytes that arguments are given.
    literals: usize,
    looks: usize,
}

/// An object's selection, as the executor, the answer and the price need it.
struct Made {
    selections: Vec<Positioned<executor::Selection>>,
    set: Set,
    price: Each,
}

impl<'a> Collector<'a> {
    /// Collects the fields that are selected of an object.
    fn collect(
        &mut self,
        object: &str,
        sets: &[&'a SelectionSet],
    ) -> Result<Groups<'a>, ServerError> {
        let mut groups = Groups::new();
        let mut seen = HashSet::new();
        for set in sets {
            self.gather(object, set, &mut seen, &mut groups)?;
        }
        Ok(groups)
    }

    fn gather(
        &mut self,
        object: &str,
        set: &'a SelectionSet,
        seen: &mut HashSet<&'a str>,
        groups: &mut Groups<'a>,
    ) -> Result<(), ServerError> {
        let maximum = self.workshop.limits.max_expanded_fields;
        self.looks += set.selections.len();
        if self.looks > maximum.saturating_mul(LOOKS_PER_FIELD) {
            return Err(too_many_fields(maximum));
        }
        for selection in &set.selections {
            if !self.circumstances.is_included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    groups.entry(field.response_key()).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref();
                    if condition.is_none_or(|name| self.workshop.typing.applies(name, object)) {
                        self.gather(object, &fragment.selection_set, seen, groups)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.workshop.read.document.fragments;
                    let Some(fragment) = fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if seen.insert(&fragment.name)
                        && self
                            .workshop
                            .typing
                            .applies(fragment.type_condition(), object)
                    {
                        self.gather(object, &fragment.selection_set, seen, groups)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes the selection of an object; also for `hidden`, which only tells its type.
    fn object(
        &mut self,
        object: &str,
        groups: &Groups<'a>,
        hidden: Option<&str>,
    ) -> Result<Made, ServerError> {
        let mut made = Made {
            selections: Vec::with_capacity(groups.len() + 1),
            set: Set::default(),
            price: Each::default(),
        };
        let mut fields = Vec::with_capacity(groups.len());
        for (key, nodes) in groups {
            fields.push(self.field(object, key, nodes, &mut made)?);
        }
        let hidden = match hidden {
            Some(key) => Some((key.to_owned(), TYPENAME)),
            None if introspection::needs_kind(object, &fields) => {
                Some((free_key(KIND, |key| groups.contains_key(key)), KIND))
            }
            None => (made.selections.is_empty()).then(|| (TYPENAME.to_owned(), TYPENAME)),
        };
        if let Some((key, name)) = hidden {
            let field = asked(&key, name, Pos::default(), Vec::new(), Vec::new());
            made.selections.push(field);
            made.set.hidden = Some(Name::new(key));
        }
        made.set.fields = fields.into();
        Ok(made)
    }

    fn field(
        &mut self,
        object: &str,
        key: &str,
        nodes: &[&'a Node<Field>],
        made: &mut Made,
    ) -> Result<Planned, ServerError> {
        let maximum = self.workshop.limits.max_expanded_fields;
        self.fields += 1;
        if self.fields > maximum {
            return Err(too_many_fields(maximum));
        }
        let first = nodes[0];
        let pos = self.pos(first.location());
        if object == self.query() && matches!(first.name.as_str(), "__schema" | "__type") {
            self.check_introspection(pos)?;
        }
        // The definition is that of the object, which may promise more than the interface through which the field is selected.
        let typing = self.workshop.typing;
        let definition = typing.schema.type_field(object, &first.name);
        let definition = definition.map_or(&first.definition, |found| &found.node);
        let sets: Vec<_> = nodes.iter().map(|node| &node.selection_set).collect();
        let (below, selections, each) = self.below(definition, &sets)?;
        self.literals += Circumstances::weigh(&first.arguments);
        if self.literals > MAX_LITERALS {
            let message =
                format!("The document exceeds the limit literals of {MAX_LITERALS} bytes");
            return Err(limit_exceeded("literals", MAX_LITERALS, message));
        }
        let arguments = self.circumstances.arguments(first);
        made.price.add(definition, &arguments, each, typing);
        if !introspection::is_unknown(object, &first.name) {
            let arguments = arguments.into_iter();
            let arguments = arguments
                .map(|(name, value)| (Positioned::new(name, pos), Positioned::new(value, pos)));
            let field = asked(key, &first.name, pos, arguments.collect(), selections);
            made.selections.push(field);
        }
        Ok(Planned {
            key: Name::new(key),
            name: Name::new(first.name.as_str()),
            shape: Shape::of(&definition.ty),
            below,
        })
    }

    fn below(
        &mut self,
        definition: &Node<FieldDefinition>,
        sets: &[&'a SelectionSet],
    ) -> Result<(Below, Vec<Positioned<executor::Selection>>, Each), ServerError> {
        if sets[0].selections.is_empty() {
            return Ok((Below::Leaf, Vec::new(), Each::default()));
        }
        let (typing, name) = (self.workshop.typing, definition.ty.inner_named_type());
        if !typing.is_abstract(name) {
            let groups = self.collect(name, sets)?;
            let made = self.object(name, &groups, None)?;
            return Ok((Below::Object(made.set), made.selections, made.price));
        }
        let types = typing.possible(name);
        let mut collected = Vec::with_capacity(types.len());
        for object in types {
            collected.push((object, self.collect(object, sets)?));
        }
        let (key, is_hidden) = typename_key(collected.iter().map(|(_, groups)| groups));
        let mut sets = Vec::with_capacity(types.len());
        let mut selections = Vec::with_capacity(types.len());
        let mut prices = Vec::with_capacity(types.len());
        for (object, groups) in &collected {
            let made = self.object(object, groups, is_hidden.then_some(key.as_str()))?;
            sets.push((Name::new(object.as_str()), made.set));
            prices.push(made.price);
            let on = Positioned::new(Name::new(object.as_str()), Pos::default());
            let fragment = executor::InlineFragment {
                type_condition: Some(Positioned::new(
                    executor::TypeCondition { on },
                    Pos::default(),
                )),
                directives: Vec::new(),
                selection_set: selected(made.selections),
            };
            let fragment = Positioned::new(fragment, Pos::default());
            let selection = executor::Selection::InlineFragment(fragment);
            selections.push(Positioned::new(selection, Pos::default()));
        }
        let below = Below::Typed {
            key: Name::new(key),
            sets: sets.into(),
        };
        Ok((below, selections, Each::largest(prices)))
    }

    fn variables(&self, operation: &Operation) -> Vec<Positioned<executor::VariableDefinition>> {
        let given = operation.variables.iter();
        let given = given.filter(|variable| !(self.circumstances.is_absent)(&variable.name));
        let definitions = given.filter_map(|variable| {
            let definition = executor::VariableDefinition {
                name: self.placed(Name::new(variable.name.as_str()), None),
                var_type: self.placed(executor::Type::new(&variable.ty.to_string())?, None),
                directives: Vec::new(),
                // Values are complete when they reach the executor.
                default_value: None,
            };
            Some(self.placed(definition, variable.location()))
        });
        definitions.collect()
    }

    fn check_introspection(&self, pos: Pos) -> Result<(), ServerError> {
        if self.workshop.allows_introspection {
            return Ok(());
        }
        let mut error = refused("Introspection is off on this server.");
        error.locations.push(pos);
        Err(error)
    }

    fn query(&self) -> &str {
        let root = self
            .workshop
            .typing
            .schema
            .root_operation(OperationType::Query);
        root.map_or("", |name| name.as_str())
    }

    fn pos(&self, span: Option<SourceSpan>) -> Pos {
        let Read {
            text, positions, ..
        } = self.workshop.read;
        positions.of_span(text, span)
    }

    fn placed<T>(&self, node: T, span: Option<SourceSpan>) -> Positioned<T> {
        Positioned::new(node, self.pos(span))
    }
}

/// Returns a key under which all of them have their type, and whether it was added here.
fn typename_key<'a, 'b: 'a>(all: impl Iterator<Item = &'a Groups<'b>> + Clone) -> (String, bool) {
    let is_typename = |groups: &Groups<'b>, key: &str| {
        groups
            .get(key)
            .is_some_and(|nodes| nodes[0].name == TYPENAME)
    };
    let candidates = all
        .clone()
        .next()
        .into_iter()
        .flat_map(|groups| groups.keys());
    for key in candidates {
        if all.clone().all(|groups| is_typename(groups, key)) {
            return ((*key).to_owned(), false);
        }
    }
    let is_taken = |key: &str| all.clone().any(|groups| groups.contains_key(key));
    (free_key(TYPENAME, is_taken), true)
}

/// Returns a field as the executor is asked for it.
fn asked(
    key: &str,
    name: &str,
    pos: Pos,
    arguments: Vec<(Positioned<Name>, Positioned<Value>)>,
    below: Vec<Positioned<executor::Selection>>,
) -> Positioned<executor::Selection> {
    let field = executor::Field {
        alias: (key != name).then(|| Positioned::new(Name::new(key), pos)),
        name: Positioned::new(Name::new(name), pos),
        arguments,
        directives: Vec::new(),
        selection_set: selected(below),
    };
    let selection = executor::Selection::Field(Positioned::new(field, pos));
    Positioned::new(selection, pos)
}

fn selected(items: Vec<Positioned<executor::Selection>>) -> Positioned<executor::SelectionSet> {
    Positioned::new(executor::SelectionSet { items }, Pos::default())
}

fn too_many_fields(maximum: usize) -> ServerError {
    let message = format!("The document exceeds the limit expandedFields of {maximum}");
    limit_exceeded("expandedFields", maximum, message)
}
