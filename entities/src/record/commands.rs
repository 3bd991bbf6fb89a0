//! The commands on records.

use std::sync::Arc;

use ::events::{Appending, EventLog, Tx, now};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::{
    ActiveModel, Change, Head, Record, Records, Unique,
    event::new_event,
    group::{Command, Order},
};
use crate::{
    CommandContext, CommandError, Violations, access::authorize, boxed, id::Id, idempotency,
    text::Fields,
};

type Result<T, E = CommandError> = std::result::Result<T, E>;

/// Names the record to change, and the version that the caller saw.
#[derive(Debug, Clone, Copy)]
pub struct Target<I> {
    /// The id of the record.
    pub id: I,
    /// Fails with a conflict when the record is at another version.
    pub expected_version: Option<i64>,
}

/// Sets a field if a value is given.
pub fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl<R: Record> Records<R> {
    /// Creates a record.
    #[boxed]
    pub async fn create(&self, context: CommandContext, new: R::New) -> Result<R> {
        authorize(&context.viewer, R::WRITE)?;
        let order = Order::Create(check_new::<R>(new)?);
        self.commit(Command::new(context, order)).await
    }

    /// Creates many records: all of them or none.
    #[boxed]
    pub async fn create_all(&self, context: CommandContext, news: Vec<R::New>) -> Result<()> {
        authorize(&context.viewer, R::WRITE)?;
        let news = news.into_iter().map(check_new::<R>);
        let news = news.collect::<Result<Vec<_>, _>>()?;
        self.log
            .write(move |tx| {
                let (context, news) = (context.clone(), news.clone());
                Box::pin(async move {
                    for new in news {
                        create_in_tx::<R>(tx, &context, new).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Updates the given fields. An update that changes nothing succeeds and appends no event.
    #[boxed]
    pub async fn update(
        &self,
        context: CommandContext,
        target: Target<Id<R>>,
        update: R::Update,
    ) -> Result<R> {
        authorize(&context.viewer, R::WRITE)?;
        let update = check_update::<R>(update)?;
        self.change(context, target, Edit::Update(update)).await
    }

    /// Deletes a record. Its unique values become free for others.
    #[boxed]
    pub async fn delete(&self, context: CommandContext, target: Target<Id<R>>) -> Result<R> {
        self.change(context, target, Edit::Delete).await
    }

    /// Undoes a deletion, unless another record has taken a unique value meanwhile.
    #[boxed]
    pub async fn restore(&self, context: CommandContext, target: Target<Id<R>>) -> Result<R> {
        self.change(context, target, Edit::Restore).await
    }

    async fn change(
        &self,
        context: CommandContext,
        target: Target<Id<R>>,
        edit: Edit<R>,
    ) -> Result<R> {
        authorize(&context.viewer, R::WRITE)?;
        let order = Order::Change(target, edit);
        self.commit(Command::new(context, order)).await
    }

    /// Runs an authorized command with valid input.
    async fn commit(&self, command: Command<R>) -> Result<R> {
        let command = Arc::new(command);
        match &self.groups {
            Some(groups) => groups.ask(command).await?,
            None => run_alone(&self.log, command).await,
        }
    }
}

/// Runs a command in a transaction of its own.
pub(super) async fn run_alone<R: Record>(log: &EventLog, command: Arc<Command<R>>) -> Result<R> {
    log.write(move |tx| {
        let command = command.clone();
        Box::pin(async move {
            let context = &command.context;
            let work = async {
                match &command.order {
                    Order::Create(new) => create_in_tx::<R>(tx, context, new.clone()).await,
                    Order::Change(target, edit) => {
                        change_in_tx(tx, context, target, edit.clone()).await
                    }
                }
            };
            idempotency::once(tx, context, work).await
        })
    })
    .await
}

/// A change of an existing record.
pub enum Edit<R: Record> {
    /// Sets the given fields.
    Update(R::Update),
    /// Deletes the record.
    Delete,
    /// Undoes its deletion.
    Restore,
}

impl<R: Record> Clone for Edit<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Update(update) => Self::Update(update.clone()),
            Self::Delete => Self::Delete,
            Self::Restore => Self::Restore,
        }
    }
}

impl<R: Record> Edit<R> {
    fn apply(self, record: &mut R) -> Result<Change> {
        let mut head = record.head();
        match (&self, head.deleted_at) {
            (Self::Update(_) | Self::Delete, Some(_)) => {
                return Err(CommandError::NotFound(R::NAME));
            }
            (Self::Restore, None) => return Err(CommandError::NotDeleted(R::NAME)),
            _ => {}
        }
        let change = match self {
            Self::Update(update) => {
                record.apply(update);
                return Ok(Change::Updated);
            }
            Self::Delete => {
                head.deleted_at = Some(now());
                Change::Deleted
            }
            Self::Restore => {
                head.deleted_at = None;
                Change::Restored
            }
        };
        record.set_head(head);
        Ok(change)
    }
}

/// Returns the input in the form in which it is stored.
pub(super) fn check_new<R: Record>(mut new: R::New) -> Result<R::New, Violations> {
    let mut fields = Fields::default();
    R::check_new(&mut new, &mut fields);
    fields.end()?;
    Ok(new)
}

/// Does the same for an update.
pub(super) fn check_update<R: Record>(mut update: R::Update) -> Result<R::Update, Violations> {
    let mut fields = Fields::default();
    R::check_update(&mut update, &mut fields);
    fields.end()?;
    Ok(update)
}

/// Returns a new record that is not stored yet.
pub(super) fn begin<R: Record>(new: R::New) -> R {
    let at = now();
    let mut record = R::create(new);
    record.set_head(Head {
        id: Id::generate(),
        version: 1,
        created_at: at,
        updated_at: at,
        deleted_at: None,
    });
    record.derive_keys();
    record
}

async fn create_in_tx<R: Record>(tx: &Tx<'_>, context: &CommandContext, new: R::New) -> Result<R> {
    let record = begin::<R>(new);
    insert(tx, &record).await?;
    append(tx, context, [(Change::Created, record.clone(), None)]).await?;
    Ok(record)
}

/// Stores a new record.
pub(super) async fn insert<R: Record>(tx: &Tx<'_>, record: &R) -> Result<()> {
    let row: ActiveModel<R> = record.clone().into_active_model();
    let inserted = R::Entity::insert(row).exec_without_returning(&**tx).await;
    inserted.map_err(refused_row::<R>)?;
    Ok(())
}

async fn change_in_tx<R: Record>(
    tx: &Tx<'_>,
    context: &CommandContext,
    target: &Target<Id<R>>,
    edit: Edit<R>,
) -> Result<R> {
    let before = R::Entity::find()
        .filter(R::ID.eq(target.id))
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(CommandError::NotFound(R::NAME))?;
    let Some((change, record)) = edited(&before, target, edit)? else {
        return Ok(before);
    };
    store(tx, &record).await?;
    append(tx, context, [(change, record.clone(), Some(before))]).await?;
    Ok(record)
}

/// Returns the record as the version after `before`; `None` when the edit changes nothing.
pub(super) fn edited<R: Record>(
    before: &R,
    target: &Target<Id<R>>,
    edit: Edit<R>,
) -> Result<Option<(Change, R)>> {
    let mut record = before.clone();
    let change = edit.apply(&mut record)?;
    let current = before.head().version;
    CommandError::check_version(R::NAME, target.expected_version, current)?;
    if record == *before {
        return Ok(None);
    }
    // What is deleted or restored may be from before a rule.
    if change == Change::Updated {
        record.check()?;
    }
    number_next(&mut record, before);
    Ok(Some((change, record)))
}

/// Stores a changed record as the version after `before`.
pub(super) async fn store_next<R: Record>(tx: &Tx<'_>, record: &mut R, before: &R) -> Result<()> {
    number_next(record, before);
    store(tx, record).await
}

/// Makes a changed record the version after `before`.
fn number_next<R: Record>(record: &mut R, before: &R) {
    record.derive_keys();
    let (head, last) = (record.head(), before.head());
    record.set_head(Head {
        version: last.version + 1,
        // The time never goes backwards, whatever the clocks of the processes say.
        updated_at: now().max(last.updated_at),
        ..head
    });
}

pub(super) async fn store<R: Record>(tx: &Tx<'_>, record: &R) -> Result<()> {
    let row: ActiveModel<R> = record.clone().into_active_model().reset_all();
    let updated = R::Entity::update(row).exec(&**tx).await;
    updated.map_err(refused_row::<R>)?;
    Ok(())
}

/// Appends an event for each record, given as it is after the event and as it was before.
pub(super) async fn append<R: Record>(
    tx: &Tx<'_>,
    context: &CommandContext,
    happened: impl IntoIterator<Item = (Change, R, Option<R>)>,
) -> Result<()> {
    let meta = context.meta();
    let happened: Vec<_> = happened
        .into_iter()
        .map(|(change, record, before)| (change, record.head(), record.into_data(before.as_ref())))
        .collect();
    if let [(change, head, data)] = &happened[..] {
        let event = new_event::<R>(*change, data, head.updated_at)?;
        tx.append(head.id.stream(), head.version - 1, event, &meta)
            .await?;
        return Ok(());
    }
    let events = happened.iter().map(|(change, head, data)| {
        Ok(Appending {
            stream_id: head.id.uuid(),
            expected: head.version - 1,
            event: new_event::<R>(*change, data, head.updated_at)?,
            meta: &meta,
        })
    });
    let events = events.collect::<events::Result<_>>()?;
    tx.append_all(R::NAME, events).await?;
    Ok(())
}

fn refused_row<R: Record>(error: DbErr) -> CommandError {
    refused(R::NAME, R::UNIQUE, error)
}

/// Returns the reason why the database refused a row of `kind`, whose unique values are `uniques`.
pub(crate) fn refused<Own>(
    kind: &'static str,
    uniques: &'static [Unique],
    error: impl Into<events::Error>,
) -> CommandError<Own> {
    let error: events::Error = error.into();
    let violated = error.unique_violation().unwrap_or_default();
    let is_violated = |unique: &&Unique| unique.constraint.iter().any(|it| violated.contains(it));
    match uniques.iter().find(is_violated) {
        Some(Unique { field, value, .. }) => CommandError::Taken { kind, value, field },
        None => CommandError::Log(error),
    }
}
