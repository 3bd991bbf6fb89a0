//! The inputs and payloads of mutations, in tables: each mutation has types of its own, so that it can get a field without the
//! others. A line has the name, and the fields with their descriptions; it stands for an `InputObject` or a `SimpleObject`.

use async_graphql::{
    InputType,
    indexmap::IndexMap,
    registry::{MetaInputValue, MetaType, MetaTypeId, Registry},
};

use crate::error::Result;

/// What the resolver of a mutation returns. The field is nullable, so that a failure leaves the other fields of the answer there.
pub(crate) type Reply<T> = Result<Option<T>>;

macro_rules! inputs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty = $description:literal),+ $(,)? }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(async_graphql::InputObject)]
        pub(crate) struct $name {
            $(
                #[doc = $description]
                $(#[$meta])*
                pub(super) $field: $type,
            )+
        }
    )+};
}
pub(crate) use inputs;

/// Writes how an input becomes that of `entities`, whose fields have the same names. A field with a function is converted by it.
macro_rules! takes {
    ($to:ty: $input:ident { $($field:ident $(by $convert:path)?),+ $(,)? }) => {
        impl From<$input> for $to {
            fn from(input: $input) -> Self {
                Self { $($field: $crate::payloads::takes!(@value input.$field $(, $convert)?)),+ }
            }
        }
    };
    (@value $value:expr) => { $value.into() };
    (@value $value:expr, $convert:path) => { $convert($value) };
}
pub(crate) use takes;

macro_rules! payloads {
    ($($mutation:literal => $name:ident { $($field:ident: $type:ty = $description:literal),+ $(,)? })+) => {$(
        #[doc = concat!("The result of `", $mutation, "`.")]
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $(
                #[doc = $description]
                $field: $type,
            )+
        }
    )+};
}
pub(crate) use payloads;

/// Registers an input object that is `Fields` under its own name, with the changes of `edit`.
pub(crate) fn register<T: InputType, Fields: InputType>(
    registry: &mut Registry,
    edit: impl Fn(&mut Registry, &mut IndexMap<String, MetaInputValue>),
) -> String {
    registry.create_input_type::<T, _>(MetaTypeId::InputObject, |registry| {
        let mut own = registry.create_fake_input_type::<Fields>();
        if let MetaType::InputObject {
            name,
            input_fields,
            rust_typename,
            ..
        } = &mut own
        {
            *name = T::type_name().into_owned();
            *rust_typename = Some(std::any::type_name::<T>());
            edit(registry, input_fields);
        }
        own
    })
}
