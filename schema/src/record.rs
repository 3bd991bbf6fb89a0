//! The GraphQL part that the records of all domains share: how they are found, listed and counted, their history, the inputs
//! and payloads of mutations, their changes and statistics. A domain names the record of an object in an implementation of
//! `Recorded`, and the fields of its queries, mutations and subscriptions, each of which calls one function of this module.
//!
//! The types are generic, and named for the object: `Payload<Create, Customer>` is `CreateCustomerPayload`.

mod bulk;
mod changes;
mod import;
mod inputs;
mod listing;

pub(crate) use bulk::{
    BulkInput, BulkMode, BulkPayload, BulkRow, Rows, bulk, bulk_inputs, change, creation,
};
pub(crate) use changes::{ChangeType, RecordChange, follow};
pub(crate) use import::{ImportOutcome, ImportViolation};
pub(crate) use inputs::{Nulls, TargetInput, UpdateInput, updates};
pub(crate) use listing::{List, list};

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{ComplexObject, Context, ID, ObjectType, SimpleObject, TypeName};
use chrono::{DateTime, Utc};
use entities::{
    CommandError, Entities,
    id::Id,
    record::{Head, Inputs, Record, Records, Target},
};

use crate::{
    actor::ActorRef,
    error::{Result, invalid},
    history, id,
    request::{Read, command_context, entities, reading, viewer, with_staleness},
};

/// An object that shows a record.
pub(crate) trait Recorded: ObjectType + From<Self::Record> + Send + Sync + 'static {
    /// The record that the object shows.
    type Record: Record<SortField: From<Self::SortField>>;
    /// The object with a single field for the record, whose name is the record's.
    type Field: ObjectType + From<Self>;
    /// The same, for a row that may have been refused.
    type Row: ObjectType + From<Option<Self>>;
    /// The fields that lists can be sorted by.
    type SortField: async_graphql::InputType + Default;

    /// The object's name in the schema, such as `Customer`.
    const NAME: &'static str;
    /// The name of many of them, such as `customers`.
    const MANY: &'static str;

    /// Returns the commands and queries of the records.
    fn records(entities: &Entities) -> &Records<Self::Record>;
    /// Returns the fields that every record has.
    fn head_mut(&mut self) -> &mut RecordHead<Self>;
}

/// Writes how an object shows a record, whose other fields have the same names: `Recorded`, and the object with a single field for it.
macro_rules! recorded {
    (
        $object:ident shows $record:ty { $($shown:ident),+ },
        one of entities.$records:ident,
        sorted by $sort:ident,
        $single:ident or $row:ident { $field:ident }
    ) => {
        impl From<$record> for $object {
            fn from(mut record: $record) -> Self {
                entities::record::Record::complete(&mut record);
                let head = entities::record::Record::head(&record).into();
                let id = record.id.into();
                Self { id, head, $($shown: record.$shown.into(),)+ }
            }
        }

        #[doc = concat!("The ", stringify!($field), " where it is one of several fields.")]
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $single {
            #[doc = concat!("The ", stringify!($field), " as it is then.")]
            $field: $object,
        }

        #[doc = concat!("The ", stringify!($field), " where there may be none.")]
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $row {
            #[doc = concat!("The ", stringify!($field), " as it is now. Null when the row was refused.")]
            $field: Option<$object>,
        }

        impl From<Option<$object>> for $row {
            fn from($field: Option<$object>) -> Self {
                Self { $field }
            }
        }

        impl From<$object> for $single {
            fn from($field: $object) -> Self {
                Self { $field }
            }
        }

        impl $crate::record::Recorded for $object {
            type Record = $record;
            type Field = $single;
            type Row = $row;
            type SortField = $sort;

            const NAME: &'static str = stringify!($object);
            const MANY: &'static str = stringify!($records);

            fn records(entities: &entities::Entities) -> &entities::record::Records<$record> {
                &entities.$records
            }

            fn head_mut(&mut self) -> &mut $crate::record::RecordHead<Self> {
                &mut self.head
            }
        }
    };
}
pub(crate) use recorded;

/// Returns the id of such an object.
fn decode<O: Recorded>(id: &ID) -> Result<Id<O::Record>> {
    id::decode("id", id)
}

/// Returns the object under an id that may be of anything.
pub(crate) async fn look_up<O: Recorded>(ctx: &Context<'_>, id: &ID) -> Result<Option<O>> {
    find(ctx, id::sought(id)).await
}

/// Returns the object with this id.
pub(crate) async fn find<O: Recorded>(ctx: &Context<'_>, id: Id<O::Record>) -> Result<Option<O>> {
    let found = find_record::<O>(ctx, id).await?;
    Ok(found.map(O::from))
}

async fn find_record<O: Recorded>(
    ctx: &Context<'_>,
    id: Id<O::Record>,
) -> Result<Option<O::Record>> {
    let records = O::records(reading(ctx, Read::Stream(id.stream())));
    let found = records.find(viewer(ctx)?, id).await;
    with_staleness(ctx, found?)
}

/// The fields that every record has besides its own, and its history.
#[derive(SimpleObject)]
#[graphql(complex, name_type)]
pub(crate) struct RecordHead<O: Recorded> {
    #[graphql(skip)]
    id: Id<O::Record>,
    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
    /// When it was deleted; null unless it is.
    deleted_at: Option<DateTime<Utc>>,
    /// The object was read from an event of an earlier schema version.
    #[graphql(skip)]
    pub(crate) is_of_older_event: bool,
    #[graphql(skip)]
    of: PhantomData<O>,
}

impl<O: Recorded> TypeName for RecordHead<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Head", O::NAME).into()
    }
}

impl<O: Recorded> From<Head<Id<O::Record>>> for RecordHead<O> {
    fn from(head: Head<Id<O::Record>>) -> Self {
        Self {
            id: head.id,
            version: head.version,
            created_at: head.created_at,
            updated_at: head.updated_at,
            deleted_at: head.deleted_at,
            is_of_older_event: false,
            of: PhantomData,
        }
    }
}

impl<O: Recorded> RecordHead<O> {
    /// Returns the record as it is now, if the object was read from an event that may lack what the record had. An object in a change is
    /// as of then or later, so its other fields may be earlier. `None` as well when the record is gone.
    pub(crate) async fn later(&self, ctx: &Context<'_>) -> Result<Option<O::Record>> {
        match self.is_of_older_event {
            true => find_record::<O>(ctx, self.id).await,
            false => Ok(None),
        }
    }

    /// Each event leads to the version after it, so the log knows who made each of them.
    async fn actor_of(&self, ctx: &Context<'_>, version: i64) -> Result<Option<ActorRef>> {
        let records = O::records(reading(ctx, Read::Stream(self.id.stream())));
        let actor = records.actor_of(self.id, version).await?;
        Ok(actor.map(ActorRef::from))
    }
}

#[ComplexObject]
impl<O: Recorded> RecordHead<O> {
    /// Who created it. Null when the log no longer has that event.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<ActorRef>> {
        self.actor_of(ctx, 1).await
    }

    /// Who changed it last. Null when the log no longer has that event.
    async fn updated_by(&self, ctx: &Context<'_>) -> Result<Option<ActorRef>> {
        self.actor_of(ctx, self.version).await
    }

    /// All that happened to it, oldest first. Page forward with `first` and `after`, or backward with `last` and `before`. Without
    /// them, returns the first 20.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n events, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the events that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n events, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<Option<history::History>> {
        let records = O::records(reading(ctx, Read::Stream(self.id.stream())));
        let viewer = viewer(ctx)?;
        history::connect(ctx, (first, after, last, before), |of| {
            records.history(viewer, self.id, of)
        })
        .await
    }
}

/// The operation of a mutation, and the word for it in the names of its types.
pub(crate) trait Verb: Send + Sync + 'static {
    const NAME: &'static str;
}

macro_rules! verbs {
    ($($verb:ident),+) => {
        $(pub(crate) struct $verb;

        impl Verb for $verb {
            const NAME: &'static str = stringify!($verb);
        })+
    };
}
verbs!(Create, Update, Delete, Restore);

/// What the mutation answers.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Payload<V: Verb, O: Recorded> {
    #[graphql(flatten)]
    record: O::Field,
    #[graphql(skip)]
    verb: PhantomData<V>,
}

impl<V: Verb, O: Recorded> TypeName for Payload<V, O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}{}Payload", V::NAME, O::NAME).into()
    }
}

type Answer<V, O> = Result<Option<Payload<V, O>>>;

fn answer<V: Verb, O: Recorded>(done: Result<O::Record, CommandError>) -> Answer<V, O> {
    let record = O::Field::from(O::from(done?));
    Ok(Some(Payload {
        record,
        verb: PhantomData,
    }))
}

/// Creates a record.
pub(crate) async fn create<O: Recorded>(
    ctx: &Context<'_>,
    new: impl Into<<O::Record as Inputs>::New>,
) -> Answer<Create, O> {
    let records = O::records(entities(ctx));
    answer(records.create(command_context(ctx)?, new.into()).await)
}

/// Updates a record.
pub(crate) async fn update<O: Recorded>(
    ctx: &Context<'_>,
    input: impl UpdateInput<Update = <O::Record as Inputs>::Update>,
) -> Answer<Update, O> {
    let records = O::records(entities(ctx));
    let (id, expected_version, update) = input.into_parts().map_err(invalid)?;
    let target = target::<O>(&id, expected_version)?;
    answer(records.update(command_context(ctx)?, target, update).await)
}

/// Deletes a record.
pub(crate) async fn delete<O: Recorded>(
    ctx: &Context<'_>,
    input: TargetInput<Delete, O>,
) -> Answer<Delete, O> {
    let records = O::records(entities(ctx));
    let target = target::<O>(&input.id, input.expected_version)?;
    answer(records.delete(command_context(ctx)?, target).await)
}

/// Restores a record.
pub(crate) async fn restore<O: Recorded>(
    ctx: &Context<'_>,
    input: TargetInput<Restore, O>,
) -> Answer<Restore, O> {
    let records = O::records(entities(ctx));
    let target = target::<O>(&input.id, input.expected_version)?;
    answer(records.restore(command_context(ctx)?, target).await)
}

fn target<O: Recorded>(id: &ID, expected_version: Option<i64>) -> Result<Target<Id<O::Record>>> {
    let id = decode::<O>(id)?;
    Ok(Target {
        id,
        expected_version,
    })
}
