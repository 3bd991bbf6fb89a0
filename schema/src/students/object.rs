//! The student as clients see it.

use async_graphql::{Enum, ID, SimpleObject};
use entities::{Entities, record::Record, students};

use super::inputs::StudentSortField;
use crate::record::{RecordHead, Recorded};

/// Where a student stands.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "students::StudentStatus")]
pub(crate) enum StudentStatus {
    /// Has applied for a place.
    Applicant,
    /// Studies.
    Enrolled,
    /// Is away for a while.
    OnLeave,
    /// Has finished.
    Graduated,
    /// Has left without finishing.
    Withdrawn,
}

/// Somebody who applies, studies, or did.
#[derive(SimpleObject)]
pub(crate) struct Student {
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The name, 1 to 200 characters.
    name: String,
    /// The email address; unique among the students that are not deleted, whatever its case.
    email: String,
    /// What the school calls the student; unique among the students that are not deleted, whatever its case.
    student_number: Option<String>,
    /// What is studied.
    course: String,
    /// Which year of it, from 1.
    year: i32,
    /// Where the student stands.
    status: StudentStatus,
    #[graphql(flatten)]
    head: RecordHead<Self>,
}

/// The student where it is one of several fields.
#[derive(SimpleObject)]
pub(crate) struct StudentField {
    /// The student as it is then.
    student: Student,
}

impl From<Student> for StudentField {
    fn from(student: Student) -> Self {
        Self { student }
    }
}

impl From<students::Student> for Student {
    fn from(student: students::Student) -> Self {
        Self {
            id: student.id.into(),
            head: student.head().into(),
            name: student.name,
            email: student.email,
            student_number: student.student_number,
            course: student.course,
            year: student.year,
            status: student.status.into(),
        }
    }
}

impl Recorded for Student {
    type Record = students::Student;
    type Field = StudentField;
    type SortField = StudentSortField;

    const NAME: &'static str = "Student";

    fn records(entities: &Entities) -> &students::Students {
        &entities.students
    }
}
