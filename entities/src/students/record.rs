//! The parts of a record that are specific to students: inputs with their rules, the fields of filters and orders, events, and the unique
//! values.

use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use serde::{Deserialize, Serialize};

use super::{
    names::{self, StudentName},
    student::{Column, Student, StudentId, StudentStatus},
};
use crate::{
    Filter, Violations,
    access::Action,
    filter::{FilterField, Operand, filter_fields},
    record::{
        Change, Counted, Importable, Record, RecordEvent, Unique, head, inputs, set, sort_fields,
    },
    text::{Fields, Flaw, email, fold, trimmed_fold, written},
};

/// The kind of stream of students.
pub const STREAM: &str = "student";
/// The kind of stream that tells when students are stored in the shared cache.
pub const CACHE_STREAM: &str = "student_cache";

const NUMBER_CHARS: usize = 32;
const COURSE_CHARS: usize = 120;
const LAST_YEAR: i32 = 20;

inputs! {
    Student:
    /// The input that creates a student; also a row of an import.
    CreateStudent,
    /// The input that updates a student. `None` keeps a value, and `Some(None)` removes it.
    UpdateStudent {
        /// As a whole or in parts; 1 to 200 characters in all.
        name: StudentName, by names::check, via rename;
        /// Unique among the students that are not deleted.
        email: String => email::checked, clears address_key;
        /// Unique among the students that are not deleted; 1 to 32 characters.
        student_number: Option<String> as "studentNumber" => number;
        /// 1 to 120 characters.
        course: String => course;
        /// 1 to 20.
        year: i32 => year;
        /// Where the student stands.
        status: StudentStatus;
    }
}

filter_fields! {
    /// The fields that a list can be filtered by.
    StudentField of Column until DeletedAt {
        Id of StudentId, Name, GivenName, FamilyName, Email => [AddressKey, EmailKey] by email::form,
        StudentNumber => [NumberKey] by trimmed_fold, Course => [CourseKey] by trimmed_fold,
        Year, Status, Version, CreatedAt, UpdatedAt, DeletedAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by; texts sort by code point.
    StudentSortField of Column {
        CreatedAt, UpdatedAt, Name, FamilyName => FamilyKey, Email => EmailKey, Course => CourseKey, Year,
    }
}

/// The data of every student event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudentData {
    /// The student after the event; when it was cached, the student as it was.
    pub student: Student,
    /// The status before the event; absent for the first, and in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_status: Option<StudentStatus>,
}

impl Record for Student {
    type FilterField = StudentField;
    type SortField = StudentSortField;
    type Data = StudentData;

    const NAME: &'static str = STREAM;
    const READ: Action = Action::ReadStudents;
    const WRITE: Action = Action::WriteStudents;
    const EVENTS: &'static [(Change, &'static str)] = &[
        (Change::Created, "StudentCreated"),
        (Change::Updated, "StudentUpdated"),
        (Change::Deleted, "StudentDeleted"),
        (Change::Restored, "StudentRestored"),
        (Change::Cached, "StudentCached"),
    ];
    const SCHEMA_VERSION: i16 = 3;
    const SHAPE: u16 = 2;
    const CACHE_STREAM: Option<&'static str> = Some(CACHE_STREAM);
    const UNIQUE: &'static [Unique] = &[
        Unique {
            field: "email",
            value: "email address",
            constraint: ["student_email", "student.email_key"],
        },
        Unique {
            field: "studentNumber",
            value: "student number",
            constraint: ["student_number", "student.number_key"],
        },
    ];
    const ID: Column = Column::Id;

    head!();

    fn complete(&mut self) {
        let stored = (self.given_name.as_deref(), self.family_name.as_deref());
        let parts = names::parts(&self.name, stored);
        if parts != stored {
            let [given, family] = [parts.0, parts.1].map(|it| it.map(str::to_owned));
            (self.given_name, self.family_name) = (given, family);
        }
    }

    fn check(&self) -> Result<(), Violations> {
        let mut fields = Fields::default();
        fields.check("name", names::check_length(&self.name));
        fields.end()
    }

    fn derive_keys(&mut self) {
        self.complete();
        self.family_key = names::key((self.given_name.as_deref(), self.family_name.as_deref()));
        self.email_key = self.email.to_lowercase();
        self.number_key = self.student_number.as_deref().map(fold);
        self.course_key = fold(&self.course);
        let number = self.number_key.as_deref().unwrap_or_default();
        let (name, email) = (fold(&self.name), fold(&email::spellings(&self.email)));
        self.search_text = [&name, &email, number, &self.course_key].join("\n");
    }

    fn keys(&self) -> Vec<Option<String>> {
        let address = self.address_key.as_ref().unwrap_or(&self.email_key);
        vec![Some(address.clone()), self.number_key.clone()]
    }

    fn may_change(filter: &Filter<StudentField>, event: &RecordEvent<Self>) -> bool {
        let student = event.record();
        let may_select = |status: Option<StudentStatus>, year: Option<i32>| {
            filter.may_select(&|field, test| match field {
                StudentField::Status => test.holds(&Operand::of(&status?)),
                StudentField::Year => test.holds(&Operand::Number(year?.into())),
                _ => None,
            })
        };
        may_select(Some(student.status), Some(student.year))
            || event.change != Change::Created && may_select(event.data.previous_status, None)
    }

    fn key_columns() -> Vec<Expr> {
        [StudentField::Email, StudentField::StudentNumber]
            .map(FilterField::column)
            .into()
    }

    fn into_data(self, before: Option<&Self>) -> StudentData {
        StudentData {
            student: self,
            previous_status: before.map(|before| before.status),
        }
    }

    fn of_data(data: &StudentData) -> &Self {
        &data.student
    }
}

/// Gives a student another name. One that is the same in the end keeps its parts.
fn rename(student: &mut Student, name: StudentName) {
    if let Some(whole) = name.whole {
        if whole != student.name {
            student.name = whole;
            (student.given_name, student.family_name) = (None, None);
            student.complete();
        }
        return;
    }
    let mut named = student.clone();
    named.complete();
    set(&mut named.given_name, name.given);
    set(&mut named.family_name, name.family);
    let parts = (named.given_name.as_deref(), named.family_name.as_deref());
    let stored = (
        student.given_name.as_deref(),
        student.family_name.as_deref(),
    );
    if parts != names::parts(&student.name, stored) {
        student.name = names::join(parts);
        (student.given_name, student.family_name) = (named.given_name, named.family_name);
    }
}

fn course(course: &str) -> Result<String, Flaw> {
    written::line(course, COURSE_CHARS)
}

/// Returns a student number as schools write them: letters and digits of any script, and separators between them.
fn number(number: &str) -> Result<String, Flaw> {
    let is_allowed = |c: char| c.is_alphanumeric() || "-/._ ".contains(c);
    if !number.trim().chars().all(is_allowed) {
        let message = "must have letters, digits and - / . _ and spaces only";
        return Err(Flaw::new("characters", message));
    }
    written::line(number, NUMBER_CHARS)
}

fn year(year: &i32) -> Result<i32, Flaw> {
    match (1..=LAST_YEAR).contains(year) {
        true => Ok(*year),
        false => Err(Flaw::new("range", "must be from 1 to 20")),
    }
}

impl Counted for Student {
    type Status = StudentStatus;

    const COUNTS: &'static str = "student_statistics";

    fn status(&self) -> StudentStatus {
        self.status
    }

    fn status_before(data: &StudentData) -> Option<StudentStatus> {
        data.previous_status
    }
}

impl Importable for Student {
    fn into_update(new: CreateStudent) -> UpdateStudent {
        UpdateStudent {
            name: Some(new.name),
            email: Some(new.email),
            student_number: new.student_number.map(Some),
            course: Some(new.course),
            year: Some(new.year),
            status: Some(new.status),
        }
    }
}
