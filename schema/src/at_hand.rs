//! Objects that are resolved in one go when all that is selected of them is at hand. async-graphql makes a boxed future of every
//! field, and lists of a hundred objects have hundreds of them; a field that only reads what its object has needs none. What is
//! unusual (directives, fragments on other types, a field that is selected twice) is left to async-graphql, and so are errors.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, FragmentDefinition, Selection, SelectionSet},
    registry::Registry,
};
use async_trait::async_trait;

/// An object that has some of its fields at hand.
pub(crate) trait AtHand: OutputType {
    /// What the field resolves to, as its resolver would say; nothing when that has to be asked, or awaited.
    fn at_hand(&self, field: Selected<'_>) -> Option<Value>;
}

/// A selected field.
#[derive(Clone, Copy)]
pub(crate) struct Selected<'a> {
    field: &'a Field,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> Selected<'a> {
    /// The field's name, whatever it is called in the answer.
    pub(crate) fn name(self) -> &'a str {
        &self.field.name.node
    }

    /// What is selected below this field, of the object that it resolves to.
    pub(crate) fn of<T: AtHand>(self, object: &T) -> Option<Value> {
        let mut fields = IndexMap::new();
        self.collect(&self.field.selection_set.node, object, &mut fields)?;
        Some(Value::Object(fields))
    }

    fn collect<T: AtHand>(
        self,
        selection: &'a SelectionSet,
        object: &T,
        fields: &mut IndexMap<Name, Value>,
    ) -> Option<()> {
        fields.reserve(selection.items.len());
        for item in &selection.items {
            if !item.node.directives().is_empty() {
                return None;
            }
            let (condition, below) = match &item.node {
                Selection::Field(field) => {
                    self.insert(&field.node, object, fields)?;
                    continue;
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.fragments.get(&spread.node.fragment_name.node)?.node;
                    (Some(&fragment.type_condition), &fragment.selection_set)
                }
                Selection::InlineFragment(fragment) => (
                    fragment.node.type_condition.as_ref(),
                    &fragment.node.selection_set,
                ),
            };
            if condition.is_some_and(|condition| *condition.node.on.node != *T::type_name()) {
                return None;
            }
            self.collect(&below.node, object, fields)?;
        }
        Some(())
    }

    fn insert<T: AtHand>(
        self,
        field: &'a Field,
        object: &T,
        fields: &mut IndexMap<Name, Value>,
    ) -> Option<()> {
        let value = match field.name.node.as_str() {
            "__typename" => T::type_name().into(),
            _ => object.at_hand(Selected { field, ..self })?,
        };
        match fields.entry(field.response_key().node.clone()) {
            Entry::Vacant(place) => drop(place.insert(value)),
            // What is selected twice of an object is merged; of anything else it is the same.
            Entry::Occupied(_) if matches!(value, Value::Object(_) | Value::List(_)) => {
                return None;
            }
            Entry::Occupied(_) => {}
        }
        Some(())
    }
}

/// Resolves as the object does.
pub(crate) struct Quick<T>(pub(crate) T);

impl<T> From<T> for Quick<T> {
    fn from(object: T) -> Self {
        Self(object)
    }
}

#[async_trait]
impl<T: AtHand> OutputType for Quick<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let selected = Selected {
            field: &field.node,
            fragments: &ctx.query_env.fragments,
        };
        match selected.of(&self.0) {
            Some(value) => Ok(value),
            None => self.0.resolve(ctx, field).await,
        }
    }
}
