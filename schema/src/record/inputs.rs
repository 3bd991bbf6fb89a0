//! The inputs that all records share, and the distinction between absent values and null.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    Enum, ID, InputObject, InputType, InputValueError, InputValueResult, MaybeUndefined, Name,
    Value,
    indexmap::IndexMap,
    registry::{MetaInputValue, MetaType, MetaTypeId, Registry},
};
use entities::{
    Direction, Violation, Violations,
    record::{Record, Sort},
};

use super::{Recorded, Verb};
use crate::{error, error::Result};

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

/// Registers an input object that is `Fields` under its own name, with the changes of `edit`.
fn register<T: InputType, Fields: InputType>(
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

/// Ascending or descending.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "Direction")]
pub(crate) enum SortDirection {
    /// Smallest, oldest or first in the alphabet first.
    Asc,
    /// The other way round.
    Desc,
}

/// The order of a list; records that are equal in it are ordered by id.
#[derive(InputObject)]
struct SortFields {
    /// Its direction.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

/// `SortFields` with the sort fields of one kind of record, such as `CustomerSort`.
pub(crate) struct SortInput<O: Recorded> {
    field: O::SortField,
    direction: SortDirection,
}

impl<O: Recorded> InputType for SortInput<O> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Sort", O::NAME).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register::<Self, SortFields>(registry, |registry, fields| {
            let mut field = fields["direction"].clone();
            field.name = "field".to_owned();
            field.description = Some("The criterion.".to_owned());
            field.ty = O::SortField::create_type_info(registry);
            field.default_value = Some(O::SortField::default().to_value().to_string());
            fields.shift_insert(0, field.name.clone(), field);
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(mut fields)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let field = match fields.shift_remove("field") {
            Some(field) => O::SortField::parse(Some(field)).map_err(InputValueError::propagate)?,
            None => O::SortField::default(),
        };
        let rest = SortFields::parse(Some(Value::Object(fields)));
        let direction = rest.map_err(InputValueError::propagate)?.direction;
        Ok(Self { field, direction })
    }

    fn to_value(&self) -> Value {
        let direction = self.direction;
        let Value::Object(mut fields) = SortFields { direction }.to_value() else {
            return Value::Null;
        };
        fields.insert(Name::new("field"), self.field.to_value());
        Value::Object(fields)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<O: Recorded> Default for SortInput<O> {
    fn default() -> Self {
        Self {
            field: O::SortField::default(),
            direction: SortDirection::Desc,
        }
    }
}

impl<O: Recorded> SortInput<O> {
    /// Returns the order as `entities` takes it.
    pub(super) fn into_sort(self) -> Sort<<O::Record as Record>::SortField> {
        Sort {
            field: self.field.into(),
            direction: self.direction.into(),
        }
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
    fn into_parts(self) -> Result<(ID, Option<i64>, Self::Update)>;
}

/// Writes how an update becomes that of `entities`, whose fields have the same names. Null is refused, but for the fields behind
/// `clearing`, which it clears.
macro_rules! updates {
    ($update:ident: $input:ident { $($kept:ident $(as $name:literal)?),+ $(; clearing $($cleared:ident),+)? }) => {
        impl $crate::record::UpdateInput for $input {
            type Update = $update;

            fn into_parts(self) -> $crate::error::Result<(async_graphql::ID, Option<i64>, $update)> {
                let mut nulls = $crate::record::Nulls::default();
                let update = $update {
                    $($kept: nulls
                        .refuse($crate::record::updates!(@name $kept $($name)?), self.$kept)
                        .map(Into::into),)+
                    $($($cleared: self.$cleared.into(),)+)?
                };
                nulls.end()?;
                Ok((self.id, self.expected_version, update))
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
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
    pub(crate) fn end(self) -> Result<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(error::invalid(Violations(self.0))),
        }
    }
}
