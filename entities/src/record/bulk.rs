//! Creates and changes up to a thousand records in one transaction: all or none, or each row by itself. The rows are decided one after
//! the other, each on what those before it left, as if they were commands of their own. So the first row may free an address that
//! the second one takes. Called by the mutations for many records.
//!
//! All that the decisions need is read first: the rows to change, which are locked in the order of their ids, and the records that
//! hold a unique value that some row asks for. What the decisions lead to is stored in one statement on Postgres. That
//! statement stores the end, and checks unique values while it changes one row after the other, so values that move from one
//! row to another can make it fail; and somebody else may take a value after it was looked up. In both cases nothing was
//! done. The transaction runs again, reads what there is now, and stores one row after the other, in the order of the
//! decisions. SQLite has one writer and no round trips, so it does that at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ::events::{Appending, Error, Rows, Tx};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::ExprTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    Change, Edit, MAX_IMPORT_ROWS, Record, Records, Unique, column,
    commands::{append, begin, check_new, check_update, edited, insert, store},
    event::new_event,
    group::{Order, row, row_table},
};
use crate::{
    CommandContext, CommandError, RowRefusal, Violations, access::authorize, boxed, id::Id,
    idempotency,
};

type Result<T, E = CommandError> = std::result::Result<T, E>;

/// What happens to a call in which rows are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMode {
    /// No row is done.
    AllOrNothing,
    /// The other rows are done.
    Each,
}

/// The result of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome<R> {
    /// The record after it; what changes nothing is done, too.
    Done(R),
    /// Nothing was changed.
    Refused(RowRefusal),
}

impl<R: Record> Records<R> {
    /// Carries out orders in one transaction; a row that could not be read comes with its violations. Returns the result of each
    /// row, in the same order.
    ///
    /// # Errors
    /// `Invalid` when there are too many rows or none; `Rows` in the mode `AllOrNothing` when rows are refused.
    #[boxed]
    pub async fn carry_out(
        &self,
        context: CommandContext,
        rows: Vec<Result<Order<R>, Violations>>,
        mode: BulkMode,
    ) -> Result<Vec<Outcome<R>>> {
        authorize(&context.viewer, R::WRITE)?;
        if !(1..=MAX_IMPORT_ROWS).contains(&rows.len()) {
            let message = format!("must have 1 to {MAX_IMPORT_ROWS} rows");
            return Err(Violations::one("rows", "length", &message).into());
        }
        let rows = rows.into_iter().map(|row| check(row?));
        let rows: Arc<[Result<Order<R>, Violations>]> = rows.collect();
        let is_repeat = Arc::new(AtomicBool::new(self.log.database().is_embedded()));
        self.log
            .write(move |tx| {
                let (context, rows) = (context.clone(), rows.clone());
                let one_by_one = is_repeat.swap(true, Ordering::Relaxed);
                Box::pin(async move {
                    let work = carry_out_in_tx(tx, &context, &rows, mode, one_by_one);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

fn check<R: Record>(order: Order<R>) -> Result<Order<R>, Violations> {
    Ok(match order {
        Order::Create(new) => Order::Create(check_new::<R>(new)?),
        Order::Change(target, Edit::Update(update)) => {
            Order::Change(target, Edit::Update(check_update::<R>(update)?))
        }
        order => order,
    })
}

async fn carry_out_in_tx<R: Record>(
    tx: &Tx<'_>,
    context: &CommandContext,
    rows: &[Result<Order<R>, Violations>],
    mode: BulkMode,
    one_by_one: bool,
) -> Result<Vec<Outcome<R>>> {
    let mut state = State::read(tx, rows.iter().flatten()).await?;
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let decided = match row {
            Ok(order) => state.decide(order),
            Err(violations) => Err(violations.clone().into()),
        };
        outcomes.push(match decided {
            Ok(record) => Outcome::Done(record),
            Err(error) => Outcome::Refused(error.of_row()?),
        });
    }
    let refused = (0..).zip(&outcomes).filter_map(|(index, it)| match it {
        Outcome::Done(_) => None,
        Outcome::Refused(refusal) => Some((index, refusal.clone())),
    });
    let refused: Vec<_> = refused.collect();
    if mode == BulkMode::AllOrNothing && !refused.is_empty() {
        return Err(CommandError::Rows(refused));
    }
    let stored = match one_by_one {
        true => state.store_in_turn(tx, context).await,
        false => state.store_at_once(tx, context).await,
    };
    match stored {
        // Somebody else was faster, or the statement changed rows in another order than the decisions: see above.
        Err(CommandError::Log(error)) if error.unique_violation().is_some() => {
            Err(Error::VersionConflict.into())
        }
        Err(CommandError::Taken { .. }) => Err(Error::VersionConflict.into()),
        stored => stored.map(|()| outcomes),
    }
}

/// The records that rows are decided on, and what was decided.
struct State<R: Record> {
    current: HashMap<Id<R>, R>,
    /// Who holds a unique value; the key is the index of the value's kind, and the value.
    owners: HashMap<(usize, String), Id<R>>,
    happened: Vec<(Change, R, Option<R>)>,
}

impl<R: Record> State<R> {
    async fn read(tx: &Tx<'_>, orders: impl Iterator<Item = &Order<R>> + Clone) -> Result<Self> {
        let targets = orders.clone().filter_map(|order| match order {
            Order::Change(target, _) => Some(target.id),
            Order::Create(_) => None,
        });
        let targets: BTreeSet<_> = targets.collect();
        let mut current = HashMap::new();
        if !targets.is_empty() {
            let select = R::Entity::find().filter(R::ID.is_in(targets));
            let select = select.order_by_asc(R::ID).lock_exclusive();
            let found = select.all(&**tx).await?.into_iter();
            current.extend(found.map(|record| (record.head().id, record)));
        }
        let mut owners: HashMap<_, _> = current.values().flat_map(held).collect();
        let asked = orders.filter_map(|order| match order {
            Order::Create(new) => Some(begin::<R>(new.clone())),
            Order::Change(target, edit) => {
                let mut record = current.get(&target.id)?.clone();
                if let Edit::Update(update) = edit {
                    record.apply(update.clone());
                    record.derive_keys();
                }
                Some(record)
            }
        });
        let asked = asked.flat_map(|record| numbered(&record));
        for other in sharing::<R>(asked).all(&**tx).await? {
            // What is to be changed was read before, and locked.
            if !current.contains_key(&other.head().id) {
                owners.extend(held(&other));
            }
        }
        Ok(Self {
            current,
            owners,
            happened: Vec::new(),
        })
    }

    /// Decides on one more row; returns the record after it.
    fn decide(&mut self, order: &Order<R>) -> Result<R> {
        let (change, after, before) = match order {
            Order::Create(new) => (Change::Created, begin::<R>(new.clone()), None),
            Order::Change(target, edit) => {
                let before = self.current.get(&target.id);
                let before = before.ok_or(CommandError::NotFound(R::NAME))?.clone();
                match edited(&before, target, edit.clone())? {
                    Some((change, after)) => (change, after, Some(before)),
                    None => return Ok(before),
                }
            }
        };
        let id = after.head().id;
        let held_after = held(&after);
        let is_taken = |(key, _): &&(_, _)| self.owners.get(key).is_some_and(|owner| *owner != id);
        if let Some(((number, _), _)) = held_after.iter().find(is_taken) {
            return Err(CommandError::Taken {
                kind: R::NAME,
                value: R::UNIQUE[*number].value,
                field: R::UNIQUE[*number].field,
            });
        }
        for (key, _) in before.iter().flat_map(held) {
            self.owners.remove(&key);
        }
        self.owners.extend(held_after);
        self.current.insert(id, after.clone());
        self.happened.push((change, after.clone(), before));
        Ok(after)
    }

    async fn store_in_turn(self, tx: &Tx<'_>, context: &CommandContext) -> Result<()> {
        for (change, after, _) in &self.happened {
            match change {
                Change::Created => insert(tx, after).await?,
                _ => store(tx, after).await?,
            }
        }
        append(tx, context, self.happened).await
    }

    async fn store_at_once(self, tx: &Tx<'_>, context: &CommandContext) -> Result<()> {
        let meta = context.meta();
        let mut changed = BTreeSet::new();
        let mut new = Vec::new();
        for (change, after, _) in &self.happened {
            match change {
                Change::Created => new.push(row(after)?),
                _ => {
                    changed.insert(after.head().id);
                }
            }
        }
        // As in groups: whoever stores the same values waits for the other, and not each for each.
        let key = R::UNIQUE.first().map(Unique::column);
        new.sort_by_cached_key(|row| key.and_then(|key| row.get(key)).map(Json::to_string));
        let all = new.len() + changed.len();
        let changed = changed.iter().filter_map(|id| self.current.get(id));
        let changed = changed.map(row).collect::<Result<_, _>>()?;
        let happened = self.happened.into_iter().map(|(change, after, before)| {
            let head = after.head();
            (change, head, after.into_data(before.as_ref()))
        });
        let happened: Vec<_> = happened.collect();
        let events = happened.iter().map(|(change, head, data)| {
            Ok(Appending {
                stream_id: head.id.uuid(),
                expected: head.version - 1,
                event: new_event::<R>(*change, data, head.updated_at)?,
                meta: &meta,
            })
        });
        let rows = Rows {
            new,
            changed,
            events: events.collect::<Result<_, Error>>()?,
        };
        let stored = tx.store_rows(&row_table::<R>(), &rows).await?;
        match stored.len() == all {
            true => Ok(()),
            // A new row was left out, as somebody has taken its value.
            false => Err(Error::VersionConflict.into()),
        }
    }
}

/// Returns the unique values of a record, numbered by their kind.
fn numbered<R: Record>(record: &R) -> Vec<(usize, String)> {
    let keys = record.keys().into_iter().enumerate();
    keys.filter_map(|(number, key)| Some((number, key?)))
        .collect()
}

/// Returns the unique values that a record holds: none after its deletion.
fn held<R: Record>(record: &R) -> Vec<((usize, String), Id<R>)> {
    let head = record.head();
    let keys = match head.deleted_at {
        Some(_) => Vec::new(),
        None => numbered(record),
    };
    keys.into_iter().map(|key| (key, head.id)).collect()
}

/// Selects the records that hold one of the unique values, which are numbered by their kind.
pub(super) fn sharing<R: Record>(keys: impl Iterator<Item = (usize, String)>) -> Select<R::Entity> {
    let columns = R::key_columns();
    let mut asked = vec![BTreeSet::new(); columns.len()];
    for (number, key) in keys {
        asked[number].insert(key);
    }
    let conditions = columns.into_iter().zip(asked);
    let condition = conditions.fold(Condition::any(), |condition, (column, keys)| {
        condition.add(column.is_in(keys))
    });
    R::Entity::find()
        .filter(column("deleted_at").is_null())
        .filter(condition)
}
