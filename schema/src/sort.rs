//! The orders of lists, which have the same shape everywhere: a field and a direction. There is one criterion besides the id, which
//! decides between equal rows, so that a place in a list is compared as a whole, along one index.

use std::borrow::Cow;

use async_graphql::{
    Enum, InputObject, InputType, InputValueError, InputValueResult, Name, Value,
    registry::Registry,
};
use entities::{Direction, record::Sort};

use crate::payloads::register;

/// Ascending or descending.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "Direction")]
pub(crate) enum SortDirection {
    /// Smallest, oldest or first in the alphabet first.
    Asc,
    /// The other way round.
    Desc,
}

/// The order of a list. What is equal in it is ordered by id.
#[derive(InputObject)]
struct SortFields {
    /// The direction to sort in.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

/// `SortFields` with the fields of one kind of list: `CustomerSort` for a `CustomerSortField`.
pub(crate) struct SortInput<F> {
    field: F,
    direction: SortDirection,
}

impl<F: InputType + Default> InputType for SortInput<F> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        let field = F::type_name();
        field.trim_end_matches("Field").to_owned().into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register::<Self, SortFields>(registry, |registry, fields| {
            let mut field = fields["direction"].clone();
            field.name = "field".to_owned();
            field.description = Some("The field to sort by.".to_owned());
            field.ty = F::create_type_info(registry);
            field.default_value = Some(F::default().to_value().to_string());
            fields.shift_insert(0, field.name.clone(), field);
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(mut fields)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let field = match fields.shift_remove("field") {
            Some(field) => F::parse(Some(field)).map_err(InputValueError::propagate)?,
            None => F::default(),
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

/// Returns the order as `entities` takes it: the first field in descending order, unless another one is given.
pub(crate) fn order<F: Default + Into<S>, S>(given: Option<SortInput<F>>) -> Sort<S> {
    let (field, direction) = match given {
        Some(given) => (given.field, given.direction),
        None => (F::default(), SortDirection::Desc),
    };
    Sort {
        field: field.into(),
        direction: direction.into(),
    }
}
