//! The inputs of students, and their conversion to those of `entities`. Those of imports are in `import`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::students::{self, CreateStudent, UpdateStudent};

use super::object::StudentStatus;
use crate::{
    alternatives::any_of,
    payloads::takes,
    price::{SEARCH, cost},
    record::updates,
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

takes! {
    CreateStudent: CreateStudentInput { name, email, student_number, course, year, status }
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

updates! {
    UpdateStudent: UpdateStudentInput {
        name, email, course, year, status; clearing student_number
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

takes!(students::StudentFilter: StudentFilter { search, status by any_of, course, year });

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
