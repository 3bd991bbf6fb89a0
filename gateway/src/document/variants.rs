//! A parsed document, and the plans of its operations: one for each combination of conditions and omitted variables so far. Their number
//! is bounded, and they count towards the document's weight.

use std::collections::HashSet;
use std::sync::Arc;

use apollo_compiler::ast::Value as Syntax;
use apollo_compiler::executable::{DirectiveList, Operation, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name, Node};
use async_graphql::{ServerError, Value, Variables};
use parking_lot::RwLock;

use super::circumstances::Circumstances;
use super::collect::{self, Workshop};
use super::plan::Plan;
use super::reading::Read;
use super::typing::Typing;
use super::{Documents, refused, variables};
use crate::errors::{Code, typed};

/// The most plans kept of an operation. Further combinations are planned each time.
const MAX_PLANS: usize = 16;
/// The bytes that a document takes without its plans: in total, and for each byte and token of its text.
const ENTRY_BYTES: usize = 2 * 1024;
const BYTES_PER_BYTE: usize = 3;
const BYTES_PER_TOKEN: usize = 400;

/// Which variables are omitted, and which conditions hold.
type Fallen = Box<[bool]>;

/// A valid document.
pub(super) struct Document {
    read: Read,
    operations: Vec<Variants>,
}

/// An operation with its plans.
pub(super) struct Variants {
    definition: Node<Operation>,
    /// Variables that may be omitted, and then have no value.
    optional: Vec<Name>,
    /// Variables in conditions.
    conditions: Vec<Name>,
    plans: RwLock<Vec<(Fallen, Arc<Plan>)>>,
}

impl Document {
    pub(super) fn of(read: Read) -> Self {
        let document = &read.document;
        let operations = document.operations.iter().map(|operation| {
            let mut found = Conditions::default();
            found.find(document, &operation.selection_set);
            let conditions = found.variables;
            let variables = operation.variables.iter();
            let optional = variables
                .clone()
                .filter(|variable| !variable.ty.is_non_null() && variable.default_value.is_none());
            let deciding = variables.filter(|variable| conditions.contains(&variable.name));
            Variants {
                definition: operation.clone(),
                optional: optional.map(|variable| variable.name.clone()).collect(),
                conditions: deciding.map(|variable| variable.name.clone()).collect(),
                plans: RwLock::default(),
            }
        });
        let operations = operations.collect();
        Self { read, operations }
    }

    /// Returns about how many bytes of memory it takes.
    pub(super) fn weight(&self) -> u32 {
        let plans = self.operations.iter().map(|operation| {
            let plans = operation.plans.read();
            plans.iter().map(|(_, plan)| plan.size).sum::<usize>()
        });
        let bytes = ENTRY_BYTES
            + self.read.text.len() * BYTES_PER_BYTE
            + self.read.tokens * BYTES_PER_TOKEN
            + plans.sum::<usize>();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// Returns the operation that a request names, or the only one.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<&Variants, ServerError> {
        let Some(name) = name else {
            return match self.operations.as_slice() {
                [operation] => Ok(operation),
                _ => {
                    let message = "operationName is required: the document has several operations";
                    Err(typed(Code::BadRequest, message))
                }
            };
        };
        let mut operations = self.operations.iter();
        let found = operations.find(|operation| {
            operation
                .definition
                .name
                .as_ref()
                .is_some_and(|known| known == name)
        });
        found.ok_or_else(|| {
            let message = format!("The document has no operation named {name:?}");
            typed(Code::BadRequest, message)
        })
    }

    /// Returns the values of the operation's variables.
    pub(super) fn coerce(
        &self,
        operation: &Variants,
        given: Variables,
        typing: &Typing,
    ) -> Result<Variables, ServerError> {
        let coerced = variables::coerce(&operation.definition, given, typing);
        let coerced = coerced.map_err(|(message, definition)| {
            let Read {
                text, positions, ..
            } = &self.read;
            let mut error = refused(message);
            error
                .locations
                .push(positions.of_span(text, definition.location()));
            error
        })?;
        for name in &operation.conditions {
            if !matches!(coerced.get(name.as_str()), Some(Value::Boolean(_))) {
                let message =
                    format!("Variable \"${name}\" decides a condition and must not be null.");
                return Err(refused(message));
            }
        }
        Ok(coerced)
    }

    /// Returns the plan for these values, and whether it was added to those kept.
    pub(super) fn plan(
        &self,
        operation: &Variants,
        variables: &Variables,
        documents: &Documents,
    ) -> Result<(Arc<Plan>, bool), ServerError> {
        let is_absent = |name: &str| !variables.contains_key(name);
        let is_true = |name: &str| variables.get(name) == Some(&Value::Boolean(true));
        let absent = operation.optional.iter().map(|name| is_absent(name));
        let decided = operation.conditions.iter().map(|name| is_true(name));
        let key: Fallen = absent.chain(decided).collect();
        let known = operation.plans.read();
        if let Some((_, plan)) = known.iter().find(|(known, _)| *known == key) {
            return Ok((plan.clone(), false));
        }
        drop(known);
        let workshop = Workshop {
            read: &self.read,
            typing: &documents.typing,
            limits: &documents.limits,
            allows_introspection: documents.allows_introspection,
        };
        let circumstances = Circumstances {
            is_absent: &is_absent,
            is_true: &is_true,
        };
        let plan = collect::plan(&workshop, &operation.definition, &circumstances)?;
        let plan = Arc::new(plan);
        let mut plans = operation.plans.write();
        let is_kept = plans.len() < MAX_PLANS;
        if is_kept {
            plans.push((key, plan.clone()));
        }
        Ok((plan, is_kept))
    }
}

/// The variables that decide the conditions of an operation. Each fragment is looked through once.
#[derive(Default)]
struct Conditions<'a> {
    variables: HashSet<&'a Name>,
    seen: HashSet<&'a Name>,
}

impl<'a> Conditions<'a> {
    fn find(&mut self, document: &'a ExecutableDocument, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.add(selection.directives());
            let below = match selection {
                Selection::Field(field) => &field.selection_set,
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.fragment_name);
                    let Some(fragment) = fragment.filter(|it| self.seen.insert(&it.name)) else {
                        continue;
                    };
                    &fragment.selection_set
                }
            };
            self.find(document, below);
        }
    }

    fn add(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            if !matches!(directive.name.as_str(), "skip" | "include") {
                continue;
            }
            let condition = directive.specified_argument_by_name("if");
            if let Some(Syntax::Variable(name)) = condition.map(|value| &**value) {
                self.variables.insert(name);
            }
        }
    }
}
