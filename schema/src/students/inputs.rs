//! The inputs of students, and their conversion to those of `entities`. Those of imports are in `import`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::students::{self, CreateStudent, StudentName, UpdateStudent};

use super::object::{Student, StudentStatus};
use crate::{
    filter::{
        DateTimeFilter, IdFilter, IntFilter, OptionalDateTimeFilter, OptionalStringFilter,
        StringFilter, choices, filters,
    },
    record::{Nulls, bulk_inputs, updates},
};

/// A new student.
#[derive(InputObject)]
pub(crate) struct CreateStudentInput {
    /// The whole name, 1 to 200 characters, which is split at its last space. Give either this, or `givenName` and `familyName`.
    name: Option<String>,
    /// The given names. With the family name, 1 to 200 characters.
    given_name: Option<String>,
    /// The family name. Leave it out for a student who has none.
    family_name: Option<String>,
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
            name: StudentName::new(input.name, input.given_name, input.family_name),
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
    /// The whole name, 1 to 200 characters, which is split at its last space unless it is the same as before. Give either this, or
    /// `givenName` and `familyName`.
    name: MaybeUndefined<String>,
    /// The given names. Null removes them.
    given_name: MaybeUndefined<String>,
    /// The family name. Null removes it.
    family_name: MaybeUndefined<String>,
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
        email, course, year, status; clearing student_number; making name by naming
    }
}

/// Returns the name that an update gives, if it gives one.
fn naming(input: &UpdateStudentInput, nulls: &mut Nulls) -> Option<StudentName> {
    let name = StudentName {
        whole: nulls.refuse("name", input.name.clone()),
        given: input.given_name.clone().into(),
        family: input.family_name.clone().into(),
    };
    (name != StudentName::default()).then_some(name)
}

choices! {
    /// Compares the status of a student.
    StudentStatusFilter of StudentStatus as students::StudentStatus;
}

filters! {
    /// Which students a list has; all conditions must hold. The deleted are left out unless there is a condition on `deletedAt`.
    StudentFilter of students::StudentField,
    search = "Part of the name, the email address, the student number or the course, whatever its case." {
        id: IdFilter as Id = "The global id.",
        name: StringFilter as Name = "The whole name, by code point.",
        given_name: OptionalStringFilter as GivenName = "The given names, by code point.",
        family_name: OptionalStringFilter as FamilyName = "The family name, by code point.",
        email: StringFilter as Email = "The email address, whatever its case.",
        student_number: OptionalStringFilter as StudentNumber = "The student number, whatever its case.",
        course: StringFilter as Course = "What is studied, whatever its case.",
        year: IntFilter as Year = "Which year of it.",
        status: StudentStatusFilter as Status = "Where the student stands.",
        version: IntFilter as Version = "The version.",
        created_at: DateTimeFilter as CreatedAt = "When it was created.",
        updated_at: DateTimeFilter as UpdatedAt = "When it was changed last.",
        deleted_at: OptionalDateTimeFilter as DeletedAt = "When it was deleted.",
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
    /// The whole name, by code point.
    Name,
    /// The family name, by code point; the given names where it is the same, or there is none.
    FamilyName,
    /// The email address in lower case, by code point.
    Email,
    /// The course in lower case, by code point.
    Course,
    /// The year of study.
    Year,
}

bulk_inputs! {
    Student: CreateStudentsInput of CreateStudentInput, UpdateStudentsInput of UpdateStudentInput,
    DeleteStudentsInput, RestoreStudentsInput
}
