//! Objects whose fields are in memory. async-graphql makes a boxed future of every field, queues it, and makes another of its value;
//! on a page of posts with comments that takes longer than all else. So plain fields are read directly, and only the others are
//! resolved. Answers are the same: the fields in the selected order, and those that fail are left out and reported.
//!
//! An executed selection has every response key once, and no directives. Selections with fragments, which objects of several
//! types have, are left to async-graphql.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ScalarType, ServerResult,
    Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::future::join_all;

/// An object with plain fields.
pub trait Plain: ContainerType {
    /// Returns the value of a field that is in memory, and visible to everybody; `None` for all others.
    fn plain(&self, field: &Field) -> Option<Value>;
}

impl<T: Plain> Plain for Arc<T> {
    fn plain(&self, field: &Field) -> Option<Value> {
        T::plain(self, field)
    }
}

/// A plain object. In the schema it is the object itself.
pub struct Shown<T>(pub T);

#[async_trait]
impl<T: Plain + Send + Sync> OutputType for Shown<T> {
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
        match Reading::of::<T>(&ctx.item.node, |field| self.0.plain(field)) {
            Some(reading) if reading.others.is_empty() => Ok(Value::Object(reading.fields)),
            // The future below is large, and most objects need none.
            Some(reading) => Ok(Box::pin(resolve_others(&self.0, ctx, reading)).await),
            None => self.0.resolve(ctx, field).await,
        }
    }
}

/// Returns a time that may be missing.
pub(crate) fn time(time: Option<DateTime<Utc>>) -> Value {
    time.map_or(Value::Null, |time| time.to_value())
}

/// Returns the selected fields of an object of type `T`, if all of them are plain.
pub(crate) fn read<T: OutputType>(
    selected: &SelectionSet,
    plain: impl Fn(&Field) -> Option<Value>,
) -> Option<Value> {
    let reading = Reading::of::<T>(selected, plain)?;
    let is_whole = reading.others.is_empty();
    is_whole.then_some(Value::Object(reading.fields))
}

struct Reading<'a> {
    /// The selected fields in their order, with null in place of the others.
    fields: IndexMap<Name, Value>,
    others: Vec<&'a Positioned<Field>>,
}

impl<'a> Reading<'a> {
    /// Returns `None` if the selection has fragments, or nothing.
    fn of<T: OutputType>(
        selected: &'a SelectionSet,
        plain: impl Fn(&Field) -> Option<Value>,
    ) -> Option<Self> {
        let mut fields = IndexMap::with_capacity(selected.items.len());
        let mut others = Vec::new();
        for item in &selected.items {
            let Selection::Field(field) = &item.node else {
                return None;
            };
            let value = match field.node.name.node.as_str() {
                "__typename" => Some(Value::String(T::type_name().into_owned())),
                _ => plain(&field.node),
            };
            if value.is_none() {
                others.push(field);
            }
            let key = field.node.response_key().node.clone();
            fields.insert(key, value.unwrap_or_default());
        }
        (!fields.is_empty()).then_some(Self { fields, others })
    }
}

/// Resolves the other fields, all at once, as async-graphql does.
async fn resolve_others<T: Plain + Sync>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    reading: Reading<'_>,
) -> Value {
    let Reading { mut fields, others } = reading;
    let resolving = others.iter().map(|field| async move {
        let resolved = object.resolve_field(&ctx.with_field(field)).await;
        (&field.node.response_key().node, resolved)
    });
    for (key, resolved) in join_all(resolving).await {
        match resolved {
            Ok(value) => {
                fields.insert(key.clone(), value.unwrap_or_default());
            }
            Err(error) => {
                fields.shift_remove(key);
                ctx.add_error(error);
            }
        }
    }
    match fields.is_empty() {
        true => Value::Null,
        false => Value::Object(fields),
    }
}
