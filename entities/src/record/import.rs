//! Imports of up to a thousand records in one transaction, either all or none, or each row by itself. A row is matched with an
//! existing record by the first unique value, such as the address. So an import can be repeated: it skips or updates existing
//! records, and finds the work of an interrupted import done. A refused row changes nothing and does not affect the others.

use std::collections::{HashMap, HashSet};

use ::events::{Error, Tx};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};

use super::{
    ActiveModel, BulkMode, Change, Inputs, Record, Records,
    bulk::sharing,
    commands::{append, begin, check_new, store_next},
};
use crate::{
    CommandContext, CommandError, Violation, Violations, access::authorize, boxed, id::Id,
    idempotency,
};

/// The largest number of rows in one import.
pub const MAX_IMPORT_ROWS: usize = 1_000;

type Result<T, E = CommandError> = std::result::Result<T, E>;

/// A record that can be imported.
pub trait Importable: Record {
    /// Returns an update that brings an existing record to what the input says. It gives all values that `Record::check` looks at,
    /// which are right together in a valid input, so that is not asked again.
    fn into_update(new: Self::New) -> Self::Update;
}

/// What happens to a row that matches an existing record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The row is refused.
    Refuse,
    /// The existing record stays as it is.
    Skip,
    /// The existing record takes the values of the row; a field that the row leaves out keeps its value.
    Update,
}

/// The input of `import`.
#[derive(Debug, Clone)]
pub struct ImportRecords<N> {
    /// 1 to `MAX_IMPORT_ROWS` rows.
    pub rows: Vec<N>,
    /// What happens to the import when rows are refused.
    pub mode: BulkMode,
    /// What happens to rows that match existing records.
    pub existing: Existing,
}

/// The result of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportOutcome {
    /// The record was created.
    Created,
    /// The record existed, and was changed.
    Updated,
    /// The record existed, and the row changed nothing.
    Unchanged,
    /// The row was refused, for the reasons given.
    Refused,
}

/// A row of an import with its result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Imported<R> {
    /// The result of the row.
    pub outcome: ImportOutcome,
    /// The record as it is now; none if the row was refused. Stored answers keep the field's first name.
    #[serde(rename = "student")]
    pub record: Option<R>,
    /// Why the row was refused: the rules for a single record, `taken`, and `duplicate` within the import. Empty otherwise.
    pub violations: Vec<Violation>,
}

impl<R: Importable> Records<R> {
    /// Imports records. The answer has one row for each row of the input, in the same order.
    ///
    /// # Errors
    /// `Invalid` when there are too many rows or none; in the mode `AllOrNothing` with the violations of all rows, their fields
    /// named like `rows.3.email`.
    #[boxed]
    pub async fn import(
        &self,
        context: CommandContext,
        input: ImportRecords<R::New>,
    ) -> Result<Vec<Imported<R>>> {
        authorize(&context.viewer, R::WRITE)?;
        let ImportRecords {
            rows,
            mode,
            existing,
        } = input;
        if !(1..=MAX_IMPORT_ROWS).contains(&rows.len()) {
            let message = format!("must have 1 to {MAX_IMPORT_ROWS} rows");
            return Err(Violations::one("rows", "length", &message).into());
        }
        let checked = check_rows::<R>(rows);
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

/// Returns the unique values of an input in the form in which it is stored.
fn keys_of<R: Record>(new: &R::New) -> Vec<Option<String>> {
    let mut record = R::create(new.clone());
    record.derive_keys();
    record.keys()
}

type Checked<R> = Vec<Result<<R as Inputs>::New, Violations>>;

/// Checks the rules for each row, and that no two rows share a unique value.
fn check_rows<R: Importable>(rows: Vec<R::New>) -> Checked<R> {
    let mut seen = HashSet::new();
    let mut check = |row| {
        let row = check_new::<R>(row)?;
        let keys = keys_of::<R>(&row).into_iter().enumerate();
        let keys: Vec<_> = keys.filter(|(_, key)| key.is_some()).collect();
        match keys.iter().find(|key| seen.contains(*key)) {
            Some((number, _)) => {
                let field = R::UNIQUE[*number].field;
                let message = "is in an earlier row already";
                Err(Violations::one(field, "duplicate", message))
            }
            None => {
                seen.extend(keys);
                Ok(row)
            }
        }
    };
    rows.into_iter().map(&mut check).collect()
}

/// What to do with a row.
enum Plan<R> {
    Create(R),
    Update { before: Box<R>, after: Box<R> },
    Keep(R),
    Refuse(Violations),
}

/// The existing records that share a unique value with a row of the import.
struct Present<R> {
    records: HashMap<Id<R>, R>,
    /// The owner of each unique value; the key is the index of the value's kind, and the value.
    owners: HashMap<(usize, String), Id<R>>,
}

impl<R: Importable> Present<R> {
    async fn find(tx: &Tx<'_>, rows: &Checked<R>, for_update: bool) -> Result<Self> {
        let keys = rows.iter().flatten().flat_map(|row| {
            let keys = keys_of::<R>(row).into_iter().enumerate();
            keys.filter_map(|(number, key)| Some((number, key?)))
        });
        let mut query = sharing::<R>(keys);
        if for_update {
            // All imports lock in the same order, so that two of them wait for each other without a deadlock.
            query = query.order_by_asc(R::ID).lock_exclusive();
        }
        let (mut records, mut owners) = (HashMap::new(), HashMap::new());
        for record in query.all(&**tx).await? {
            let id = record.head().id;
            for (number, key) in record.keys().into_iter().enumerate() {
                owners.extend(key.map(|key| ((number, key), id)));
            }
            records.insert(id, record);
        }
        Ok(Self { records, owners })
    }

    fn plan(&self, row: R::New, existing: Existing) -> Plan<R> {
        let keys = keys_of::<R>(&row).into_iter().enumerate();
        let owners: Vec<_> = keys
            .map(|(number, key)| self.owners.get(&(number, key?)))
            .collect();
        let known = owners[0].and_then(|id| self.records.get(id));
        let other = owners
            .iter()
            .position(|owner| *owner != owners[0] && owner.is_some());
        match (known, existing, other) {
            (Some(_), Existing::Refuse, _) => Plan::Refuse(taken::<R>(0)),
            (Some(known), Existing::Skip, _) => Plan::Keep(known.clone()),
            (_, _, Some(number)) => Plan::Refuse(taken::<R>(number)),
            (None, _, None) => Plan::Create(begin(row)),
            (Some(before), Existing::Update, None) => {
                let mut after = before.clone();
                after.apply(R::into_update(row));
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

fn taken<R: Record>(number: usize) -> Violations {
    let message = format!("belongs to another {}", R::NAME);
    Violations::one(R::UNIQUE[number].field, "taken", &message)
}

async fn import_in_tx<R: Importable>(
    tx: &Tx<'_>,
    context: &CommandContext,
    rows: Checked<R>,
    mode: BulkMode,
    existing: Existing,
) -> Result<Vec<Imported<R>>> {
    let present = Present::<R>::find(tx, &rows, existing == Existing::Update).await?;
    let plans = rows.into_iter().map(|row| match row {
        Ok(row) => present.plan(row, existing),
        Err(violations) => Plan::Refuse(violations),
    });
    let plans: Vec<_> = plans.collect();
    let inserted = insert(tx, &plans).await?;
    let mut imported = Vec::with_capacity(plans.len());
    let mut happened = Vec::new();
    for plan in plans {
        let (outcome, record, violations) = match plan {
            Plan::Create(record) if inserted.contains(&record.head().id) => {
                happened.push((Change::Created, record.clone(), None));
                (ImportOutcome::Created, Some(record), Vec::new())
            }
            // Another command has created a record with the same unique value meanwhile: it runs again, and finds it.
            Plan::Create(_) => return Err(Error::VersionConflict.into()),
            Plan::Update { before, mut after } => {
                let stored = store_next(tx, &mut *after, &before).await;
                stored.map_err(outrun)?;
                happened.push((Change::Updated, (*after).clone(), Some(*before)));
                (ImportOutcome::Updated, Some(*after), Vec::new())
            }
            Plan::Keep(record) => (ImportOutcome::Unchanged, Some(record), Vec::new()),
            Plan::Refuse(violations) => (ImportOutcome::Refused, None, violations.0),
        };
        imported.push(Imported {
            outcome,
            record,
            violations,
        });
    }
    if mode == BulkMode::AllOrNothing {
        refuse_all_for_one(&imported)?;
    }
    append(tx, context, happened).await?;
    Ok(imported)
}

/// A unique value that was free when the rows were looked at, and is not any more, is no fault of the import.
fn outrun(error: CommandError) -> CommandError {
    match error {
        CommandError::Taken { .. } => Error::VersionConflict.into(),
        error => error,
    }
}

/// Inserts the records to create, except those that others have created first. Returns the ids of the inserted ones.
async fn insert<R: Importable>(tx: &Tx<'_>, plans: &[Plan<R>]) -> Result<HashSet<Id<R>>> {
    let mut new: Vec<&R> = plans
        .iter()
        .filter_map(|plan| match plan {
            Plan::Create(record) => Some(record),
            _ => None,
        })
        .collect();
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    // All imports insert in the same order, as above: inserts of equal unique values wait for each other.
    new.sort_by_cached_key(|record| record.keys());
    let ids: Vec<Id<R>> = new.iter().map(|record| record.head().id).collect();
    let models = new
        .into_iter()
        .map(|record| -> ActiveModel<R> { record.clone().into_active_model() });
    let count = R::Entity::insert_many(models)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await?;
    if count == ids.len() as u64 {
        return Ok(ids.into_iter().collect());
    }
    let found: Vec<Id<R>> = R::Entity::find()
        .select_only()
        .column(R::ID)
        .filter(R::ID.is_in(ids))
        .into_tuple()
        .all(&**tx)
        .await?;
    Ok(found.into_iter().collect())
}

fn refuse_all_for_one<R>(imported: &[Imported<R>]) -> Result<()> {
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
        false => Err(Violations(violations).into()),
    }
}
