//! Commits commands on records in groups, on Postgres. A group reads and locks the rows that it changes, lets each command decide
//! on what the one before it left, and stores rows, events and answers together. A command that cannot be decided like that runs
//! alone, in a transaction of its own, and so do all of them when the group fails: `events::Together` says why that is right.
//!
//! Groups do not wait for each other in a circle: rows are locked in the order of their ids, and those that somebody else has
//! locked are left to the commands that run alone. New rows come in the order of their first unique value, and idempotency keys
//! in their own order. What is left, such as rows that swap their unique values, the database ends as a deadlock.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use ::events::{
    Appending, Caller, Error, EventLog, Group, Members, Meta, RowTable, Rows, Tx, Written,
    metrics::METRICS,
    sql::query,
    trace::{self, Place},
};
use futures::future::BoxFuture;
use sea_orm::{ActiveModelTrait, EntityName, EntityTrait, IdenStatic, Iterable, ModelTrait, Value};
use serde::de::Error as _;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{
    ActiveModel, Change, Head, Record, Unique,
    commands::{Edit, Target, begin, edited, run_alone},
    event::new_event,
};
use crate::{
    CommandContext, CommandError,
    id::Id,
    idempotency::{Claim, claim_all},
};

type Result<T, E = CommandError> = std::result::Result<T, E>;
/// One for each command; `None` for those that have to run alone.
type Answers<R> = Vec<Option<Result<R>>>;
type Column<R> = <<R as ModelTrait>::Entity as EntityTrait>::Column;

/// A command on a record, with its caller.
pub(super) struct Command<R: Record> {
    pub(super) context: CommandContext,
    pub(super) order: Order<R>,
    /// The span that it is a part of, for when it runs alone.
    place: Option<Place>,
}

impl<R: Record> Command<R> {
    pub(super) fn new(context: CommandContext, order: Order<R>) -> Self {
        Self {
            context,
            order,
            place: trace::present(),
        }
    }
}

/// What a command is to do.
pub enum Order<R: Record> {
    /// Create a record.
    Create(R::New),
    /// Change an existing one.
    Change(Target<Id<R>>, Edit<R>),
}

/// The group of commands on one kind of record.
pub(super) struct Commands<R: Record> {
    log: EventLog,
    statements: Arc<Statements>,
    of: PhantomData<fn() -> R>,
}

struct Statements {
    table: RowTable,
    /// Reads and locks rows by id.
    lock: String,
}

impl<R: Record> Group for Commands<R> {
    type Member = Arc<Command<R>>;
    type Answer = Result<R>;

    const NAME: &'static str = "commit";

    fn run(&self, members: Members<Self>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (commands, callers): (Vec<_>, Vec<_>) = members.into_iter().unzip();
            let answers = self.commit_together(commands.clone()).await;
            for ((command, caller), answer) in commands.into_iter().zip(callers).zip(answers) {
                match answer {
                    Some(answer) => caller.answer(answer),
                    // The lane goes on with the next group.
                    None => {
                        // The present span is that of another member.
                        let place = command.place.clone();
                        let answering = answer_alone(self.log.clone(), command, caller);
                        drop(tokio::spawn(trace::in_place(place, answering)));
                    }
                }
            }
        })
    }
}

async fn answer_alone<R: Record>(
    log: EventLog,
    command: Arc<Command<R>>,
    caller: Caller<Result<R>>,
) {
    caller.answer(run_alone(&log, command).await);
}

impl<R: Record> Commands<R> {
    pub(super) fn new(log: EventLog) -> Self {
        let (name, columns) = (R::Entity::default().table_name(), columns::<R>());
        let lock = format!(
            "select {} from \"{name}\" where id = any($1::uuid[]) order by id for update skip locked",
            columns.join(", ")
        );
        Self {
            log,
            statements: Arc::new(Statements {
                table: row_table::<R>(),
                lock,
            }),
            of: PhantomData,
        }
    }

    /// Returns the answer of each command; `None` for those that have to run alone.
    async fn commit_together(&self, commands: Vec<Arc<Command<R>>>) -> Answers<R> {
        let count = commands.len();
        let is_statement = commands.iter().all(|command| {
            matches!(command.order, Order::Create(_)) && command.context.idempotency.is_none()
        });
        METRICS.group_writes.observe_size(count);
        let answers = match is_statement {
            true => self.create_all(&commands).await,
            false => self.run_all(commands).await,
        };
        match answers {
            Ok(answers) => answers,
            // Its members may succeed alone.
            Err(error) if error.is_left_undone() => {
                tracing::debug!(%error, count, "a group failed; its members run alone");
                (0..count).map(|_| None).collect()
            }
            Err(error) => (0..count).map(|_| Some(Err(error.copy().into()))).collect(),
        }
    }

    /// Creates records by a single statement.
    async fn create_all(&self, commands: &[Arc<Command<R>>]) -> Result<Answers<R>, Error> {
        let mut group = Decided::new(BTreeMap::new());
        for command in commands {
            group.decide(command);
        }
        let stored = self
            .log
            .store_rows(&self.statements.table, &group.rows()?)
            .await?;
        Ok(group.answers(&stored))
    }

    /// Runs commands in a transaction.
    async fn run_all(&self, commands: Vec<Arc<Command<R>>>) -> Result<Answers<R>, Error> {
        let commands: Arc<[_]> = commands.into();
        let statements = self.statements.clone();
        let work = self.log.write_group(move |tx| {
            let (commands, statements) = (commands.clone(), statements.clone());
            Box::pin(async move { run_in_tx(tx, &statements, &commands).await })
        });
        work.await
    }
}

async fn run_in_tx<R: Record>(
    tx: &Tx<'_>,
    statements: &Statements,
    commands: &[Arc<Command<R>>],
) -> Result<Answers<R>, Error> {
    let ids = commands.iter().filter_map(|command| match &command.order {
        Order::Create(_) => None,
        Order::Change(target, _) => Some(target.id.uuid()),
    });
    let ids: BTreeSet<_> = ids.collect();
    let mut before = BTreeMap::new();
    if !ids.is_empty() {
        let ids: Vec<_> = ids.into_iter().collect();
        for row in query(&**tx, &statements.lock, vec![ids.into()]).await? {
            let record = R::from_query_result(&row, "")?;
            before.insert(record.head().id.uuid(), record);
        }
    }
    let mut group = Decided::new(before);
    for command in commands {
        group.decide(command);
    }
    let stored = tx.store_rows(&statements.table, &group.rows()?).await?;
    let answers = group.answers(&stored);
    let mut claims = Vec::new();
    for ((command, answer), written) in commands.iter().zip(&answers).zip(&group.written) {
        if let Some(Ok(record)) = answer {
            let written = written.map(|it| group.happened[it].written());
            claims.extend(Claim::new(&command.context, record, written)?);
        }
    }
    claim_all(tx, claims).await?;
    Ok(answers)
}

/// What a group has decided.
struct Decided<R: Record> {
    /// The records that were read, as the last command left them.
    current: BTreeMap<Uuid, R>,
    changed: BTreeSet<Uuid>,
    new: Vec<R>,
    happened: Vec<Happened<R>>,
    answers: Answers<R>,
    /// The event that each command has written.
    written: Vec<Option<usize>>,
    /// The idempotency keys that were used.
    keys: HashSet<(String, String)>,
}

struct Happened<R: Record> {
    change: Change,
    head: Head<Id<R>>,
    data: R::Data,
    meta: Meta,
}

impl<R: Record> Happened<R> {
    fn written(&self) -> Written {
        Written {
            kind: R::NAME.to_owned(),
            stream_id: self.head.id.uuid(),
            version: self.head.version,
        }
    }
}

impl<R: Record> Decided<R> {
    fn new(current: BTreeMap<Uuid, R>) -> Self {
        Self {
            current,
            changed: BTreeSet::new(),
            new: Vec::new(),
            happened: Vec::new(),
            answers: Vec::new(),
            written: Vec::new(),
            keys: HashSet::new(),
        }
    }

    /// Decides on one more command.
    fn decide(&mut self, command: &Command<R>) {
        let events = self.happened.len();
        let context = &command.context;
        // Of two requests with one key, the second gets the answer of the first, which is not there yet.
        let is_first = context.idempotency.as_ref().is_none_or(|idempotency| {
            self.keys
                .insert((context.viewer.actor(), idempotency.key.clone()))
        });
        let answer = match &command.order {
            _ if !is_first => None,
            Order::Create(new) => {
                let record = begin::<R>(new.clone());
                self.new.push(record.clone());
                self.note(Change::Created, &record, None, context);
                Some(Ok(record))
            }
            Order::Change(target, edit) => self.change(target, edit.clone(), context),
        };
        // A repeat may fail where the first request did not: it is to get that one's answer.
        let is_refused_repeat = context.idempotency.is_some() && matches!(answer, Some(Err(_)));
        self.answers.push(answer.filter(|_| !is_refused_repeat));
        self.written
            .push((self.happened.len() > events).then_some(events));
    }

    /// Returns `None` when the record is not there, or somebody else has locked it.
    fn change(
        &mut self,
        target: &Target<Id<R>>,
        edit: Edit<R>,
        context: &CommandContext,
    ) -> Option<Result<R>> {
        let id = target.id.uuid();
        let before = self.current.get(&id)?.clone();
        let after = match edited(&before, target, edit) {
            Ok(Some((change, after))) => {
                self.note(change, &after, Some(&before), context);
                self.changed.insert(id);
                self.current.insert(id, after.clone());
                after
            }
            Ok(None) => before,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(after))
    }

    fn note(&mut self, change: Change, after: &R, before: Option<&R>, context: &CommandContext) {
        self.happened.push(Happened {
            change,
            head: after.head(),
            data: after.clone().into_data(before),
            meta: context.meta(),
        });
    }

    fn rows(&self) -> Result<Rows<'_, R::Data>, Error> {
        let new = self.new.iter().map(row).collect::<Result<Vec<_>, _>>();
        let mut new = new?;
        let key = R::UNIQUE.first().map(Unique::column);
        new.sort_by_cached_key(|row| key.and_then(|key| row.get(key)).map(Json::to_string));
        let changed = self.changed.iter().filter_map(|id| self.current.get(id));
        let events = self.happened.iter().map(|it| {
            Ok(Appending {
                stream_id: it.head.id.uuid(),
                expected: it.head.version - 1,
                event: new_event::<R>(it.change, &it.data, it.head.updated_at)?,
                meta: &it.meta,
            })
        });
        Ok(Rows {
            new,
            changed: changed.map(row).collect::<Result<_, _>>()?,
            events: events.collect::<Result<_, Error>>()?,
        })
    }

    /// Returns the answers, given the ids of the records that were stored. A new record that was not is refused by its own command.
    fn answers(&mut self, stored: &HashSet<Uuid>) -> Answers<R> {
        let answers = std::mem::take(&mut self.answers).into_iter();
        let is_stored = |written: &Option<usize>| {
            written.is_none_or(|it| stored.contains(&self.happened[it].head.id.uuid()))
        };
        let answers = answers.zip(&self.written);
        answers
            .map(|(answer, written)| answer.filter(|_| is_stored(written)))
            .collect()
    }
}

fn columns<R: Record>() -> Vec<String> {
    let columns = Column::<R>::iter();
    columns.map(|it| format!("\"{}\"", it.as_str())).collect()
}

/// Returns the table of the records.
pub(super) fn row_table<R: Record>() -> RowTable {
    RowTable::new(R::NAME, R::Entity::default().table_name(), &columns::<R>())
}

/// Returns the row of a record as a JSON object by column.
pub(super) fn row<R: Record>(record: &R) -> Result<Map<String, Json>, Error> {
    let model: ActiveModel<R> = record.clone().into_active_model();
    let columns = Column::<R>::iter().filter_map(|column| {
        let value = model.get(column).into_value()?;
        Some(json(value).map(|value| (column.as_str().to_owned(), value)))
    });
    columns.collect()
}

/// # Errors
/// When the column is of a type that no record has had so far. Commands on such records run alone.
fn json(value: Value) -> Result<Json, Error> {
    let json = match value {
        Value::Bool(value) => value.into(),
        Value::SmallInt(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::BigInt(value) => value.into(),
        Value::Double(value) => value.into(),
        Value::String(value) => value.into(),
        Value::Uuid(value) => value.map(|value| value.to_string()).into(),
        Value::ChronoDate(value) => value.map(|value| value.to_string()).into(),
        Value::ChronoDateTimeUtc(value) => value.map(|value| value.to_rfc3339()).into(),
        Value::Json(value) => value.map_or(Json::Null, |value| *value),
        other => {
            return Err(Error::Malformed {
                what: "row",
                source: serde_json::Error::custom(format!("{other:?} cannot be stored in a group")),
            });
        }
    };
    Ok(json)
}
