//! Rules of validation that the library lacks, or that differ there from the specification: where variables may stand (the library checks
//! arguments only, and takes a default of null for a value), input objects that name a field twice, and the single root field of a
//! subscription, which may be selected more than once. The rules must agree with graphql-js; `tests/it/oracle` compares them.

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, Type, Value, VariableDefinition};
use apollo_compiler::executable::{DirectiveList, Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, InputValueDefinition};
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::typing::{Typing, named};
use super::variables::{UPLOAD, is_text_of};

/// The library counts fields rather than response keys.
pub(super) const DECIDED_THERE: &str = "SubscriptionUsesMultipleFields";

type Found = Vec<(String, Option<SourceSpan>)>;

/// Returns what is wrong with a document that the library considers valid.
pub(super) fn check(document: &ExecutableDocument, typing: &Typing) -> Found {
    let mut found = Vec::new();
    for operation in document.operations.iter() {
        let mut uses = Uses {
            document,
            typing,
            variables: &operation.variables,
            seen: HashSet::new(),
            found: &mut found,
        };
        uses.operation(operation);
        if operation.is_subscription() {
            check_root(document, operation, &mut found);
        }
    }
    found
}

/// The uses of an operation's variables, in itself and in the fragments that it spreads, each once.
struct Uses<'a> {
    document: &'a ExecutableDocument,
    typing: &'a Typing,
    variables: &'a [Node<VariableDefinition>],
    seen: HashSet<&'a Name>,
    found: &'a mut Found,
}

impl<'a> Uses<'a> {
    fn operation(&mut self, operation: &'a Operation) {
        self.directives(&operation.directives);
        for variable in &operation.variables {
            self.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                self.value(default, &variable.ty, false);
            }
        }
        self.set(&operation.selection_set);
    }

    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment
                        && self.seen.insert(&fragment.name)
                    {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            let definition = self
                .typing
                .schema
                .directive_definitions
                .get(&directive.name);
            if let Some(definition) = definition {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
        definitions: &'a [Node<InputValueDefinition>],
    ) {
        for argument in arguments {
            let mut definitions = definitions.iter();
            let definition = definitions.find(|definition| definition.name == argument.name);
            if let Some(definition) = definition {
                let has_default = definition.default_value.is_some();
                self.value(&argument.value, &definition.ty, has_default);
            }
        }
    }

    fn value(&mut self, value: &'a Node<Value>, ty: &Type, has_default: bool) {
        if is_of_texts(ty) && !matches!(&**value, Value::Variable(_) | Value::Null) {
            let name = ty.inner_named_type();
            if !value.as_str().is_some_and(|text| is_text_of(name, text)) {
                let message = format!("{name} cannot represent the value given.");
                self.found.push((message, value.location()));
            }
            return;
        }
        match &**value {
            Value::Variable(name) => self.variable(name, value.location(), ty, has_default),
            Value::List(items) => {
                let item = if ty.is_list() { ty.item_type() } else { ty };
                for value in items {
                    self.value(value, item, false);
                }
            }
            Value::Object(fields) => {
                let Some(ExtendedType::InputObject(object)) = named(self.typing, ty) else {
                    return;
                };
                let mut names = HashSet::new();
                for (name, value) in fields {
                    if !names.insert(name) {
                        let message =
                            format!("There can be only one input field named \"{name}\".");
                        self.found.push((message, value.location()));
                    }
                    if let Some(field) = object.fields.get(name) {
                        self.value(value, &field.ty, field.default_value.is_some());
                    }
                }
            }
            _ => {}
        }
    }

    /// Implements the specification's IsVariableUsageAllowed.
    fn variable(&mut self, name: &Name, place: Option<SourceSpan>, ty: &Type, has_default: bool) {
        let mut variables = self.variables.iter();
        let Some(variable) = variables.find(|variable| variable.name == *name) else {
            return;
        };
        let default = variable.default_value.as_ref();
        let is_given = has_default || default.is_some_and(|value| !value.is_null());
        let is_allowed = match ty.is_non_null() && !variable.ty.is_non_null() {
            true => is_given && variable.ty.is_assignable_to(&ty.clone().nullable()),
            false => variable.ty.is_assignable_to(ty),
        };
        if !is_allowed {
            let found = &variable.ty;
            let message = format!(
                "Variable \"${name}\" of type \"{found}\" used in position expecting type \"{ty}\"."
            );
            self.found.push((message, place));
        }
    }
}

fn is_of_texts(ty: &Type) -> bool {
    ty.is_named() && matches!(ty.inner_named_type().as_str(), "Date" | "DateTime" | UPLOAD)
}

/// Checks that the root fields of a subscription have one response key.
fn check_root(document: &ExecutableDocument, operation: &Operation, found: &mut Found) {
    let mut keys = HashSet::new();
    for field in operation.root_fields(document) {
        keys.insert(field.response_key());
        if keys.len() > 1 {
            let message = "A subscription must have exactly one field at its root.";
            return found.push((message.to_owned(), field.location()));
        }
    }
}
