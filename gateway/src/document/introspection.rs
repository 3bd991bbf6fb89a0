//! Bounds the size of an answer about the schema. Its lists multiply like lists of data, but by known numbers: the schema is walked as
//! the executor would walk it, only counting, and no further than the bound. The usual queries of tools are far below it. What the
//! executor gets wrong there is corrected, too.

use apollo_compiler::ast::{FieldDefinition, InputValueDefinition, OperationType, Type};
use apollo_compiler::schema::ExtendedType;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::{Name, Positioned, Value as Given, Variables, indexmap::IndexMap};
use async_graphql_value::Value;

use super::plan::{Planned, Set};
use super::typing::Typing;

const INTERFACES: &str = "interfaces";

/// Returns whether the executor does not know this field: it has a description of `__Schema` in place of that of the schema, which has
/// none.
pub(super) fn is_unknown(object: &str, field: &str) -> bool {
    object == "__Schema" && field == "description"
}

/// Returns whether the answer must tell the kind of this type: the executor has null for the interfaces of an interface.
pub(super) fn needs_kind(object: &str, fields: &[Planned]) -> bool {
    object == "__Type" && fields.iter().any(|field| field.name == INTERFACES)
}

/// Completes a type of this kind. An interface has a list of interfaces, by the specification; here there is none that has any.
pub(super) fn complete(kind: &Given, set: &Set, fields: &mut IndexMap<Name, Given>) {
    let is_interface = matches!(kind, Given::Enum(kind) if kind == "INTERFACE");
    for (value, field) in fields.values_mut().zip(&*set.fields) {
        if is_interface && field.name == INTERFACES && *value == Given::Null {
            *value = Given::List(Vec::new());
        }
    }
}

/// The selections of an operation about the schema.
#[derive(Default)]
pub(super) struct Asked(Vec<Field>);

impl Asked {
    /// Collects them from the selections at a root.
    pub(super) fn of(root: &[Positioned<Selection>]) -> Self {
        let fields = root.iter().filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(&field.node),
            _ => None,
        });
        let asked =
            fields.filter(|field| matches!(field.name.node.as_str(), "__schema" | "__type"));
        Self(asked.cloned().collect())
    }

    /// Returns whether the answer has at most `most` fields.
    pub(super) fn is_within(&self, most: usize, variables: &Variables, typing: &Typing) -> bool {
        let mut counter = Counter { left: most, typing };
        self.0
            .iter()
            .all(|field| counter.root(field, variables).is_some())
    }
}

/// Counts down; `None` when nothing is left.
struct Counter<'a> {
    left: usize,
    typing: &'a Typing,
}

/// A type as the executor presents it: a name, or a type wrapped in lists and exclamation marks.
#[derive(Clone, Copy)]
enum Shown<'a> {
    Named(&'a ExtendedType),
    Wrapped(&'a Type),
}

impl<'a> Counter<'a> {
    fn root(&mut self, field: &Field, variables: &Variables) -> Option<()> {
        self.take()?;
        if field.name.node == "__type" {
            let name = match field.get_argument("name").map(|value| &value.node) {
                Some(Value::String(name)) => Some(name),
                Some(Value::Variable(name)) => match variables.get(name) {
                    Some(Given::String(name)) => Some(name),
                    _ => None,
                },
                _ => None,
            };
            let shown = name.and_then(|name| self.typing.schema.types.get(name.as_str()));
            return match shown {
                Some(shown) => self.types(field, [Shown::Named(shown)]),
                None => Some(()),
            };
        }
        let schema = &self.typing.schema;
        for below in fields(field) {
            self.take()?;
            match below.name.node.as_str() {
                "types" => self.types(below, schema.types.values().map(Shown::Named))?,
                "queryType" | "mutationType" | "subscriptionType" => {
                    let root = schema.root_operation(match below.name.node.as_str() {
                        "queryType" => OperationType::Query,
                        "mutationType" => OperationType::Mutation,
                        _ => OperationType::Subscription,
                    });
                    self.named(below, root.into_iter())?;
                }
                "directives" => {
                    for directive in schema.directive_definitions.values() {
                        for field in fields(below) {
                            self.take()?;
                            if field.name.node == "args" {
                                self.inputs(field, directive.arguments.iter().map(|node| &**node))?;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn types<'t>(&mut self, field: &Field, shown: impl IntoIterator<Item = Shown<'t>>) -> Option<()>
    where
        'a: 't,
    {
        for shown in shown {
            for below in fields(field) {
                self.take()?;
                self.of_type(below, shown)?;
            }
        }
        Some(())
    }

    fn of_type(&mut self, field: &Field, shown: Shown<'_>) -> Option<()> {
        let definition = match (field.name.node.as_str(), shown) {
            ("ofType", Shown::Wrapped(ty)) => return self.types(field, [self.unwrapped(ty)?]),
            (_, Shown::Wrapped(_)) => return Some(()),
            (_, Shown::Named(definition)) => definition,
        };
        match (field.name.node.as_str(), definition) {
            ("fields", ExtendedType::Object(object)) => {
                self.fields_of(field, object.fields.values().map(|field| &***field))
            }
            ("fields", ExtendedType::Interface(interface)) => {
                self.fields_of(field, interface.fields.values().map(|field| &***field))
            }
            ("inputFields", ExtendedType::InputObject(object)) => {
                self.inputs(field, object.fields.values().map(|field| &***field))
            }
            ("enumValues", ExtendedType::Enum(definition)) => {
                self.take_many(definition.values.len(), fields(field).count())
            }
            ("interfaces", ExtendedType::Object(object)) => {
                let names = object.implements_interfaces.iter();
                self.named(field, names.map(|name| &name.name))
            }
            ("possibleTypes", definition) => {
                let typing = self.typing;
                self.named(field, typing.possible(definition.name()).iter())
            }
            _ => Some(()),
        }
    }

    fn named<'n>(
        &mut self,
        field: &Field,
        names: impl Iterator<Item = &'n apollo_compiler::Name>,
    ) -> Option<()> {
        let schema = &self.typing.schema;
        let shown = names.filter_map(|name| schema.types.get(name));
        self.types(field, shown.map(Shown::Named))
    }

    fn fields_of<'f>(
        &mut self,
        field: &Field,
        definitions: impl Iterator<Item = &'f FieldDefinition>,
    ) -> Option<()> {
        for definition in definitions {
            for below in fields(field) {
                self.take()?;
                match below.name.node.as_str() {
                    "args" => {
                        self.inputs(below, definition.arguments.iter().map(|node| &**node))?
                    }
                    "type" => self.types(below, [self.shown(&definition.ty)?])?,
                    _ => {}
                }
            }
        }
        Some(())
    }

    fn inputs<'i>(
        &mut self,
        field: &Field,
        definitions: impl Iterator<Item = &'i InputValueDefinition>,
    ) -> Option<()> {
        for definition in definitions {
            for below in fields(field) {
                self.take()?;
                if below.name.node == "type" {
                    self.types(below, [self.shown(&definition.ty)?])?;
                }
            }
        }
        Some(())
    }

    fn shown<'t>(&self, ty: &'t Type) -> Option<Shown<'t>>
    where
        'a: 't,
    {
        match ty {
            Type::Named(name) => self.typing.schema.types.get(name).map(Shown::Named),
            wrapped => Some(Shown::Wrapped(wrapped)),
        }
    }

    /// Returns the type within the outermost list or exclamation mark.
    fn unwrapped<'t>(&self, ty: &'t Type) -> Option<Shown<'t>>
    where
        'a: 't,
    {
        match ty {
            Type::NonNullNamed(name) => self.typing.schema.types.get(name).map(Shown::Named),
            // A non-null list presents the list first; one level less does not matter to a count.
            Type::List(item) | Type::NonNullList(item) => self.shown(item),
            Type::Named(_) => None,
        }
    }

    fn take(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }

    fn take_many(&mut self, rows: usize, each: usize) -> Option<()> {
        self.left = self.left.checked_sub(rows.checked_mul(each)?)?;
        Some(())
    }
}

/// Returns the fields below a field; there are no fragments in executed introspection.
fn fields(field: &Field) -> impl Iterator<Item = &Field> + Clone {
    let items = field.selection_set.node.items.iter();
    items.filter_map(|selection| match &selection.node {
        Selection::Field(field) => Some(&field.node),
        _ => None,
    })
}
