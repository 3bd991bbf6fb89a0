//! The fields at the root of an operation, each with a span in the request's trace. Used by `execution` where one is recorded. A span has
//! the schema's name of the field: aliases and arguments are texts of the client.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult,
    Value, parser::types::Field, registry::Registry, resolver_utils::resolve_container,
};
use async_trait::async_trait;
use events::trace::{Kind, child};

/// A root whose fields have spans.
pub(crate) struct Traced<'a, T>(pub(crate) &'a T);

#[async_trait]
impl<T: ObjectType> ContainerType for Traced<'_, T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let name = ctx.item.node.name.node.as_str();
        let mut span = child("resolve", Kind::Internal);
        if span.is_recorded() {
            span.rename(format!("resolve {name}"));
        }
        let resolved = span.scope(self.0.resolve_field(ctx)).await;
        if resolved.is_err() {
            span.set_error("field");
        }
        resolved
    }
}

#[async_trait]
impl<T: ObjectType> OutputType for Traced<'_, T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}
