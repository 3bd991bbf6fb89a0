//! Imports: up to a thousand students in one transaction, all or each for itself. Rows are matched with what is there by
//! their address, so that an import can be repeated: with existing students skipped or updated, whatever an interrupted
//! one has done already is found done. A refused row changes nothing and does not disturb the others.

use std::collections::{HashMap, HashSet};

use ::events::{Appending, Tx};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Value,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    CreateStudent, STREAM, Student, StudentError, StudentEventKind, Students, UpdateStudent,
    commands::store_next,
    events::{StudentData, new_event},
    rules,
    student::{ActiveModel, Column, Entity},
};
use crate::{
    CommandContext, Violation, Violations,
    access::{Action, authorize},
    boxed, idempotency,
    text::fold,
};

/// Rows of one import at most.
pub const MAX_IMPORT_ROWS: usize = 1_000;

type Result<T, E = StudentError> = std::result::Result<T, E>;

/// What becomes of an import in which rows are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Nothing is imported.
    AllOrNothing,
    /// The others are.
    PerRow,
}

/// What becomes of a row whose address a student has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingStudents {
    /// It is refused.
    Refuse,
    /// The student stays as it is.
    Skip,
    /// The student becomes as the row says; a number that the row leaves out stays.
    Update,
}

/// Input of `import_students`.
#[derive(Debug, Clone)]
pub struct ImportStudents {
    /// 1 to `MAX_IMPORT_ROWS`.
    pub rows: Vec<CreateStudent>,
    /// What becomes of it when rows are refused.
    pub mode: ImportMode,
    /// What becomes of students that are there.
    pub existing: ExistingStudents,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportOutcome {
    /// The student was created.
    Created,
    /// The student was there, and was changed.
    Updated,
    /// The student was there, and is as it was.
    Unchanged,
    /// Nothing was done, for the reasons given.
    Refused,
}

/// Why a row was refused: rules as for a single student, `taken`, and `duplicate` within the import.
pub type ImportRefusal = Violations;

/// A row of an import, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportedStudent {
    /// What became of it.
    pub outcome: ImportOutcome,
    /// The student as it is now; none if the row was refused.
    pub student: Option<Student>,
    /// Why it was refused; empty otherwise.
    pub violations: Vec<Violation>,
}

impl ImportedStudent {
    fn of(outcome: ImportOutcome, student: Student) -> Self {
        Self {
            outcome,
            student: Some(student),
            violations: Vec::new(),
        }
    }

    fn refused(Violations(violations): ImportRefusal) -> Self {
        Self {
            outcome: ImportOutcome::Refused,
            student: None,
            violations,
        }
    }
}

impl Students {
    /// Imports students. The answer has a row for each of the input, in its order.
    ///
    /// # Errors
    /// `Invalid` when there are too many rows or none, and in the mode `AllOrNothing` with the violations of all rows,
    /// their fields named like `rows.3.email`.
    #[boxed]
    pub async fn import_students(
        &self,
        context: CommandContext,
        input: ImportStudents,
    ) -> Result<Vec<ImportedStudent>> {
        authorize(&context.viewer, Action::WriteStudents)?;
        if !(1..=MAX_IMPORT_ROWS).contains(&input.rows.len()) {
            let message = format!("must have 1 to {MAX_IMPORT_ROWS} rows");
            return Err(StudentError::Invalid(Violations::one(
                "rows", "length", &message,
            )));
        }
        let ImportStudents {
            rows,
            mode,
            existing,
        } = input;
        let checked = check_rows(rows);
        self.log
            .write(move |tx| {
                let (context, checked) = (context.clone(), checked.clone());
                Box::pin(async move {
                    let work = import_in_tx(tx, &context, checked, mode, existing);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

type Checked = Vec<Result<CreateStudent, Violations>>;

/// The rules for each row, and that no two rows are about the same student.
fn check_rows(rows: Vec<CreateStudent>) -> Checked {
    let (mut emails, mut numbers) = (HashSet::new(), HashSet::new());
    rows.into_iter()
        .map(|row| {
            let row = rules::check_new(row)?;
            let duplicate =
                |field| Violations::one(field, "duplicate", "is in an earlier row already");
            let number = row.student_number.as_deref().map(fold);
            if emails.contains(&row.email.to_lowercase()) {
                return Err(duplicate("email"));
            }
            if number.as_ref().is_some_and(|it| numbers.contains(it)) {
                return Err(duplicate("studentNumber"));
            }
            emails.insert(row.email.to_lowercase());
            numbers.extend(number);
            Ok(row)
        })
        .collect()
}

/// What is to be done with a row.
enum Plan {
    Create(Student),
    Update {
        before: Box<Student>,
        after: Box<Student>,
    },
    Keep(Student),
    Refuse(Violations),
}

/// The students whose addresses or numbers are in the import.
struct Present {
    by_email: HashMap<String, Student>,
    by_number: HashMap<String, Uuid>,
}

impl Present {
    async fn find(tx: &Tx<'_>, rows: &Checked, for_update: bool) -> Result<Self> {
        let valid = || rows.iter().flatten();
        let emails = valid().map(|row| Value::from(row.email.to_lowercase()));
        let numbers = valid().filter_map(|row| row.student_number.as_ref());
        let condition = Condition::any()
            .add(key_of_address().is_in(emails))
            .add(Column::NumberKey.is_in(numbers.map(|number| fold(number))));
        let mut query = Entity::find()
            .filter(Column::DeletedAt.is_null())
            .filter(condition);
        if for_update {
            // In one order, so that two imports wait for each other and do not block each other.
            query = query.order_by_asc(Column::Id).lock_exclusive();
        }
        let (mut by_email, mut by_number) = (HashMap::new(), HashMap::new());
        for student in query.all(&**tx).await? {
            by_number.extend(
                student
                    .number_key
                    .clone()
                    .map(|number| (number, student.id)),
            );
            let address = student.address_key.clone();
            by_email.insert(address.unwrap_or(student.email_key.clone()), student);
        }
        Ok(Self {
            by_email,
            by_number,
        })
    }

    fn plan(&self, row: CreateStudent, existing: ExistingStudents) -> Plan {
        let known = self.by_email.get(&row.email.to_lowercase());
        let number = row.student_number.as_deref().map(fold);
        let owner = number.and_then(|number| self.by_number.get(&number));
        let is_number_taken = owner.is_some_and(|id| known.is_none_or(|known| known.id != *id));
        match (known, existing) {
            (Some(_), ExistingStudents::Refuse) => Plan::Refuse(taken("email")),
            (Some(known), ExistingStudents::Skip) => Plan::Keep(known.clone()),
            _ if is_number_taken => Plan::Refuse(taken("studentNumber")),
            (None, _) => Plan::Create(row.into_student()),
            (Some(before), ExistingStudents::Update) => {
                let mut after = before.clone();
                let update = UpdateStudent {
                    name: Some(row.name),
                    email: Some(row.email),
                    student_number: row.student_number.map(Some),
                    course: Some(row.course),
                    year: Some(row.year),
                    status: Some(row.status),
                };
                update.apply(&mut after);
                match after == *before {
                    true => Plan::Keep(after),
                    false => Plan::Update {
                        before: Box::new(before.clone()),
                        after: Box::new(after),
                    },
                }
            }
        }
    }
}

/// As in the index of what is unique.
fn key_of_address() -> Expr {
    Func::coalesce([Expr::col(Column::AddressKey), Expr::col(Column::EmailKey)]).into()
}

fn taken(field: &str) -> Violations {
    Violations::one(field, "taken", "belongs to another student")
}

async fn import_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    rows: Checked,
    mode: ImportMode,
    existing: ExistingStudents,
) -> Result<Vec<ImportedStudent>> {
    let for_update = existing == ExistingStudents::Update;
    let present = Present::find(tx, &rows, for_update).await?;
    let plans: Vec<_> = rows
        .into_iter()
        .map(|row| match row {
            Ok(row) => present.plan(row, existing),
            Err(violations) => Plan::Refuse(violations),
        })
        .collect();
    let inserted = insert(tx, &plans).await?;
    let mut imported = Vec::with_capacity(plans.len());
    for plan in plans {
        imported.push(match plan {
            Plan::Create(student) if inserted.contains(&student.id) => {
                ImportedStudent::of(ImportOutcome::Created, student)
            }
            // Somebody else created one with its address or number meanwhile.
            Plan::Create(_) => ImportedStudent::refused(taken("email")),
            Plan::Update { before, mut after } => {
                store_next(tx, &mut after, &before).await?;
                ImportedStudent::of(ImportOutcome::Updated, *after)
            }
            Plan::Keep(student) => ImportedStudent::of(ImportOutcome::Unchanged, student),
            Plan::Refuse(violations) => ImportedStudent::refused(violations),
        });
    }
    if mode == ImportMode::AllOrNothing {
        refuse_all_for_one(&imported)?;
    }
    append(tx, context, &imported).await?;
    Ok(imported)
}

/// Inserts what is to be created, but what others created first; those that are in.
async fn insert(tx: &Tx<'_>, plans: &[Plan]) -> Result<HashSet<Uuid>> {
    let mut new: Vec<&Student> = plans
        .iter()
        .filter_map(|plan| match plan {
            Plan::Create(student) => Some(student),
            _ => None,
        })
        .collect();
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    // In one order, as above: inserts of the same address wait for each other.
    new.sort_by(|a, b| a.email_key.cmp(&b.email_key));
    let ids: Vec<Uuid> = new.iter().map(|student| student.id).collect();
    let models = new
        .into_iter()
        .map(|student| -> ActiveModel { student.clone().into_active_model() });
    let count = Entity::insert_many(models)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await?;
    if count == ids.len() as u64 {
        return Ok(ids.into_iter().collect());
    }
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(&**tx)
        .await?;
    Ok(found.into_iter().collect())
}

fn refuse_all_for_one(imported: &[ImportedStudent]) -> Result<()> {
    let violations: Vec<_> = imported
        .iter()
        .enumerate()
        .flat_map(|(number, row)| {
            row.violations.iter().map(move |violation| Violation {
                field: format!("rows.{number}.{}", violation.field),
                ..violation.clone()
            })
        })
        .collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(StudentError::Invalid(Violations(violations))),
    }
}

async fn append(tx: &Tx<'_>, context: &CommandContext, imported: &[ImportedStudent]) -> Result<()> {
    let facts: Vec<_> = imported
        .iter()
        .filter_map(|row| {
            let kind = match row.outcome {
                ImportOutcome::Created => StudentEventKind::Created,
                ImportOutcome::Updated => StudentEventKind::Updated,
                ImportOutcome::Unchanged | ImportOutcome::Refused => return None,
            };
            let student = row.student.clone()?;
            Some((kind, StudentData { student }))
        })
        .collect();
    let meta = context.meta();
    let events = facts.iter().map(|(kind, data)| Appending {
        stream_id: data.student.id,
        expected: data.student.version - 1,
        event: new_event(*kind, data, data.student.updated_at),
        meta: &meta,
    });
    tx.append_all(STREAM, events.collect()).await?;
    Ok(())
}
