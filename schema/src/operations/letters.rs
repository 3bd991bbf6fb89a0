//! Dead letters: the events that a follower or a handler has given up, with the reason.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{SortKey, id, operations::LetterId};
use events::LetterFilter;
use serde::{Deserialize, Serialize};

use super::{inputs::DeadLetterFilter, logged_event::LoggedEvent};
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::Result,
    list::List,
    price::{COUNT, cost},
    request::{entities, viewer},
};

/// The kind of consumer that a dead letter belongs to.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "events::LetterKind")]
pub(crate) enum ConsumerKind {
    /// A handler.
    Handler,
    /// A follower.
    Follower,
}

/// A dead letter: an event that a follower or a handler has given up on.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct DeadLetter {
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The name of the follower or the handler.
    consumer: String,
    /// The kind of consumer.
    consumer_kind: ConsumerKind,
    /// The position of the event.
    position: u64,
    /// The kind of the event's stream.
    stream: String,
    /// The stream's id.
    stream_id: ID,
    /// The event's version in its stream.
    version: i64,
    /// The type of the event, such as `PostLiked`.
    #[graphql(name = "type")]
    event_type: String,
    /// The error of the last attempt, followed by its causes. Empty for letters that only wait behind another.
    errors: List<String>,
    /// Equal for failures of the same consumer on the same type of event with the same error, apart from numbers in it.
    fingerprint: Option<String>,
    /// The number of attempts.
    attempts: u32,
    /// The time of the first attempt.
    first_tried_at: DateTime<Utc>,
    /// The time of the last attempt.
    last_tried_at: DateTime<Utc>,
    /// Whether the event did not fail itself, but waits behind an earlier one of its stream that did.
    is_parked: bool,
    #[graphql(skip)]
    letter: events::DeadLetter,
}

impl From<events::DeadLetter> for DeadLetter {
    fn from(letter: events::DeadLetter) -> Self {
        let errors = letter.error.as_deref().unwrap_or_default().lines();
        Self {
            id: LetterId::from_uuid(letter.id).into(),
            consumer: letter.consumer.clone(),
            consumer_kind: letter.kind.into(),
            position: letter.position,
            stream: letter.stream.clone(),
            stream_id: id::encode(&letter.stream, letter.stream_id).into(),
            version: letter.version,
            event_type: letter.event_type.clone(),
            errors: errors.map(str::to_owned).collect(),
            fingerprint: letter.fingerprint.clone(),
            attempts: letter.attempts,
            first_tried_at: letter.first_at,
            last_tried_at: letter.last_at,
            is_parked: letter.is_parked,
            letter,
        }
    }
}

#[ComplexObject]
impl DeadLetter {
    /// The event. Null when the log no longer has it.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<LoggedEvent>> {
        let entities = entities(ctx);
        let epoch = entities.log.tail().cursor().epoch;
        let event = entities
            .operations
            .event_of_letter(viewer(ctx)?, &self.letter)
            .await?;
        Ok(event.map(|logged| LoggedEvent::new(logged, epoch)))
    }
}

/// Returns the letter with this id, for `deadLetter` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: LetterId) -> Result<Option<DeadLetter>> {
    let operations = &entities(ctx).operations;
    let found = operations.find_letter(viewer(ctx)?, id).await;
    Ok(found?.map(DeadLetter::from))
}

/// What orders letters: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum LetterOrder {
    #[serde(rename = "letters")]
    Oldest,
}

/// The total of a list of dead letters.
pub(crate) struct LetterTotals(LetterFilter);

#[Object]
impl LetterTotals {
    /// The number of dead letters that match.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let operations = &entities(ctx).operations;
        Ok(operations.count_letters(viewer(ctx)?, &self.0).await?)
    }
}

pub(crate) type DeadLetterConnection = Connection<DeadLetter, LetterTotals>;

#[derive(Default)]
pub(crate) struct LettersQuery;

#[Object]
impl LettersQuery {
    /// Looks up a dead letter. Null when there is none with this id; it may have been replayed. Requires the role ADMIN.
    async fn dead_letter(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The letter's global id.")] id: ID,
    ) -> Result<Option<DeadLetter>> {
        find(ctx, crate::id::sought(&id)).await
    }

    /// The dead letters, oldest first. Page forward with `first` and `after`, or backward with `last` and `before`. Without them,
    /// returns the first 20. Requires the role ADMIN.
    async fn dead_letters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the dead letters that come after this cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the dead letters that come before this cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Restricts the list to matching dead letters.")] filter: Option<
            DeadLetterFilter,
        >,
    ) -> Result<Option<DeadLetterConnection>> {
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<LetterOrder>| {
            matches!(cursor.edge.key, SortKey::Number(_))
        })?;
        let filter = filter.unwrap_or_default().into_filter()?;
        let operations = &entities(ctx).operations;
        let page = operations.list_letters(viewer(ctx)?, &filter, &request);
        let (order, totals) = (LetterOrder::Oldest, LetterTotals(filter.clone()));
        connect(page.await?, order, totals, DeadLetter::from).map(Some)
    }
}
