//! The student as clients see it.

use async_graphql::{
    ComplexObject, Context, Enum, ID, ScalarType, SimpleObject, Value, parser::types::Field,
    resolver_utils::enum_value,
};
use entities::{record::Record, students};

use super::inputs::StudentSortField;
use crate::{
    error::Result,
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
#[graphql(complex)]
pub(crate) struct Student {
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The whole name, 1 to 200 characters.
    name: String,
    #[graphql(skip)]
    given_name: Option<String>,
    #[graphql(skip)]
    family_name: Option<String>,
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

#[ComplexObject]
impl Student {
    /// The given names, which are the beginning of `name`. Null when only the family name is known.
    async fn given_name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let later = self.parted(ctx).await?;
        Ok(later.map_or_else(|| self.given_name.clone(), |it| it.given_name))
    }

    /// The family name, which is the end of `name`. Null when the student has one name only.
    async fn family_name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let later = self.parted(ctx).await?;
        Ok(later.map_or_else(|| self.family_name.clone(), |it| it.family_name))
    }
}

impl Student {
    /// Returns the student as it is now, if that knows better which parts the name has.
    async fn parted(&self, ctx: &Context<'_>) -> Result<Option<students::Student>> {
        let later = self.head.later(ctx).await?;
        let mut later = later.filter(|it| it.name == self.name);
        if let Some(later) = &mut later {
            Record::complete(later);
        }
        Ok(later)
    }
}

recorded! {
    Student shows students::Student { name, given_name, family_name, email, student_number, course, year, status },
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
            "givenName" if !self.head.is_of_older_event => self.given_name.clone().into(),
            "familyName" if !self.head.is_of_older_event => self.family_name.clone().into(),
            "email" => self.email.as_str().into(),
            "studentNumber" => self.student_number.clone().into(),
            "course" => self.course.as_str().into(),
            "year" => self.year.into(),
            "status" => enum_value(self.status),
            _ => return None,
        })
    }
}
