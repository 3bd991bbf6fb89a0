//! The inputs that all records share, and the distinction between absent values and null.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    ID, InputObject, InputType, InputValueError, InputValueResult, MaybeUndefined, Value,
    registry::Registry,
};
use entities::{Violation, Violations};

use super::{Recorded, Verb};
use crate::payloads::register;

/// The record that a mutation changes.
#[derive(InputObject)]
struct TargetFields {
    /// The record's global id.
    id: ID,
    /// Fails with CONFLICT when the record is at another version.
    expected_version: Option<i64>,
}

/// `TargetFields` under the name of the mutation, such as `DeleteCustomerInput`.
pub(crate) struct TargetInput<V, O> {
    pub(super) id: ID,
    pub(super) expected_version: Option<i64>,
    of: PhantomData<fn() -> (V, O)>,
}

impl<V: Verb, O: Recorded> InputType for TargetInput<V, O> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}{}Input", V::NAME, O::NAME).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register::<Self, TargetFields>(registry, |_, _| {})
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let fields = TargetFields::parse(value).map_err(InputValueError::propagate)?;
        Ok(Self {
            id: fields.id,
            expected_version: fields.expected_version,
            of: PhantomData,
        })
    }

    fn to_value(&self) -> Value {
        let (id, expected_version) = (self.id.clone(), self.expected_version);
        TargetFields {
            id,
            expected_version,
        }
        .to_value()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The input that updates a record.
pub(crate) trait UpdateInput {
    /// The input as `entities` takes it.
    type Update;

    /// Returns the id of the record, the version that it is expected to have, and the update.
    ///
    /// # Errors
    /// When a field is null that must not be.
    fn into_parts(self) -> Result<(ID, Option<i64>, Self::Update), Violations>;
}

/// Writes how an update becomes that of `entities`, whose fields have the same names. Null is refused, but for the fields behind
/// `clearing`, which it clears; one with a function is converted by it. A field behind `making` is made of the whole input.
macro_rules! updates {
    ($update:ident: $input:ident {
        $($kept:ident $(as $name:literal)?),+
        $(; clearing $($cleared:ident $(by $convert:path)?),+)? $(; making $made:ident by $make:path)?
    }) => {
        impl $crate::record::UpdateInput for $input {
            type Update = $update;

            fn into_parts(
                self,
            ) -> std::result::Result<(async_graphql::ID, Option<i64>, $update), entities::Violations> {
                let mut nulls = $crate::record::Nulls::default();
                let update = $update {
                    // It borrows the input, so it comes before the others take their parts of it.
                    $($made: $make(&self, &mut nulls),)?
                    $($kept: nulls
                        .refuse($crate::record::updates!(@name $kept $($name)?), self.$kept)
                        .map(Into::into),)+
                    $($($cleared: $crate::record::updates!(@cleared self.$cleared $(, $convert)?),)+)?
                };
                nulls.end()?;
                Ok((self.id, self.expected_version, update))
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@cleared $value:expr) => { $value.into() };
    (@cleared $value:expr, $convert:path) => { Option::from($value).map($convert) };
}
pub(crate) use updates;

/// The fields of an update that must not be null: an absent field keeps its value, and null clears an optional one.
#[derive(Default)]
pub(crate) struct Nulls(Vec<Violation>);

impl Nulls {
    /// Returns the value of a field; notes if it is null.
    pub(crate) fn refuse<T>(&mut self, field: &str, value: MaybeUndefined<T>) -> Option<T> {
        if value.is_null() {
            self.0.push(Violation {
                field: field.to_owned(),
                code: "null".to_owned(),
                message: "must not be null; leave it out to keep it".to_owned(),
            });
        }
        value.take()
    }

    /// Fails with the fields that were null.
    pub(crate) fn end(self) -> Result<(), Violations> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Violations(self.0)),
        }
    }
}
