//! The parts of a record that are specific to students: inputs with their rules, filter, sort fields, events, and the keys that
//! an import matches by.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, Condition, DbBackend,
    sea_query::{Expr, Func},
};
use serde::{Deserialize, Serialize};

use super::student::{Column, Student, StudentStatus};
use crate::{
    access::Action,
    record::{Change, Importable, Record, SortField, Unique, head, set},
    searching::contains,
    text::{Fields, Flaw, email, fold, written},
};

/// The kind of stream of students.
pub const STREAM: &str = "student";
/// The kind of stream that tells when students are stored in the shared cache.
pub const CACHE_STREAM: &str = "student_cache";

const NUMBER_CHARS: usize = 32;
const COURSE_CHARS: usize = 120;
const LAST_YEAR: i32 = 20;

/// The input that creates a student; also a row of an import.
#[derive(Debug, Clone)]
pub struct CreateStudent {
    /// 1 to 200 characters.
    pub name: String,
    /// Unique among the students that are not deleted.
    pub email: String,
    /// Unique among the students that are not deleted; 1 to 32 characters.
    pub student_number: Option<String>,
    /// 1 to 120 characters.
    pub course: String,
    /// 1 to 20.
    pub year: i32,
    /// The first status.
    pub status: StudentStatus,
}

/// The input that updates a student. `None` keeps a value, and `Some(None)` removes it.
#[derive(Debug, Clone, Default)]
pub struct UpdateStudent {
    pub name: Option<String>,
    pub email: Option<String>,
    pub student_number: Option<Option<String>>,
    pub course: Option<String>,
    pub year: Option<i32>,
    pub status: Option<StudentStatus>,
}

/// Selects the students of a list.
#[derive(Debug, Clone, Default)]
pub struct StudentFilter {
    /// A part of the name, the address, the number or the course, whatever its case.
    pub search: Option<String>,
    /// One of these statuses.
    pub status: Option<Vec<StudentStatus>>,
    /// One of these courses, whatever their case.
    pub course: Option<Vec<String>>,
    /// One of these years.
    pub year: Option<Vec<i32>>,
}

/// The fields that a list can be sorted by; texts sort by code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StudentSortField {
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
    Course,
    Year,
}

/// The data of every student event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudentData {
    /// The student after the event; when it was cached, the student as it was.
    pub student: Student,
}

impl Record for Student {
    type New = CreateStudent;
    type Update = UpdateStudent;
    type Filter = StudentFilter;
    type SortField = StudentSortField;
    type Data = StudentData;

    const NAME: &'static str = STREAM;
    const READ: Action = Action::ReadStudents;
    const WRITE: Action = Action::WriteStudents;
    const EVENTS: &'static [(Change, &'static str)] = &[
        (Change::Created, "StudentCreated"),
        (Change::Updated, "StudentUpdated"),
        (Change::Deleted, "StudentDeleted"),
        (Change::Cached, "StudentCached"),
    ];
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

    fn create(new: CreateStudent) -> Self {
        Self {
            name: new.name,
            email: new.email,
            student_number: new.student_number,
            course: new.course,
            year: new.year,
            status: new.status,
            ..Self::default()
        }
    }

    fn apply(&mut self, update: UpdateStudent) {
        set(&mut self.name, update.name);
        email::set(&mut self.email, &mut self.address_key, update.email);
        set(&mut self.student_number, update.student_number);
        set(&mut self.course, update.course);
        set(&mut self.year, update.year);
        set(&mut self.status, update.status);
    }

    fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        self.number_key = self.student_number.as_deref().map(fold);
        self.course_key = fold(&self.course);
        let number = self.number_key.as_deref().unwrap_or_default();
        let (name, email) = (fold(&self.name), fold(&email::spellings(&self.email)));
        self.search_text = [&name, &email, number, &self.course_key].join("\n");
    }

    fn check_new(new: &mut CreateStudent, fields: &mut Fields) {
        fields.text("name", &mut new.name, written::name);
        fields.text("email", &mut new.email, email::checked);
        fields.given("studentNumber", new.student_number.as_mut(), number);
        fields.text("course", &mut new.course, course);
        fields.check("year", check_year(new.year));
    }

    fn check_update(update: &mut UpdateStudent, fields: &mut Fields) {
        fields.given("name", update.name.as_mut(), written::name);
        fields.given("email", update.email.as_mut(), email::checked);
        let given = update.student_number.as_mut().and_then(Option::as_mut);
        fields.given("studentNumber", given, number);
        fields.given("course", update.course.as_mut(), course);
        fields.check("year", update.year.map_or(Ok(()), check_year));
    }

    fn condition(filter: &StudentFilter, backend: DbBackend) -> Condition {
        let status = filter.status.as_ref();
        let courses = filter.course.as_ref();
        let keys = courses.map(|it| it.iter().map(|course| fold(course.trim())));
        let year = filter.year.as_ref();
        Condition::all()
            .add(contains(backend, "student", filter.search.as_deref()))
            .add_option(status.map(|it| Column::Status.is_in(it.iter().copied())))
            .add_option(keys.map(|it| Column::CourseKey.is_in(it)))
            .add_option(year.map(|it| Column::Year.is_in(it.iter().copied())))
    }

    fn into_data(self, _: Option<&Self>) -> StudentData {
        StudentData { student: self }
    }

    fn of_data(data: &StudentData) -> &Self {
        &data.student
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

fn check_year(year: i32) -> Result<(), Flaw> {
    match (1..=LAST_YEAR).contains(&year) {
        true => Ok(()),
        false => Err(Flaw::new("range", "must be from 1 to 20")),
    }
}

impl SortField for StudentSortField {
    type Column = Column;

    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::UpdatedAt => Column::UpdatedAt,
            Self::Name => Column::Name,
            Self::Email => Column::EmailKey,
            Self::Course => Column::CourseKey,
            Self::Year => Column::Year,
        }
    }
}

impl Importable for Student {
    fn keys_of(new: &CreateStudent) -> Vec<Option<String>> {
        let number = new.student_number.as_deref().map(fold);
        vec![Some(new.email.to_lowercase()), number]
    }

    fn keys(&self) -> Vec<Option<String>> {
        let address = self.address_key.as_ref().unwrap_or(&self.email_key);
        vec![Some(address.clone()), self.number_key.clone()]
    }

    fn key_columns() -> Vec<Expr> {
        let address = [Expr::col(Column::AddressKey), Expr::col(Column::EmailKey)];
        vec![Func::coalesce(address).into(), Expr::col(Column::NumberKey)]
    }

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
