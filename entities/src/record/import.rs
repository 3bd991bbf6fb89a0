//! Imports: up to a thousand records in one transaction, all or each for itself. Rows are matched with what is there by the first
//! value that is unique, such as their address, so that an import can be repeated: with existing records skipped or updated,
//! whatever an interrupted one has done already is found done. A refused row changes nothing and does not disturb the others.

use std::collections::{HashMap, HashSet};

use ::events::Tx;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde::{Deserialize, Serialize};

use super::{
    ActiveModel, Change, Record, Records, column,
    commands::{append, begin, check_new, store_next},
};
use crate::{
    CommandContext, CommandError, Violation, Violations, access::authorize, boxed, id::Id,
    idempotency,
};

/// Rows of one import at most.
pub const MAX_IMPORT_ROWS: usize = 1_000;

type Result<T, E = CommandError> = std::result::Result<T, E>;

/// A record that can be imported: what of it is unique, in the order of `UNIQUE`, with the columns that are compared.
pub trait Importable: Record {
    /// Of input in the form in which it is stored.
    fn keys_of(new: &Self::New) -> Vec<Option<String>>;
    /// Of a record that is there.
    fn keys(&self) -> Vec<Option<String>>;
    /// As in the indexes of what is unique.
    fn key_columns() -> Vec<Expr>;
    /// An update by which a record becomes as the input says.
    fn into_update(new: Self::New) -> Self::Update;
}

/// What becomes of an import in which rows are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Nothing is imported.
    AllOrNothing,
    /// The others are.
    PerRow,
}

/// What becomes of a row that is about a record which is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is refused.
    Refuse,
    /// The record stays as it is.
    Skip,
    /// The record becomes as the row says; what the row leaves out stays.
    Update,
}

/// Input of `import`.
#[derive(Debug, Clone)]
pub struct ImportRecords<N> {
    /// 1 to `MAX_IMPORT_ROWS`.
    pub rows: Vec<N>,
    /// What becomes of it when rows are refused.
    pub mode: ImportMode,
    /// What becomes of rows that are about records which are there.
    pub existing: Existing,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportOutcome {
    /// The record was created.
    Created,
    /// The record was there, and was changed.
    Updated,
    /// The record was there, and is as it was.
    Unchanged,
    /// Nothing was done, for the reasons given.
    Refused,
}

/// A row of an import, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Imported<R> {
    /// What became of it.
    pub outcome: ImportOutcome,
    /// The record as it is now; none if the row was refused. Remembered answers have it under the name it had first.
    #[serde(rename = "student")]
    pub record: Option<R>,
    /// Why it was refused: the rules for a single record, `taken`, and `duplicate` within the import. Empty otherwise.
    pub violations: Vec<Violation>,
}

impl<R: Importable> Records<R> {
    /// Imports records. The answer has a row for each of the input, in its order.
    ///
    /// # Errors
    /// `Invalid` when there are too many rows or none, and in the mode `AllOrNothing` with the violations of all rows,
    /// their fields named like `rows.3.email`.
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

type Checked<R> = Vec<Result<<R as Record>::New, Violations>>;

/// The rules for each row, and that no two rows have alike what is unique.
fn check_rows<R: Importable>(rows: Vec<R::New>) -> Checked<R> {
    let mut seen = HashSet::new();
    let mut check = |row| {
        let row = check_new::<R>(row)?;
        let keys = R::keys_of(&row).into_iter().enumerate();
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

/// What is to be done with a row.
enum Plan<R> {
    Create(R),
    Update { before: Box<R>, after: Box<R> },
    Keep(R),
    Refuse(Violations),
}

/// The records that have something alike with rows of the import that is unique.
struct Present<R> {
    records: HashMap<Id<R>, R>,
    /// By which of the unique values, and the value.
    owners: HashMap<(usize, String), Id<R>>,
}

impl<R: Importable> Present<R> {
    async fn find(tx: &Tx<'_>, rows: &Checked<R>, for_update: bool) -> Result<Self> {
        let keys: Vec<_> = rows.iter().flatten().map(R::keys_of).collect();
        let mut condition = Condition::any();
        for (number, column) in R::key_columns().into_iter().enumerate() {
            let keys = keys.iter().filter_map(|keys| keys[number].clone());
            condition = condition.add(column.is_in(keys));
        }
        let mut query = R::Entity::find()
            .filter(column("deleted_at").is_null())
            .filter(condition);
        if for_update {
            // In one order, so that two imports wait for each other and do not block each other.
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
        let keys = R::keys_of(&row).into_iter().enumerate();
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
    mode: ImportMode,
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
            // Somebody else created one with something alike meanwhile.
            Plan::Create(_) => (ImportOutcome::Refused, None, taken::<R>(0).0),
            Plan::Update { before, mut after } => {
                store_next(tx, &mut *after, &before).await?;
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
    if mode == ImportMode::AllOrNothing {
        refuse_all_for_one(&imported)?;
    }
    append(tx, context, happened).await?;
    Ok(imported)
}

/// Inserts what is to be created, but what others created first; those that are in.
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
    // In one order, as above: inserts of what is alike wait for each other.
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
