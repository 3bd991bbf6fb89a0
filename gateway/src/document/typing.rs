//! The schema against which documents are checked, built once from the text that clients read.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{FieldDefinition, Type};
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, ty};

use super::price::has_weight;

/// A schema, with tables of frequent look-ups.
pub struct Typing {
    pub(super) schema: Valid<Schema>,
    /// The object types of each interface and union.
    possible: HashMap<Name, Vec<Name>>,
    /// The input types that contain something with a price of its own.
    priced: HashSet<Name>,
}

impl Typing {
    /// Parses the schema's text.
    ///
    /// # Errors
    ///
    /// When it is not a valid schema.
    pub fn of(sdl: &str) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| format!("the schema is not valid: {error}");
        let mut schema =
            Schema::parse(sdl, "schema.graphql").map_err(|error| text(&error.errors))?;
        complete_introspection(&mut schema);
        let schema = schema.validate().map_err(|error| text(&error.errors))?;
        let mut possible = HashMap::<Name, Vec<Name>>::new();
        for (name, definition) in &schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    for interface in &object.implements_interfaces {
                        let objects = possible.entry(interface.name.clone()).or_default();
                        objects.push(name.clone());
                    }
                }
                ExtendedType::Union(union) => {
                    let objects = possible.entry(name.clone()).or_default();
                    objects.extend(union.members.iter().map(|member| member.name.clone()));
                }
                _ => {}
            }
        }
        let priced = priced(&schema);
        Ok(Self {
            schema,
            possible,
            priced,
        })
    }

    /// Returns whether a value of this type may contain something with a price.
    pub(super) fn is_priced(&self, name: &str) -> bool {
        self.priced.contains(name)
    }

    /// Returns the object types that a value of this type can have; none for an object type itself.
    pub(super) fn possible(&self, name: &str) -> &[Name] {
        self.possible.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_abstract(&self, name: &str) -> bool {
        matches!(
            self.schema.types.get(name),
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_))
        )
    }

    /// Returns whether a fragment on `condition` applies to objects of the type `object`.
    pub(super) fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object || self.possible(condition).iter().any(|name| name == object)
    }
}

fn priced(schema: &Schema) -> HashSet<Name> {
    let mut priced = HashSet::<Name>::new();
    // Types refer to one another, so the loop runs until it finds nothing more.
    loop {
        let before = priced.len();
        for (name, definition) in &schema.types {
            let ExtendedType::InputObject(object) = definition else {
                continue;
            };
            let mut fields = object.fields.values();
            if fields.any(|field| has_weight(field) || priced.contains(field.ty.inner_named_type()))
            {
                priced.insert(name.clone());
            }
        }
        if priced.len() == before {
            return priced;
        }
    }
}

/// Adds the introspection fields of newer editions of the specification that the library does not know yet.
fn complete_introspection(schema: &mut Schema) {
    if let Some(ExtendedType::Object(kind)) = schema.types.get_mut("__Type") {
        let definition = FieldDefinition {
            description: None,
            name: apollo_compiler::name!(isOneOf),
            arguments: Vec::new(),
            ty: ty!(Boolean),
            directives: Default::default(),
        };
        let fields = &mut kind.make_mut().fields;
        fields
            .entry(definition.name.clone())
            .or_insert_with(|| Component::new(definition));
    }
}

/// A type's list nesting and nullability, without its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The number of lists around the named type.
    pub(super) lists: u8,
    /// Bit n: non-null within n lists.
    non_null: u16,
}

impl Shape {
    /// Reads a type. Whoever writes the schema writes the types, so there are few lists.
    pub(super) fn of(ty: &Type) -> Self {
        let mut shape = Self::default();
        let mut ty = ty;
        loop {
            shape.non_null |= u16::from(ty.is_non_null()) << shape.lists;
            if !ty.is_list() {
                return shape;
            }
            shape.lists += 1;
            ty = ty.item_type();
        }
    }

    pub(super) const fn is_non_null(self, level: u8) -> bool {
        self.non_null >> level & 1 == 1
    }
}

/// Returns an input type's definition, without lists and exclamation marks.
pub(super) fn named<'a>(typing: &'a Typing, ty: &Type) -> Option<&'a ExtendedType> {
    typing.schema.types.get(ty.inner_named_type())
}
