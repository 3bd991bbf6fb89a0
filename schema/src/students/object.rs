//! The student as clients see it.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{Entities, students};

use super::inputs::StudentSortField;
use crate::{
    history, id,
    record::{self, Recorded},
};

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
#[graphql(complex)]
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
    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
    /// When it was deleted; null unless it is.
    deleted_at: Option<DateTime<Utc>>,
}

#[ComplexObject]
impl Student {
    /// All that changed it, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        record::history::<Self>(ctx, &self.id, first, after).await
    }
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
            id: id::encode(students::STREAM, student.id),
            name: student.name,
            email: student.email,
            student_number: student.student_number,
            course: student.course,
            year: student.year,
            status: student.status.into(),
            version: student.version,
            created_at: student.created_at,
            updated_at: student.updated_at,
            deleted_at: student.deleted_at,
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
