//! Objects that are resolved in one go when all that is selected of them is at hand. async-graphql makes a boxed future of every
//! field, and lists of a hundred objects have hundreds of them; a field that only reads what its object has needs none. What is executed
//! has every response key once, and no directives; fragments, which are for objects of several types, are left to async-graphql, and so
//! are errors.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
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
pub(crate) struct Selected<'a>(&'a Field);

impl<'a> Selected<'a> {
    /// The field's name, whatever it is called in the answer.
    pub(crate) fn name(self) -> &'a str {
        &self.0.name.node
    }

    /// What is selected below this field, of the object that it resolves to.
    pub(crate) fn of<T: AtHand>(self, object: &T) -> Option<Value> {
        let items = &self.0.selection_set.node.items;
        let mut fields = IndexMap::with_capacity(items.len());
        for item in items {
            let Selection::Field(field) = &item.node else {
                return None;
            };
            let field = &field.node;
            let value = match field.name.node.as_str() {
                "__typename" => T::type_name().into(),
                _ => object.at_hand(Selected(field))?,
            };
            fields.insert(field.response_key().node.clone(), value);
        }
        Some(Value::Object(fields))
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
        match Selected(&field.node).of(&self.0) {
            Some(value) => Ok(value),
            None => self.0.resolve(ctx, field).await,
        }
    }
}
