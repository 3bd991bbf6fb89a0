//! Subscriptions to the changes of records.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    Context, ContextSelectionSet, Enum, ID, InputType, InputValueError, InputValueResult,
    OutputType, Positioned, ServerResult, SimpleObject, TypeName, Value,
    parser::types::Field,
    registry::{MetaType, MetaTypeId, Registry},
    resolver_utils::{EnumType, enum_value, parse_enum},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::{
    grants::Requirement,
    id::Id,
    record::{self, Record, RecordEvent},
};
use events::{Event, Topic};
use futures::{Stream, TryStreamExt, future::ready};

use super::{Recorded, decode};
use crate::{
    actor::ActorRef,
    error::Result,
    following::{follow_as, require},
};

/// What can happen to records of all kinds. Each kind shows what can happen to it, as a `ChangeType` of its own.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "record::Change")]
enum Change {
    /// It was created.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// Its deletion was undone.
    Restored,
    /// A worker put it into the cache that all processes share. That changes nothing of it.
    Cached,
}

/// The changes that can happen to one kind of record, as an enum with the values of its log.
pub(crate) struct ChangeType<O>(record::Change, PhantomData<fn() -> O>);

impl<O: Recorded> ChangeType<O> {
    pub(crate) fn of(change: record::Change) -> Self {
        Self(change, PhantomData)
    }

    /// Returns the values that change a record.
    pub(crate) fn changing() -> Vec<Self> {
        let all = Self::values().map(|(_, change)| change);
        let changing = all.filter(|change| *change != record::Change::Cached);
        changing.map(Self::of).collect()
    }

    fn name_of_type() -> Cow<'static, str> {
        format!("{}ChangeType", O::NAME).into()
    }

    /// Returns the values of `Change` that this enum has, with their names.
    fn values() -> impl Iterator<Item = (&'static str, record::Change)> {
        let has = |change| O::Record::EVENTS.iter().any(|(known, _)| *known == change);
        let all = Change::items().iter();
        let all = all.map(|item| (item.name, record::Change::from(item.value)));
        all.filter(move |(_, change)| has(*change))
    }

    /// Registers the enum as `Change` is registered, with the values that it has.
    fn register(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, |registry| {
            let mut own = registry.create_fake_input_type::<Change>();
            if let MetaType::Enum {
                name,
                enum_values,
                rust_typename,
                ..
            } = &mut own
            {
                *name = Self::name_of_type().into_owned();
                *rust_typename = Some(std::any::type_name::<Self>());
                enum_values.retain(|value, _| Self::values().any(|(known, _)| known == value));
            }
            own
        })
    }

    fn value(&self) -> Value {
        enum_value(Change::from(self.0))
    }
}

impl<O: Recorded> InputType for ChangeType<O> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Self::name_of_type()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let change: Change =
            parse_enum(value.unwrap_or_default()).map_err(InputValueError::propagate)?;
        let change = record::Change::from(change);
        let mut values = Self::values();
        match values.find(|(_, known)| *known == change) {
            Some((_, change)) => Ok(Self::of(change)),
            None => Err(InputValueError::custom("there is no such value")),
        }
    }

    fn to_value(&self) -> Value {
        self.value()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

#[async_trait]
impl<O: Recorded> OutputType for ChangeType<O> {
    fn type_name() -> Cow<'static, str> {
        Self::name_of_type()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(self.value())
    }
}

/// Something that happened to a record.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct RecordChange<O: Recorded> {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    change: ChangeType<O>,
    /// Who did it.
    actor: ActorRef,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The record's version after the change.
    version: i64,
    #[graphql(flatten)]
    record: O::Field,
}

impl<O: Recorded> TypeName for RecordChange<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Change", O::NAME).into()
    }
}

impl<O: Recorded> RecordChange<O> {
    /// Returns the change, if it is one of the wanted values.
    fn read(
        event: &Event,
        cursor: String,
        wanted: &[record::Change],
    ) -> events::Result<Option<Self>> {
        let decoded = RecordEvent::<O::Record>::decode(event)?;
        if !wanted.contains(&decoded.change) {
            return Ok(None);
        }
        let record = decoded.record().clone();
        let version = record.head().version;
        let mut object = O::from(record);
        object.head_mut().is_of_older_event = decoded.is_older;
        Ok(Some(Self {
            cursor,
            change: ChangeType::of(decoded.change),
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            version,
            record: object.into(),
        }))
    }
}

/// Follows one record or all records: the changes of these types, or whatever changes a record.
pub(crate) async fn follow<O: Recorded>(
    ctx: &Context<'_>,
    types: Option<Vec<ChangeType<O>>>,
    id: Option<ID>,
) -> Result<impl Stream<Item = Result<RecordChange<O>>> + use<O>> {
    let id = id.map(|id| decode::<O>(&id)).transpose()?;
    let id = id.map(Id::uuid);
    require(ctx, Requirement::Action(O::Record::READ)).await?;
    let types = types.unwrap_or_else(ChangeType::changing);
    let types: Vec<_> = types
        .into_iter()
        .map(|ChangeType(change, _)| change)
        .collect();
    let streams = types.iter().map(|change| O::Record::stream_of(*change));
    let topics: Vec<_> = streams.map(|kind| Topic { kind, id }).collect();
    let changes = follow_as(ctx, topics, move |event, cursor| {
        RecordChange::read(event, cursor, &types)
    })?;
    Ok(changes.try_filter_map(|change| ready(Ok(change))))
}
