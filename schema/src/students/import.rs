//! Imports as clients see them: rows, and the result of each.

use async_graphql::{Enum, InputObject, SimpleObject};
use entities::{
    record::{self, ImportRecords, Imported},
    students::{self, CreateStudent},
};

use super::{inputs::CreateStudentInput, object::Student};
use crate::list::List;
use crate::record::{BulkMode, ImportOutcome, ImportViolation};

/// What becomes of a row whose email address a student has already.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "record::Existing")]
pub(crate) enum ExistingStudents {
    /// It is refused.
    Refuse,
    /// The student stays as it is.
    Skip,
    /// The student becomes as the row says; a student number that the row leaves out stays.
    Update,
}

/// Students to import.
#[derive(InputObject)]
pub(crate) struct ImportStudentsInput {
    /// The students, 1 to 1,000.
    rows: Vec<CreateStudentInput>,
    /// What becomes of the import when rows are refused.
    #[graphql(default_with = "BulkMode::AllOrNothing")]
    mode: BulkMode,
    /// What becomes of rows whose email address a student has already. With SKIP or UPDATE an import can be repeated.
    #[graphql(default_with = "ExistingStudents::Refuse")]
    existing: ExistingStudents,
}

impl From<ImportStudentsInput> for ImportRecords<CreateStudent> {
    fn from(input: ImportStudentsInput) -> Self {
        Self {
            rows: input.rows.into_iter().map(Into::into).collect(),
            mode: input.mode.into(),
            existing: input.existing.into(),
        }
    }
}

/// A row of an import, and what became of it.
#[derive(SimpleObject)]
pub(crate) struct ImportedRow {
    /// Its place in the input, from 0.
    index: u64,
    /// What became of it.
    outcome: ImportOutcome,
    /// The student as it is now; null if the row was refused.
    student: Option<Student>,
    /// Why the row was refused; empty if it was not.
    violations: List<ImportViolation>,
}

/// What `importStudents` answers.
#[derive(SimpleObject)]
pub(crate) struct ImportStudentsPayload {
    /// Students created.
    created: u64,
    /// Students changed.
    updated: u64,
    /// Rows whose students were there already, as they are.
    unchanged: u64,
    /// Rows refused.
    refused: u64,
    /// What became of each row, in the order of the input.
    rows: List<ImportedRow>,
}

impl From<Vec<Imported<students::Student>>> for ImportStudentsPayload {
    fn from(imported: Vec<Imported<students::Student>>) -> Self {
        let count = |outcome| {
            let counted = imported.iter().filter(|row| row.outcome == outcome);
            counted.count() as u64
        };
        Self {
            created: count(record::ImportOutcome::Created),
            updated: count(record::ImportOutcome::Updated),
            unchanged: count(record::ImportOutcome::Unchanged),
            refused: count(record::ImportOutcome::Refused),
            rows: imported.into_iter().zip(0..).map(into_row).collect(),
        }
    }
}

fn into_row((row, index): (Imported<students::Student>, u64)) -> ImportedRow {
    ImportedRow {
        index,
        outcome: row.outcome.into(),
        student: row.record.map(Student::from),
        violations: row.violations.into_iter().map(Into::into).collect(),
    }
}
