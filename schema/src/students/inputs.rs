//! The inputs of students, and their conversion to those of `entities`. Those of imports are in `import`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::students::{self, CreateStudent, UpdateStudent};

use super::object::StudentStatus;
use crate::{
    alternatives::any_of,
    error::Result,
    price::{SEARCH, cost},
    record::Nulls,
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
    pub(super) id: ID,
    /// Fails with CONFLICT when the student is at another version.
    pub(super) expected_version: Option<i64>,
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
    pub(super) fn into_update(self) -> Result<UpdateStudent> {
        let mut nulls = Nulls::default();
        let update = UpdateStudent {
            name: nulls.refuse("name", self.name),
            email: nulls.refuse("email", self.email),
            student_number: self.student_number.into(),
            course: nulls.refuse("course", self.course),
            year: nulls.refuse("year", self.year),
            status: nulls.refuse("status", self.status).map(Into::into),
        };
        nulls.end()?;
        Ok(update)
    }
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
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "students::StudentSortField")]
pub(crate) enum StudentSortField {
    /// When it was created.
    #[default]
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
