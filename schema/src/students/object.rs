//! The student as clients see it.

use async_graphql::{
    Enum, ID, ScalarType, SimpleObject, Value, parser::types::Field, resolver_utils::enum_value,
};
use entities::students;

use super::inputs::StudentSortField;
use crate::{
    plain::Plain,
    record::{RecordHead, recorded},
    statistics::statistics,
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

recorded! {
    Student shows students::Student { name, email, student_number, course, year, status },
    one of entities.students,
    sorted by StudentSortField,
    StudentField or StudentRow { student }
}

statistics! {
    /// How many students there are, and when they came and went.
    StudentStatistics of students::Student {
        StudentDayCount {
            created = created, "Students created.";
            deleted = deleted, "Students deleted.";
            restored = restored, "Deletions undone."
        },
        by_status: StudentStatusCount { status: StudentStatus = "The status." }
    }
}

impl Plain for Student {
    fn plain(&self, field: &Field) -> Option<Value> {
        Some(match field.name.node.as_str() {
            "id" => self.id.to_value(),
            "name" => self.name.as_str().into(),
            "email" => self.email.as_str().into(),
            "studentNumber" => self.student_number.clone().into(),
            "course" => self.course.as_str().into(),
            "year" => self.year.into(),
            "status" => enum_value(self.status),
            _ => return None,
        })
    }
}
