//! Fields that lead upward: from an object to one whose module is built on its own, as from a user to their posts, and from an event
//! to the user who caused it. The field says what it leads to, and names the type; the module above has the rest, which `build` puts
//! into the schema's data. So modules form no circle, although types do.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    ContextSelectionSet, InputType, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use async_trait::async_trait;
use futures::future::BoxFuture;

/// What a field leads to.
pub(crate) trait Upward: Send + Sync + 'static {
    /// The name of the type, which another part of the schema registers.
    const TYPE: &'static str;
}

/// An argument of such a field, as it was given. The module above has its type, and reads it.
pub(crate) struct Given<K> {
    value: Value,
    of: PhantomData<fn() -> K>,
}

impl<K: Upward> Given<K> {
    /// Reads the argument of a field.
    pub(crate) fn read<T: InputType>(
        given: Option<&Self>,
        field: &Positioned<Field>,
    ) -> ServerResult<Option<T>> {
        let value = given.map(|given| given.value.clone());
        Option::<T>::parse(value).map_err(|cause| cause.into_server_error(field.pos))
    }
}

impl<K: Upward> InputType for Given<K> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        K::TYPE.into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let (value, of) = (value.unwrap_or_default(), PhantomData);
        Ok(Self { value, of })
    }

    fn to_value(&self) -> Value {
        self.value.clone()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The value of a field that leads upward.
pub(crate) struct Up<K>(pub(crate) K);

/// Resolves such fields.
pub(crate) type Resolve<K> = for<'a> fn(
    &'a K,
    &'a ContextSelectionSet<'a>,
    &'a Positioned<Field>,
) -> BoxFuture<'a, ServerResult<Value>>;

#[async_trait]
impl<K: Upward> OutputType for Up<K> {
    fn type_name() -> Cow<'static, str> {
        K::TYPE.into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let resolve = ctx.data::<Resolve<K>>();
        let resolve =
            resolve.map_err(|cause| ctx.set_error_path(cause.into_server_error(field.pos)))?;
        resolve(&self.0, ctx, field).await
    }
}
