//! Lists in answers. async-graphql's own list compiles five hundred functions for each type of item; this one leaves everything that does
//! not depend on the type to one function. Answers are the same: items are resolved at once, and the first that fails fails the list.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use async_trait::async_trait;
use futures::future::{BoxFuture, try_join_all};

/// The items of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

#[async_trait]
impl<T: OutputType> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let places: Vec<_> = (0..self.0.len())
            .map(|place| ctx.with_index(place))
            .collect();
        let items = self.0.iter().zip(&places);
        let items = items.map(|(item, place)| item.resolve(place, field));
        all(items.collect(), &places).await
    }
}

/// Waits for all items, each at its place.
async fn all(
    items: Vec<BoxFuture<'_, ServerResult<Value>>>,
    places: &[ContextSelectionSet<'_>],
) -> ServerResult<Value> {
    let items = items.into_iter().zip(places);
    let items = items.map(|(item, place)| async move {
        item.await.map_err(|error| place.set_error_path(error))
    });
    Ok(Value::List(try_join_all(items).await?))
}
