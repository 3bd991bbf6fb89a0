//! The inputs of students, and how they become those of `entities`. Absent and null differ in updates: an absent field
//! stays as it is, null clears what may be empty and is a violation elsewhere. Those of imports are in `import`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, Result};
use entities::{
    Direction, Violation, Violations,
    students::{self, ChangeStudent, CreateStudent, UpdateStudent},
};

use super::{KIND, object::StudentStatus};
use crate::{
    alternatives::any_of,
    customers::SortDirection,
    error, id,
    price::{SEARCH, cost},
};

/// A new student.
#[derive(InputObject)]
pub(crate) struct CreateStudentInput {
    /// 1 to 200 characters.
    name: String,
    /// Must not belong to another student.
    email: String,
    /// 1 to 32 letters, digits, - / . _ and spaces; must not belong to another student.
    student_number: Option<String>,
    /// What is studied, 1 to 120 characters.
    course: String,
    /// Which year of it, 1 to 20.
    #[graphql(default = 1)]
    year: i32,
    /// The first status.
    #[graphql(default_with = "StudentStatus::Applicant")]
    status: StudentStatus,
}

impl From<CreateStudentInput> for CreateStudent {
    fn from(input: CreateStudentInput) -> Self {
        Self {
            name: input.name,
            email: input.email,
            student_number: input.student_number,
            course: input.course,
            year: input.year,
            status: input.status.into(),
        }
    }
}

/// Changes to a student; absent fields stay as they are.
#[derive(InputObject)]
pub(crate) struct UpdateStudentInput {
    /// The student.
    id: ID,
    /// Fails with CONFLICT when the student is at another version.
    expected_version: Option<i64>,
    /// 1 to 200 characters.
    name: MaybeUndefined<String>,
    /// Must not belong to another student.
    email: MaybeUndefined<String>,
    /// Null removes it.
    student_number: MaybeUndefined<String>,
    /// 1 to 120 characters.
    course: MaybeUndefined<String>,
    /// 1 to 20.
    year: MaybeUndefined<i32>,
    /// The new status.
    status: MaybeUndefined<StudentStatus>,
}

impl UpdateStudentInput {
    pub(super) fn into_change(self) -> Result<(ChangeStudent, UpdateStudent)> {
        let nulls = [
            ("name", self.name.is_null()),
            ("email", self.email.is_null()),
            ("course", self.course.is_null()),
            ("year", self.year.is_null()),
            ("status", self.status.is_null()),
        ];
        let violations: Vec<_> = nulls
            .into_iter()
            .filter(|(_, is_null)| *is_null)
            .map(|(field, _)| Violation {
                field: field.to_owned(),
                code: "null".to_owned(),
                message: "must not be null; leave it out to keep it".to_owned(),
            })
            .collect();
        if !violations.is_empty() {
            return Err(error::invalid(Violations(violations)));
        }
        let update = UpdateStudent {
            name: self.name.take(),
            email: self.email.take(),
            student_number: match self.student_number {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(number) => Some(Some(number)),
            },
            course: self.course.take(),
            year: self.year.take(),
            status: self.status.take().map(Into::into),
        };
        Ok((target(&self.id, self.expected_version)?, update))
    }
}

/// A student to delete.
#[derive(InputObject)]
pub(crate) struct DeleteStudentInput {
    /// The student.
    pub(super) id: ID,
    /// Fails with CONFLICT when the student is at another version.
    pub(super) expected_version: Option<i64>,
}

pub(super) fn target(id: &ID, expected_version: Option<i64>) -> Result<ChangeStudent> {
    Ok(ChangeStudent {
        id: id::decode_as(KIND, "id", id)?,
        expected_version,
    })
}

/// Which students a list has; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct StudentFilter {
    /// Part of the name, the email address, the student number or the course, whatever its case.
    #[graphql(directive = cost::apply(SEARCH.to_owned()))]
    search: Option<String>,
    /// Any of these; an empty list matches nothing.
    status: Option<Vec<StudentStatus>>,
    /// Any of these, whatever their case; an empty list matches nothing.
    course: Option<Vec<String>>,
    /// Any of these; an empty list matches nothing.
    year: Option<Vec<i32>>,
}

impl From<StudentFilter> for students::StudentFilter {
    fn from(filter: StudentFilter) -> Self {
        Self {
            search: filter.search,
            status: any_of(filter.status),
            course: filter.course,
            year: filter.year,
        }
    }
}

/// What a list of students is sorted by.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "students::StudentSortField")]
pub(crate) enum StudentSortField {
    /// When it was created.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// The name, by code point.
    Name,
    /// The email address in lower case, by code point.
    Email,
    /// The course in lower case, by code point.
    Course,
    /// The year of study.
    Year,
}

/// The order of a list of students; equals are ordered by id.
#[derive(InputObject)]
pub(crate) struct StudentSort {
    /// The criterion.
    #[graphql(default_with = "StudentSortField::CreatedAt")]
    field: StudentSortField,
    /// Its direction.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<StudentSort> for students::StudentSort {
    fn from(sort: StudentSort) -> Self {
        Self {
            field: sort.field.into(),
            direction: Direction::from(sort.direction),
        }
    }
}

impl Default for StudentSort {
    fn default() -> Self {
        Self {
            field: StudentSortField::CreatedAt,
            direction: SortDirection::Desc,
        }
    }
}
