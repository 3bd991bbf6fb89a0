//! The inputs that all records have, and telling absent values from null.

use std::marker::PhantomData;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::{
    Direction, Violation, Violations,
    record::{Record, Sort},
};

use super::{Delete, Recorded, Restore, Verb};
use crate::{customers::Customer, error, error::Result, students::Student};

/// Which record the mutation is about.
#[expect(
    clippy::duplicated_attributes,
    reason = "each names another type, of the same parameters"
)]
#[derive(InputObject)]
#[graphql(
    concrete(name = "DeleteCustomerInput", params(Delete, Customer)),
    concrete(name = "RestoreCustomerInput", params(Restore, Customer)),
    concrete(name = "DeleteStudentInput", params(Delete, Student))
)]
pub(crate) struct TargetInput<V: Verb, O: Recorded> {
    /// The record's global id.
    pub(super) id: ID,
    /// Fails with CONFLICT when the record is at another version.
    pub(super) expected_version: Option<i64>,
    #[graphql(skip)]
    of: PhantomData<(V, O)>,
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
#[graphql(
    concrete(name = "CustomerSort", params(Customer)),
    concrete(name = "StudentSort", params(Student))
)]
pub(crate) struct SortInput<O: Recorded> {
    /// The criterion.
    #[graphql(default_with = "O::SortField::default()")]
    field: O::SortField,
    /// Its direction.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
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
    /// As `entities` knows it.
    pub(super) fn into_sort(self) -> Sort<<O::Record as Record>::SortField> {
        Sort {
            field: self.field.into(),
            direction: self.direction.into(),
        }
    }
}

/// The fields of an update that must not be null: an absent field stays as it is, and null clears what may be empty.
#[derive(Default)]
pub(crate) struct Nulls(Vec<Violation>);

impl Nulls {
    /// Takes the value of a field; notes if it is null.
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

    /// All fields that were null.
    pub(crate) fn end(self) -> Result<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(error::invalid(Violations(self.0))),
        }
    }
}
